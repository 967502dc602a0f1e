"""Lists of avatars, documents, voices and conversations: first the client's own items, then shared items.

A page of own items comes from Tarmac's rows, so its cost does not depend on the items of other clients. Shared items
are those in Runway's list that have no owner. They come last, because finding them requires reading the whole list.
Concurrent changes by other clients do not leak: a new item counts as shared only once it is older than
UNSETTLED_SECONDS, and the row of a deleted item is stored longer than a request takes.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from tarmac.characters.kinds import Kind
from tarmac.characters.manage import without_foreign_users
from tarmac.characters.owner_store import Owned, moment
from tarmac.characters.ownership import is_shared
from tarmac.concurrency import together
from tarmac.effects import Effects
from tarmac.ids import is_id
from tarmac.requests.paging import MAX_LIMIT, read_cursor, read_limit, to_cursor
from tarmac.requests.validation import InvalidRequest, Issue
from tarmac.runway.errors import UpstreamGone

DEFAULT_LIMITS = {Kind.AVATAR: 50, Kind.DOCUMENT: 50, Kind.VOICE: 50, Kind.CONVERSATION: 20}
LONGEST_SECONDS = 15.0
"""Time after which a page is returned with the items found so far, and the list continues on the next page."""

SORTS = ("createdAt", "updatedAt")
ORDERS = ("desc", "asc")
_MOST_SORTED = 1000
_FILTERS = ("avatar", "startDate", "endDate")

Place = tuple[float, str]
"""Position of an item in a list: the time by which the list is sorted (epoch seconds), and the id."""


@dataclass(frozen=True, slots=True)
class Listed:
    """One page. `cursor` is opaque; None on the last page. Any page may have fewer items than the limit."""

    items: list[dict[str, Any]]
    cursor: str | None


@dataclass(frozen=True, slots=True)
class _Query:
    """A validated query. since, until: creation times of conversations in epoch seconds; until is exclusive."""

    limit: int
    sort: str = SORTS[0]
    newest_first: bool = True
    avatar: str | None = None
    since: float | None = None
    until: float | None = None

    def includes(self, item: Mapping[str, Any]) -> bool:
        avatar = item.get("avatar")
        return self.avatar is None or (isinstance(avatar, Mapping) and avatar.get("id") == self.avatar)

    def place(self, item: Mapping[str, Any]) -> Place:
        return moment(item.get(self.sort), 0.0), str(item["id"])

    def is_after(self, place: Place, last: Place) -> bool:
        return place < last if self.newest_first else place > last


@dataclass(frozen=True, slots=True)
class _Position:
    """End of a page: among the own items, or in Runway's page at the cursor `upstream`. last: the last item read."""

    is_shared: bool = False
    upstream: str | None = None
    last: Place | None = None


def list_items(kind: Kind, client: str, query: Mapping[str, str], effects: Effects) -> Listed:
    """Return one page of a client's list.

    query: `limit` (1..100), `cursor`, and Runway's filters. Raises InvalidRequest, UpstreamRejected,
    UpstreamUnavailable.
    """
    parsed = _parse_query(kind, query)
    position: _Position | None = read_cursor(query["cursor"], _position) if query.get("cursor") else _Position()
    deadline = effects.clock.now() + LONGEST_SECONDS
    items: list[dict[str, Any]] = []
    while position is not None and len(items) < parsed.limit and effects.clock.now() < deadline:
        room = parsed.limit - len(items)
        if position.is_shared:
            found, position = _shared(kind, parsed, query, position, room, effects)
        else:
            found, position = _own(kind, client, parsed, position, room, effects)
        items += together(lambda item: without_foreign_users(item, client, effects), found)
    return Listed(items, None if position is None else _to_cursor(position))


def as_listed(kind: Kind, item: Mapping[str, Any]) -> dict[str, Any]:
    """Return an item that was read by id in the shape that Runway's list has."""
    match kind:
        case Kind.DOCUMENT:
            return {name: value for name, value in item.items() if name != "content"}
        case Kind.CONVERSATION:
            listed = {name: item.get(name) for name in ("id", "name", "status", "avatar", "createdAt", "duration")}
            if isinstance(avatar := listed["avatar"], Mapping):
                listed["avatar"] = {name: value for name, value in avatar.items() if name != "imageUrl"}
            return listed | {"hasTools": bool(item.get("tools"))}
        case _:
            return dict(item)


def _own(
    kind: Kind, client: str, parsed: _Query, position: _Position, room: int, effects: Effects
) -> tuple[list[dict[str, Any]], _Position]:
    """Return some of the client's own items, read at Runway. Items that Runway no longer has are left out."""
    rows = _rows(kind, client, parsed, position.last, room, effects)
    if not rows:
        return [], _Position(is_shared=True)

    def read(row: Owned) -> dict[str, Any] | None:
        try:
            return effects.characters.read(kind.path, row.id)
        except UpstreamGone:
            return None

    found = [as_listed(kind, item) for item in together(read, rows) if item is not None and parsed.includes(item)]
    return found, _Position(last=_row_place(rows[-1], parsed))


def _rows(kind: Kind, client: str, parsed: _Query, last: Place | None, count: int, effects: Effects) -> list[Owned]:
    if parsed.sort == "updatedAt":
        # No index has this order, so the newest thousand documents are sorted in memory.
        rows = effects.owners.of_client(kind, client, _MOST_SORTED)
        rows.sort(key=lambda row: _row_place(row, parsed), reverse=parsed.newest_first)
        return [row for row in rows if last is None or parsed.is_after(_row_place(row, parsed), last)][:count]
    rows = effects.owners.of_client(
        kind, client, count, after=last, newest_first=parsed.newest_first, until=None if last else parsed.until
    )
    return [row for row in rows if parsed.since is None or row.created_at >= parsed.since]


def _row_place(row: Owned, parsed: _Query) -> Place:
    return (row.updated_at if parsed.sort == "updatedAt" else row.created_at), row.id


def _shared(
    kind: Kind, parsed: _Query, query: Mapping[str, str], position: _Position, room: int, effects: Effects
) -> tuple[list[dict[str, Any]], _Position | None]:
    """Return the items without an owner in one page of Runway's list."""
    asked = {name: query[name] for name in _FILTERS if name in query} | {"limit": str(MAX_LIMIT)}
    if kind is Kind.DOCUMENT:
        asked |= {"sort": parsed.sort, "order": ORDERS[0] if parsed.newest_first else ORDERS[1]}
    if position.upstream is not None:
        asked["cursor"] = position.upstream
    asked_at = effects.clock.now()
    page = effects.characters.page(kind.path, asked)
    fresh = _after_last(list(page.items), position.last, parsed)
    owners = together(lambda item: effects.owners.find(kind, item["id"]), fresh)
    found = [item for item, owner in zip(fresh, owners, strict=True) if owner is None and is_shared(item, asked_at)]
    if len(found) > room:
        return found[:room], _Position(True, position.upstream, parsed.place(found[room - 1]))
    return found, None if page.next_cursor is None else _Position(True, page.next_cursor)


def _after_last(items: list[dict[str, Any]], last: Place | None, parsed: _Query) -> list[dict[str, Any]]:
    """Return the items after `last`, also if that item was deleted or has moved to another page since."""
    if last is None:
        return items
    places = [parsed.place(item) for item in items]
    if last in places:
        return items[places.index(last) + 1 :]
    return [item for item, place in zip(items, places, strict=True) if parsed.is_after(place, last)]


def _parse_query(kind: Kind, query: Mapping[str, str]) -> _Query:
    parsed = _Query(read_limit(query.get("limit"), DEFAULT_LIMITS[kind]))
    if kind is Kind.DOCUMENT:
        sort, order = query.get("sort", SORTS[0]), query.get("order", ORDERS[0])
        if sort not in SORTS:
            raise _invalid("sort", f"Expected one of {', '.join(SORTS)}")
        if order not in ORDERS:
            raise _invalid("order", f"Expected one of {', '.join(ORDERS)}")
        return _Query(parsed.limit, sort, order == ORDERS[0])
    if kind is Kind.CONVERSATION:
        since, until = _moment(query, "startDate"), _moment(query, "endDate")
        return _Query(parsed.limit, avatar=query.get("avatar"), since=since, until=until)
    return parsed


def _moment(query: Mapping[str, str], name: str) -> float | None:
    if name not in query:
        return None
    seconds = moment(query[name], 0.0)
    if not seconds:
        raise _invalid(name, "Expected an ISO-8601 time such as 2026-01-31T12:00:00Z")
    return seconds


def _invalid(name: str, message: str) -> InvalidRequest:
    return InvalidRequest([Issue("custom", (name,), message)])


def _to_cursor(position: _Position) -> str:
    return to_cursor(position.is_shared, position.upstream, position.last)


def _position(is_shared: Any, upstream: Any, last: Any) -> _Position:
    """Return the position of a cursor. Raises ValueError. The cursor contains no client, so a forged one shows no
    other client's items."""
    if last is not None:
        at, item_id = last
        last = float(at), item_id
        if not (0 <= last[0] < 1e11 and is_id(item_id)):
            raise ValueError
    if not isinstance(is_shared, bool) or not isinstance(upstream, str | None):
        raise ValueError
    return _Position(is_shared, upstream, last)
