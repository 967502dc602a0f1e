"""Parts of the notices on SNS. A notice is made from its row only, so that a repeated notice is identical."""

from __future__ import annotations

import json
from typing import Any

VERSION = 1


def whole_if_whole(number: float | None) -> float | None:
    """The number, as int if it is whole: the table returns 25.0 as 25, and a repeated notice must be the same text."""
    return int(number) if number is not None and number == int(number) else number


def with_attributes(notice: dict[str, Any]) -> tuple[str, dict[str, str]]:
    """The message of a notice as JSON, and the message attributes that subscribers filter by."""
    attributes = {name: _printable(notice[name]) for name in ("type", "client", "operation", "model")}
    # ASCII, because SNS rejects characters that XML does not allow, and metadata and keys may contain them.
    return json.dumps(notice, separators=(",", ":")), attributes


def _printable(text: str) -> str:
    """The text without the characters that SNS rejects in attributes because XML does not allow them."""
    return "".join(character if character.isprintable() else "?" for character in text)[:256]
