"""Lists in pages: `?limit=&cursor=` in, `{"data", "hasMore", "nextCursor"}` out."""

from __future__ import annotations

import base64
import binascii
import json
from collections.abc import Callable, Iterable, Mapping
from datetime import UTC, datetime
from typing import Any, Final, TypeVar

from local.simulator.checks import Issue
from local.simulator.responses import ApiError, invalid

Item = TypeVar("Item")
_MAX_LIMIT: Final = 100


def page(
    query: Mapping[str, str],
    items: Iterable[Item],
    place: Callable[[Item], tuple[Any, str]],
    show: Callable[[Item], dict[str, Any]],
    *,
    default: int = 50,
    newest_first: bool = True,
) -> dict[str, Any]:
    """One page of the items, ordered by `place`: the sort key and the id of an item.

    A cursor is the place of the last item shown, so that added or deleted items do not shift the next page.
    """
    limit = _limit(query.get("limit"), default)
    ordered = sorted(items, key=place, reverse=newest_first)
    if "cursor" in query:
        last = _place_in(query["cursor"])
        ordered = [item for item in ordered if (place(item) < last if newest_first else place(item) > last)]
    shown, more = ordered[:limit], len(ordered) > limit
    cursor = _cursor(place(shown[-1])) if more else None
    return {"data": [show(item) for item in shown], "hasMore": more, "nextCursor": cursor}


def moment(query: Mapping[str, str], name: str, default: float | None = None) -> float:
    """A time in the query as epoch seconds; raises ApiError 400."""
    if name not in query:
        if default is None:
            raise _invalid_query(Issue("invalid_type", (name,), "Invalid input: received undefined"))
        return default
    try:
        at = datetime.fromisoformat(query[name])
    except ValueError as error:
        raise _invalid_query(Issue("invalid_format", (name,), "Invalid ISO datetime")) from error
    return (at if at.tzinfo else at.replace(tzinfo=UTC)).timestamp()


def choice(query: Mapping[str, str], name: str, *allowed: str) -> str:
    """The query's value, which must be one of these; the first is the default. Raises ApiError 400."""
    value = query.get(name, allowed[0])
    if value not in allowed:
        raise _invalid_query(Issue("invalid_value", (name,), f"Invalid option: expected one of {allowed}"))
    return value


def _limit(text: str | None, default: int) -> int:
    if text is None:
        return default
    if not text.isdecimal() or not 1 <= int(text) <= _MAX_LIMIT:
        raise _invalid_query(Issue("too_big", ("limit",), f"Invalid input: expected a number from 1 to {_MAX_LIMIT}"))
    return int(text)


def _cursor(place: tuple[Any, str]) -> str:
    return base64.urlsafe_b64encode(json.dumps(place).encode()).decode()


def _place_in(cursor: str) -> tuple[Any, str]:
    try:
        at, item_id = json.loads(base64.urlsafe_b64decode(cursor))
        return float(at), str(item_id)
    except (binascii.Error, ValueError, TypeError) as error:
        raise _invalid_query(Issue("custom", ("cursor",), "Invalid cursor")) from error


def _invalid_query(issue: Issue) -> ApiError:
    error = invalid(issue)
    error.error = "Validation of query failed"
    return error
