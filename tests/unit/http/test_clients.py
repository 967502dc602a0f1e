"""Keys of clients, and sends of one create that are known again: on both tables."""

from __future__ import annotations

import re
from dataclasses import replace
from typing import Any

import pytest

from tarmac.http.clients import DEFAULT_SCOPES, SCOPES, Client, ClientStore, InvalidClient
from tarmac.idempotency import KEY_KEPT_SECONDS, RETRY_WINDOW_SECONDS, Repeat, RepeatStore
from tarmac.ports import ConditionFailed, Table
from tests.fakes import MemoryTable
from tests.fakes.samples import NOW


@pytest.fixture
def clients(table: Table) -> ClientStore:
    return ClientStore(table)


@pytest.fixture
def repeats(table: Table) -> RepeatStore:
    return RepeatStore(table)


REPEAT = Repeat("acme", "/v1/image_to_video", "ab" * 32)
KEYED = replace(REPEAT, key="order-17")


class TestClients:
    def test_a_key_tells_client_and_scopes(self, clients: ClientStore) -> None:
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
    def test_any_other_key_is_nobodys(self, key: str, clients: ClientStore) -> None:
        assert clients.identify(key) is None
        assert not clients.revoke(key)

    def test_a_key_is_revoked_once(self, clients: ClientStore) -> None:
        key = clients.create_key("acme", ["tasks"], NOW)
        assert clients.revoke(key)
        assert not clients.revoke(key)

    @pytest.mark.parametrize("name", ["", "-a", "A", "a b", "a/b", "a#b", "ä", "a\n", "a" * 64, "../x"])
    def test_a_name_that_would_spoil_a_key_is_refused(self, name: str, clients: ClientStore) -> None:
        with pytest.raises(InvalidClient):
            clients.create_key(name, ["tasks"], NOW)

    @pytest.mark.parametrize("name", ["a", "7", "a-1", "a" * 63])
    def test_a_plain_name_is_taken(self, name: str, clients: ClientStore) -> None:
        client = clients.identify(clients.create_key(name, SCOPES, NOW))
        assert client is not None
        assert client.id == name

    def test_an_unknown_scope_is_named(self, clients: ClientStore) -> None:
        with pytest.raises(InvalidClient, match="everything"):
            clients.create_key("acme", ["tasks", "everything"], NOW)

    def test_the_table_never_sees_the_key(self) -> None:
        table = MemoryTable()
        key = ClientStore(table).create_key("acme", ["tasks"], NOW)
        assert key[4:] not in str(table.rows)
        assert key[4:20] not in str(table.rows)

    def test_a_key_is_in_no_list_of_tasks(self, clients: ClientStore, table: Table) -> None:
        clients.create_key("acme", ["tasks"], NOW)
        assert table.query("byClient", "acme").rows == []


class TestIdempotencyKeys:
    def test_the_first_use_is_remembered(self, repeats: RepeatStore, table: Table) -> None:
        assert repeats.by_key(KEYED, NOW) is None
        table.write(repeats.put(KEYED, "task-1", NOW, None))
        record = repeats.by_key(KEYED, NOW + 1)
        assert record is not None
        assert (record.task_id, record.body_sha256, record.is_expired) == ("task-1", KEYED.body_sha256, False)

    @pytest.mark.parametrize("changes", [{"client": "other"}, {"path": "/v1/text_to_video"}, {"key": "order-18"}])
    def test_a_key_belongs_to_its_client_and_path(
        self, changes: dict[str, Any], repeats: RepeatStore, table: Table
    ) -> None:
        table.write(repeats.put(KEYED, "task-1", NOW, None))
        assert repeats.by_key(replace(KEYED, **changes), NOW) is None

    def test_parts_that_run_together_alike_are_kept_apart(self, repeats: RepeatStore, table: Table) -> None:
        table.write(repeats.put(replace(KEYED, client="a", path="b/c"), "task-1", NOW, None))
        assert repeats.by_key(replace(KEYED, client="ab", path="/c"), NOW) is None

    def test_the_second_use_conflicts_with_the_first(self, repeats: RepeatStore, table: Table) -> None:
        table.write(repeats.put(KEYED, "task-1", NOW, None))
        with pytest.raises(ConditionFailed):
            table.write(repeats.put(KEYED, "task-2", NOW, None))

    @pytest.mark.parametrize(("later", "expired"), [(-1, False), (0, True), (1, True)])
    def test_a_key_is_kept_for_thirty_days_whether_ttl_has_come_or_not(
        self, later: int, expired: bool, repeats: RepeatStore, table: Table
    ) -> None:
        table.write(repeats.put(KEYED, "task-1", NOW, None))
        record = repeats.by_key(KEYED, NOW + KEY_KEPT_SECONDS + later)
        assert record is not None
        assert record.is_expired is expired

    def test_an_expired_key_starts_again_once(self, repeats: RepeatStore, table: Table) -> None:
        table.write(repeats.put(KEYED, "task-1", NOW, None))
        later = NOW + KEY_KEPT_SECONDS
        expired = repeats.by_key(KEYED, later)
        table.write(repeats.put(KEYED, "task-2", later, expired))
        record = repeats.by_key(KEYED, later)
        assert record is not None
        assert (record.task_id, record.is_expired) == ("task-2", False)
        with pytest.raises(ConditionFailed):
            table.write(repeats.put(KEYED, "task-3", later, expired))

    def test_the_row_names_the_moment_of_its_own_deletion(self, repeats: RepeatStore) -> None:
        put = repeats.put(KEYED, "task-1", NOW, None)
        assert put.row["ttl"] == NOW + 30 * 24 * 3600
        assert type(put.row["ttl"]) is int
        assert "order-17" not in str(put.row)


class TestSameBytes:
    def test_are_found_newest_first(self, repeats: RepeatStore, table: Table) -> None:
        for n in range(3):
            table.write(repeats.put(REPEAT, f"task-{n}", NOW + n, None))
        assert repeats.recent(REPEAT, NOW) == ["task-2", "task-1", "task-0"]
        assert repeats.recent(REPEAT, NOW + 1) == ["task-2", "task-1"]

    @pytest.mark.parametrize("changes", [{"client": "other"}, {"path": "/v1/x"}, {"body_sha256": "cd" * 32}])
    def test_of_another_create_are_not_found(self, changes: dict[str, Any], repeats: RepeatStore, table: Table) -> None:
        table.write(repeats.put(REPEAT, "task-1", NOW, None))
        assert repeats.recent(replace(REPEAT, **changes), NOW) == []

    def test_at_one_moment_do_not_conflict(self, repeats: RepeatStore, table: Table) -> None:
        table.write(repeats.put(REPEAT, "task-1", NOW, None))
        table.write(repeats.put(REPEAT, "task-2", NOW, None))
        assert len(repeats.recent(REPEAT, NOW)) == 2

    def test_outlive_the_window_in_which_they_are_asked_for(self, repeats: RepeatStore) -> None:
        assert repeats.put(REPEAT, "task-1", NOW, None).row["ttl"] > NOW + RETRY_WINDOW_SECONDS
