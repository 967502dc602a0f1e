"""Conditions between parameters: every keyword of a rule, and each check at its bounds."""

from __future__ import annotations

from typing import Any

import pytest

from tarmac.requests.conditions import CHECKS, Broken, applies, broken_rules, in_words

Body = dict[str, Any]
Rule = dict[str, Any]


@pytest.mark.parametrize(
    ("rule", "body", "holds"),
    [
        ({}, {}, True),
        ({"when": {"a": [1]}}, {"a": 1}, True),
        ({"when": {"a": [1]}}, {"a": 2}, False),
        ({"when": {"a": [1]}}, {}, False),
        ({"when": {"a": [1], "b": [2]}}, {"a": 1, "b": 2}, True),
        ({"when": {"a": [1], "b": [2]}}, {"a": 1, "b": 3}, False),
        ({"when": {"a.b": [1]}}, {"a": {"b": 1}}, True),
        ({"when": {"a.b.c": [1]}}, {"a": {"b": {"c": 1}}}, True),
        ({"when": {"a.b": [1]}}, {"a": "b"}, False),
        ({"unless": {"a": [1]}}, {"a": 1}, False),
        ({"unless": {"a": [1]}}, {}, True),
        ({"unless": {"a": [1], "b": [2]}}, {"a": 0, "b": 2}, False),
        ({"given": ["a", "b"]}, {"a": 0, "b": False}, True),
        ({"given": ["a", "b"]}, {"a": 0, "b": None}, False),
        ({"absent": ["a"]}, {"a": None}, True),
        ({"absent": ["a"]}, {"a": 0}, False),
        ({"absent": ["a", "b"]}, {"b": 1}, False),
        ({"absent": ["a"], "when": {"b": [1]}}, {"b": 2}, False),
        ({"absent": ["a"], "when": {"b": [1]}}, {"b": 1}, True),
        ({"given": ["a"], "unless": {"b": [1]}}, {"b": 1}, False),
    ],
)
def test_circumstances_all_hold_or_the_rule_does_not(rule: Rule, body: Body, holds: bool) -> None:
    assert applies(rule, body) is holds


BROKEN: list[tuple[Rule, Body, list[Broken]]] = [
    ({"requires": ["b", "c"]}, {"b": 1}, [Broken(("c",), "Required", missing=True)]),
    (
        {"when": {"a": [1, 2]}, "requires": ["b"]},
        {"a": 1},
        [Broken(("b",), "Required when a is 1 or 2", missing=True)],
    ),
    ({"requires": ["b.c"], "why": "Because."}, {}, [Broken(("b", "c"), "Because.", missing=True)]),
    ({"unless": {"b": [1]}, "forbids": ["a"]}, {"a": 0}, [Broken(("a",), "Not accepted unless b is 1")]),
    ({"forbids": ["a"]}, {"a": None}, []),
    ({"forbids": ["a"], "why": "Because."}, {"a": 1}, [Broken(("a",), "Because.")]),
    (
        {"given": ["a"], "allows": {"d": [True, "X"]}},
        {"a": 1, "d": 4},
        [Broken(("d",), "Must be true or X with a")],
    ),
    ({"allows": {"d": [4]}}, {}, []),
    ({"allows": {"d": [4]}}, {"d": 4}, []),
    ({"allows": {"d": [4]}, "why": "Because."}, {"d": 5}, [Broken(("d",), "Because.")]),
    (
        {"absent": ["b"], "given": ["c"], "refuses": {"a": [1]}},
        {"a": 1, "c": 0},
        [Broken(("a",), "Must not be 1 with c and without b")],
    ),
    ({"refuses": {"a": [1]}}, {"a": 2}, []),
    ({"refuses": {"a": [1]}, "why": "Because."}, {"a": 1}, [Broken(("a",), "Because.")]),
    ({"requiresOneOf": ["b.x", "c"]}, {}, [Broken(("b", "x"), "Required: b.x or c", missing=True)]),
    ({"requiresOneOf": ["b", "c"], "why": "Because."}, {}, [Broken(("b",), "Because.", missing=True)]),
    ({"requiresOneOf": ["b", "c"]}, {"b": 1, "c": 1}, []),
    ({"exactlyOne": ["a", "d", "e"]}, {"d": 1}, []),
    ({"exactlyOne": ["a", "d", "e"]}, {"e": 1, "d": 1}, [Broken(("e",), "Set only one of a, d, e")]),
    ({"exactlyOne": ["a", "d"]}, {"x": 1}, [Broken(("a",), "Required: a or d", missing=True)]),
    ({"exactlyOne": ["a", "d"], "given": ["x"]}, {"x": 1}, [Broken(("a",), "Required with x: a or d", missing=True)]),
    ({"exactlyOne": ["a", "d"], "why": "Because."}, {"a": 1, "d": 1}, [Broken(("d",), "Because.")]),
    ({"when": {"a": [1]}, "requires": ["b"]}, {"a": 2}, []),
]


@pytest.mark.parametrize(("rule", "body", "expected"), BROKEN)
def test_a_broken_rule_has_a_path_and_a_reason(rule: Rule, body: Body, expected: list[Broken]) -> None:
    assert list(broken_rules(body, [rule], sound=False)) == expected


def test_every_rule_is_checked() -> None:
    rules: list[Rule] = [
        {"given": ["none"], "requires": ["a"]},
        {"requires": ["a"]},
        {"check": "shots_fill_the_duration"},
        {"requires": ["b"]},
    ]
    body = {"shots": [{"duration": 3}]}
    assert [broken.path for broken in broken_rules(body, rules, sound=True)] == [("a",), ("shots",), ("b",)]


def test_functions_run_where_the_types_are_right() -> None:
    rules = [{"check": "shots_fill_the_duration"}]
    assert list(broken_rules({"shots": 7}, rules, sound=False)) == []
    assert len(list(broken_rules({"shots": [{"duration": 3}]}, rules, sound=True))) == 1


@pytest.mark.parametrize(
    ("rule", "words"),
    [
        ({}, []),
        ({"requires": ["a", "b.c"]}, ["a is required", "b.c is required"]),
        ({"forbids": ["a"], "when": {"b": [False]}}, ["a is not accepted when b is false"]),
        ({"allows": {"a": [1, "X"]}, "unless": {"b": [2]}}, ["a must be 1 or X unless b is 2"]),
        ({"refuses": {"a": [1]}, "given": ["b"]}, ["a must not be 1 with b"]),
        ({"requiresOneOf": ["a", "b"], "absent": ["c"]}, ["a or b is required without c"]),
        ({"exactlyOne": ["a", "b"]}, ["exactly one of a, b"]),
        ({"exactlyOne": ["a", "b"], "given": ["c", "d"]}, ["exactly one of a, b with c and with d"]),
        ({"requires": ["a"], "forbids": ["b"]}, ["a is required", "b is not accepted"]),
        ({"requires": ["a"], "why": "Because."}, ["Because."]),
        ({"check": "shots_fill_the_duration"}, []),
    ],
)
def test_a_rule_is_described_in_words(rule: Rule, words: list[str]) -> None:
    assert in_words(rule) == words


def lasting(*seconds: float) -> list[Body]:
    return [{"duration": each} for each in seconds]


def having(**values: Any) -> list[Body]:
    [(name, each)] = values.items()
    return [{name: value} for value in each]


RANGE = {"start_seconds": 2, "end_seconds": 4}

CHECKED: list[tuple[str, Body, dict[str, str]]] = [
    ("segments_last_3_to_15_seconds", {}, {}),
    ("segments_last_3_to_15_seconds", {"providerSettings": {"multiPrompt": lasting(1, 2)}}, {}),
    ("segments_last_3_to_15_seconds", {"providerSettings": {"multiPrompt": lasting(10, 5)}}, {}),
    (
        "segments_last_3_to_15_seconds",
        {"providerSettings": {"multiPrompt": lasting(1, 1.5)}},
        {"providerSettings.multiPrompt": "3 to 15 seconds; these last 2.5"},
    ),
    (
        "segments_last_3_to_15_seconds",
        {"providerSettings": {"multiPrompt": lasting(10, 6)}},
        {"providerSettings.multiPrompt": "these last 16"},
    ),
    ("shots_fill_the_duration", {}, {}),
    ("shots_fill_the_duration", {"shots": lasting(4, 6)}, {}),
    ("shots_fill_the_duration", {"shots": lasting(4, 6), "duration": 10}, {}),
    ("shots_fill_the_duration", {"shots": lasting(4, 1), "duration": 5}, {}),
    ("shots_fill_the_duration", {"shots": lasting(4, 5)}, {"shots": "must last 10 seconds"}),
    ("shots_fill_the_duration", {"shots": lasting(4, 6), "duration": 15}, {"shots": "these last 10"}),
    ("keyframes_lie_in_their_ranges", {}, {}),
    ("keyframes_lie_in_their_ranges", {"keyframes": having(seconds=[1, 2])}, {}),
    ("keyframes_lie_in_their_ranges", {"keyframes": [{"range": RANGE, "at": 0.5}]}, {}),
    ("keyframes_lie_in_their_ranges", {"keyframes": [{"range": RANGE, "seconds": 2}]}, {}),
    ("keyframes_lie_in_their_ranges", {"keyframes": [{"range": RANGE, "seconds": 3.9}]}, {}),
    (
        "keyframes_lie_in_their_ranges",
        {"keyframes": [{"range": RANGE, "seconds": 3}, {"range": RANGE, "seconds": 4}]},
        {"keyframes.1.seconds": "within its range"},
    ),
    (
        "keyframes_lie_in_their_ranges",
        {"keyframes": [{"range": RANGE, "seconds": 1.9}]},
        {"keyframes.0.seconds": "within its range"},
    ),
    (
        "keyframes_lie_in_their_ranges",
        {"keyframes": [{"range": RANGE | {"end_seconds": 2}, "seconds": 2}, {"range": RANGE, "seconds": 9}]},
        {"keyframes.0.range": "end_seconds must be later than start_seconds", "keyframes.1.seconds": "range"},
    ),
    (
        "keyframes_lie_in_their_ranges",
        {"keyframes": [{"seconds": 1}, {"range": RANGE, "seconds": 4}]},
        {"keyframes": "a range for all keyframes or for none", "keyframes.1.seconds": "range"},
    ),
    ("keyframed_ratio_is_auto", {}, {}),
    ("keyframed_ratio_is_auto", {"promptImage": "https://x", "ratio": "1280:720"}, {}),
    ("keyframed_ratio_is_auto", {"promptImage": having(uri=["https://x"]), "ratio": "1280:720"}, {}),
    ("keyframed_ratio_is_auto", {"promptImage": having(position=["first"])}, {}),
    ("keyframed_ratio_is_auto", {"promptImage": having(position=["first"]), "ratio": "auto_720p"}, {}),
    (
        "keyframed_ratio_is_auto",
        {"promptImage": having(position=[None, "last"]), "ratio": "1280:720"},
        {"ratio": "auto_480p, auto_720p or auto_1080p"},
    ),
    ("at_most_5_humans_and_9_objects", {}, {}),
    ("at_most_5_humans_and_9_objects", {"referenceImages": having(subject=["human"] * 5 + ["object"] * 9)}, {}),
    (
        "at_most_5_humans_and_9_objects",
        {"referenceImages": having(subject=["human"] * 6)},
        {"referenceImages": "At most 5 images may have the subject human"},
    ),
    (
        "at_most_5_humans_and_9_objects",
        {"referenceImages": having(subject=["object"] * 10)},
        {"referenceImages": "At most 9 images may have the subject object"},
    ),
    ("chosen_size_needs_two_references", {}, {}),
    ("chosen_size_needs_two_references", {"ratio": "auto"}, {}),
    ("chosen_size_needs_two_references", {"ratio": "1024:1024", "referenceImages": [{}, {}]}, {}),
    (
        "chosen_size_needs_two_references",
        {"ratio": "1024:1024", "referenceImages": [{}]},
        {"ratio": "at least 2 reference images"},
    ),
    ("chosen_size_needs_two_references", {"ratio": "1024:1024"}, {"ratio": "at least 2"}),
    ("freeform_size_is_3_to_16_megapixels", {"ratio": "1920:1920"}, {}),
    ("freeform_size_is_3_to_16_megapixels", {"ratio": "4096:4096"}, {}),
    ("freeform_size_is_3_to_16_megapixels", {"ratio": "auto"}, {}),
    ("freeform_size_is_3_to_16_megapixels", {"ratio": "10:x"}, {}),
    ("freeform_size_is_3_to_16_megapixels", {"ratio": "x:10"}, {}),
    ("freeform_size_is_3_to_16_megapixels", {"ratio": "1:2:3"}, {}),
    ("freeform_size_is_3_to_16_megapixels", {"ratio": "1:3686400"}, {}),
    ("freeform_size_is_3_to_16_megapixels", {"ratio": "1:3686399"}, {"ratio": "3686400 to 16777216 pixels"}),
    ("freeform_size_is_3_to_16_megapixels", {"ratio": "16777217:1"}, {"ratio": "3686400 to 16777216 pixels"}),
    ("one_image_a_place_and_one_source", {}, {}),
    (
        "one_image_a_place_and_one_source",
        {
            "referenceImages": having(role=["first", "last", "style", "style", None, None]),
            "referenceVideos": having(role=["source", "style", "style"]),
        },
        {},
    ),
    (
        "one_image_a_place_and_one_source",
        {"referenceImages": having(role=["first", "first"]), "referenceVideos": having(role=["source", "source"])},
        {"referenceImages": "role first", "referenceVideos": "role source"},
    ),
    (
        "one_image_a_place_and_one_source",
        {"referenceImages": having(role=["last"] * 3)},
        {"referenceImages": "role last"},
    ),
    ("keyframes_need_a_source", {}, {}),
    ("keyframes_need_a_source", {"keyframes": []}, {}),
    ("keyframes_need_a_source", {"referenceVideos": having(role=["style"])}, {}),
    ("keyframes_need_a_source", {"keyframes": [{}], "referenceVideos": having(role=["style", "source"])}, {}),
    ("keyframes_need_a_source", {"keyframes": [{}]}, {"referenceVideos": "role source"}),
    (
        "keyframes_need_a_source",
        {"keyframes": [{}], "referenceVideos": having(role=["style"])},
        {"referenceVideos": "role source"},
    ),
]  # fmt: skip


@pytest.mark.parametrize(("check", "body", "expected"), CHECKED)
def test_a_check_finds_values_outside_its_bounds(check: str, body: Body, expected: dict[str, str]) -> None:
    found = {".".join(map(str, broken.path)): broken for broken in CHECKS[check](body)}
    assert found.keys() == expected.keys()
    for path, part in expected.items():
        assert part in found[path].message
        # The message is a sentence that begins with its subject.
        assert found[path].message[:1].isupper() or found[path].message.startswith("end_seconds")
        assert not found[path].missing


def test_every_function_is_tried() -> None:
    assert {check for check, _, _ in CHECKED} == CHECKS.keys()
