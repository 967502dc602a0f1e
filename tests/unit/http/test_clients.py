"""Client keys and idempotency records, on both tables."""

from __future__ import annotations

import re
from dataclasses import replace
from typing import Any

import pytest

from tarmac.http.clients import DEFAULT_SCOPES, SCOPES, Client, ClientStore, InvalidClient
from tarmac.idempotency import KEY_LIFETIME_SECONDS, RETRY_WINDOW_SECONDS, IdempotencyStore, RequestIdentity
from tarmac.ports import ConditionFailed, Table
from tests.fakes import MemoryTable
from tests.fakes.samples import NOW


@pytest.fixture
def clients(table: Table) -> ClientStore:
    return ClientStore(table)


@pytest.fixture
def store(table: Table) -> IdempotencyStore:
    return IdempotencyStore(table)


PLAIN = RequestIdentity("acme", "/v1/image_to_video", "ab" * 32)
KEYED = replace(PLAIN, key="order-17")


class TestClients:
    def test_a_key_identifies_client_and_scopes(self, clients: ClientStore) -> None:
        key = clients.create_key("acme", ["tasks", "account", "tasks"], NOW)
        assert re.fullmatch(r"key_[0-9a-f]{128}", key)
        assert clients.identify(key) == Client("acme", ("account", "tasks"))

    def test_keys_differ_and_a_client_may_have_several(self, clients: ClientStore) -> None:
        old, new = (clients.create_key("acme", DEFAULT_SCOPES, NOW) for _ in range(2))
        assert old != new
        assert clients.revoke(old)
        assert clients.identify(old) is None
        assert clients.identify(new) == Client("acme", tuple(sorted(DEFAULT_SCOPES)))

    @pytest.mark.parametrize("key", ["", "key_", "key_" + "0" * 128, "Bearer x", "é", "x" * 10_000])
    def test_an_unknown_key_has_no_client(self, key: str, clients: ClientStore) -> None:
        assert clients.identify(key) is None
        assert not clients.revoke(key)

    def test_a_key_is_revoked_once(self, clients: ClientStore) -> None:
        key = clients.create_key("acme", ["tasks"], NOW)
        assert clients.revoke(key)
        assert not clients.revoke(key)

    @pytest.mark.parametrize("name", ["", "-a", "A", "a b", "a/b", "a#b", "ä", "a\n", "a" * 64, "../x"])
    def test_an_invalid_name_is_rejected(self, name: str, clients: ClientStore) -> None:
        with pytest.raises(InvalidClient):
            clients.create_key(name, ["tasks"], NOW)

    @pytest.mark.parametrize("name", ["a", "7", "a-1", "a" * 63])
    def test_a_valid_name_is_accepted(self, name: str, clients: ClientStore) -> None:
        client = clients.identify(clients.create_key(name, SCOPES, NOW))
        assert client is not None
        assert client.id == name

    def test_an_unknown_scope_is_named(self, clients: ClientStore) -> None:
        with pytest.raises(InvalidClient, match="everything"):
            clients.create_key("acme", ["tasks", "everything"], NOW)

    def test_the_key_is_not_stored(self) -> None:
        table = MemoryTable()
        key = ClientStore(table).create_key("acme", ["tasks"], NOW)
        assert key[4:] not in str(table.rows)
        assert key[4:20] not in str(table.rows)

    def test_a_key_is_in_no_list_of_tasks(self, clients: ClientStore, table: Table) -> None:
        clients.create_key("acme", ["tasks"], NOW)
        assert table.query("byClient", "acme").rows == []


class TestIdempotencyKeys:
    def test_the_first_use_is_recorded(self, store: IdempotencyStore, table: Table) -> None:
        assert store.by_key(KEYED, NOW) is None
        table.write(store.put(KEYED, "task-1", NOW, None))
        record = store.by_key(KEYED, NOW + 1)
        assert record is not None
        assert (record.task_id, record.body_sha256, record.is_expired) == ("task-1", KEYED.body_sha256, False)

    @pytest.mark.parametrize("changes", [{"client": "other"}, {"path": "/v1/text_to_video"}, {"key": "order-18"}])
    def test_a_key_belongs_to_its_client_and_path(
        self, changes: dict[str, Any], store: IdempotencyStore, table: Table
    ) -> None:
        table.write(store.put(KEYED, "task-1", NOW, None))
        assert store.by_key(replace(KEYED, **changes), NOW) is None

    def test_client_and_path_are_separated(self, store: IdempotencyStore, table: Table) -> None:
        table.write(store.put(replace(KEYED, client="a", path="b/c"), "task-1", NOW, None))
        assert store.by_key(replace(KEYED, client="ab", path="/c"), NOW) is None

    def test_the_second_use_conflicts_with_the_first(self, store: IdempotencyStore, table: Table) -> None:
        table.write(store.put(KEYED, "task-1", NOW, None))
        with pytest.raises(ConditionFailed):
            table.write(store.put(KEYED, "task-2", NOW, None))

    @pytest.mark.parametrize(("later", "expired"), [(-1, False), (0, True), (1, True)])
    def test_a_key_expires_after_thirty_days_even_before_ttl_deletes_it(
        self, later: int, expired: bool, store: IdempotencyStore, table: Table
    ) -> None:
        table.write(store.put(KEYED, "task-1", NOW, None))
        record = store.by_key(KEYED, NOW + KEY_LIFETIME_SECONDS + later)
        assert record is not None
        assert record.is_expired is expired

    def test_an_expired_key_can_be_used_again_once(self, store: IdempotencyStore, table: Table) -> None:
        table.write(store.put(KEYED, "task-1", NOW, None))
        later = NOW + KEY_LIFETIME_SECONDS
        expired = store.by_key(KEYED, later)
        table.write(store.put(KEYED, "task-2", later, expired))
        record = store.by_key(KEYED, later)
        assert record is not None
        assert (record.task_id, record.is_expired) == ("task-2", False)
        with pytest.raises(ConditionFailed):
            table.write(store.put(KEYED, "task-3", later, expired))

    def test_the_row_has_a_ttl(self, store: IdempotencyStore) -> None:
        put = store.put(KEYED, "task-1", NOW, None)
        assert put.row["ttl"] == NOW + 30 * 24 * 3600
        assert type(put.row["ttl"]) is int
        assert "order-17" not in str(put.row)


class TestSameBody:
    def test_are_found_newest_first(self, store: IdempotencyStore, table: Table) -> None:
        for n in range(3):
            table.write(store.put(PLAIN, f"task-{n}", NOW + n, None))
        assert store.recent(PLAIN, NOW) == ["task-2", "task-1", "task-0"]
        assert store.recent(PLAIN, NOW + 1) == ["task-2", "task-1"]

    @pytest.mark.parametrize("changes", [{"client": "other"}, {"path": "/v1/x"}, {"body_sha256": "cd" * 32}])
    def test_of_another_create_are_not_found(
        self, changes: dict[str, Any], store: IdempotencyStore, table: Table
    ) -> None:
        table.write(store.put(PLAIN, "task-1", NOW, None))
        assert store.recent(replace(PLAIN, **changes), NOW) == []

    def test_at_the_same_time_do_not_conflict(self, store: IdempotencyStore, table: Table) -> None:
        table.write(store.put(PLAIN, "task-1", NOW, None))
        table.write(store.put(PLAIN, "task-2", NOW, None))
        assert len(store.recent(PLAIN, NOW)) == 2

    def test_outlive_the_retry_window(self, store: IdempotencyStore) -> None:
        assert store.put(PLAIN, "task-1", NOW, None).row["ttl"] > NOW + RETRY_WINDOW_SECONDS
