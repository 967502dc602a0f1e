"""Notices: the SNS messages about events. Built from the row alone, so a repeated notice is the same."""

from __future__ import annotations

import json
from typing import Any

VERSION = 1


def whole_where_whole(number: float | None) -> float | None:
    """The number, as int if it is whole: the table returns 25.0 as 25, and a repeated notice must be the same text."""
    return int(number) if number is not None and number == int(number) else number


def with_attributes(notice: dict[str, Any]) -> tuple[str, dict[str, str]]:
    """The message (JSON), and the attributes that subscribers filter by."""
    attributes = {name: _printable(notice[name]) for name in ("type", "client", "operation", "model")}
    # ASCII: SNS rejects the few characters that XML does not know, and metadata or a key may hold them.
    return json.dumps(notice, separators=(",", ":")), attributes


def _printable(text: str) -> str:
    """The text without the characters that XML does not know: SNS rejects attributes that have them."""
    return "".join(character if character.isprintable() else "?" for character in text)[:256]
