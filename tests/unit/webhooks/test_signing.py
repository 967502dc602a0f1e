"""Rules of webhooks: allowed URLs, signatures, waits between tries."""

from __future__ import annotations

import base64
import json
import time
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from standardwebhooks import Webhook, WebhookVerificationError

from local.aws import template
from local.paths import ROOT
from tarmac.requests.contract import parse_create
from tarmac.requests.media import BadMedia
from tarmac.requests.webhook_url import check_webhook_url
from tarmac.tasks.webhook import shown_url, verdict_of
from tarmac.webhooks.retries import MAX_TRIES, WAITS_SECONDS, wait_after
from tarmac.webhooks.signing import secret_of, signed_headers
from tests.fakes.samples import issues_of

ROOT_TEXT = "Kf3" * 21
ASCII_ONLY = "a webhook URL must be ASCII without white space; percent-encode other characters"
NO_ORIGINS: frozenset[str] = frozenset()
LOCAL = frozenset({"http://127.0.0.1:8000"})


class TestUrl:
    GOOD = (
        "https://hooks.example.com",
        "https://hooks.example.com/",
        "https://hooks.example.com:8443/tarmac?token=abc%20def#part",
        "HTTPS://Hooks.Example.COM/Path",
        "https://hooks.example.com/!now",
        "https://xn--bcher-kva.example/",
        "https://hooks.example.com/" + "a" * 2022,
    )
    BAD = (
        "",
        "hooks.example.com",
        "http://hooks.example.com/",
        "ftp://hooks.example.com/",
        "https:hooks.example.com",
        "https:///path",
        "https://localhost/",
        "https://localhost.:8443/",
        "https://127.0.0.1/",
        "https://2130706433/",
        "https://0x7f.1/",
        "https://017700000001/",
        "https://127.1/",
        "https://[::1]/",
        "https://[::ffff:127.0.0.1]/",
        "https://169.254.169.254/latest/meta-data/",
        "https://8.8.8.8/",
        "https://user@hooks.example.com/",
        "https://user:password@hooks.example.com/",
        "https://hooks.example.com\\@evil.example/",
        "https://hooks.example.com:99999/",
        "https://hooks.example.com:http/",
        "https://hooks.example.com/a b",
        "https://hooks.example.com/\r\nx-injected: yes",
        "https://hooks.example.com/\x7f",
        " https://hooks.example.com/",
        "https://bücher.example/",
        "https://hooks.example.com/ü",
        "https://[::1/",
        "https://hooks.example.com/" + "a" * 2023,
        "javascript:alert(1)",
        "data:text/plain,x",
        "s3://bucket/key",
    )

    @pytest.mark.parametrize("url", GOOD)
    def test_of_a_public_https_name_is_valid(self, url: str) -> None:
        check_webhook_url(url, NO_ORIGINS)

    @pytest.mark.parametrize("url", BAD)
    def test_of_anything_else_is_invalid(self, url: str) -> None:
        with pytest.raises(BadMedia):
            check_webhook_url(url, NO_ORIGINS)

    @pytest.mark.parametrize(
        ("url", "origins", "reason"),
        [
            ("https://hooks.example.com/".ljust(2049, "a"), NO_ORIGINS, "a URL must have at most 2048 characters"),
            ("https://hooks.example.com/ü", NO_ORIGINS, ASCII_ONLY),
            ("https://hooks.example.com/a b", LOCAL, ASCII_ONLY),
            ("https://hooks.example.com/\x7f", NO_ORIGINS, ASCII_ONLY),
            ("http://hooks.example.com/", NO_ORIGINS, "a webhook URL must be an https URL"),
            ("https://127.0.0.1/", NO_ORIGINS, "a URL must have a public domain name, not an address"),
            (
                "https://hooks.example.com/",
                LOCAL,
                "this deployment does not send webhooks to that host (parameter WebhookOrigins)",
            ),
        ],
    )
    def test_that_is_invalid_has_a_reason(self, url: str, origins: frozenset[str], reason: str) -> None:
        with pytest.raises(BadMedia) as rejected:
            check_webhook_url(url, origins)
        assert str(rejected.value) == reason

    def test_may_have_an_origin_that_the_operator_has_configured(self) -> None:
        check_webhook_url("http://127.0.0.1:8000/hook?x=1", LOCAL)

    @pytest.mark.parametrize(
        "url",
        [
            "https://hooks.example.com/",
            "http://127.0.0.1:8001/",
            "http://127.0.0.1/",
            "https://127.0.0.1:8000/",
            "http://127.0.0.1:8000.example.com/",
            "http://user@127.0.0.1:8000/",
            "http://127.0.0.1:8000/a b",
            "http://127.0.0.1:8000/" + "a" * 2048,
        ],
    )
    def test_may_have_no_other_origin_once_one_is_configured(self, url: str) -> None:
        with pytest.raises(BadMedia):
            check_webhook_url(url, LOCAL)

    @pytest.mark.parametrize(
        ("url", "shown"),
        [
            ("https://hooks.example.com/a?token=secret#part", "https://hooks.example.com/a"),
            ("https://hooks.example.com?secret", "https://hooks.example.com"),
            ("https://hooks.example.com:8443/a/b", "https://hooks.example.com:8443/a/b"),
        ],
    )
    def test_is_shown_without_query_and_fragment(self, url: str, shown: str) -> None:
        assert shown_url(url) == shown


class TestCreate:
    def test_accepts_a_webhook_url_that_runway_does_not_get(self) -> None:
        parsed = parse_create({"model": "gen4.5", "promptText": "x", "webhookUrl": "https://hooks.example.com/"})
        assert parsed.webhookUrl == "https://hooks.example.com/"
        assert parsed.upstream_body() == {"model": "gen4.5", "promptText": "x"}

    @pytest.mark.parametrize("body", [{"model": "gen4.5"}, {"model": "gen4.5", "webhookUrl": None}])
    def test_does_not_require_one(self, body: dict[str, Any]) -> None:
        parsed = parse_create(body)
        assert parsed.webhookUrl is None
        assert parsed.upstream_body() == {"model": "gen4.5"}

    @pytest.mark.parametrize("url", [*TestUrl.BAD, 4, ["https://hooks.example.com/"], {}, True])
    def test_names_the_invalid_field_without_its_value(self, url: Any) -> None:
        found = issues_of(parse_create, {"model": "gen4.5", "webhookUrl": url})
        assert [issue.path for issue in found] == [("webhookUrl",)]
        assert "password" not in found[0].message
        assert not found[0].message.startswith("Value error")

    def test_accepts_a_configured_origin(self) -> None:
        url = "http://127.0.0.1:8000/x"
        assert parse_create({"model": "m", "webhookUrl": url}, webhook_origins=LOCAL).webhookUrl == url


@given(st.text() | st.from_regex(r"https?://[!-~]{0,40}", fullmatch=True))
def test_any_text_is_a_valid_webhook_url_or_is_rejected(text: str) -> None:
    try:
        check_webhook_url(text, NO_ORIGINS)
    except BadMedia:
        return
    assert text[:8].lower() == "https://"
    assert text.isascii()


class TestSignature:
    def test_is_accepted_by_the_official_verifier(self) -> None:
        secret = secret_of(ROOT_TEXT, "acme")
        body = json.dumps({"type": "task.succeeded", "metadata": {"ort": "Zürich 🎬"}}, ensure_ascii=False).encode()
        headers = signed_headers(secret, "t-1-ended", time.time(), body)
        assert Webhook(secret).verify(body, headers) == json.loads(body)

    def test_matches_a_published_example(self) -> None:
        """The example that the libraries of github.com/standard-webhooks/standard-webhooks are tested with."""
        headers = signed_headers(
            "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw",
            "msg_p5jXN8AQM9LWM0D4loKWxJek",
            1614265330,
            b'{"test": 2432232314}',
        )
        assert headers == {
            "webhook-id": "msg_p5jXN8AQM9LWM0D4loKWxJek",
            "webhook-timestamp": "1614265330",
            "webhook-signature": "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=",
        }

    @pytest.mark.parametrize("part", ["body", "webhook-id", "webhook-timestamp", "webhook-signature"])
    def test_covers_every_part(self, part: str) -> None:
        secret, body = secret_of(ROOT_TEXT, "acme"), b'{"a":1}'
        headers = signed_headers(secret, "t-1-ended", time.time(), body)
        if part == "body":
            body = b'{"a":2}'
        elif part == "webhook-timestamp":
            headers[part] = str(int(headers[part]) + 1)
        elif part == "webhook-id":
            headers[part] = "t-2-ended"
        else:
            headers[part] = "v1," + base64.b64encode(bytes(32)).decode()
        with pytest.raises(WebhookVerificationError):
            Webhook(secret).verify(body, headers)

    def test_of_another_client_is_rejected(self) -> None:
        body = b"{}"
        headers = signed_headers(secret_of(ROOT_TEXT, "acme"), "t-1-ended", time.time(), body)
        for other in (secret_of(ROOT_TEXT, "acme-2"), secret_of(ROOT_TEXT + "x", "acme")):
            with pytest.raises(WebhookVerificationError):
                Webhook(other).verify(body, headers)

    def test_is_rejected_when_it_is_old(self) -> None:
        secret = secret_of(ROOT_TEXT, "acme")
        headers = signed_headers(secret, "t-1-ended", time.time() - 600, b"{}")
        with pytest.raises(WebhookVerificationError, match="too old"):
            Webhook(secret).verify(b"{}", headers)


def test_a_secret_has_the_standard_format() -> None:
    secret = secret_of(ROOT_TEXT, "acme")
    assert secret == secret_of(ROOT_TEXT, "acme")
    prefix, _, encoded = secret.partition("_")
    assert prefix == "whsec"
    assert 24 <= len(base64.b64decode(encoded, validate=True)) <= 64


def test_a_secret_never_changes() -> None:
    """Receivers store it, so a deployment that derives another one would break them."""
    assert secret_of(ROOT_TEXT, "acme") == "whsec_xI40suyP96GzJCdvZbr+kDxvdSfzO4RG5t5qHihjWI8="


@pytest.mark.parametrize(
    ("status", "verdict"),
    [(200, "delivered"), (204, "delivered"), (299, "delivered"), (410, "gone"), (None, "failed")]
    + [(status, "failed") for status in (101, 199, 300, 301, 302, 307, 308, 400, 401, 404, 408, 429, 500, 503, 599)],
)
def test_every_status_has_a_verdict(status: int | None, verdict: str) -> None:
    assert verdict_of(status) == verdict


class TestWaits:
    def test_grow(self) -> None:
        waits = [wait_after(tries, 0.0) for tries in range(1, MAX_TRIES + 1)]
        assert waits == [*WAITS_SECONDS, None]
        assert list(WAITS_SECONDS) == sorted(set(WAITS_SECONDS))

    def test_end_within_a_day(self) -> None:
        assert sum(wait_after(tries, 1.0) or 0 for tries in range(1, MAX_TRIES)) < 24 * 3600

    def test_are_within_the_limit_of_sqs(self) -> None:
        """Twelve hours from the receive, of which the try itself has taken a part."""
        assert max(wait_after(tries, 1.0) or 0 for tries in range(1, MAX_TRIES)) <= 43_200 - 60

    @given(st.integers(1, MAX_TRIES - 1), st.floats(0, 1))
    def test_are_a_tenth_longer_at_most(self, tries: int, jitter: float) -> None:
        wait = wait_after(tries, jitter)
        assert wait is not None
        assert WAITS_SECONDS[tries - 1] <= wait <= WAITS_SECONDS[tries - 1] * 1.1001

    def test_are_as_many_as_the_queue_allows(self) -> None:
        resources = template.parse((ROOT / "template.yaml").read_text(encoding="utf-8"))["Resources"]
        queue, function = resources["WebhookQueue"]["Properties"], resources["DeliverWebhook"]["Properties"]
        assert queue["RedrivePolicy"]["maxReceiveCount"] == MAX_TRIES
        assert queue["MessageRetentionPeriod"] > 2 * sum(WAITS_SECONDS)
        assert queue["VisibilityTimeout"] >= 6 * function["Timeout"]
        assert resources["WebhookDeadLetters"]["Properties"]["MessageRetentionPeriod"] == 14 * 24 * 3600
