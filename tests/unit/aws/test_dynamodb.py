"""One contract for both tables: conditional writes, all or nothing, indexes in order and in pages."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tarmac.aws.dynamodb import DynamoTable
from tarmac.ports import Add, ConditionFailed, Page, Put, Row, Table


def row(pk: str = "task#1", sk: str = "task", version: int = 1, **fields: Any) -> Row:
    return {"pk": pk, "sk": sk, "version": version, **fields}


def fill(table: Table, count: int, **fields: Any) -> None:
    for n in range(count):
        table.write(
            Put(
                row(f"task#{n:03d}", client="acme", listKey=f"2023-{n:03d}", due="due#3", nextCheckAt=n * 1.5, **fields)
            )
        )


def test_a_row_is_read_as_it_was_written(table: Table) -> None:
    written = row(
        text="é 🎬",
        empty="",
        whole=7,
        share=0.25,
        tiny=1e-9,
        yes=True,
        no=False,
        many=["a", 1, 2.5],
        map={"a": {"b": [0]}},
    )
    table.write(Put(written))
    assert table.get("task#1", "task") == written


def test_numbers_keep_their_kind(table: Table) -> None:
    table.write(Put(row(whole=10**15, share=1_700_000_000.123)))
    found = table.get("task#1", "task")
    assert found is not None
    assert type(found["whole"]) is int
    assert found["share"] == 1_700_000_000.123


def test_a_missing_row_is_none(table: Table) -> None:
    assert table.get("task#1", "task") is None
    table.write(Put(row()))
    assert table.get("task#1", "request#01") is None


def test_a_row_is_not_shared(table: Table) -> None:
    written = row(tags=["a"])
    table.write(Put(written))
    written["tags"].append("b")
    found = table.get("task#1", "task")
    assert found is not None
    found["tags"].append("c")
    assert table.get("task#1", "task") == row(tags=["a"])


class TestConditions:
    def test_a_new_row_must_be_new(self, table: Table) -> None:
        table.write(Put(row(text="first")))
        with pytest.raises(ConditionFailed):
            table.write(Put(row(text="second")))
        assert table.get("task#1", "task") == row(text="first")

    def test_a_row_is_replaced_over_the_version_that_was_read(self, table: Table) -> None:
        table.write(Put(row(old=True)))
        table.write(Put(row(version=2, new=True), over=1))
        assert table.get("task#1", "task") == row(version=2, new=True)

    @pytest.mark.parametrize("over", [0, 2, 3])
    def test_any_other_version_is_a_conflict(self, over: int, table: Table) -> None:
        table.write(Put(row()))
        with pytest.raises(ConditionFailed):
            table.write(Put(row(version=over + 1), over=over))
        assert table.get("task#1", "task") == row()

    def test_a_row_that_is_gone_cannot_be_replaced(self, table: Table) -> None:
        with pytest.raises(ConditionFailed):
            table.write(Put(row(version=2), over=1))
        assert table.get("task#1", "task") is None

    @pytest.mark.parametrize("place", [0, 1, 2])
    def test_one_conflict_stores_no_row_of_the_write(self, place: int, table: Table) -> None:
        table.write(Put(row("taken")))
        puts = [Put(row("a")), Put(row("b"))]
        puts.insert(place, Put(row("taken", text="other")))
        with pytest.raises(ConditionFailed):
            table.write(*puts)
        assert table.get("a", "task") is None
        assert table.get("b", "task") is None
        assert table.get("taken", "task") == row("taken")

    def test_new_and_replaced_rows_go_together(self, table: Table) -> None:
        table.write(Put(row()))
        table.write(Put(row(version=2), over=1), Put(row("task#2")))
        assert table.get("task#1", "task") == row(version=2)
        assert table.get("task#2", "task") == row("task#2")


def test_a_deleted_row_is_gone_and_deleting_again_is_fine(table: Table) -> None:
    table.write(Put(row()))
    table.delete("task#1", "task")
    table.delete("task#1", "task")
    assert table.get("task#1", "task") is None


def names(page: Page) -> list[str]:
    return [found["pk"] for found in page.rows]


class TestQueries:
    def test_give_one_partition_in_order(self, table: Table) -> None:
        fill(table, 3)
        table.write(Put(row("other", client="else", listKey="0")))
        assert names(table.query("byClient", "acme")) == ["task#000", "task#001", "task#002"]
        assert names(table.query("byClient", "acme", descending=True)) == ["task#002", "task#001", "task#000"]
        assert table.query("byClient", "unknown") == Page([], None)

    def test_see_only_rows_that_have_the_indexs_keys(self, table: Table) -> None:
        fill(table, 2)
        table.write(Put(row("task#000", version=2, client="acme", listKey="2023-000"), over=1))
        assert names(table.query("due", "due#3")) == ["task#001"]

    def test_end_at_a_moment(self, table: Table) -> None:
        fill(table, 4)
        assert names(table.query("due", "due#3", up_to=3.0)) == ["task#000", "task#001", "task#002"]
        assert names(table.query("due", "due#3", up_to=2.999)) == ["task#000", "task#001"]
        assert names(table.query("due", "due#3", up_to=-1)) == []

    @pytest.mark.parametrize("descending", [False, True])
    @pytest.mark.parametrize("limit", [1, 2, 3, 4, 7, 8, 100])
    def test_return_every_row_once_over_all_pages(self, limit: int, descending: bool, table: Table) -> None:
        fill(table, 7)
        found: list[str] = []
        start: Row | None = None
        for _ in range(10):
            page = table.query("byClient", "acme", limit=limit, descending=descending, start=start)
            assert len(page.rows) <= limit
            found += names(page)
            start = page.next_key
            if start is None:
                break
        assert start is None
        assert found == sorted(found, reverse=descending)
        assert len(found) == 7

    def test_start_after_any_row_even_a_deleted_one(self, table: Table) -> None:
        fill(table, 4)
        table.delete("task#001", "task")
        start = {"pk": "task#001", "sk": "task", "client": "acme", "listKey": "2023-001"}
        assert names(table.query("byClient", "acme", start=start)) == ["task#002", "task#003"]

    def test_of_the_table_itself_go_by_sort_key(self, table: Table) -> None:
        for sk in ("b", "a", "c"):
            table.write(Put(row("retry#1", sk)))
        page = table.query("primary", "retry#1", descending=True, limit=2)
        assert [found["sk"] for found in page.rows] == ["c", "b"]
        assert page.next_key is not None


def test_the_due_index_of_the_real_table_holds_keys_only(dynamo_table: DynamoTable) -> None:
    dynamo_table.write(Put(row(due="due#3", nextCheckAt=5, client="acme", listKey="x", secret="s")))
    [found] = dynamo_table.query("due", "due#3").rows
    assert found.keys() == {"pk", "sk", "due", "nextCheckAt"}


fields = st.recursive(
    st.text(max_size=10)
    | st.booleans()
    | st.integers(-(10**30), 10**30)
    | st.floats(-1e15, 1e15).filter(lambda x: x == 0 or abs(x) > 1e-100),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(min_size=1, max_size=5), inner, max_size=3),
    max_leaves=6,
)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    st.dictionaries(
        st.text(min_size=1, max_size=8).filter(
            lambda n: n not in ("pk", "sk", "version", "client", "listKey", "due", "nextCheckAt")
        ),
        fields,
        max_size=4,
    )
)
def test_any_row_comes_back_from_dynamodb(dynamo_table: DynamoTable, values: dict[str, Any]) -> None:
    dynamo_table.delete("task#1", "task")
    dynamo_table.write(Put(row() | values))
    assert dynamo_table.get("task#1", "task") == row() | values


def test_a_number_is_added_to_in_place(table: Table) -> None:
    for amount in (5, 7, -2):
        table.write(Add("count#1", "day", "seconds", amount, about={"ttl": 9}))
    assert table.get("count#1", "day") == {"pk": "count#1", "sk": "day", "seconds": 10, "ttl": 9}


@pytest.mark.parametrize("beside", [(), (Put(row("task#9")),)], ids=["alone", "in a transaction"])
def test_a_sum_does_not_pass_its_bound(table: Table, beside: tuple[Put, ...]) -> None:
    table.write(Add("count#1", "day", "seconds", 7, at_most=10))
    with pytest.raises(ConditionFailed):
        table.write(*beside, Add("count#1", "day", "seconds", 4, at_most=10))
    with pytest.raises(ConditionFailed):
        table.write(*beside, Add("count#2", "day", "seconds", 11, at_most=10))
    assert table.get("task#9", "task") is None
    assert table.get("count#2", "day") is None
    table.write(*beside, Add("count#1", "day", "seconds", 3, at_most=10))
    found = table.get("count#1", "day")
    assert found is not None
    assert found["seconds"] == 10


def test_nothing_is_added_if_another_write_of_the_transaction_is_rejected(table: Table) -> None:
    table.write(Put(row()))
    with pytest.raises(ConditionFailed):
        table.write(Put(row()), Add("count#1", "day", "seconds", 7))
    assert table.get("count#1", "day") is None
    table.write(Put(row(version=2), over=1), Add("count#1", "day", "seconds", 7))
    found = table.get("count#1", "day")
    assert found is not None
    assert found["seconds"] == 7
