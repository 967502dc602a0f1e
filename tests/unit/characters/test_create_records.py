"""Idempotency records of synchronous creates, on both tables."""

from __future__ import annotations

from dataclasses import replace

import pytest

from tarmac.characters.create_records import CreateRecord, CreateRecordStore, RecordConflict
from tarmac.idempotency import KEY_LIFETIME_SECONDS, RETRY_WINDOW_SECONDS, RequestIdentity
from tarmac.ports import Table
from tests.fakes.samples import NOW

PLAIN = RequestIdentity("acme", "/v1/avatars", "ab" * 32)
KEYED = replace(PLAIN, key="nova")


@pytest.fixture
def records(table: Table) -> CreateRecordStore:
    return CreateRecordStore(table)


@pytest.mark.parametrize(("identity", "lifetime"), [(PLAIN, RETRY_WINDOW_SECONDS), (KEYED, KEY_LIFETIME_SECONDS)])
def test_a_record_exists_before_the_attempt(
    identity: RequestIdentity, lifetime: float, records: CreateRecordStore
) -> None:
    assert records.find(identity) is None
    begun = records.begin(identity, NOW + 0.25, None)
    assert records.find(identity) == begun == CreateRecord("ab" * 32, NOW + 0.25, NOW + lifetime)
    records.complete(identity, begun, "nova")
    assert records.find(identity) == replace(begun, version=2, item_id="nova")


def test_only_one_of_two_concurrent_creates_writes_the_record(records: CreateRecordStore) -> None:
    first = records.begin(KEYED, NOW, None)
    with pytest.raises(RecordConflict):
        records.begin(KEYED, NOW, None)
    second = records.begin(KEYED, NOW + 9, first)
    with pytest.raises(RecordConflict):
        records.begin(KEYED, NOW + 9, first)
    records.complete(KEYED, first, "late")
    assert records.find(KEYED) == second


def test_the_record_of_a_rejected_create_is_deleted(records: CreateRecordStore) -> None:
    records.begin(PLAIN, NOW, None)
    records.delete(PLAIN)
    assert records.find(PLAIN) is None


@pytest.mark.parametrize(
    "another",
    [
        replace(KEYED, client="other"),
        replace(KEYED, path="/v1/voices"),
        replace(KEYED, key="vera"),
        PLAIN,
        replace(KEYED, key="body" + "ab" * 32),
    ],
)
def test_clients_paths_and_keys_have_separate_records(another: RequestIdentity, records: CreateRecordStore) -> None:
    records.begin(KEYED, NOW, None)
    assert records.find(another) is None
    assert records.find(replace(KEYED, body_sha256="cd" * 32)) is not None
