"""Client tokens cannot be forged, and each is valid for one origin and a short time."""

from __future__ import annotations

import base64
import hashlib
import hmac
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tarmac.requests.validation import utf16_length
from tarmac.sessions import client_tokens
from tarmac.sessions.client_tokens import MOST_SESSIONS, BadToken, ClientToken, signed, signing_key, verified
from tarmac.sessions.requests import TOKEN as ORDER
from tarmac.webhooks.signing import secret_of
from tests.fakes.samples import NOW

KEY = signing_key("r" * 64)
ORIGIN = "https://app.example.com"
TOKEN = ClientToken("t-1", "acme", ORIGIN, 1, int(NOW) + 300, "cat-character")
TOKEN_TEXT = (
    "ct_WyJ0LTEiLCJhY21lIiwiaHR0cHM6Ly9hcHAuZXhhbXBsZS5jb20iLDEsMTcwMDAwMDMwMCwiY2F0LWNoYXJhY3RlciJd"
    ".ZAIwupBSZ6_UKkazEwpgDIjfbKBw6Wr7JNjv4WSV0Mw"
)
"""TOKEN as text, as an earlier release signed it."""

UNKNOWN = "This client token was not issued by this deployment"
OLD = "This client token has another version: request a new one from your server"


def text_of(payload: bytes) -> str:
    """Any payload, signed with the deployment's key."""
    encoded = base64.urlsafe_b64encode(payload).decode().rstrip("=")
    return f"ct_{encoded}.{_signature(encoded)}"


def _signature(payload: str) -> str:
    digest = hmac.new(KEY, payload.removeprefix("ct_").encode(), hashlib.sha256).digest()
    return base64.urlsafe_b64encode(digest).decode().rstrip("=")


def test_verifying_returns_the_signed_claims() -> None:
    for token in (TOKEN, replace(TOKEN, avatar_id=None), replace(TOKEN, avatar_id="é ä 🎬", max_sessions=100)):
        text = signed(token, KEY)
        assert verified(text, KEY, NOW, ORIGIN) == token
        assert text.isascii()
        assert not set(text) & set(" &=?#%+/")


@given(st.text(max_size=20))
def test_claims_of_any_length_are_read(avatar_id: str) -> None:
    token = replace(TOKEN, avatar_id=avatar_id)
    assert verified(signed(token, KEY), KEY, NOW, ORIGIN) == token


def test_the_format_of_tokens_is_stable() -> None:
    """During a deployment old and new functions verify each other's tokens."""
    key = signing_key("r" * 64)
    assert signed(TOKEN, key) == TOKEN_TEXT
    assert verified(TOKEN_TEXT, key, NOW, ORIGIN) == TOKEN


@pytest.mark.parametrize("character", ["a", "é", "🎬", '"', "\1"])
def test_the_longest_token_that_can_be_minted_is_accepted(character: str) -> None:
    """Each character takes its longest form in JSON."""
    avatar_id = character * (ORDER["avatarId"]["maxLength"] // utf16_length(character))
    origin = "https://".ljust(ORDER["origin"]["maxLength"], "a")
    token = ClientToken("t" * 36, "a" * 63, origin, MOST_SESSIONS, int(NOW) + 300, avatar_id)
    assert verified(signed(token, KEY), KEY, NOW, origin) == token


def test_a_token_above_the_maximum_length_is_rejected(monkeypatch: pytest.MonkeyPatch) -> None:
    text = signed(TOKEN, KEY)
    monkeypatch.setattr(client_tokens, "_LONGEST_TOKEN", len(text))
    assert verified(text, KEY, NOW, ORIGIN) == TOKEN
    monkeypatch.setattr(client_tokens, "_LONGEST_TOKEN", len(text) - 1)
    with pytest.raises(BadToken, match=f"^{UNKNOWN}$"):
        verified(text, KEY, NOW, ORIGIN)


@pytest.mark.parametrize(
    "payload", [b"[]", b'["t-1","acme","https://app.example.com",1,1700000300]', b"7", b"{}", b"\xff", b"[", b""]
)
def test_a_token_of_another_version_asks_for_a_new_one(payload: bytes) -> None:
    with pytest.raises(BadToken, match=f"^{OLD}$"):
        verified(text_of(payload), KEY, NOW, ORIGIN)


def test_a_token_with_another_number_of_dots_is_rejected() -> None:
    payload, _, signature = TOKEN_TEXT.partition(".")
    dotted = f"{payload[:9]}.{payload[9:]}"
    for text in (f"{dotted}.{_signature(dotted)}", f"{TOKEN_TEXT}.{signature}", payload + signature):
        with pytest.raises(BadToken, match=f"^{UNKNOWN}$"):
            verified(text, KEY, NOW, ORIGIN)


@given(st.integers(0, 300), st.characters(max_codepoint=126, min_codepoint=33))
def test_a_changed_token_is_rejected(place: int, character: str) -> None:
    text = signed(TOKEN, KEY)
    place %= len(text)
    changed = text[:place] + character + text[place + 1 :]
    if changed != text:
        with pytest.raises(BadToken):
            verified(changed, KEY, NOW, ORIGIN)


@given(st.text(max_size=300))
def test_any_other_text_is_rejected(text: str) -> None:
    for attempt in (text, f"ct_{text}", f"ct_{text}.{text}"):
        with pytest.raises(BadToken):
            verified(attempt, KEY, NOW, ORIGIN)


def test_a_token_of_another_deployment_is_rejected() -> None:
    with pytest.raises(BadToken, match="not issued by this deployment"):
        verified(signed(TOKEN, signing_key("q" * 64)), KEY, NOW, ORIGIN)


def test_no_webhook_secret_is_the_signing_key() -> None:
    assert signing_key("") != KEY
    for client in ("acme", "", "client token v1"):
        assert secret_of("r" * 64, client).encode() != KEY


def test_a_token_expires() -> None:
    text = signed(TOKEN, KEY)
    assert verified(text, KEY, TOKEN.expires_at - 0.001, ORIGIN)
    with pytest.raises(BadToken, match=r"^This client token has expired: .+ \(POST /v1/client_tokens\)$"):
        verified(text, KEY, TOKEN.expires_at, ORIGIN)


@pytest.mark.parametrize("origin", [None, "", "null", "https://app.example.com.evil.example", "http://app.example.com"])
def test_a_token_of_another_origin_is_rejected(origin: str | None) -> None:
    with pytest.raises(BadToken, match=r"for pages of https://app\.example\.com only$"):
        verified(signed(TOKEN, KEY), KEY, NOW, origin)
