"""Client tokens: nobody else can make one, and each is for one origin and a short while."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tarmac.rules.client_tokens import BadToken, ClientToken, signed, signing_key, verified
from tarmac.rules.webhooks import secret_of
from tests.fakes.samples import NOW

KEY = signing_key("r" * 64)
ORIGIN = "https://app.example.com"
TOKEN = ClientToken("t-1", "acme", ORIGIN, 1, int(NOW) + 300, "cat-character")


def test_a_token_is_read_as_it_was_signed() -> None:
    for token in (TOKEN, replace(TOKEN, avatar_id=None), replace(TOKEN, avatar_id="é ä 🎬", max_sessions=100)):
        text = signed(token, KEY)
        assert verified(text, KEY, NOW, ORIGIN) == token
        assert text.isascii()
        assert not set(text) & set(" &=?#%+/")


@given(st.integers(0, 300), st.characters(max_codepoint=126, min_codepoint=33))
def test_a_changed_token_is_none(place: int, character: str) -> None:
    text = signed(TOKEN, KEY)
    place %= len(text)
    changed = text[:place] + character + text[place + 1 :]
    if changed != text:
        with pytest.raises(BadToken):
            verified(changed, KEY, NOW, ORIGIN)


@given(st.text(max_size=300))
def test_anything_else_is_none(text: str) -> None:
    for attempt in (text, f"ct_{text}", f"ct_{text}.{text}"):
        with pytest.raises(BadToken):
            verified(attempt, KEY, NOW, ORIGIN)


def test_another_deployments_token_is_none() -> None:
    with pytest.raises(BadToken, match="not one of this deployment"):
        verified(signed(TOKEN, signing_key("q" * 64)), KEY, NOW, ORIGIN)


def test_a_client_that_knows_its_webhook_secret_cannot_sign() -> None:
    assert signing_key("") != KEY
    for client in ("acme", "", "client token v1"):
        assert secret_of("r" * 64, client).encode() != KEY


def test_a_token_expires() -> None:
    text = signed(TOKEN, KEY)
    assert verified(text, KEY, TOKEN.expires_at - 0.001, ORIGIN)
    with pytest.raises(BadToken, match="expired"):
        verified(text, KEY, TOKEN.expires_at, ORIGIN)


@pytest.mark.parametrize("origin", [None, "", "null", "https://app.example.com.evil.example", "http://app.example.com"])
def test_a_token_is_for_pages_of_one_origin(origin: str | None) -> None:
    with pytest.raises(BadToken, match=r"for pages of https://app\.example\.com"):
        verified(signed(TOKEN, KEY), KEY, NOW, origin)
