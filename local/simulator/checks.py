"""Checks of JSON values: each adds the issues that Runway would report to the findings.

Codes and paths follow Runway's `issues` (`invalid_type`, `invalid_value`, `too_big`, …). Media fields
are only collected here; `inputs` checks them, because that needs the uploads.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

Path = tuple[str | int, ...]
MediaKind = Literal["image", "video", "audio"]


@dataclass(frozen=True, slots=True)
class Issue:
    """One entry of Runway's `issues`."""

    code: str
    path: Path
    message: str

    def as_json(self) -> dict[str, Any]:
        return {"code": self.code, "path": list(self.path), "message": self.message}


@dataclass(frozen=True, slots=True)
class MediaField:
    """A media string and its path in the body."""

    path: Path
    kind: MediaKind
    uri: str


@dataclass(slots=True)
class Findings:
    """The issues and the media fields of one body."""

    issues: list[Issue] = field(default_factory=list)
    media: list[MediaField] = field(default_factory=list)

    def add(self, code: str, path: Path, message: str) -> None:
        self.issues.append(Issue(code, path, message))


Check = Callable[[Any, Path, Findings], None]


def text(at_least: float, at_most: float) -> Check:
    """A string; lengths are in UTF-16 code units, as at Runway."""

    def check(value: Any, path: Path, findings: Findings) -> None:
        if not isinstance(value, str):
            findings.add("invalid_type", path, "Invalid input: expected string")
        elif (units := len(value.encode("utf-16-le", "surrogatepass")) // 2) < at_least:
            findings.add("too_small", path, f"Too small: expected >={at_least} characters")
        elif units > at_most:
            findings.add("too_big", path, f"Too big: expected <={at_most} characters")

    return check


def whole(at_least: float, at_most: float) -> Check:
    """An integer; a whole float such as 5.0 passes, as in JavaScript."""

    def check(value: Any, path: Path, findings: Findings) -> None:
        if isinstance(value, bool) or not isinstance(value, int | float):
            findings.add("invalid_type", path, "Invalid input: expected number")
        elif isinstance(value, float) and not value.is_integer():
            findings.add("invalid_type", path, "Invalid input: expected int")
        elif value < at_least:
            findings.add("too_small", path, f"Too small: expected number to be >={at_least}")
        elif value > at_most:
            findings.add("too_big", path, f"Too big: expected number to be <={at_most}")

    return check


def number(at_least: float = float("-inf"), at_most: float = float("inf")) -> Check:
    """A finite number."""

    def check(value: Any, path: Path, findings: Findings) -> None:
        if isinstance(value, bool) or not isinstance(value, int | float) or not abs(value) < float("inf"):
            findings.add("invalid_type", path, "Invalid input: expected number")
        elif value < at_least:
            findings.add("too_small", path, f"Too small: expected number to be >={at_least}")
        elif value > at_most:
            findings.add("too_big", path, f"Too big: expected number to be <={at_most}")

    return check


def matching(pattern: str, at_most: float) -> Check:
    """A string that the whole pattern matches."""
    whole_pattern, length = re.compile(pattern), text(1, at_most)

    def check(value: Any, path: Path, findings: Findings) -> None:
        length(value, path, findings)
        if isinstance(value, str) and not whole_pattern.fullmatch(value):
            findings.add("invalid_format", path, f"Invalid string: must match pattern {pattern}")

    return check


def one_of(*allowed: str | int) -> Check:
    """One of these literals."""

    def check(value: Any, path: Path, findings: Findings) -> None:
        if isinstance(value, bool) or value not in allowed:
            names = "|".join(f'"{each}"' if isinstance(each, str) else str(each) for each in allowed)
            findings.add("invalid_value", path, f"Invalid option: expected one of {names}")

    return check


def flag(value: Any, path: Path, findings: Findings) -> None:
    """true or false."""
    if not isinstance(value, bool):
        findings.add("invalid_type", path, "Invalid input: expected boolean")


def anything(value: Any, path: Path, findings: Findings) -> None:
    """Any JSON value."""


def nullable(check: Check) -> Check:
    """null, or what the check accepts."""

    def check_unless_null(value: Any, path: Path, findings: Findings) -> None:
        if value is not None:
            check(value, path, findings)

    return check_unless_null


def media(kind: MediaKind) -> Check:
    """A media string of this kind."""

    def check(value: Any, path: Path, findings: Findings) -> None:
        if isinstance(value, str):
            findings.media.append(MediaField(path, kind, value))
        else:
            findings.add("invalid_type", path, "Invalid input: expected string")

    return check


def either(first: Check, second: Check, *, is_first: Callable[[Any], bool]) -> Check:
    """The first check where `is_first` holds, else the second."""

    def check(value: Any, path: Path, findings: Findings) -> None:
        (first if is_first(value) else second)(value, path, findings)

    return check


def tagged(tag: str, variants: Mapping[str, Check]) -> Check:
    """An object whose field `tag` names one of the variants."""
    known = one_of(*variants)

    def check(value: Any, path: Path, findings: Findings) -> None:
        if not isinstance(value, dict):
            findings.add("invalid_type", path, "Invalid input: expected object")
        elif isinstance(name := value.get(tag), str) and name in variants:
            variants[name](value, path, findings)
        else:
            known(name, (*path, tag), findings)

    return check


def listed(item: Check, at_least: float, at_most: float) -> Check:
    """An array of such items."""

    def check(value: Any, path: Path, findings: Findings) -> None:
        if not isinstance(value, list):
            findings.add("invalid_type", path, "Invalid input: expected array")
        elif len(value) < at_least:
            findings.add("too_small", path, f"Too small: expected array to have >={at_least} items")
        elif len(value) > at_most:
            findings.add("too_big", path, f"Too big: expected array to have <={at_most} items")
        else:
            for index, each in enumerate(value):
                item(each, (*path, index), findings)

    return check


def record(fields: Mapping[str, Check], required: Collection[str], *, strict: bool = False) -> Check:
    """An object with these fields. Unknown ones are ignored, unless strict."""

    def check(value: Any, path: Path, findings: Findings) -> None:
        if not isinstance(value, dict):
            findings.add("invalid_type", path, "Invalid input: expected object")
            return
        for name, check_field in fields.items():
            if name in value:
                check_field(value[name], (*path, name), findings)
            elif name in required:
                findings.add("invalid_type", (*path, name), "Invalid input: received undefined")
        if strict and (unknown := [name for name in value if name not in fields]):
            findings.add("unrecognized_keys", path, f"Unrecognized keys: {', '.join(map(repr, unknown))}")

    return check
