"""The store of owners, on both tables."""

from __future__ import annotations

from dataclasses import replace

import pytest

from tarmac.characters.kinds import Kind
from tarmac.characters.owner_store import DELETED_KEPT_SECONDS, AlreadyOwned, Owned, OwnerStore, owned_item
from tarmac.ports import Table
from tarmac.tasks.store import TaskStore
from tests.fakes import ManualClock
from tests.fakes.samples import NOW, a_task

NOVA = Owned(Kind.AVATAR, "nova", "acme", NOW, NOW)


@pytest.fixture
def owners(table: Table) -> OwnerStore:
    return OwnerStore(table)


def test_an_owner_is_found(owners: OwnerStore) -> None:
    document = Owned(Kind.DOCUMENT, "nova", "acme", NOW + 0.25, NOW + 1, content_bytes=12)
    owners.add(NOVA)
    owners.add(document)
    assert owners.find(Kind.AVATAR, "nova") == NOVA
    assert owners.find(Kind.DOCUMENT, "nova") == document
    assert owners.find(Kind.VOICE, "nova") is None


def test_an_item_has_one_owner(owners: OwnerStore) -> None:
    owners.add(NOVA)
    owners.add(replace(NOVA, created_at=NOW + 5))
    with pytest.raises(AlreadyOwned):
        owners.add(replace(NOVA, client="other"))
    assert owners.find(Kind.AVATAR, "nova") == NOVA


@pytest.mark.parametrize("item_id", ["", "x" * 3000, "a#b", "\ud800"])
def test_an_invalid_id_has_no_owner(item_id: str, owners: OwnerStore) -> None:
    assert owners.find(Kind.AVATAR, item_id) is None


def test_the_row_of_a_deleted_item_is_stored_for_a_while(owners: OwnerStore, table: Table) -> None:
    """A request that still has the item in a page of Runway's list must not show it as shared."""
    owners.add(before := replace(NOVA, content_bytes=12))
    owners.delete(before, NOW)
    owners.delete(before, NOW + 5)
    found = owners.find(Kind.AVATAR, "nova")
    assert found == replace(NOVA, is_deleted=True, version=2)
    assert not found.belongs_to("acme")
    assert owners.of_client(Kind.AVATAR, "acme", 10) == []
    row = table.get("owner#avatar#nova", "owner")
    assert row is not None
    assert row["ttl"] == NOW + DELETED_KEPT_SECONDS


def test_a_change_does_not_undo_a_delete(owners: OwnerStore) -> None:
    owners.add(before := Owned(Kind.DOCUMENT, "d", "acme", NOW, NOW, content_bytes=12))
    owners.change(before, NOW + 9, 500)
    owners.delete(before, NOW + 10)
    owners.change(replace(before, version=2), NOW + 11, 600)
    found = owners.find(Kind.DOCUMENT, "d")
    assert found is not None
    assert (found.is_deleted, found.content_bytes) == (True, None)


def test_a_change_records_time_and_size_once(owners: OwnerStore) -> None:
    owners.add(before := Owned(Kind.DOCUMENT, "d", "acme", NOW, NOW, content_bytes=12))
    owners.change(before, NOW + 9, 500)
    owners.change(before, NOW + 10, 600)
    after = owners.find(Kind.DOCUMENT, "d")
    assert after == replace(before, updated_at=NOW + 9, content_bytes=500, version=2)


def test_lists_are_in_order_and_in_pages(owners: OwnerStore) -> None:
    for number in range(5):
        owners.add(Owned(Kind.VOICE, f"v{number}", "acme", NOW + number, NOW))
    owners.add(Owned(Kind.VOICE, "foreign", "other", NOW, NOW))
    owners.add(NOVA)

    def ids(limit: int, after: tuple[float, str] | None = None, newest_first: bool = True) -> list[str]:
        found = owners.of_client(Kind.VOICE, "acme", limit, after=after, newest_first=newest_first)
        return [owned.id for owned in found]

    assert ids(10) == ["v4", "v3", "v2", "v1", "v0"]
    assert ids(2) == ["v4", "v3"]
    assert ids(2, (NOW + 3, "v3")) == ["v2", "v1"]
    assert ids(2, (NOW, "v0")) == []
    assert ids(2, newest_first=False) == ["v0", "v1"]
    assert ids(9, (NOW + 1, "v1"), newest_first=False) == ["v2", "v3", "v4"]
    assert ids(2, (NOW + 2.5, "gone")) == ["v2", "v1"]
    until = owners.of_client(Kind.VOICE, "acme", 9, until=NOW + 1.5)
    assert [owned.id for owned in until] == ["v1", "v0"]


def test_tasks_and_owned_items_are_listed_separately(owners: OwnerStore, table: Table) -> None:
    owners.add(NOVA)
    TaskStore(table, ManualClock()).create(a_task(), {"body": {}, "inputs": []})
    assert [task.id for task in TaskStore(table, ManualClock()).of_client("acme", 10, None).tasks] == [a_task().id]
    assert owners.of_client(Kind.AVATAR, "acme", 10) == [NOVA]


def test_a_row_is_built_from_runways_item() -> None:
    shown = {"id": "d", "createdAt": "2023-11-14T22:13:20.500Z", "updatedAt": "2023-11-14T22:13:21Z", "content": "é"}
    assert owned_item(Kind.DOCUMENT, shown, "acme", 0.0) == Owned(Kind.DOCUMENT, "d", "acme", NOW + 0.5, NOW + 1, 2)
    assert owned_item(Kind.VOICE, {"id": "v"}, "acme", NOW) == Owned(Kind.VOICE, "v", "acme", NOW, NOW)
    assert owned_item(Kind.VOICE, {"id": "v", "createdAt": 7, "content": "x"}, "acme", NOW).content_bytes is None
