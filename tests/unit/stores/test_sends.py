"""Creates that were sent, on both tables."""

from __future__ import annotations

from dataclasses import replace

import pytest

from tarmac.characters.create_records import Send, SendStore, SentByAnother
from tarmac.idempotency import KEY_LIFETIME_SECONDS, RETRY_WINDOW_SECONDS, RequestIdentity
from tarmac.ports import Table
from tests.fakes.samples import NOW

PLAIN = RequestIdentity("acme", "/v1/avatars", "ab" * 32)
KEYED = replace(PLAIN, key="nova")


@pytest.fixture
def sends(table: Table) -> SendStore:
    return SendStore(table)


@pytest.mark.parametrize(("repeat", "kept"), [(PLAIN, RETRY_WINDOW_SECONDS), (KEYED, KEY_LIFETIME_SECONDS)])
def test_a_send_is_known_from_before_it_is_sent(repeat: RequestIdentity, kept: float, sends: SendStore) -> None:
    assert sends.find(repeat) is None
    begun = sends.begin(repeat, NOW + 0.25, None)
    assert sends.find(repeat) == begun == Send("ab" * 32, NOW + 0.25, NOW + kept)
    sends.made(repeat, begun, "nova")
    assert sends.find(repeat) == replace(begun, version=2, item_id="nova")


def test_only_one_begins(sends: SendStore) -> None:
    first = sends.begin(KEYED, NOW, None)
    with pytest.raises(SentByAnother):
        sends.begin(KEYED, NOW, None)
    second = sends.begin(KEYED, NOW + 9, first)
    with pytest.raises(SentByAnother):
        sends.begin(KEYED, NOW + 9, first)
    sends.made(KEYED, first, "late")
    assert sends.find(KEYED) == second


def test_what_made_nothing_is_forgotten(sends: SendStore) -> None:
    sends.begin(PLAIN, NOW, None)
    sends.forget(PLAIN)
    assert sends.find(PLAIN) is None


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
def test_scopes_do_not_meet(another: RequestIdentity, sends: SendStore) -> None:
    sends.begin(KEYED, NOW, None)
    assert sends.find(another) is None
    assert sends.find(replace(KEYED, body_sha256="cd" * 32)) is not None
