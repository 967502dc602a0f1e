"""Lists: a client's own items, then shared items, in pages without gaps or duplicates."""

from __future__ import annotations

import itertools
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tarmac.characters.kinds import Kind
from tarmac.characters.lists import list_items
from tarmac.characters.owner_store import owned_item
from tarmac.characters.ownership import UNSETTLED_SECONDS
from tests.fakes import World
from tests.unit.characters.character_bodies import BODIES, NOVA
from tests.unit.characters.conftest import Call


def there(world: World, kind: Kind, item_id: str, owner: str | None = None, **about: Any) -> None:
    """Add an item at Runway, owned by a client or shared."""
    world.characters.there(kind.path, item_id, **about)
    if owner is not None:
        made = world.characters.items[kind.path][item_id]
        world.owners.add(owned_item(kind, made, owner, 0.0))


def ids(world: World, kind: Kind, client: str, **query: str) -> list[str]:
    """The ids of all pages of a list. Like an SDK, it stops at a page without items."""
    found: list[str] = []
    while True:
        page = list_items(kind, client, query, world)
        found += [item["id"] for item in page.items]
        assert len(page.items) <= int(query.get("limit", "50"))
        if not page.items or page.cursor is None:
            return found
        query["cursor"] = page.cursor


@pytest.mark.parametrize("limit", ["1", "2", "3", "100"])
@pytest.mark.parametrize("page_size", [1, 2, 100])
@pytest.mark.parametrize("kind", Kind)
def test_own_items_come_before_shared_items(kind: Kind, page_size: int, limit: str, world: World) -> None:
    world.characters.page_size = page_size
    for number, owner in enumerate(["acme", None, "other", "acme", None, "other", "other", None]):
        there(world, kind, f"i{number}", owner)
    assert ids(world, kind, "acme", limit=limit) == ["i3", "i0", "i7", "i4", "i1"]
    assert ids(world, kind, "other", limit=limit) == ["i6", "i5", "i2", "i7", "i4", "i1"]
    assert ids(world, kind, "third", limit=limit) == ["i7", "i4", "i1"]


@given(
    owners=st.lists(st.sampled_from(["acme", "other", None]), max_size=14),
    limit=st.integers(1, 6),
    page_size=st.integers(1, 6),
    sort=st.sampled_from(["createdAt", "updatedAt"]),
    order=st.sampled_from(["asc", "desc"]),
)
def test_a_list_contains_each_item_once_in_order(
    owners: list[str | None], limit: int, page_size: int, sort: str, order: str
) -> None:
    world = World()
    world.characters.page_size = page_size
    for number, owner in enumerate(owners):
        there(world, Kind.DOCUMENT, f"i{number:02d}", owner, content="x")
    shown = ids(world, Kind.DOCUMENT, "acme", limit=str(limit), sort=sort, order=order)
    newest_first = order == "desc"
    wanted = [
        sorted((f"i{n:02d}" for n, owner in enumerate(owners) if owner == which), reverse=newest_first)
        for which in ("acme", None)
    ]
    assert shown == wanted[0] + wanted[1]


def test_own_items_are_read_at_runway(world: World, call: Call) -> None:
    there(world, Kind.AVATAR, "nova", "acme", status="PROCESSING")
    world.characters.items["avatars"]["nova"]["status"] = "READY"
    assert call("GET /v1/avatars")[1]["data"][0]["status"] == "READY"


def test_items_deleted_in_the_portal_are_left_out(world: World) -> None:
    for number in range(4):
        there(world, Kind.VOICE, f"v{number}", "acme")
    del world.characters.items["voices"]["v3"]
    del world.characters.items["voices"]["v1"]
    assert ids(world, Kind.VOICE, "acme", limit="1") == ["v2", "v0"]


def test_the_next_page_continues_after_concurrent_changes(world: World) -> None:
    world.characters.page_size = 3
    for number in range(6):
        there(world, Kind.AVATAR, f"s{number}")
    first = list_items(Kind.AVATAR, "acme", {"limit": "2"}, world)
    assert [item["id"] for item in first.items] == ["s5", "s4"]
    there(world, Kind.AVATAR, "newer")
    del world.characters.items["avatars"]["s4"]
    rest = ids(world, Kind.AVATAR, "acme", limit="2", cursor=str(first.cursor))
    assert rest == ["s3", "s2", "s1", "s0"]


class TestConcurrentClients:
    """A call of one client runs just before the n-th effect of another client's call."""

    @staticmethod
    def _before(number: int, act: Callable[[], Any], world: World, monkeypatch: pytest.MonkeyPatch) -> None:
        count = itertools.count()

        def before(effect: Callable[..., Any]) -> Callable[..., Any]:
            def changed(*given: Any, **more: Any) -> Any:
                if next(count) == number:
                    act()
                return effect(*given, **more)

            return changed

        for name in ("get", "query", "write"):
            monkeypatch.setattr(world.table, name, before(getattr(world.table, name)))
        for name in ("page", "create", "delete"):
            monkeypatch.setattr(world.characters, name, before(getattr(world.characters, name)))

    @pytest.mark.parametrize("number", range(9))
    @pytest.mark.parametrize("collection", BODIES)
    def test_an_item_being_created_is_not_shown(
        self, collection: str, number: int, world: World, call: Call, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        there(world, Kind.DOCUMENT, "faq", content="x")
        world.characters.began = world.clock.now()
        seen: list[Any] = []

        def read_all() -> None:
            for each in (*BODIES, "avatar_conversations"):
                seen.extend(call(f"GET /v1/{each}")[1]["data"])
            seen.append(call("GET /v1/documents/faq")[1])
            for item_id in world.characters.items.get(collection, {}):
                status, answer, _ = call(f"GET /v1/{collection}/{item_id}")
                seen.append(answer if status == 200 else {"id": "faq", "usedBy": []})

        self._before(number, read_all, world, monkeypatch)
        body = BODIES[collection] | ({"documentIds": ["faq"]} if collection == "avatars" else {})
        assert call(f"POST /v1/{collection}", body, client="other")[0] == 200
        read_all()
        assert {item["id"] for item in seen} == {"faq"}
        assert not [item for item in seen if item["usedBy"]]

    @pytest.mark.parametrize("number", range(9))
    @pytest.mark.parametrize("kind", Kind)
    def test_an_item_being_deleted_is_not_shown(
        self, kind: Kind, number: int, world: World, call: Call, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        there(world, kind, "theirs", "other")
        there(world, kind, "lobby")
        self._before(number, lambda: call(f"DELETE /v1/{kind.path}/theirs", client="other"), world, monkeypatch)
        assert ids(world, kind, "acme") == ["lobby"]

    @pytest.mark.parametrize("number", range(9))
    def test_a_list_does_not_show_an_item_created_meanwhile(
        self, number: int, world: World, call: Call, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        there(world, Kind.AVATAR, "lobby")
        world.characters.began = world.clock.now()
        self._before(number, lambda: call("POST /v1/avatars", NOVA, client="other"), world, monkeypatch)
        assert ids(world, Kind.AVATAR, "acme") == ["lobby"]


def test_items_created_in_the_portal_are_shared_a_minute_later(world: World) -> None:
    world.characters.began = world.clock.now()
    there(world, Kind.VOICE, "house")
    assert ids(world, Kind.VOICE, "acme") == []
    world.clock.advance(UNSETTLED_SECONDS)
    assert ids(world, Kind.VOICE, "acme") == []
    world.clock.advance(1)
    assert ids(world, Kind.VOICE, "acme") == ["house"]


def test_documents_are_listed_without_their_content(world: World, call: Call) -> None:
    there(world, Kind.DOCUMENT, "mine", "acme", name="Mine", content="x")
    there(world, Kind.DOCUMENT, "faq", name="FAQ", content="x")
    data = call("GET /v1/documents")[1]["data"]
    assert [item["name"] for item in data] == ["Mine", "FAQ"]
    assert not [item for item in data if "content" in item]


def test_a_changed_document_moves_in_the_order_by_updated_at(world: World, call: Call) -> None:
    for name in ("a", "b"):
        there(world, Kind.DOCUMENT, name, "acme", content="x")
    world.clock.advance(1000)
    call("PATCH /v1/documents/a", {"content": "y"})
    listed = call("GET /v1/documents", sort="updatedAt", order="desc", limit="2")[1]["data"]
    assert [item["id"] for item in listed] == ["a", "b"]


def test_conversations_are_listed_without_details(world: World, call: Call) -> None:
    avatar = {"type": "custom", "id": "nova", "name": "Nova", "imageUrl": "https://x.example/a.png"}
    about = {"name": "Call", "status": "ended", "avatar": avatar, "duration": 7, "transcript": [], "tools": [{}]}
    there(world, Kind.CONVERSATION, "s1", "acme", **about)
    [listed] = call("GET /v1/avatar_conversations")[1]["data"]
    assert listed == {
        "id": "s1",
        "name": "Call",
        "status": "ended",
        "avatar": {"type": "custom", "id": "nova", "name": "Nova"},
        "createdAt": "2023-11-13T22:13:21.000Z",
        "duration": 7,
        "hasTools": True,
    }
    assert call("GET /v1/avatar_conversations/s1")[1]["transcript"] == []


def test_conversations_are_filtered_by_avatar_and_time(world: World) -> None:
    for number, avatar in enumerate(["nova", "vera", "nova", "nova"]):
        there(world, Kind.CONVERSATION, f"s{number}", "acme", avatar={"type": "custom", "id": avatar})
    assert ids(world, Kind.CONVERSATION, "acme", avatar="nova") == ["s3", "s2", "s0"]
    span = {"startDate": "2023-11-13T22:13:22.000Z", "endDate": "2023-11-13T22:13:24Z"}
    own_ones = list_items(Kind.CONVERSATION, "acme", {"limit": "2"} | span, world)
    assert [item["id"] for item in own_ones.items] == ["s2", "s1"]
    list_items(Kind.CONVERSATION, "acme", {"avatar": "nova", "sort": "name"} | span, world)
    assert world.characters.queries[-1] == {"avatar": "nova", "limit": "100"} | span


BAD = [
    (Kind.AVATAR, {"limit": "0"}),
    (Kind.AVATAR, {"limit": "101"}),
    (Kind.AVATAR, {"limit": "ten"}),
    (Kind.AVATAR, {"cursor": "x"}),
    (Kind.AVATAR, {"cursor": "W10="}),
    (Kind.VOICE, {"cursor": "W3RydWUsbnVsbCxbMSwiYSNiIl1d"}),
    (Kind.VOICE, {"cursor": "W3RydWUsMSxudWxsXQ=="}),
    (Kind.DOCUMENT, {"sort": "name"}),
    (Kind.DOCUMENT, {"order": "up"}),
    (Kind.CONVERSATION, {"startDate": "yesterday"}),
    (Kind.CONVERSATION, {"endDate": ""}),
]


@pytest.mark.parametrize(("kind", "query"), BAD, ids=str)
def test_an_invalid_query_parameter_is_named(kind: Kind, query: dict[str, str], call: Call) -> None:
    status, answer, _ = call(f"GET /v1/{kind.path}", **query)
    assert (status, [issue["path"] for issue in answer["issues"]]) == (400, [list(query)])


def test_another_clients_cursor_shows_no_items_of_that_client(world: World) -> None:
    for number in range(4):
        there(world, Kind.AVATAR, f"a{number}", "other")
    cursor = list_items(Kind.AVATAR, "other", {"limit": "2"}, world).cursor
    assert ids(world, Kind.AVATAR, "acme", cursor=str(cursor)) == []


def test_a_slow_list_continues_on_the_next_page(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    world.characters.page_size = 1
    for number in range(3):
        there(world, Kind.AVATAR, f"a{number}")
    page = world.characters.page

    def slowly(*asked: Any) -> Any:
        world.clock.advance(16)
        return page(*asked)

    monkeypatch.setattr(world.characters, "page", slowly)
    first = list_items(Kind.AVATAR, "acme", {}, world)
    assert ([item["id"] for item in first.items], first.cursor is None) == (["a2"], False)
    assert ids(world, Kind.AVATAR, "acme") == ["a2", "a1", "a0"]
