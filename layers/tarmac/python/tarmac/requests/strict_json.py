"""Parses JSON from callers strictly: text that two parsers could read differently is rejected.

A very long number, a duplicate key or a lone surrogate is harmless here, but can break a system that later reads the
row, the log or the notice. See docs/decisions/0029-strict-bodies.md.
"""

from __future__ import annotations

import json
import math
from typing import Any

MAX_DEPTH = 32
_MAX_DIGITS = 40


class BadJson(ValueError):
    """The JSON is invalid; the message states the reason for the caller."""


def loads(text: bytes) -> dict[str, Any]:
    """The JSON object in a body. Raises BadJson."""
    if not text.strip():
        raise BadJson("The body is empty; send a JSON object")
    try:
        value = json.loads(
            text.decode("utf-8"),
            object_pairs_hook=_object,
            parse_constant=_constant,
            parse_int=_integer,
            parse_float=_float,
        )
    except UnicodeDecodeError:
        raise BadJson("The body is not UTF-8") from None
    except RecursionError:
        raise BadJson(f"The body is nested deeper than {MAX_DEPTH} levels") from None
    except json.JSONDecodeError as error:
        raise BadJson(f"The body is not JSON: {error.msg} at line {error.lineno}, column {error.colno}") from None
    if not isinstance(value, dict):
        raise BadJson("The body must be a JSON object")
    _check(value)
    return value


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for name, value in pairs:
        if name in found:
            raise BadJson(f"The body has the key {_shown(name)} twice")
        found[name] = value
    return found


def _constant(name: str) -> Any:
    raise BadJson(f"{name} is not a JSON number")


def _integer(digits: str) -> int:
    if len(digits) > _MAX_DIGITS:
        raise BadJson(f"The body has a number with {len(digits)} digits; at most {_MAX_DIGITS} are allowed")
    return int(digits)


def _float(text: str) -> float:
    value = float(text)
    if not math.isfinite(value) or len(text) > _MAX_DIGITS * 10:
        raise BadJson("The body has a number that is too large")
    return value


def _check(value: Any) -> None:
    """Raise BadJson for a value that is nested too deeply or contains text that UTF-8 cannot encode."""
    level = [value]
    for _ in range(MAX_DEPTH):
        below: list[Any] = []
        for part in level:
            if isinstance(part, str):
                _check_text(part)
            elif isinstance(part, dict):
                for name in part:
                    _check_text(name)
                below += part.values()
            elif isinstance(part, list):
                below += part
        if not below:
            return
        level = below
    raise BadJson(f"The body is nested deeper than {MAX_DEPTH} levels")


def _check_text(text: str) -> None:
    try:
        text.encode("utf-8")
    except UnicodeEncodeError:
        raise BadJson("The body has a lone surrogate, which is not a valid character") from None


def _shown(name: str) -> str:
    return json.dumps(name if len(name) <= 40 else name[:40] + "…")
