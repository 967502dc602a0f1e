"""The requests of published samples, as data.

`body` has the sample's own words, `contract` the words of Runway's API reference, which alone are sent upstream. A
place where a link stands holds the name of one of `LINKS`, or UPLOAD, for which the test puts what it has uploaded.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

IMAGE = "https://media.example.com/landscape.jpg"
FACE = "https://media.example.com/character.jpg"
VIDEO = "https://media.example.com/source.mp4"
PERFORMANCE = "https://media.example.com/performance.mp4"
SPEECH = "https://media.example.com/speech.mp3"
UPLOAD = "<the URI of an upload>"

Body = Mapping[str, Any]


@dataclass(frozen=True)
class Sample:
    """path: below the base address. credits: the cost that the document names; None where it names none, or where
    only Runway knows the length of the input.
    """

    name: str
    path: str
    body: Body
    contract: Body
    credits: int | None
    makes: str


def _video(name: str, operation: str, body: Body, contract: Body | None = None, credits: int | None = 60) -> Sample:
    return Sample(name, f"/v1/{operation}", body, body if contract is None else contract, credits, "mp4")


_TEXT_TO_VIDEO = {"model": "gen4.5", "promptText": "A dog in the evening sun", "ratio": "1280:720", "duration": 5}
_IMAGE_TO_VIDEO = _TEXT_TO_VIDEO | {"promptImage": IMAGE}
_PERFORMED = {
    "model": "act_two",
    "character": {"type": "image", "uri": FACE},
    "reference": {"type": "video", "uri": PERFORMANCE},
    "ratio": "1280:720",
}
_AT_COMETAPI = {
    "model": "act_two",
    "character": {"type": "video", "uri": VIDEO},
    "reference": {"type": "video", "uri": PERFORMANCE},
    "bodyControl": True,
    "expressionIntensity": 3,
    "seed": 4294967295,
    "ratio": "1280:720",
    "contentModeration": {"publicFigureThreshold": "auto"},
}
_VOICE = {"type": "runway-preset", "presetId": "Maya"}
PIXEL = (
    "data:image/png;base64,"
    "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg=="
)

SAMPLES = (
    _video("text to video", "text_to_video", _TEXT_TO_VIDEO),
    _video(
        "text to video, Python's spelling",
        "text_to_video",
        {"model": "gen4.5", "prompt_text": "A dog in the evening sun", "ratio": "1280:720", "duration": 5},
        _TEXT_TO_VIDEO,
    ),
    *(
        _video(f"text to video, {model}", "text_to_video", _TEXT_TO_VIDEO | {"model": model, "duration": 8}, None, most)
        for model, most in {"veo3": 320, "veo3.1": 320, "veo3.1_fast": 120}.items()
    ),
    _video("image to video", "image_to_video", _IMAGE_TO_VIDEO),
    _video(
        "image to video, Python's spelling",
        "image_to_video",
        {name: value for name, value in _TEXT_TO_VIDEO.items() if name != "promptText"}
        | {"prompt_image": IMAGE, "prompt_text": "A dog in the evening sun"},
        _IMAGE_TO_VIDEO,
    ),
    _video("image to video, an upload", "image_to_video", _IMAGE_TO_VIDEO | {"promptImage": UPLOAD}),
    _video("image to video, a data URI", "image_to_video", _IMAGE_TO_VIDEO | {"promptImage": PIXEL}),
    _video("image to video, gen4_turbo", "image_to_video", _IMAGE_TO_VIDEO | {"model": "gen4_turbo"}, None, 25),
    *(
        _video(
            f"image to video, {model}", "image_to_video", _IMAGE_TO_VIDEO | {"model": model, "duration": 8}, None, most
        )
        for model, most in {"veo3": 320, "veo3.1": 320, "veo3.1_fast": 120}.items()
    ),
    _video(
        "video to video",
        "video_to_video",
        {
            "model": "gen4_aleph",
            "promptVideo": VIDEO,
            "promptText": "As a drawing",
            "ratio": "1280:720",
            "duration": 5,
        },
        {"model": "gen4_aleph", "videoUri": VIDEO, "promptText": "As a drawing", "ratio": "1280:720"},
        None,
    ),
    _video(
        "character performance",
        "character_performance",
        {
            "model": "act_two",
            "promptImage": FACE,
            "promptPerformance": PERFORMANCE,
            "ratio": "1280:720",
            "duration": 5,
        },
        _PERFORMED,
        None,
    ),
    _video("character performance, curl", "character_performance", _AT_COMETAPI, None, None),
    _video(
        "character performance, curl, CometAPI's name of the model",
        "character_performance",
        _AT_COMETAPI | {"model": "runwayml-character-performance"},
        _AT_COMETAPI,
        None,
    ),
    Sample(
        "character performance, curl, CometAPI's path",
        "/runwayml/v1/character_performance",
        _AT_COMETAPI,
        _AT_COMETAPI,
        None,
        "mp4",
    ),
    *(
        Sample(
            f"text to image, {model} {ratio}",
            "/v1/text_to_image",
            {"model": model, "promptText": "A lighthouse", "ratio": ratio} | more,
            {"model": model, "promptText": "A lighthouse", "ratio": ratio} | more,
            credits,
            "png",
        )
        for model, ratio, credits, more in (
            ("gen4_image", "1280:720", 5, {}),
            ("gen4_image", "1920:1080", 8, {}),
            ("gen4_image_turbo", "1280:720", 2, {"referenceImages": [{"uri": IMAGE, "tag": "place"}]}),
            ("gemini_2.5_flash", "1344:768", 5, {}),
        )
    ),
    Sample(
        "text to speech",
        "/v1/text_to_speech",
        {"model": "eleven_multilingual_v2", "text": "x" * 120, "voice": "Maya"},
        {"model": "eleven_multilingual_v2", "promptText": "x" * 120, "voice": _VOICE},
        3,
        "mp3",
    ),
    Sample(
        "sound effect",
        "/v1/sound_effect",
        {"model": "eleven_text_to_sound_v2", "prompt_text": "Rain on a roof", "duration": 5},
        {"model": "eleven_text_to_sound_v2", "promptText": "Rain on a roof", "duration": 5},
        2,
        "mp3",
    ),
    Sample(
        "voice isolation",
        "/v1/voice_isolation",
        {"model": "eleven_voice_isolation", "audio_uri": SPEECH},
        {"model": "eleven_voice_isolation", "audioUri": SPEECH},
        None,
        "mp3",
    ),
    Sample(
        "voice dubbing",
        "/v1/voice_dubbing",
        {"model": "eleven_voice_dubbing", "audioUri": SPEECH, "targetLanguage": "es"},
        {"model": "eleven_voice_dubbing", "audioUri": SPEECH, "targetLang": "es"},
        None,
        "mp3",
    ),
    Sample(
        "speech to speech",
        "/v1/speech_to_speech",
        {"model": "eleven_multilingual_sts_v2", "audioUri": SPEECH, "voice": "Maya"},
        {"model": "eleven_multilingual_sts_v2", "media": {"type": "audio", "uri": SPEECH}, "voice": _VOICE},
        None,
        "mp3",
    ),
)
