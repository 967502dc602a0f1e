"""Each model against bodies that Runway takes and bodies that it does not: the field is named, and the reason."""

from __future__ import annotations

import math
from typing import Any

import pytest

from tarmac.catalogue import UnknownOperation, operation, operations, operations_of
from tarmac.requests.spellings import to_contract
from tarmac.requests.validation import check, unknown_parameters, utf16_length
from tests.fakes.samples import OFFERED, data_uri, good_body

IMAGE = "https://media.example.com/a.png"
VIDEO = "https://media.example.com/a.mp4"
EMOJI = "🎬"


def problems(operation_name: str, model: str, **changes: Any) -> dict[str, str]:
    """Path → code of the issues that a good body has after the changes (None takes a field away)."""
    return issues(operation_name, good_body(operation_name, model, **changes))


def issues(operation_name: str, body: dict[str, Any]) -> dict[str, str]:
    parameters = operation(operation_name).model(body["model"]).parameters or {}
    return {".".join(map(str, issue.path)): issue.code for issue in check(body, parameters).issues}


def test_all_that_is_wrong_is_reported_at_once() -> None:
    for operation_name, model in OFFERED:
        parameters = operation(operation_name).model(model).parameters or {}
        body = {"model": model, **{name: {"no": "such"} for name in parameters}}
        found = {path.partition(".")[0] for path in issues(operation_name, body)}
        assert found == set(parameters) - {"contentModeration"}, (operation_name, model)


BAD: list[tuple[str, str, dict[str, Any], dict[str, str]]] = [
    ("image_to_video", "gen4_turbo", {"promptImage": ""}, {"promptImage": "custom"}),
    ("image_to_video", "gen4_turbo", {"promptImage": 7}, {"promptImage": "invalid_type"}),
    ("image_to_video", "gen4_turbo", {"promptImage": "http://a.example.com/a.png"}, {"promptImage": "custom"}),
    ("image_to_video", "gen4_turbo", {"promptImage": "s3://uploads/inbox/a.png"}, {"promptImage": "custom"}),
    ("image_to_video", "gen4_turbo", {"promptImage": data_uri(b"x", "image/gif")}, {"promptImage": "custom"}),
    ("image_to_video", "gen4_turbo", {"promptImage": data_uri(b"x", "video/mp4")}, {"promptImage": "custom"}),
    ("image_to_video", "gen4_turbo", {"promptImage": []}, {"promptImage": "too_small"}),
    ("image_to_video", "gen4_turbo", {"promptImage": [IMAGE]}, {"promptImage.0": "invalid_type"}),
    (
        "image_to_video",
        "gen4_turbo",
        {"promptImage": [{"uri": IMAGE, "position": "last"}]},
        {"promptImage.0.position": "invalid_enum_value"},
    ),
    ("image_to_video", "gen4_turbo", {"promptImage": [{"uri": IMAGE}]}, {"promptImage.0.position": "invalid_type"}),
    (
        "image_to_video",
        "gen4_turbo",
        {"promptImage": [{"uri": IMAGE, "position": "first"}] * 2},
        {"promptImage": "too_big"},
    ),
    (
        "image_to_video",
        "veo3.1",
        {"promptImage": [{"position": "first"}, {"uri": "ftp://x", "position": "last"}]},
        {"promptImage.0.uri": "invalid_type", "promptImage.1.uri": "custom"},
    ),
    (
        "image_to_video",
        "veo3.1",
        {"promptImage": [{"uri": IMAGE, "position": "first"}] * 3},
        {"promptImage": "too_big"},
    ),
    ("image_to_video", "gen4_turbo", {"ratio": "16:9"}, {"ratio": "invalid_enum_value"}),
    ("image_to_video", "gen4_turbo", {"ratio": "1280:768"}, {"ratio": "invalid_enum_value"}),
    ("text_to_video", "gen4.5", {"ratio": "1584:672"}, {"ratio": "invalid_enum_value"}),
    ("image_to_video", "veo3.1", {"ratio": "960:960"}, {"ratio": "invalid_enum_value"}),
    ("image_to_video", "gen4_turbo", {"ratio": ["1280:720"]}, {"ratio": "invalid_enum_value"}),
    ("image_to_video", "gen4_turbo", {"duration": 1}, {"duration": "too_small"}),
    ("image_to_video", "gen4_turbo", {"duration": 11}, {"duration": "too_big"}),
    ("image_to_video", "gen4_turbo", {"duration": 10**30}, {"duration": "too_big"}),
    ("image_to_video", "gen4_turbo", {"duration": 2.5}, {"duration": "invalid_type"}),
    ("image_to_video", "gen4_turbo", {"duration": "5"}, {"duration": "invalid_type"}),
    ("image_to_video", "gen4_turbo", {"duration": True}, {"duration": "invalid_type"}),
    ("image_to_video", "gen4_turbo", {"duration": math.nan}, {"duration": "invalid_type"}),
    ("image_to_video", "veo3", {"duration": 4}, {"duration": "invalid_enum_value"}),
    ("image_to_video", "veo3.1", {"duration": 5}, {"duration": "invalid_enum_value"}),
    ("image_to_video", "veo3.1", {"duration": True}, {"duration": "invalid_enum_value"}),
    ("image_to_video", "veo3.1", {"duration": math.nan}, {"duration": "invalid_enum_value"}),
    ("image_to_video", "gen4_turbo", {"seed": -1}, {"seed": "too_small"}),
    ("image_to_video", "gen4_turbo", {"seed": 2**32}, {"seed": "too_big"}),
    ("image_to_video", "gen4_turbo", {"seed": False}, {"seed": "invalid_type"}),
    ("image_to_video", "gen4_turbo", {"promptText": ""}, {"promptText": "too_small"}),
    ("image_to_video", "gen4_turbo", {"promptText": "x" * 1001}, {"promptText": "too_big"}),
    ("image_to_video", "gen4_turbo", {"promptText": EMOJI * 501}, {"promptText": "too_big"}),
    ("image_to_video", "gen4_turbo", {"promptText": ["x"]}, {"promptText": "invalid_type"}),
    (
        "image_to_video",
        "gen4_turbo",
        {"contentModeration": {"publicFigureThreshold": "none"}},
        {"contentModeration.publicFigureThreshold": "invalid_enum_value"},
    ),
    ("image_to_video", "gen4_turbo", {"contentModeration": "low"}, {"contentModeration": "invalid_type"}),
    ("text_to_video", "veo3.1", {"audio": "no"}, {"audio": "invalid_type"}),
    ("text_to_video", "veo3.1", {"audio": 0}, {"audio": "invalid_type"}),
    ("text_to_video", "gen4.5", {"outputFormat": "avi"}, {"outputFormat": "invalid_enum_value"}),
    ("video_to_video", "gen4_aleph", {"videoUri": data_uri()}, {"videoUri": "custom"}),
    (
        "video_to_video",
        "gen4_aleph",
        {"references": [{"type": "video", "uri": VIDEO}]},
        {"references.0.type": "invalid_enum_value"},
    ),
    ("video_to_video", "gen4_aleph", {"references": IMAGE}, {"references": "invalid_type"}),
    (
        "video_to_video",
        "gen4_aleph",
        {"references": [{"type": "image", "uri": IMAGE}] * 2},
        {"references": "too_big"},
    ),
    (
        "character_performance",
        "act_two",
        {"reference": {"type": "image", "uri": IMAGE}},
        {"reference.type": "invalid_enum_value"},
    ),
    ("character_performance", "act_two", {"character": IMAGE}, {"character": "invalid_type"}),
    ("character_performance", "act_two", {"character": {"type": "image"}}, {"character.uri": "invalid_type"}),
    ("character_performance", "act_two", {"character": {"uri": IMAGE}}, {"character.type": "invalid_enum_value"}),
    (
        "character_performance",
        "act_two",
        {"character": {"type": "image", "uri": data_uri(b"x", "video/mp4")}},
        {"character.uri": "custom"},
    ),
    ("character_performance", "act_two", {"expressionIntensity": 6}, {"expressionIntensity": "too_big"}),
    ("character_performance", "act_two", {"expressionIntensity": 0}, {"expressionIntensity": "too_small"}),
    ("character_performance", "act_two", {"bodyControl": "true"}, {"bodyControl": "invalid_type"}),
]


@pytest.mark.parametrize(("operation_name", "model", "changes", "expected"), BAD)
def test_what_runway_rejects_is_rejected_by_field(
    operation_name: str, model: str, changes: dict[str, Any], expected: dict[str, str]
) -> None:
    assert problems(operation_name, model, **changes) == expected


GOOD: list[tuple[str, str, dict[str, Any]]] = [
    ("image_to_video", "gen4_turbo", {"promptText": "x" * 1000}),
    ("image_to_video", "gen4_turbo", {"promptText": EMOJI * 500}),
    ("image_to_video", "gen4_turbo", {"promptImage": [{"uri": IMAGE, "position": "first"}]}),
    ("image_to_video", "gen4_turbo", {"seed": 0}),
    ("image_to_video", "gen4_turbo", {"seed": 2**32 - 1}),
    ("image_to_video", "gen4_turbo", {"duration": 2}),
    ("image_to_video", "gen4_turbo", {"a_parameter_of_next_month": {"x": [1]}}),
    ("image_to_video", "gen4_turbo", {"contentModeration": {}}),
    ("text_to_video", "veo3.1", {"duration": 8, "audio": False, "negativePrompt": "people", "seed": -5}),
    ("character_performance", "act_two", {"character": {"type": "video", "uri": "runway://a-video"}}),
]


@pytest.mark.parametrize(("operation_name", "model", "changes"), GOOD)
def test_the_edges_of_what_runway_takes_are_taken(operation_name: str, model: str, changes: dict[str, Any]) -> None:
    assert problems(operation_name, model, **changes) == {}


@pytest.mark.parametrize(("text", "length"), [("", 0), ("abc", 3), ("é", 1), (EMOJI, 2), ("👩‍🚀", 5), ("\ud83c", 1)])
def test_prompts_are_counted_in_utf16_units(text: str, length: int) -> None:
    assert utf16_length(text) == length


def test_a_message_never_contains_a_long_value() -> None:
    body = good_body("image_to_video", "gen4_turbo", ratio="1" * 5000)
    parameters = operation("image_to_video").model("gen4_turbo").parameters or {}
    [issue] = check(body, parameters).issues
    assert len(issue.message) < 300
    assert issue.as_json() == {"code": "invalid_enum_value", "path": ["ratio"], "message": issue.message}


class TestCatalogue:
    def test_knows_the_operations_of_its_files(self) -> None:
        assert {"text_to_video", "image_to_video", "video_to_video", "character_performance"} <= set(operations())

    @pytest.mark.parametrize("name", ["", "tasks", "..", "../rules", "image_to_video.toml", "IMAGE_TO_VIDEO"])
    def test_rejects_unknown_operations(self, name: str) -> None:
        with pytest.raises(UnknownOperation):
            operation(name)

    def test_lets_a_model_of_tomorrow_pass_without_parameters_or_price(self) -> None:
        model = operation("image_to_video").model("gen9")
        assert (model.known, model.parameters, model.credits) == (False, None, None)
        assert model.p10_seconds > 0

    def test_finds_a_model_by_its_other_name(self) -> None:
        assert operation("character_performance").model("runwayml-character-performance").name == "act_two"

    def test_names_the_operations_of_a_model(self) -> None:
        assert operations_of("gen4_turbo") == ["image_to_video"]
        assert operations_of("veo3.1") == ["image_to_video", "text_to_video"]
        assert operations_of("runwayml-character-performance") == ["character_performance"]
        assert operations_of("gen9") == []

    def test_a_missing_image_or_video_is_rejected_with_the_reason(self) -> None:
        for name, model, parameter, why in [
            ("image_to_video", "gen4_turbo", "promptImage", "image"),
            ("video_to_video", "gen4_aleph", "videoUri", "video"),
        ]:
            body = good_body(name, model, **{parameter: None})
            [issue] = check(body, operation(name).model(model).parameters or {}).issues
            assert why in issue.message

    def test_names_the_parameters_that_pass_unchecked(self) -> None:
        parameters = operation("image_to_video").model("gen4_turbo").parameters or {}
        body = good_body("image_to_video", "gen4_turbo", zoom=2, angle=1)
        assert unknown_parameters(body, parameters) == ["angle", "zoom"]


def test_the_callers_body_is_not_changed() -> None:
    body = {"promptVideo": VIDEO}
    assert to_contract(body, {}, {"promptVideo": "videoUri"}).body == {"videoUri": VIDEO}
    assert body == {"promptVideo": VIDEO}
