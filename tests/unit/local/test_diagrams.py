"""Pictures of the machines: those in docs/ are what the definitions give now, and nothing in them lies over another."""

from __future__ import annotations

import xml.etree.ElementTree as ET
from itertools import combinations
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from local.aws.template import parse
from local.diagrams.__main__ import pictures
from local.diagrams.graph import graph_of
from local.diagrams.layout import Layout, Rect, lay_out
from local.diagrams.svg import draw
from local.paths import ROOT

MACHINES = sorted((ROOT / "statemachines").glob("*.asl.yaml"))
PICTURES = dict(pictures())


@pytest.mark.parametrize("path", PICTURES, ids=lambda path: path.name)
def test_the_picture_in_docs_is_of_the_machine_as_it_is(path: Any) -> None:
    assert path.read_text() == PICTURES[path], "draw it again: make pictures"


def test_every_machine_has_a_picture_and_every_picture_a_machine() -> None:
    assert sorted(path.name for path in PICTURES) == sorted(path.name for path in (ROOT / "docs").glob("*.svg"))
    assert len(PICTURES) == len(MACHINES)


def states_of(scope: dict[str, Any]) -> dict[str, Any]:
    """Those inside a Map too."""
    found = dict(scope["States"])
    for state in scope["States"].values():
        if "ItemProcessor" in state:
            found |= states_of(state["ItemProcessor"])
    return found


@pytest.mark.parametrize("machine", MACHINES, ids=lambda path: path.name)
def test_a_picture_tells_every_state_with_its_comment(machine: Any) -> None:
    definition = parse(machine.read_text())
    texts = "\n".join(ET.fromstring(draw(graph_of(definition), "M")).itertext())  # noqa: S314 (made just now)
    words = " ".join(texts.split())
    for name, state in states_of(definition).items():
        assert f"{name} {state['Type']}" in words
        assert state["Comment"] in words


def apart(one: Rect, other: Rect) -> bool:
    return (
        one.x + one.width <= other.x or other.x + other.width <= one.x or one.bottom <= other.y or other.bottom <= one.y
    )


def assert_readable(layout: Layout) -> None:
    """No box over another or outside, and no arrow's corner within a box."""
    for one, other in combinations(layout.rects.values(), 2):
        assert apart(one, other), (one, other)
    for rect in layout.rects.values():
        assert rect.x >= 0
        assert rect.y >= 0
        assert rect.x + rect.width <= layout.width
        assert rect.bottom <= layout.height
    for route in layout.routes:
        for x, y in route.points:
            assert 0 <= x <= layout.width
            assert not [r for r in layout.rects.values() if r.x < x < r.x + r.width and r.y < y < r.bottom], route
    for inner in layout.inner.values():
        assert_readable(inner)


@pytest.mark.parametrize("machine", MACHINES, ids=lambda path: path.name)
def test_nothing_lies_over_another(machine: Any) -> None:
    assert_readable(lay_out(graph_of(parse(machine.read_text()))))


@st.composite
def machines(draw: st.DrawFn) -> dict[str, Any]:
    """Any machine: states that lead anywhere, by a Next and two Catches."""
    names = [f"S{number}" for number in range(draw(st.integers(1, 9)))]
    target = st.sampled_from(names)
    states: dict[str, Any] = {}
    for name in names:
        catches = [{"ErrorEquals": ["States.ALL"], "Next": draw(target)} for _ in range(draw(st.integers(0, 2)))]
        words = {"Comment": draw(st.text("ab ", max_size=120)), "Resource": "arn:aws:states:::lambda:invoke"}
        states[name] = {"Type": "Task", "Next": draw(target), "Catch": catches} | words
    return {"StartAt": names[0], "States": states}


@given(machines())
def test_any_machine_is_drawn_readably(machine: dict[str, Any]) -> None:
    assert_readable(lay_out(graph_of(machine)))
    ET.fromstring(draw(graph_of(machine), "any"))  # noqa: S314
