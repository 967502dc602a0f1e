"""Endpoints whose outputs are sounds. Prices that no source states are made up: 1 credit a second."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Final

from local.simulator.checks import Check, flag, listed, media, number, one_of, record, tagged, text, whole
from local.simulator.contract.fields import PROMPT, RUNWAY_PRESET, SEED, typed_media
from local.simulator.contract.footage import speaking_seconds
from local.simulator.contract.model import NONE, Body, Model, Price, field_names, fields, per_second, words

_LANGUAGES: Final = words("en hi pt zh es fr de ja ar ru ko id it nl tr pl sv fil ms ro uk el cs da fi bg hr sk ta")
_FORMATS: Final = {"wav": "wav", "flac": "flac", "ogg_opus": "ogg"}
_share = number(0, 1)
_FIELDS: Final[Mapping[str, Check]] = {
    "applyTextNormalization": one_of("auto", "on", "off"),
    "audioUri": media("audio"),
    "disableVoiceCloning": flag,
    "dropBackgroundAudio": flag,
    "duration": number(0.5, 180),
    "format": one_of("mp3", "wav", "flac"),
    "languageCode": text(2, 5),
    "loop": flag,
    "loudnessRate": whole(-50, 100),
    "media": tagged("type", {"audio": typed_media("audio"), "video": typed_media("video")}),
    "negativePrompt": PROMPT,
    "nextText": PROMPT,
    "numSpeakers": whole(1, 100),
    "numVariants": whole(1, 10),
    "outputFormat": one_of("wav", "mp3", "ogg_opus"),
    "pitchRate": whole(-12, 12),
    "preserveSpeech": flag,
    "previousText": PROMPT,
    "promptText": PROMPT,
    "referenceAudios": listed(media("audio"), 0, 3),
    "removeBackgroundNoise": flag,
    "sampleRate": one_of(8000, 16000, 24000, 32000, 44100, 48000),
    "seed": SEED,
    "similarityBoost": _share,
    "speechRate": whole(-50, 100),
    "speed": number(0.7, 1.2),
    "stability": _share,
    "style": _share,
    "targetLang": one_of(*_LANGUAGES),
    "useSpeakerBoost": flag,
    "videoUri": media("video"),
    "voice": tagged("type", {"runway-preset": RUNWAY_PRESET}),
}


def _files(body: Body) -> tuple[str, ...]:
    """MP3 unless another format is asked for, once for each variant."""
    wanted = str(body.get("format") or body.get("outputFormat"))
    return (_FORMATS.get(wanted, "mp3"),) * int(body.get("numVariants", 1))


def _said(body: Body) -> float:
    return speaking_seconds(body.get("promptText"))


def sound(
    names: str,
    checks: Mapping[str, Check] = NONE,
    *,
    price: Price | None = None,
    lasts: float | Callable[[Body], float] = 5,
    strict: bool = False,
) -> Model:
    """A model that makes sounds. lasts: seconds if the body decides nothing."""
    return Model(
        fields(names, _FIELDS, checks, strict=strict),
        price or per_second(1),
        _files,
        seconds=lasts,
        has=field_names(names),
    )


def _by_text(body: Body, seconds: float) -> float:
    """1 credit for each 50 characters begun."""
    return -(-len(str(body.get("promptText", ""))) // 50)


def _seed_audio(body: Body, seconds: float) -> float:
    return max(5.0, seconds / 4)


def _by_variant(body: Body, seconds: float) -> float:
    return seconds * int(body.get("numVariants", 1))


SOUND_EFFECT: Final = {
    "eleven_text_to_sound_v2": sound(
        "promptText! duration loop",
        price=lambda body, seconds: 2 if "duration" in body else 1,
        checks={"promptText": text(1, 3000), "duration": number(0.5, 30)},
    ),
    "mirelo_sfx_2_0": sound(
        "promptText! duration! format negativePrompt numVariants seed", price=_by_variant, strict=True
    ),
    "seed_audio": sound(
        "promptText! referenceAudios outputFormat sampleRate speechRate loudnessRate pitchRate",
        price=_seed_audio,
        lasts=_said,
        strict=True,
        checks={"promptText": text(1, 2048)},
    ),
}
VIDEO_TO_AUDIO: Final = {
    "mirelo_sfx_2_0": sound(
        "videoUri! duration! promptText format negativePrompt numVariants preserveSpeech seed",
        price=_by_variant,
        strict=True,
    ),
}
TEXT_TO_SPEECH: Final = {
    "eleven_multilingual_v2": sound(
        "promptText! voice!", price=_by_text, lasts=_said, checks={"promptText": text(1, 1000)}
    ),
    "eleven_v3": sound(
        "promptText! voice! applyTextNormalization languageCode seed similarityBoost speed stability style "
        "useSpeakerBoost",
        price=_by_text,
        lasts=_said,
        checks={"promptText": text(1, 5000)},
    ),
    "eleven_v4": sound(
        "promptText! voice! languageCode nextText previousText seed similarityBoost speed stability style "
        "useSpeakerBoost",
        price=_by_text,
        lasts=_said,
    ),
    "seed_audio": sound(
        "promptText! voice outputFormat sampleRate speechRate loudnessRate pitchRate",
        price=_seed_audio,
        lasts=_said,
        strict=True,
        checks={
            "promptText": text(1, 2048),
            "voice": tagged("type", {"reference-audio": record({"audioUri": media("audio")}, ("audioUri",))}),
        },
    ),
}
SPEECH_TO_SPEECH: Final = {
    "eleven_multilingual_sts_v2": sound("media! voice! removeBackgroundNoise", price=per_second(1 / 3)),
}
VOICE_DUBBING: Final = {
    "eleven_voice_dubbing": sound(
        "audioUri! targetLang! disableVoiceCloning dropBackgroundAudio numSpeakers", price=per_second(1 / 2)
    ),
}
VOICE_ISOLATION: Final = {"eleven_voice_isolation": sound("audioUri!", price=per_second(1 / 6))}
