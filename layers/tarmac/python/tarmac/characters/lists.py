"""Lists of avatars, documents, voices and conversations: a client's own, from our rows, then what is shared.

Own ones cost as much as a page of them, however many the other clients have. Shared ones are what Runway lists and
nobody here owns; they come last, because finding them means to go through everything. Meanwhile other clients make and
delete theirs: what is made gets its row a moment later, and is not shared so young; the row outlives what is deleted.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from tarmac.characters.descriptions import as_listed
from tarmac.characters.kinds import Kind
from tarmac.characters.manage import shown
from tarmac.characters.owner_store import Owned, moment
from tarmac.characters.owners import is_shared
from tarmac.concurrency import together
from tarmac.effects import Effects
from tarmac.ids import is_id
from tarmac.requests.paging import MAX_LIMIT, read_cursor, read_limit, to_cursor
from tarmac.requests.validation import InvalidRequest, Issue
from tarmac.runway.errors import UpstreamGone

DEFAULT_LIMITS = {Kind.AVATAR: 50, Kind.DOCUMENT: 50, Kind.VOICE: 50, Kind.CONVERSATION: 20}
LONGEST_SECONDS = 15.0
"""After this long a list goes on in the next page, short as this one may be."""

SORTS = ("createdAt", "updatedAt")
ORDERS = ("desc", "asc")
_MOST_SORTED = 1000
_FILTERS = ("avatar", "startDate", "endDate")

Place = tuple[float, str]
"""Where something stands in a list: its time, by which the list is sorted, and its id."""


@dataclass(frozen=True, slots=True)
class Listed:
    """`cursor` is opaque; None on the last page. A page may be short before the last."""

    items: list[dict[str, Any]]
    cursor: str | None


@dataclass(frozen=True, slots=True)
class _Wanted:
    """A list's query. since, until: of conversations, in epoch seconds; until is excluded."""

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
    """Where a page ended: among the own ones, or in Runway's page at `upstream`; last: the last one looked at."""

    is_shared: bool = False
    upstream: str | None = None
    last: Place | None = None


def list_items(kind: Kind, client: str, query: Mapping[str, str], effects: Effects) -> Listed:
    """query: `limit` (1..100), `cursor`, and Runway's filters. Raises InvalidRequest, UpstreamRejected,
    UpstreamUnavailable."""
    wanted = _wanted(kind, query)
    position: _Position | None = read_cursor(query["cursor"], _position) if query.get("cursor") else _Position()
    deadline = effects.clock.now() + LONGEST_SECONDS
    items: list[dict[str, Any]] = []
    while position is not None and len(items) < wanted.limit and effects.clock.now() < deadline:
        room = wanted.limit - len(items)
        if position.is_shared:
            found, position = _shared(kind, wanted, query, position, room, effects)
        else:
            found, position = _own(kind, client, wanted, position, room, effects)
        items += together(lambda item: shown(item, client, effects), found)
    return Listed(items, None if position is None else _to_cursor(position))


def _own(
    kind: Kind, client: str, wanted: _Wanted, position: _Position, room: int, effects: Effects
) -> tuple[list[dict[str, Any]], _Position]:
    """Some of the client's own, as Runway shows them now; those that Runway no longer has are left out."""
    rows = _rows(kind, client, wanted, position.last, room, effects)
    if not rows:
        return [], _Position(is_shared=True)

    def look(row: Owned) -> dict[str, Any] | None:
        try:
            return effects.characters.read(kind.path, row.id)
        except UpstreamGone:
            return None

    found = [as_listed(kind, item) for item in together(look, rows) if item is not None and wanted.includes(item)]
    return found, _Position(last=_row_place(rows[-1], wanted))


def _rows(kind: Kind, client: str, wanted: _Wanted, last: Place | None, count: int, effects: Effects) -> list[Owned]:
    if wanted.sort == "updatedAt":
        # No index has this order. Documents are few: the newest thousand are sorted here.
        rows = effects.owners.of_client(kind, client, _MOST_SORTED)
        rows.sort(key=lambda row: _row_place(row, wanted), reverse=wanted.newest_first)
        return [row for row in rows if last is None or wanted.is_after(_row_place(row, wanted), last)][:count]
    rows = effects.owners.of_client(
        kind, client, count, after=last, newest_first=wanted.newest_first, until=None if last else wanted.until
    )
    return [row for row in rows if wanted.since is None or row.created_at >= wanted.since]


def _row_place(row: Owned, wanted: _Wanted) -> Place:
    return (row.updated_at if wanted.sort == "updatedAt" else row.created_at), row.id


def _shared(
    kind: Kind, wanted: _Wanted, query: Mapping[str, str], position: _Position, room: int, effects: Effects
) -> tuple[list[dict[str, Any]], _Position | None]:
    """What one page of Runway's holds that nobody owns."""
    asked = {name: query[name] for name in _FILTERS if name in query} | {"limit": str(MAX_LIMIT)}
    if kind is Kind.DOCUMENT:
        asked |= {"sort": wanted.sort, "order": ORDERS[0] if wanted.newest_first else ORDERS[1]}
    if position.upstream is not None:
        asked["cursor"] = position.upstream
    asked_at = effects.clock.now()
    page = effects.characters.page(kind.path, asked)
    fresh = _behind(list(page.items), position.last, wanted)
    owners = together(lambda item: effects.owners.find(kind, item["id"]), fresh)
    found = [item for item, owner in zip(fresh, owners, strict=True) if owner is None and is_shared(item, asked_at)]
    if len(found) > room:
        return found[:room], _Position(True, position.upstream, wanted.place(found[room - 1]))
    return found, None if page.next_cursor is None else _Position(True, page.next_cursor)


def _behind(items: list[dict[str, Any]], last: Place | None, wanted: _Wanted) -> list[dict[str, Any]]:
    """What comes after the last one shown, also if that was deleted, or moved on by newer ones, since."""
    if last is None:
        return items
    places = [wanted.place(item) for item in items]
    if last in places:
        return items[places.index(last) + 1 :]
    return [item for item, place in zip(items, places, strict=True) if wanted.is_after(place, last)]


def _wanted(kind: Kind, query: Mapping[str, str]) -> _Wanted:
    wanted = _Wanted(read_limit(query.get("limit"), DEFAULT_LIMITS[kind]))
    if kind is Kind.DOCUMENT:
        sort, order = query.get("sort", SORTS[0]), query.get("order", ORDERS[0])
        if sort not in SORTS:
            raise _bad("sort", f"Expected one of {', '.join(SORTS)}")
        if order not in ORDERS:
            raise _bad("order", f"Expected one of {', '.join(ORDERS)}")
        return _Wanted(wanted.limit, sort, order == ORDERS[0])
    if kind is Kind.CONVERSATION:
        since, until = _moment(query, "startDate"), _moment(query, "endDate")
        return _Wanted(wanted.limit, avatar=query.get("avatar"), since=since, until=until)
    return wanted


def _moment(query: Mapping[str, str], name: str) -> float | None:
    if name not in query:
        return None
    seconds = moment(query[name], 0.0)
    if not seconds:
        raise _bad(name, "Expected a moment such as 2026-01-31T12:00:00Z")
    return seconds


def _bad(name: str, message: str) -> InvalidRequest:
    return InvalidRequest([Issue("custom", (name,), message)])


def _to_cursor(position: _Position) -> str:
    return to_cursor(position.is_shared, position.upstream, position.last)


def _position(is_shared: Any, upstream: Any, last: Any) -> _Position:
    """The client comes from the key, never from the cursor: a made-up cursor shows nothing foreign."""
    if last is not None:
        at, item_id = last
        last = float(at), item_id
        if not (0 <= last[0] < 1e11 and is_id(item_id)):
            raise ValueError
    if not isinstance(is_shared, bool) or not isinstance(upstream, str | None):
        raise ValueError
    return _Position(is_shared, upstream, last)
