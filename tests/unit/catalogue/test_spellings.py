"""Older words of requests, as older samples write them, become the contract's; nothing else does."""

from __future__ import annotations

from typing import Any

import pytest

from tarmac.catalogue import Model, operation
from tarmac.requests.spellings import to_contract
from tests.unit.catalogue.catalogue_bodies import MEDIA, for_each_entry, found, minimal

IMAGE, VIDEO, AUDIO = MEDIA.values()

OLDER: list[tuple[str, str, dict[str, Any], dict[str, Any]]] = [
    (
        "character_performance",
        "act_two",
        {"promptImage": IMAGE, "promptPerformance": VIDEO, "duration": 10},
        {"character": {"type": "image", "uri": IMAGE}, "reference": {"type": "video", "uri": VIDEO}},
    ),
    (
        "character_performance",
        "act_two",
        {"prompt_image": IMAGE, "prompt_performance": VIDEO, "expression_intensity": 3},
        {
            "character": {"type": "image", "uri": IMAGE},
            "reference": {"type": "video", "uri": VIDEO},
            "expressionIntensity": 3,
        },
    ),
    (
        "video_to_video",
        "gen4_aleph",
        {"promptVideo": VIDEO, "promptText": "a", "ratio": "1280:720", "duration": 5},
        {"videoUri": VIDEO, "promptText": "a", "ratio": "1280:720"},
    ),
    *(
        ("video_to_video", model, {older: VIDEO, "promptText": "a"}, {own: VIDEO, "promptText": "a"})
        for own, models in {
            "videoUri": ("gen4_aleph", "aleph2", "gemini_omni_flash", "gemini_omni_flash_1.1", "kling_4"),
            "promptVideo": (
                *("seedance2", "seedance2_fast", "seedance2_mini", "seedance2_5", "hailuo3"),
                *("klingO3_standard", "klingO3_pro", "klingO3_4k"),
            ),
        }.items()
        for model in models
        for older in ("videoUri", "promptVideo", "video_uri", "prompt_video")
    ),
    (
        "text_to_speech",
        "eleven_multilingual_v2",
        {"text": "hello", "voice": "Maya"},
        {"promptText": "hello", "voice": {"type": "runway-preset", "presetId": "Maya"}},
    ),
    (
        "text_to_speech",
        "seed_audio",
        {"text": "hello", "voice": AUDIO},
        {"promptText": "hello", "voice": {"type": "reference-audio", "audioUri": AUDIO}},
    ),
    ("sound_effect", "eleven_text_to_sound_v2", {"text": "rain"}, {"promptText": "rain"}),
    (
        "voice_dubbing",
        "eleven_voice_dubbing",
        {"audio_uri": AUDIO, "targetLanguage": "es"},
        {"audioUri": AUDIO, "targetLang": "es"},
    ),
    (
        "voice_dubbing",
        "eleven_voice_dubbing",
        {"audioUri": AUDIO, "target_language": "es"},
        {"audioUri": AUDIO, "targetLang": "es"},
    ),
    (
        "speech_to_speech",
        "eleven_multilingual_sts_v2",
        {"audioUri": AUDIO, "voice": "Noah"},
        {"media": {"type": "audio", "uri": AUDIO}, "voice": {"type": "runway-preset", "presetId": "Noah"}},
    ),
    (
        "avatar_videos",
        "gwm1_avatars",
        {"avatarId": "0b7c", "speech": {"type": "text", "text": "hello"}},
        {"avatar": {"type": "custom", "avatarId": "0b7c"}, "speech": {"type": "text", "text": "hello"}},
    ),
    (
        "avatar_videos",
        "gwm1_avatars",
        {"avatar_id": "0b7c", "speech": {"type": "text", "text": "hello"}},
        {"avatar": {"type": "custom", "avatarId": "0b7c"}, "speech": {"type": "text", "text": "hello"}},
    ),
    (
        "image_to_video",
        "gen4_turbo",
        {"prompt_image": IMAGE, "prompt_text": "a", "ratio": "1280:720"},
        {"promptImage": IMAGE, "promptText": "a", "ratio": "1280:720"},
    ),
    *(
        ("text_to_video", "hailuo3", {"promptText": "a", "resolution": older}, {"promptText": "a", "resolution": own})
        for older, own in {"768P": "768p", "2K": "2k", "768p": "768p", "2k": "2k"}.items()
    ),
    *(
        (
            "image_to_video",
            "happyhorse_1_0",
            {"promptImage": IMAGE, "resolution": older},
            {"promptImage": IMAGE, "resolution": own},
        )
        for older, own in {"720P": "720p", "1080P": "1080p"}.items()
    ),
]


def contract(model: Model, body: dict[str, Any]) -> dict[str, Any]:
    converted = to_contract(body, model.parameters or {}, model.spellings or {})
    assert converted.issues == []
    return converted.body


@pytest.mark.parametrize(("operation_name", "model_name", "older", "own"), OLDER)
def test_older_words_become_the_contracts(
    operation_name: str, model_name: str, older: dict[str, Any], own: dict[str, Any]
) -> None:
    model = operation(operation_name).model(model_name)
    assert contract(model, older) == own
    assert found(model, own) == {}


@for_each_entry
def test_the_contracts_words_stay_and_may_be_snake_case(name: str, model: Model) -> None:
    body = {"model": model.name, **minimal(model)}
    assert contract(model, body) == body
    snake = {"".join(f"_{c.lower()}" if c.isupper() else c for c in key): value for key, value in body.items()}
    assert contract(model, snake) == body


def test_an_unknown_parameter_keeps_its_name() -> None:
    model = operation("image_to_video").model("gen4_turbo")
    assert contract(model, {"camera_path": [1], "_": 2, "a__b": 3}) == {"camera_path": [1], "_": 2, "a__b": 3}
    assert to_contract({"prompt_text": "a"}, {}).body == {"prompt_text": "a"}


def test_the_two_families_of_voices_are_not_mixed() -> None:
    model = operation("text_to_speech").model("eleven_v3")
    assert found(model, contract(model, {"text": "hello", "voice": "maya"})) == {"voice.presetId": "invalid_enum_value"}


def test_a_value_other_than_a_string_is_left_to_the_checks() -> None:
    model = operation("text_to_speech").model("eleven_v3")
    assert found(model, contract(model, {"text": "hello", "voice": 7})) == {"voice.presetId": "invalid_enum_value"}
    hailuo = operation("text_to_video").model("hailuo3")
    assert found(hailuo, contract(hailuo, {"promptText": "a", "resolution": ["2K"]})) == {
        "resolution": "invalid_enum_value"
    }


def test_an_image_for_aleph_is_its_reference() -> None:
    model = operation("video_to_video").model("gen4_aleph")
    body = {"videoUri": VIDEO, "promptText": "a"}
    reference = {"type": "image", "uri": IMAGE}
    for older in (IMAGE, [{"uri": IMAGE, "position": "first"}], reference):
        converted = contract(model, body | {"promptImage": older})
        assert converted == body | {"references": [reference]}
        assert found(model, converted) == {}
    converted = contract(model, body | {"references": [reference]})
    assert converted == body | {"references": [reference]}
