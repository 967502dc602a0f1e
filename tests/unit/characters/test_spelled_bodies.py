"""Bodies of avatars, documents and voices in snake_case, and changes without a known field."""

from __future__ import annotations

from typing import Any

import pytest

from tests.fakes import World
from tests.unit.characters.character_bodies import BODIES, NOVA
from tests.unit.characters.conftest import Call


def made(call: Call, collection: str) -> str:
    return str(call(f"POST /v1/{collection}", BODIES[collection])[1]["id"])


def test_a_create_in_snake_case_is_accepted_at_every_depth(world: World, call: Call) -> None:
    snake = {
        "name": NOVA["name"],
        "personality": NOVA["personality"],
        "reference_image": NOVA["referenceImage"],
        "voice": {"type": "runway-live-preset", "preset_id": "clara"},
    }
    assert call("POST /v1/avatars", snake)[0] == 200
    assert world.characters.bodies == [NOVA]


def test_a_change_in_snake_case_is_accepted(world: World, call: Call) -> None:
    avatar, document = made(call, "avatars"), made(call, "documents")
    world.characters.bodies.clear()
    assert call(f"PATCH /v1/avatars/{avatar}", {"document_ids": [document], "start_script": None})[0] == 200
    assert world.characters.bodies == [{"documentIds": [document], "startScript": None}]


def test_an_issue_has_the_spelling_of_the_request(call: Call) -> None:
    avatar = made(call, "avatars")
    for changes, path in (
        ({"document_ids": ["missing"]}, ["document_ids", 0]),
        ({"reference_image": "ftp://a"}, ["reference_image"]),
        ({"voice": {"type": "runway-live-preset", "preset_id": "!"}}, ["voice", "preset_id"]),
        ({"start_script": "a", "startScript": "b"}, ["start_script"]),
    ):
        status, answer, _ = call(f"PATCH /v1/avatars/{avatar}", changes)
        assert (status, [issue["path"] for issue in answer["issues"]]) == (400, [path])


@pytest.mark.parametrize("collection", BODIES)
@pytest.mark.parametrize(
    ("changes", "named"),
    [({}, ["name"]), ({"name": None}, ["name"]), ({"nonsense": 1, "no_sense": 2}, ["name", "no_sense", "nonsense"])],
)
def test_a_change_without_a_known_field_is_rejected(
    collection: str, changes: dict[str, Any], named: list[str], world: World, call: Call
) -> None:
    item = made(call, collection)
    world.characters.bodies.clear()
    status, answer, _ = call(f"PATCH /v1/{collection}/{item}", changes)
    assert status == 400
    assert sorted(issue["path"][0] for issue in answer["issues"]) == named
    assert world.characters.bodies == []


@pytest.mark.parametrize("collection", BODIES)
def test_an_unknown_field_beside_a_known_one_is_passed_to_runway(collection: str, world: World, call: Call) -> None:
    item = made(call, collection)
    world.characters.bodies.clear()
    assert call(f"PATCH /v1/{collection}/{item}", {"name": "New", "nonsense": 1})[0] in (200, 204)
    assert world.characters.bodies == [{"name": "New", "nonsense": 1}]
