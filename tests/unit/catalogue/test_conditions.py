"""Conditions between parameters: for each rule, a request that meets it and one that breaks it."""

from __future__ import annotations

from typing import Any

import pytest

from tarmac.catalogue import operation
from tarmac.requests.conditions import CHECKS
from tests.unit.catalogue.catalogue_bodies import MEDIA, found, issues, minimal

IMAGE, VIDEO, AUDIO = ({"uri": uri} for uri in MEDIA.values())
HUMAN, OBJECT = IMAGE | {"subject": "human"}, IMAGE | {"subject": "object"}
FIRST, LAST = IMAGE | {"position": "first"}, IMAGE | {"position": "last"}
CLIP, SOUND = VIDEO | {"type": "video"}, AUDIO | {"type": "audio"}
PRECISE = {"preciseEdit": True, "referenceImages": [IMAGE]}
T2V, I2V, V2V, T2I = "text_to_video", "image_to_video", "video_to_video", "text_to_image"
SHOTS = "recipes/multi_shot_video"


def segments(*seconds: int) -> dict[str, Any]:
    return {"multiPrompt": [{"prompt": "a", "duration": each} for each in seconds]}


def shots(*seconds: int) -> list[dict[str, Any]]:
    return [{"prompt": "a lamp", "duration": each} for each in seconds]


def keyframe(**more: Any) -> dict[str, Any]:
    return {"uri": MEDIA["image"], **more}


def span(start: int, end: int) -> dict[str, int]:
    return {"start_seconds": start, "end_seconds": end}


MET: list[tuple[str, str, dict[str, Any]]] = [
    (T2V, "gen4.5", {"outputFormat": "prores", "proresProfile": "4444 XQ"}),
    (T2V, "gen4.5", {"outputFormat": "hdr_prores", "proresProfile": "422 HQ"}),
    (T2V, "gen4.5", {"outputFormat": "hdr10"}),
    (I2V, "gen4.5", {"outputFormat": "hdr_prores", "proresProfile": "4444"}),
    (V2V, "aleph2", {"outputFormat": "prores", "proresProfile": "422 LT"}),
    ("video_to_hdr", "ruby", {"outputFormat": "hdr_prores", "proresProfile": "422"}),
    (V2V, "aleph2", {"keyframes": [keyframe(seconds=1), keyframe(at=0.5)]}),
    (V2V, "aleph2", {"keyframes": [keyframe(seconds=1, range=span(0, 2)), keyframe(at=1, range=span(2, 3))]}),
    (T2V, "seedance2_5", {"promptText": "a", "draft": True, "outputFormat": "mp4"}),
    (T2V, "seedance2_5", {"draftTaskId": "0b7c1de2"}),
    (V2V, "seedance2_5", {"mode": "reference", "ratio": "1280:720", "duration": 5}),
    (V2V, "seedance2_5", {"mode": "extend", "promptText": "a", "duration": 5}),
    (V2V, "seedance2_5", {"mode": "edit", "promptText": "a", "duration": "auto"}),
    (T2V, "hailuo3", {"ratio": "adaptive", "references": [IMAGE]}),
    (T2V, "hailuo3", {"ratio": "adaptive", "referenceVideos": [CLIP]}),
    (I2V, "hailuo3", {"ratio": "adaptive"}),
    (T2V, "grok_imagine_1_5", {"referenceAudio": [SOUND], "references": [IMAGE]}),
    (T2V, "kling3.0_pro", {"providerSettings": segments(1, 2)}),
    (T2V, "klingO3_4k", {"providerSettings": segments(10, 5)}),
    (T2V, "klingO3_4k", {"promptText": "a", "providerSettings": segments(5) | {"shotType": "intelligence"}}),
    (V2V, "klingO3_pro", {"providerSettings": {"keepOriginalSound": False}}),
    (I2V, "seedance2", {"promptImage": [FIRST, LAST]}),
    (I2V, "seedance2", {"promptImage": [IMAGE, IMAGE, IMAGE]}),
    (I2V, "klingO3_pro", {"references": [FIRST, IMAGE]}),
    (I2V, "kling_4", {"promptImage": [FIRST, IMAGE | {"position": "middle"}, LAST]}),
    (I2V, "wan3", {"promptImage": [FIRST], "ratio": "auto_720p"}),
    (I2V, "wan3", {"promptImage": [IMAGE], "ratio": "1280:720"}),
    (I2V, "h3_max", {"promptImage": [LAST, FIRST]}),
    (T2I, "gen4_image_turbo", {"referenceImages": [IMAGE, IMAGE, IMAGE]}),
    (T2I, "gen4_image", {"referenceImages": [IMAGE | {"tag": "EiffelTower"}]}),
    (T2I, "gpt_image_2", {"referenceImages": [IMAGE | {"tag": "cat"}, IMAGE | {"tag": "dog"}, IMAGE, IMAGE]}),
    (T2I, "gemini_image3_pro", {"referenceImages": [HUMAN] * 5 + [IMAGE] * 9}),
    (T2I, "grok_imagine_image_2", {"edit": True, "referenceImages": [IMAGE]}),
    (T2I, "grok_imagine_image_2", {"edit": False}),
    (T2I, "ideogram_4_5", {"maskUri": MEDIA["image"], "referenceImages": [IMAGE]}),
    (T2I, "ideogram_4_5", {"referenceImages": [IMAGE], "quality": "very_low", "ratio": "1024:576"}),
    (T2I, "bria_fibo_edit_1_5", {"referenceImages": [IMAGE, IMAGE], "ratio": "1024:1024"}),
    (T2I, "bria_fibo_edit_1_5", {"referenceImages": [IMAGE], "ratio": "auto"}),
    (T2I, "seedream5_lite", {"ratio": "1920:1920"}),
    (T2I, "seedream5_lite", {"ratio": "a size of next month"}),
    (SHOTS, "multi_shot_video", {"mode": "custom", "shots": shots(3, 3, 4)}),
    (SHOTS, "multi_shot_video", {"mode": "custom", "shots": shots(5, 5, 5), "duration": 15}),
    ("recipes/product_ad", "product_ad", {"version": "2031-01"}),
    ("generate/video", "video_router", {"input": {"referenceImages": [IMAGE | {"role": "first"}]}}),
    (
        "generate/video",
        "video_router",
        {"input": {"referenceVideos": [VIDEO | {"role": "source"}], "keyframes": [keyframe(at=0)]}},
    ),
]


@pytest.mark.parametrize(("operation_name", "model_name", "more"), MET)
def test_a_request_that_meets_the_rules_is_accepted(operation_name: str, model_name: str, more: dict[str, Any]) -> None:
    model = operation(operation_name).model(model_name)
    body = minimal(model)
    if operation_name == SHOTS:
        body = {"version": "2026-06"}
    assert issues(model, body | more) == []


BROKEN: list[tuple[str, str, dict[str, Any], dict[str, str]]] = [
    (T2V, "gen4.5", {"proresProfile": "422"}, {"proresProfile": "custom"}),
    (T2V, "gen4.5", {"proresProfile": "422", "outputFormat": "mp4"}, {"proresProfile": "custom"}),
    (T2V, "gen4.5", {"proresProfile": "4444 XQ", "outputFormat": "hdr_prores"}, {"proresProfile": "custom"}),
    (V2V, "aleph2", {"proresProfile": "422"}, {"proresProfile": "custom"}),
    (V2V, "aleph2", {"proresProfile": "422", "outputFormat": "mp4"}, {"proresProfile": "custom"}),
    ("video_to_hdr", "ruby", {"proresProfile": "422"}, {"proresProfile": "custom"}),
    (V2V, "aleph2", {"keyframes": []}, {"keyframes": "too_small"}),
    (V2V, "aleph2", {"keyframes": [keyframe(at=0)] * 6}, {"keyframes": "too_big"}),
    (V2V, "aleph2", {"keyframes": [keyframe()]}, {"keyframes.0.seconds": "invalid_type"}),
    (V2V, "aleph2", {"keyframes": [keyframe(seconds=1, at=0)]}, {"keyframes.0.at": "custom"}),
    (V2V, "aleph2", {"keyframes": [keyframe(at=1.5)]}, {"keyframes.0.at": "too_big"}),
    (V2V, "aleph2", {"keyframes": [keyframe(seconds=31)]}, {"keyframes.0.seconds": "too_big"}),
    (V2V, "aleph2", {"keyframes": [keyframe(at=0), keyframe(at=1, range=span(0, 1))]}, {"keyframes": "custom"}),
    (V2V, "aleph2", {"keyframes": [keyframe(at=0, range=span(2, 2))]}, {"keyframes.0.range": "custom"}),
    (V2V, "aleph2", {"keyframes": [keyframe(seconds=2, range=span(0, 2))]}, {"keyframes.0.seconds": "custom"}),
    (V2V, "aleph2", {"keyframes": [keyframe(at=0, range={})]}, {
        "keyframes.0.range.start_seconds": "invalid_type", "keyframes.0.range.end_seconds": "invalid_type",
    }),
    (T2V, "seedance2_5", {"draft": True, "outputFormat": "mov"}, {"outputFormat": "custom"}),
    (
        T2V,
        "seedance2_5",
        {"draftTaskId": "0b7c1de2", "promptText": "a", "seed": 1},
        {"promptText": "custom", "seed": "custom"},
    ),
    (V2V, "seedance2_5", {"mode": "extend"}, {"promptText": "invalid_type"}),
    (V2V, "seedance2_5", {"mode": "extend", "promptText": "a", "ratio": "1280:720"}, {"ratio": "custom"}),
    (V2V, "seedance2_5", {"mode": "edit", "promptText": "a", "duration": 5}, {"duration": "custom"}),
    (V2V, "seedance2_5", {"mode": "edit"}, {"promptText": "invalid_type", "duration": "invalid_type"}),
    (T2V, "hailuo3", {"ratio": "adaptive"}, {"references": "invalid_type"}),
    (T2V, "grok_imagine_1_5", {"referenceAudio": [SOUND]}, {"references": "invalid_type"}),
    (T2V, "kling3.0_pro", {"providerSettings": segments(1, 1)}, {"providerSettings.multiPrompt": "custom"}),
    (I2V, "klingO3_4k", {"providerSettings": segments(10, 6)}, {"providerSettings.multiPrompt": "custom"}),
    (V2V, "klingO3_pro", {"providerSettings": segments(8, 8)}, {"providerSettings.multiPrompt": "custom"}),
    (T2V, "klingO3_pro", {"providerSettings": {"shotType": "intelligence"}}, {"promptText": "invalid_type"}),
    (I2V, "seedance2", {"promptImage": [FIRST, IMAGE]}, {"promptImage": "custom"}),
    (I2V, "hailuo3", {"promptImage": [IMAGE, LAST]}, {"promptImage": "custom"}),
    (I2V, "seedance2", {"promptImage": [FIRST, FIRST]}, {"promptImage": "custom"}),
    (I2V, "wan3_prime", {"promptImage": [FIRST], "ratio": "1280:720"}, {"ratio": "custom"}),
    (I2V, "h3_max", {"promptImage": [LAST]}, {"promptImage": "custom"}),
    (T2I, "gen4_image_turbo", {"referenceImages": []}, {"referenceImages": "too_small"}),
    (T2I, "gen4_image_turbo", {"referenceImages": [IMAGE] * 4}, {"referenceImages": "too_big"}),
    (T2I, "gen4_image", {"referenceImages": [IMAGE | {"tag": "7up"}]}, {"referenceImages.0.tag": "invalid_string"}),
    (T2I, "gen4_image", {"referenceImages": [IMAGE | {"tag": "a-tag"}]}, {"referenceImages.0.tag": "invalid_string"}),
    (T2I, "gpt_image_2", {"referenceImages": [IMAGE | {"tag": "cat"}] * 2}, {"referenceImages.1.tag": "custom"}),
    (T2I, "gemini_image3_pro", {"referenceImages": [HUMAN] * 6}, {"referenceImages": "custom"}),
    (T2I, "gemini_image3_pro", {"referenceImages": [OBJECT] * 10}, {"referenceImages": "custom"}),
    (T2I, "grok_imagine_image_2", {"edit": True}, {"referenceImages": "invalid_type"}),
    (T2I, "ideogram_4_5", {"preciseEdit": True}, {"referenceImages": "invalid_type"}),
    (T2I, "ideogram_4_5", PRECISE | {"ratio": "auto"}, {"ratio": "custom"}),
    (T2I, "ideogram_4_5", PRECISE | {"quality": "very_low"}, {"quality": "custom"}),
    (T2I, "ideogram_4_5", {"maskUri": MEDIA["image"]}, {"referenceImages": "invalid_type"}),
    (T2I, "ideogram_4_5", {"quality": "very_low"}, {"referenceImages": "invalid_type"}),
    (T2I, "ideogram_4_5", {"ratio": "1024:576"}, {"ratio": "custom"}),
    (T2I, "ideogram_4_5", {"ratio": "1280:720", "referenceImages": [IMAGE]}, {"ratio": "custom"}),
    (T2I, "bria_fibo_edit_1_5", {"referenceImages": [IMAGE], "ratio": "1024:1024"}, {"ratio": "custom"}),
    (T2I, "seedream5_lite", {"ratio": "1919:1919"}, {"ratio": "custom"}),
    (T2I, "seedream5_lite", {"ratio": "4097:4097"}, {"ratio": "custom"}),
    (T2I, "recraft_v4_1_flash", {"colors": ["#FF8800", "red"]}, {"colors.1": "invalid_string"}),
    (SHOTS, "multi_shot_video", {"mode": "auto", "prompt": None}, {"prompt": "invalid_type"}),
    (SHOTS, "multi_shot_video", {"mode": "custom", "shots": None}, {"shots": "invalid_type"}),
    (SHOTS, "multi_shot_video", {"mode": "custom", "shots": shots(3, 3, 3)}, {"shots": "custom"}),
    (SHOTS, "multi_shot_video", {"mode": "custom", "shots": shots(3, 3, 4), "duration": 5}, {"shots": "custom"}),
    (SHOTS, "multi_shot_video", {"mode": "custom", "shots": shots(5, 5)}, {"shots": "too_small"}),
    ("recipes/product_ad", "product_ad", {"version": "latest"}, {"version": "invalid_string"}),
    ("generate/video", "video_router", {"configId": "My Router"}, {"configId": "invalid_string"}),
    (
        "generate/video",
        "video_router",
        {"input": {"referenceImages": [IMAGE | {"role": "first"}] * 2}},
        {"input.referenceImages": "custom"},
    ),
    ("generate/video", "video_router", {"input": {"keyframes": [keyframe(at=0)]}}, {"input.referenceVideos": "custom"}),
]  # fmt: skip


@pytest.mark.parametrize(("operation_name", "model_name", "more", "expected"), BROKEN)
def test_a_request_that_breaks_a_rule_is_rejected_with_the_field(
    operation_name: str, model_name: str, more: dict[str, Any], expected: dict[str, str]
) -> None:
    model = operation(operation_name).model(model_name)
    assert found(model, minimal(model) | more) == expected


def test_every_function_is_tried() -> None:
    used = set()
    for operation_name, model_name, _, _ in BROKEN:
        model = operation(operation_name).model(model_name)
        inside = [spec.get("rules", ()) for spec in (model.parameters or {}).values()]
        used |= {rule.get("check") for rules in (model.rules, *inside) for rule in rules}
    assert set(CHECKS) <= used
