"""A create that passes through the catalogue: the contents of its row and the body for Runway."""

from __future__ import annotations

from typing import Any

import pytest

from tarmac.catalogue import operation
from tarmac.requests.contract import parse_create
from tarmac.requests.validation import InvalidRequest
from tarmac.tasks.accept import Order, accept
from tests.fakes import World
from tests.fakes.samples import issues_of
from tests.unit.catalogue.catalogue_bodies import MEDIA, minimal

RECIPE = "recipes/product_campaign_image"
BODY = {"version": "2026-06", "image": {"uri": MEDIA["image"]}, "prompt": "a"}


def accepted(operation_name: str, body: dict[str, Any]) -> tuple[Any, dict[str, Any], list[str]]:
    """The row, the body that waits for Runway, and what passed unchecked."""
    world = World()
    answer = accept(Order(operation_name, "alice", body, {"kind": "api"}), world, 3600)
    return answer.task, world.tasks.request(answer.task.id)["body"], answer.unknown_parameters


def test_a_recipe_has_no_model_and_its_row_names_the_recipe() -> None:
    task, body, _ = accepted(RECIPE, BODY)
    assert (task.operation, task.model) == (RECIPE, "product_campaign_image")
    assert body == BODY


def test_a_recipe_that_names_itself_goes_to_runway_without_a_model() -> None:
    _, body, passed = accepted(RECIPE, BODY | {"model": "product_campaign_image"})
    assert body == BODY
    assert passed == []


@pytest.mark.parametrize("name", ["gen4.5", "", 7])
def test_a_recipe_takes_no_other_model(name: Any) -> None:
    with pytest.raises(InvalidRequest) as rejected:
        accepted(RECIPE, BODY | {"model": name})
    assert [issue.path for issue in rejected.value.issues] == [("model",)]


@pytest.mark.parametrize("name", ["video", "image", "audio"])
def test_a_router_has_no_model_either(name: str) -> None:
    at = operation(f"generate/{name}")
    body = minimal(at.model(str(at.sole_model)))
    task, sent, _ = accepted(at.name, body)
    assert task.model == f"{name}_router"
    assert sent == body


def test_other_operations_need_a_model() -> None:
    with pytest.raises(InvalidRequest) as rejected:
        accepted("text_to_video", {"promptText": "a"})
    assert [issue.path for issue in rejected.value.issues] == [("model",)]


def test_runway_gets_the_contracts_spelling_whatever_the_callers() -> None:
    _, body, passed = accepted(
        "image_to_video",
        {"model": "happyhorse_1_0", "prompt_image": MEDIA["image"], "resolution": "720P"},
    )
    assert body == {"model": "happyhorse_1_0", "promptImage": MEDIA["image"], "resolution": "720p"}
    assert passed == []


def test_an_unknown_parameter_passes_and_is_named_in_the_log() -> None:
    given = {"model": "gen4_turbo", "promptImage": MEDIA["image"], "ratio": "1280:720", "zoom_in": {"a_b": 1}}
    _, body, passed = accepted("image_to_video", given)
    assert (body, passed) == (given, ["zoom_in"])


def test_a_model_of_tomorrow_passes_as_it_is() -> None:
    body = {"model": "gen9", "prompt_text": "a", "ratio": [1]}
    task, sent, passed = accepted("image_to_video", body)
    assert (task.model, task.estimated_credits, sent, passed) == ("gen9", None, body, [])


def test_a_rule_is_an_issue() -> None:
    with pytest.raises(InvalidRequest) as rejected:
        accepted("video_to_video", {"model": "seedance2_5", "promptVideo": MEDIA["video"], "mode": "edit"})
    assert [issue.path for issue in rejected.value.issues] == [("promptText",), ("duration",)]


def test_only_a_body_that_needs_a_model_is_rejected_without() -> None:
    assert issues_of(parse_create, {"version": "2026-06"})
    parsed = parse_create({"version": "2026-06"}, needs_model=False)
    assert parsed.model is None
    assert parsed.upstream_body() == {"version": "2026-06"}
    assert issues_of(parse_create, {"model": 7}, needs_model=False)


ACTED = {"model": "act_two", "character": {"type": "image", "uri": MEDIA["image"]}}
DRIVEN = {"model": "act_two", "reference": {"type": "video", "uri": MEDIA["video"]}}
SPEECH = {"model": "gwm1_avatars", "speech": {"type": "text", "text": "a"}}
VEO = {"promptText": "a", "ratio": "1280:720"}


@pytest.mark.parametrize(
    ("operation_name", "body", "path", "words"),
    [
        ("character_performance", DRIVEN | {"promptImage": 7}, "promptImage", "media link, received integer"),
        ("character_performance", DRIVEN | {"prompt_image": "ftp://a"}, "prompt_image", "https"),
        ("character_performance", DRIVEN | {"promptImage": [{"uri": "x"}] * 2}, "promptImage", "received array"),
        ("character_performance", DRIVEN | {"promptImage": "runway://tarmac/x"}, "promptImage", "upload"),
        ("character_performance", ACTED | {"promptPerformance": {"type": "image"}}, "promptPerformance.type", "video"),
        ("avatar_videos", SPEECH | {"avatarId": 7}, "avatarId", "Expected string, received integer"),
        ("generate/image", {"configId": "a", "input": {"promptText": "a", "sed": 7}}, "input.sed", "Unknown parameter"),
        ("text_to_video", VEO | {"model": "veo3.1", "audios": True}, "audios", "Unknown parameter"),
        ("text_to_video", VEO | {"model": "veo3", "duration": 2}, "duration", "Must be 8"),
    ],
)
def test_an_issue_names_the_field_of_the_caller(
    operation_name: str, body: dict[str, Any], path: str, words: str
) -> None:
    with pytest.raises(InvalidRequest) as rejected:
        accepted(operation_name, body)
    found = {".".join(map(str, issue.path)): issue.message for issue in rejected.value.issues}
    assert words in found.pop(path)
    # But for what is missing beside it.
    assert set(found) <= {"promptPerformance.uri"}


@pytest.mark.parametrize(
    ("operation_name", "given", "sent"),
    [
        (
            "image_to_video",
            {"model": "gen4_turbo", "content_moderation": {"public_figure_threshold": "low"}},
            {"contentModeration": {"publicFigureThreshold": "low"}},
        ),
        (
            "text_to_speech",
            {"model": "eleven_v3", "voice": {"type": "runway-preset", "preset_id": "Maya"}},
            {"voice": {"type": "runway-preset", "presetId": "Maya"}},
        ),
        (
            "generate/image",
            {"config_id": "a", "input": {"prompt_text": "a", "reference_images": []}},
            {"configId": "a", "input": {"promptText": "a", "referenceImages": []}},
        ),
        (
            "workflows/0b7c",
            {"node_outputs": {"a_node": {"an_output": {"type": "primitive", "value": "a_b"}}}},
            {"nodeOutputs": {"a_node": {"an_output": {"type": "primitive", "value": "a_b"}}}},
        ),
    ],
)
def test_snake_case_is_translated_at_every_depth(
    operation_name: str, given: dict[str, Any], sent: dict[str, Any]
) -> None:
    least = minimal(operation(operation_name).model(str(given.get("model", operation(operation_name).sole_model))))
    own = {name: value for name, value in least.items() if name not in sent} if least else {}
    _, body, _ = accepted(operation_name, own | given)
    assert body == own | {name: value for name, value in given.items() if name == "model"} | sent


@pytest.mark.parametrize("model", ["aleph2", "gen4_aleph", "gemini_omni_flash", "klingO3_pro", "kling_4"])
def test_duration_does_not_price_an_output_as_long_as_its_input(model: str) -> None:
    entry = operation("video_to_video").model(model)
    least = {"model": model, **minimal(entry)}
    task, body, passed = accepted("video_to_video", least | {"duration": 5})
    plain, _, _ = accepted("video_to_video", least)
    assert (body, passed) == (least, [])
    assert task.estimated_credits == plain.estimated_credits


def test_two_spellings_with_different_values_are_rejected_by_both_names() -> None:
    given = {"model": "gen4_aleph", "promptText": "a", "promptVideo": MEDIA["video"], "videoUri": MEDIA["video"]}
    assert accepted("video_to_video", given)[1] == {
        "model": "gen4_aleph",
        "promptText": "a",
        "videoUri": MEDIA["video"],
    }
    with pytest.raises(InvalidRequest, match="promptVideo: Another spelling of videoUri"):
        accepted("video_to_video", given | {"promptVideo": "https://media.example.com/b.mp4"})
