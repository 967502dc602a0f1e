"""A create on its way through the catalogue: what the row says, and what Runway is meant to read."""

from __future__ import annotations

from typing import Any

import pytest
from catalogue_bodies import MEDIA, minimal

from tarmac.catalogue import operation
from tarmac.contract import CreateTask, parse_create
from tarmac.steps.accept import InvalidRequest, Order, accept
from tests.fakes import World

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


def test_a_recipe_that_names_itself_is_sent_without() -> None:
    _, body, passed = accepted(RECIPE, BODY | {"model": "product_campaign_image"})
    assert body == BODY
    assert passed == []


@pytest.mark.parametrize("name", ["gen4.5", "", 7])
def test_a_recipe_takes_no_other_model(name: Any) -> None:
    with pytest.raises(InvalidRequest) as refused:
        accepted(RECIPE, BODY | {"model": name})
    assert [issue.path for issue in refused.value.issues] == [("model",)]


@pytest.mark.parametrize("name", ["video", "image", "audio"])
def test_a_router_has_no_model_either(name: str) -> None:
    at = operation(f"generate/{name}")
    body = minimal(at.model(str(at.sole_model)))
    task, sent, _ = accepted(at.name, body)
    assert task.model == f"{name}_router"
    assert sent == body


def test_other_operations_need_a_model() -> None:
    with pytest.raises(InvalidRequest) as refused:
        accepted("text_to_video", {"promptText": "a"})
    assert [issue.path for issue in refused.value.issues] == [("model",)]


def test_the_contract_is_sent_whatever_was_spelled() -> None:
    _, body, passed = accepted(
        "image_to_video",
        {"model": "happyhorse_1_0", "prompt_image": MEDIA["image"], "resolution": "720P", "zoom": 1},
    )
    assert body == {"model": "happyhorse_1_0", "promptImage": MEDIA["image"], "resolution": "720p", "zoom": 1}
    assert passed == ["zoom"]


def test_a_model_of_tomorrow_passes_as_it_is() -> None:
    body = {"model": "gen9", "prompt_text": "a", "ratio": [1]}
    task, sent, passed = accepted("image_to_video", body)
    assert (task.model, task.estimated_credits, sent, passed) == ("gen9", None, body, [])


def test_a_rule_is_an_issue() -> None:
    with pytest.raises(InvalidRequest) as refused:
        accepted("video_to_video", {"model": "seedance2_5", "promptVideo": MEDIA["video"], "mode": "edit"})
    assert [issue.path for issue in refused.value.issues] == [("promptText",), ("duration",)]


def test_only_a_body_that_needs_a_model_is_refused_without() -> None:
    assert isinstance(parse_create({"version": "2026-06"}), list)
    parsed = parse_create({"version": "2026-06"}, needs_model=False)
    assert isinstance(parsed, CreateTask)
    assert parsed.model is None
    assert parsed.upstream_body() == {"version": "2026-06"}
    assert isinstance(parse_create({"model": 7}, needs_model=False), list)
