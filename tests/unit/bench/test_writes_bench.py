"""Write units of a task, and the model that counts them."""

from __future__ import annotations

from typing import Any, ClassVar

import pytest

from bench.writes import LIVES, BilledTable, Cost, Life, cost, units_of
from tarmac.ports import Add, Put

MARKS = {"28 s, as gen4_turbo": (30, 2), "85 s, as gen4.5": (62, 6), "10 minutes": (180, 22)}
"""Units of a task, and those of its entries in the index `due`, at the most."""


@pytest.mark.parametrize("life", LIVES[:3], ids=lambda life: life.name)
def test_a_task_stays_within_its_mark(life: Life) -> None:
    found = cost(life)
    total, due = MARKS[life.name]
    assert found.polls >= 5
    assert found.total <= total
    assert found.units["due"] <= due


@pytest.mark.parametrize("life", LIVES[:3], ids=lambda life: life.name)
def test_the_sweeper_never_finds_a_task_that_is_well(life: Life) -> None:
    assert cost(life).sweeps == 0


def test_most_polls_write_one_index_only() -> None:
    found: Cost = cost(LIVES[1])
    entries_moved = (found.units["due"] - 2) / 2
    assert entries_moved <= found.polls / 10


@pytest.fixture
def table() -> BilledTable:
    return BilledTable()


def row(version: int = 1, **fields: Any) -> dict[str, Any]:
    return {"pk": "task#1", "sk": "task", "version": version, **fields}


class TestModel:
    KEYS: ClassVar[dict[str, Any]] = {"client": "acme", "listKey": "2026", "due": "due#1", "nextCheckAt": 100}

    def test_a_row_costs_a_unit_for_each_kilobyte(self, table: BilledTable) -> None:
        table.write(Put(row(text="x" * 1024)))
        assert table.units == {"rows": 2, "byClient": 0, "due": 0}

    def test_a_smaller_row_costs_as_much_as_the_one_it_replaces(self, table: BilledTable) -> None:
        table.write(Put(row(text="x" * 3000)))
        table.units.clear()
        table.write(Put(row(2), over=1))
        assert table.units["rows"] == 3

    def test_a_new_row_makes_an_entry_in_each_index_that_it_has_the_keys_of(self, table: BilledTable) -> None:
        table.write(Put(row(**self.KEYS)))
        assert table.units == {"rows": 1, "byClient": 1, "due": 1}

    def test_a_change_costs_the_indexes_that_hold_it(self, table: BilledTable) -> None:
        table.write(Put(row(**self.KEYS)))
        table.units.clear()
        table.write(Put(row(2, progress=0.5, **self.KEYS), over=1))
        assert table.units == {"rows": 1, "byClient": 1, "due": 0}

    def test_a_changed_key_deletes_an_entry_and_makes_another(self, table: BilledTable) -> None:
        table.write(Put(row(**self.KEYS)))
        table.units.clear()
        table.write(Put(row(2, **self.KEYS | {"nextCheckAt": 200}), over=1))
        assert table.units == {"rows": 1, "byClient": 1, "due": 2}

    def test_a_transaction_doubles_the_rows(self, table: BilledTable) -> None:
        table.write(Put(row(**self.KEYS)), Add("a", "b", "count", 1))
        assert table.units == {"rows": 4, "byClient": 1, "due": 1}

    @pytest.mark.parametrize(("bytes_", "units"), [(1017, 1), (1024, 1), (1025, 2), (2048, 2), (2049, 3)])
    def test_a_size_is_rounded_up(self, bytes_: int, units: int) -> None:
        assert units_of({"name": "x" * (bytes_ - 4)}) == units
