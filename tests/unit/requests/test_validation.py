"""Descriptions of parameters, keyword by keyword: the values that they accept and the issues of all others."""

from __future__ import annotations

import math
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tarmac.requests.validation import Issue, check, strings, unknown_parameters, utf16_length

IMAGE, OTHER = "https://media.example.com/a.png", "https://media.example.com/b.png"
VIDEO = "data:video/mp4;base64,AAAA"
FRAME, FIRST, LAST = {"uri": IMAGE}, {"uri": IMAGE, "position": "first"}, {"uri": OTHER, "position": "last"}
MIDDLE = {"uri": OTHER, "position": "middle"}

Found = dict[str, tuple[str, str]]
"""Path → code, and a part of the message."""


def issues_of(value: Any, spec: dict[str, Any], **more: Any) -> Found:
    return {
        ".".join(map(str, issue.path)): (issue.code, issue.message)
        for issue in check({"x": value}, {"x": spec}, **more).issues
    }


def media(*kinds: str, **more: Any) -> dict[str, Any]:
    return {"type": "media", "media": list(kinds), **more}


def frames(**more: Any) -> dict[str, Any]:
    return {"type": "frames", "media": ["image"], **more}


TWO = frames(positions=["first", "last"])
LOOSE = frames(positions=["first", "last"], positionRequired=False, maxItems=3)
CASES = {
    "type": "object",
    "by": "kind",
    "cases": {"a": {"one": {"type": "string", "required": True}}, "b": {"two": {"type": "string"}}},
}
RULED = {
    "type": "object",
    "properties": {"a": {"type": "integer"}, "b": {"type": "integer"}},
    "rules": [{"given": ["a"], "requires": ["b"]}, {"given": ["a"], "requires": ["b", "c"]}],
}

TAKEN: list[tuple[Any, dict[str, Any]]] = [
    ({}, {}),
    (None, {"type": "string"}),
    ("a", {"type": "string"}),
    (5, {"type": "integer"}),
    (5.0, {"type": "integer"}),
    (5, {"type": "number"}),
    (5.5, {"type": "number"}),
    (False, {"type": "boolean"}),
    ({}, {"type": "object"}),
    ([], {"type": "array"}),
    ("auto", {"type": "integer", "or": ["auto"]}),
    (5, {"type": "integer", "or": ["auto"]}),
    ("b", {"enum": ["a", "b"]}),
    (2.0, {"enum": [2]}),
    (2, {"type": "integer", "minimum": 2, "maximum": 2}),
    (True, {"minimum": 5}),
    ("ab", {"type": "string", "minLength": 2, "maxLength": 2}),
    ("🎬", {"type": "string", "minLength": 2, "maxLength": 2}),
    ("ab", {"type": "string", "pattern": "[a-b]+"}),
    ([1, 2], {"type": "array", "minItems": 2, "maxItems": 2, "items": {"type": "integer"}}),
    ([{"tag": "a"}, {"tag": "b"}, {}, {}, 7], {"type": "array", "uniqueBy": "tag"}),
    ({"kind": "a", "one": "1"}, CASES),
    ({"kind": "b"}, CASES),
    ({"b": 1}, RULED),
    (IMAGE, media("image")),
    (VIDEO, media("image", "video")),
    (IMAGE, TWO),
    ([FIRST], TWO),
    ([LAST, FIRST], TWO),
    ([FRAME, FRAME, FRAME], LOOSE),
    ([FIRST, FRAME], LOOSE),
    ([LAST], LOOSE),
    ([FIRST, LAST, MIDDLE], frames()),
    ({"type": "image", "uri": IMAGE}, {"type": "typedMedia", "media": ["image", "video"]}),
    ({"type": "video", "uri": VIDEO}, {"type": "typedMedia", "media": ["image", "video"]}),
]


@pytest.mark.parametrize(("value", "spec"), TAKEN)
def test_what_fits_its_description_is_taken(value: Any, spec: dict[str, Any]) -> None:
    assert issues_of(value, spec) == {}


REJECTED: list[tuple[Any, dict[str, Any], Found]] = [
    (None, {"type": "string", "required": True}, {"x": ("invalid_type", "Required")}),
    (None, {"required": True, "why": "An image is needed."}, {"x": ("invalid_type", "An image is needed.")}),
    (5, {"type": "string"}, {"x": ("invalid_type", "Expected string, received integer")}),
    ("5", {"type": "integer"}, {"x": ("invalid_type", "Expected integer, received string")}),
    (5.5, {"type": "integer"}, {"x": ("invalid_type", "Expected integer, received number")}),
    (math.inf, {"type": "integer"}, {"x": ("invalid_type", "Expected integer, received number")}),
    (True, {"type": "integer"}, {"x": ("invalid_type", "Expected integer, received boolean")}),
    (True, {"type": "string"}, {"x": ("invalid_type", "Expected string, received boolean")}),
    (1, {"type": "boolean"}, {"x": ("invalid_type", "Expected boolean, received integer")}),
    ([], {"type": "object"}, {"x": ("invalid_type", "Expected object, received array")}),
    ({}, {"type": "array"}, {"x": ("invalid_type", "Expected array, received object")}),
    ((), {"type": "array"}, {"x": ("invalid_type", "Expected array, received tuple")}),
    ("AUTO", {"type": "integer", "or": ["auto"]}, {"x": ("invalid_type", "Expected integer, received string")}),
    (True, {"type": "integer", "or": [1]}, {"x": ("invalid_type", "Expected integer, received boolean")}),
    ("c", {"enum": ["a", 2]}, {"x": ("invalid_enum_value", "Expected one of a, 2; received 'c'")}),
    (True, {"enum": [1]}, {"x": ("invalid_enum_value", "Must be 1")}),
    ("c" * 78, {"enum": ["a", "b"]}, {"x": ("invalid_enum_value", f"Expected one of a, b; received '{'c' * 78}'")}),
    ("c" * 79, {"enum": ["a", "b"]}, {"x": ("invalid_enum_value", "Expected one of a, b; received string")}),
    (1, {"type": "integer", "minimum": 2}, {"x": ("too_small", "Must be at least 2")}),
    (3.1, {"type": "number", "maximum": 3}, {"x": ("too_big", "Must be at most 3")}),
    ("", {"type": "string", "minLength": 1}, {"x": ("too_small", "Must have at least 1 character(s)")}),
    ("🎬a", {"type": "string", "maxLength": 2}, {"x": ("too_big", "Must have at most 2 characters, has 3")}),
    ("abc", {"type": "string", "pattern": "[a-b]+"}, {"x": ("invalid_string", "Must match [a-b]+")}),
    ("c", {"type": "string", "pattern": "[a-b]+", "why": "A or B."}, {"x": ("invalid_string", "A or B.")}),
    ([], {"type": "array", "minItems": 1}, {"x": ("too_small", "Must have at least 1 item(s)")}),
    ([1, 2], {"type": "array", "maxItems": 1}, {"x": ("too_big", "Must have at most 1 item(s)")}),
    (
        [1, "a"],
        {"type": "array", "items": {"type": "integer"}},
        {"x.1": ("invalid_type", "Expected integer, received string")},
    ),
    (
        [{"tag": "a"}, {"tag": "b"}, {"tag": "a"}],
        {"type": "array", "uniqueBy": "tag"},
        {"x.2.tag": ("custom", "Each item must have a different tag")},
    ),
    ({}, CASES, {"x.kind": ("invalid_type", "Required")}),
    ({"kind": "c"}, CASES, {"x.kind": ("invalid_enum_value", "Expected one of a, b; received 'c'")}),
    ({"kind": ["a"]}, CASES, {"x.kind": ("invalid_enum_value", "Expected one of a, b; received ['a']")}),
    ({"kind": "a"}, CASES, {"x.one": ("invalid_type", "Required")}),
    (
        {"a": 1},
        RULED,
        {"x.b": ("invalid_type", "Required with a"), "x.c": ("invalid_type", "Required with a")},
    ),
    ({"a": 1, "b": "1", "c": 1}, RULED, {"x.b": ("invalid_type", "Expected integer, received string")}),
    (7, media("image"), {"x": ("invalid_type", "Expected a media link, received integer")}),
    ("ftp://a.example.com", media("image"), {"x": ("custom", "must be an https URL")}),
    (VIDEO, media("image"), {"x": ("custom", "expected image, not video/mp4")}),
    ("s3://bucket/a.png", media("image"), {"x": ("custom", "s3://")}),
    (7, TWO, {"x": ("invalid_type", "Expected a media link, received integer")}),
    (VIDEO, TWO, {"x": ("custom", "expected image, not video/mp4")}),
    ([], TWO, {"x": ("too_small", "Must have at least 1 item(s)")}),
    ([FIRST, LAST, LAST], TWO, {"x": ("too_big", "Must have at most 2 item(s)")}),
    ([FRAME, FRAME, FRAME, FRAME], LOOSE, {"x": ("too_big", "Must have at most 3 item(s)")}),
    ([IMAGE], TWO, {"x.0": ("invalid_type", "Expected object, received string")}),
    ([FRAME], TWO, {"x.0.position": ("invalid_type", "Required")}),
    ([FRAME], frames(), {"x.0.position": ("invalid_type", "Required")}),
    ([MIDDLE], TWO, {"x.0.position": ("invalid_enum_value", "Expected one of first, last; received 'middle'")}),
    ([{"uri": IMAGE, "position": 1}], frames(), {"x.0.position": ("invalid_type", "Expected string")}),
    ([{"position": "first"}], TWO, {"x.0.uri": ("invalid_type", "Required")}),
    ([{"uri": VIDEO, "position": "first"}], TWO, {"x.0.uri": ("custom", "expected image, not video/mp4")}),
    ([FIRST, FIRST], TWO, {"x": ("custom", "Each image must have a different position")}),
    ([FRAME, LAST, LAST], LOOSE, {"x": ("custom", "Each image must have a different position")}),
    ([LAST], TWO, {"x": ("custom", "A last frame needs a first frame")}),
    ([MIDDLE], frames(), {"x": ("custom", "A last frame needs a first frame")}),
    ([FIRST, FRAME], LOOSE | {"unmixed": True}, {"x": ("custom", "Set a position for all images or for none")}),
    (IMAGE, {"type": "typedMedia", "media": ["image"]}, {"x": ("invalid_type", "{type, uri}, received string")}),
    ({}, {"type": "typedMedia", "media": ["image", "video"]}, {
        "x.type": ("invalid_enum_value", "Expected one of image, video"), "x.uri": ("invalid_type", "Required"),
    }),
    ({"type": "audio", "uri": VIDEO}, {"type": "typedMedia", "media": ["image", "video"]}, {
        "x.type": ("invalid_enum_value", "Expected one of image, video"),
    }),
    (
        {"type": "image", "uri": VIDEO},
        {"type": "typedMedia", "media": ["image", "video"]},
        {"x.uri": ("custom", "expected image, not video/mp4")},
    ),
]  # fmt: skip


@pytest.mark.parametrize(("value", "spec", "expected"), REJECTED)
def test_what_does_not_fit_is_named_with_the_reason(value: Any, spec: dict[str, Any], expected: Found) -> None:
    found = issues_of(value, spec)
    assert {path: code for path, (code, _) in found.items()} == {path: code for path, (code, _) in expected.items()}
    for path, (code, part) in expected.items():
        message = found[path][1]
        # Messages about media are longer; all others are compared in full.
        assert part in message if code in ("custom", "invalid_type") else message == part


@pytest.mark.parametrize(
    ("value", "spec"),
    [
        ([FRAME, FRAME], LOOSE | {"unmixed": True}),
        ([FIRST, LAST], LOOSE | {"unmixed": True}),
        ([FIRST, LAST, MIDDLE], frames(maxItems=3)),
    ],
)
def test_frames_that_are_all_alike_are_not_mixed(value: Any, spec: dict[str, Any]) -> None:
    assert issues_of(value, spec) == {}


def test_every_parameter_is_checked_and_an_unknown_one_is_ignored() -> None:
    specs: dict[str, dict[str, Any]] = {
        "a": {"type": "string", "required": True},
        "b": {"type": "integer"},
        "c": {"type": "object"},
    }
    found = check({"b": "1", "c": 2, "d": object()}, specs).issues
    assert [issue.path for issue in found] == [("a",), ("b",), ("c",)]


def test_objects_of_a_bucket_pass_where_they_are_allowed() -> None:
    for value, spec in [
        ("s3://bucket/a.png", media("image")),
        ([FIRST | {"uri": "s3://bucket/a.png"}], TWO),
        ({"type": "image", "uri": "s3://bucket/a.png"}, {"type": "typedMedia", "media": ["image"]}),
    ]:
        assert issues_of(value, spec, s3_allowed=True) == {}
        assert [code for code, _ in issues_of(value, spec).values()] == ["custom"]


def test_links_to_own_outputs_pass_in_any_form() -> None:
    """Tarmac replaces them, so neither their scheme nor their length matters."""
    for own in ("s3://archive/acme/a.png", "http://127.0.0.1/archive/acme/a.png", "https://a.example/" + "a" * 3000):
        frames = [FIRST | {"uri": own}, LAST | {"uri": "s3://bucket/b.png"}]
        checked = check({"x": frames}, {"x": TWO}, is_own_output={own}.__contains__)
        assert [issue.path for issue in checked.issues] == [("x", 1, "uri")]
        assert checked.media[("x", 0, "uri")] == ("image",)


class TestRules:
    def test_name_a_field_once(self) -> None:
        specs: dict[str, dict[str, Any]] = {"a": {"type": "string", "required": True}, "b": {"type": "integer"}}
        rules = [{"requires": ["a"], "why": "no"}, {"forbids": ["b"], "why": "one"}, {"forbids": ["b"], "why": "two"}]
        found = check({"b": 1}, specs, rules=rules).issues
        assert [(issue.path, issue.code, issue.message) for issue in found] == [
            (("a",), "invalid_type", "Required"),
            (("b",), "custom", "one"),
        ]

    def test_report_a_missing_parameter_as_required(self) -> None:
        [issue] = check({}, {}, rules=[{"requires": ["a"]}]).issues
        assert (issue.code, issue.path, issue.message) == ("invalid_type", ("a",), "Required")

    def test_compute_with_nothing_of_a_wrong_type(self) -> None:
        specs = {"shots": {"type": "array"}}
        rules = [{"check": "shots_fill_the_duration"}]
        assert [issue.code for issue in check({"shots": "x"}, specs, rules=rules).issues] == ["invalid_type"]
        assert [issue.code for issue in check({"shots": []}, specs, rules=rules).issues] == ["custom"]

    def test_of_an_object_do_not_see_issues_beside_it(self) -> None:
        specs: dict[str, dict[str, Any]] = {
            "a": {"type": "integer"},
            "b": {"type": "object", "properties": {"shots": {}}, "rules": [{"check": "shots_fill_the_duration"}]},
        }
        found = check({"a": "1", "b": {"shots": []}}, specs).issues
        assert [issue.path for issue in found] == [("a",), ("b", "shots")]


PLACED: dict[str, dict[str, Any]] = {
    "image": media("image"),
    "prompt": {"type": "string"},
    "frames": TWO,
    "reference": {"type": "typedMedia", "media": ["image", "video"]},
    "list": {"type": "array", "items": {"type": "object", "properties": {"uri": media("audio")}}},
}


class TestMediaPlaces:
    def test_are_media_fields_and_undescribed_ones(self) -> None:
        body = {
            "image": IMAGE,
            "prompt": IMAGE,
            "frames": [FIRST],
            "reference": {"type": "video", "uri": VIDEO},
            "list": [{"uri": "s3://bucket/a.mp3"}, {"uri": "s3://bucket/b.mp3"}],
            "new": {"deep": [IMAGE, 7]},
        }
        assert check(body, PLACED).media == {
            ("image",): ("image",),
            ("frames", 0, "uri"): ("image",),
            ("reference", "type"): ("image", "video", "audio"),
            ("reference", "uri"): ("video",),
            ("list", 0, "uri"): ("audio",),
            ("list", 1, "uri"): ("audio",),
            ("new", "deep", 0): ("image", "video", "audio"),
        }

    def test_are_none_where_there_are_no_strings(self) -> None:
        assert check({"image": 7, "new": [1, None]}, PLACED).media == {}


def test_strings_are_found_at_their_paths() -> None:
    body = {"a": "1", "b": ["2", {"c": "3"}, 4], "d": None}
    assert list(strings(body)) == [(("a",), "1"), (("b", 0), "2"), (("b", 1, "c"), "3")]
    assert list(strings("x", ("a",))) == [(("a",), "x")]
    assert list(strings("x")) == [((), "x")]


def test_unknown_parameters_are_named_in_order_without_the_model() -> None:
    assert unknown_parameters({"model": "m", "zoom": 1, "angle": 2, "seed": 3}, {"seed": {}}) == ["angle", "zoom"]


class TestIssue:
    def test_of_runways_own_is_read_as_far_as_it_goes(self) -> None:
        whole = {"code": "too_big", "path": ["a", 0, None], "message": "no"}
        assert Issue.from_json(whole) == Issue("too_big", ("a", 0, "None"), "no")
        assert Issue.from_json({"path": "a"}) == Issue("custom", (), "")
        unreadables: tuple[Any, ...] = ({}, None, "text", ["a"])
        for unreadable in unreadables:
            assert Issue.from_json(unreadable) == Issue("custom", (), "")

    def test_is_shown_in_runways_shape(self) -> None:
        issue = Issue("too_big", ("a", 0), "no")
        assert issue.as_json() == {"code": "too_big", "path": ["a", 0], "message": "no"}
        assert Issue.from_json(issue.as_json()) == issue


@given(st.text())
def test_prompts_are_counted_in_utf16_units(text: str) -> None:
    assert utf16_length(text) == sum(2 if ord(character) > 0xFFFF else 1 for character in text)


def test_half_a_character_is_counted_too() -> None:
    assert utf16_length("\ud83c") == 1
