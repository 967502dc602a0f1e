"""POST /v1/uploads: a slot in Runway's protocol, bound to its client."""

from __future__ import annotations

from typing import Any

import pytest

from tarmac.aws.wiring import AwsEffects
from tarmac.requests.media import INPUT_EXTENSIONS
from tests.fakes import World
from tests.fakes.loading import Ask

MIB = 1024 * 1024


def test_the_response_has_runways_shape(world: World, ask: Ask) -> None:
    status, slot = ask({"filename": "Lake (1).JPG", "type": "ephemeral"})
    assert status == 200
    assert slot.keys() == {"uploadUrl", "fields", "runwayUri", "uri"}
    assert slot["uri"] == slot["runwayUri"]
    assert slot["uri"].startswith("runway://tarmac/")
    assert 13 <= len(slot["uri"]) <= 5000
    key = slot["fields"]["key"]
    assert key == f"uploads/{slot['uri'].rpartition('/')[2]}.jpg"
    assert world.uploads.forms[key] == ("image/jpeg", 512, 200 * MIB, 3600)
    assert world.uploads.objects == {}


def test_two_slots_have_nothing_in_common(ask: Ask) -> None:
    body = {"filename": "a.png", "type": "ephemeral"}
    (_, first), (_, second) = ask(body), ask(body)
    assert first["uri"] != second["uri"]
    assert first["fields"]["key"] != second["fields"]["key"]


def test_tokens_are_beyond_guessing() -> None:
    effects = AwsEffects(object())
    tokens = {effects.new_token() for _ in range(1000)}
    assert len(tokens) == 1000
    assert all(len(token) == 43 for token in tokens)


@pytest.mark.parametrize("extension", INPUT_EXTENSIONS)
def test_every_extension_that_runway_reads_is_taken(extension: str, world: World, ask: Ask) -> None:
    status, slot = ask({"filename": f"a.{extension.upper()}", "type": "ephemeral"})
    assert status == 200
    assert slot["fields"]["Content-Type"] == INPUT_EXTENSIONS[extension]


BAD: list[tuple[Any, list[Any]]] = [
    ({}, [["filename"], ["type"]]),
    ({"filename": "a.png"}, [["type"]]),
    ({"filename": "a.png", "type": "lasting"}, [["type"]]),
    ({"filename": "a.png", "type": None}, [["type"]]),
    ({"filename": 7, "type": "ephemeral"}, [["filename"]]),
    ({"filename": "", "type": "ephemeral"}, [["filename"]]),
    ({"filename": "a" * 252 + ".png", "type": "ephemeral"}, [["filename"]]),
    ({"filename": "png", "type": "ephemeral"}, [["filename"]]),
    ({"filename": "noextension", "type": "ephemeral"}, [["filename"]]),
    ({"filename": "a.gif", "type": "ephemeral"}, [["filename"]]),
    ({"filename": "a.png.exe", "type": "ephemeral"}, [["filename"]]),
    ({"filename": "a.svg", "type": "ephemeral"}, [["filename"]]),
    ({"filename": "a.zip", "type": "ephemeral"}, [["filename"]]),
]


@pytest.mark.parametrize(("body", "paths"), BAD)
def test_a_bad_body_is_named_field_by_field(body: Any, paths: list[Any], world: World, ask: Ask) -> None:
    status, answer = ask(body)
    assert status == 400
    assert [issue["path"] for issue in answer["issues"]] == paths
    assert world.table.rows == {}


@pytest.mark.parametrize("length", [3, 255])
def test_names_have_3_to_255_characters(length: int, ask: Ask) -> None:
    name = ("a" * length + ".aac")[-length:] if length > 4 else "a.wav"[-5:]
    assert ask({"filename": name, "type": "ephemeral"})[0] == 200


@pytest.mark.parametrize("text", ["", "[]", '{"filename": "a.png", "filename": "b.png", "type": "ephemeral"}', "{"])
def test_the_body_is_strict_json(text: str, ask: Ask) -> None:
    assert ask(text=text)[0] == 400


def test_a_key_without_the_scope_is_rejected(world: World, ask: Ask) -> None:
    status, answer = ask(scopes="tasks account")
    assert (status, answer) == (403, {"error": "The client key lacks the required scope uploads"})
    assert world.table.rows == {}
