"""Each request body is checked in a single walk: a description in the catalogue is read once per create or change."""

from __future__ import annotations

from typing import Any, cast

import pytest

from tarmac.catalogue import operation
from tarmac.characters import manage
from tarmac.characters.kinds import Kind
from tarmac.characters.specs import CHANGES, CREATES
from tarmac.idempotency import RequestIdentity
from tarmac.requests.validation import Spec, check
from tests.fakes import World
from tests.fakes.stories import accepted

IDENTITY = RequestIdentity("acme", "/v1/documents", "ab" * 32)
NOTES = {"name": "Notes", "content": "Some text"}


class CountedSpec(dict[str, Any]):
    """The description of a parameter. It counts the walks over a body, because each reads `type` once."""

    walks = 0

    def get(self, name: str, default: Any = None) -> Any:
        self.walks += name == "type"
        return super().get(name, default)


def counted(monkeypatch: pytest.MonkeyPatch, parameters: Any, name: str) -> CountedSpec:
    """The parameter's description, replaced by one that counts."""
    spec = CountedSpec(parameters[name])
    monkeypatch.setitem(cast(dict[str, Spec], parameters), name, spec)
    return spec


def test_a_check_is_one_walk() -> None:
    spec = CountedSpec(type="media", media=["image"])
    link = "https://media.example.com/a.png"
    checked = check({"image": link}, {"image": spec})
    assert (checked.issues, checked.media, spec.walks) == ([], {("image",): ("image",)}, 1)
    check({"image": link}, {"image": spec})
    assert spec.walks == 2


def test_a_create_is_one_walk(monkeypatch: pytest.MonkeyPatch, world: World) -> None:
    spec = counted(monkeypatch, operation("image_to_video").model("gen4_turbo").parameters, "promptImage")
    accepted(world)
    assert spec.walks == 1


def test_a_create_and_a_change_of_a_document_are_one_walk_each(monkeypatch: pytest.MonkeyPatch, world: World) -> None:
    created = counted(monkeypatch, CREATES[Kind.DOCUMENT], "name")
    changed = counted(monkeypatch, CHANGES[Kind.DOCUMENT], "name")
    item = manage.create(Kind.DOCUMENT, NOTES, IDENTITY, (), world)
    assert (created.walks, changed.walks) == (1, 0)
    manage.change(Kind.DOCUMENT, item["id"], {"name": "Other notes"}, manage.Caller("acme"), (), world)
    assert (created.walks, changed.walks) == (1, 1)
