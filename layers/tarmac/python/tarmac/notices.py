"""Notices: what SNS subscribers learn of an ending. Made from the row alone, so a repeated one is the same."""

from __future__ import annotations

import json
from collections.abc import Iterable
from typing import Any

from tarmac.rows import Output

VERSION = 1


def _files(outputs: Iterable[Output]) -> list[dict[str, Any]]:
    return [
        {
            "bucket": output.bucket,
            "key": output.key,
            "bytes": output.size_bytes,
            "sha256": output.sha256,
            "contentType": output.content_type,
        }
        | ({} if output.node is None else {"node": output.node})
        for output in outputs
    ]


def _whole_where_whole(number: float | None) -> float | None:
    """The table gives 25.0 back as 25: one number must be one text, or a repeated notice is not the same."""
    return int(number) if number is not None and number == int(number) else number


def _with_attributes(notice: dict[str, Any]) -> tuple[str, dict[str, str]]:
    attributes = {name: _printable(notice[name]) for name in ("type", "client", "operation", "model")}
    # ASCII: SNS refuses the few characters that XML does not know, whatever metadata or a key may hold.
    return json.dumps(notice, separators=(",", ":")), attributes


def _printable(text: str) -> str:
    """SNS refuses attributes with characters that XML does not know."""
    return "".join(character if character.isprintable() else "?" for character in text)[:256]
