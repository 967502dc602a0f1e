"""Secrets of Secrets Manager: the Runway key, and the root of the secrets that webhooks are signed with."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from tarmac.aws.services import service
from tarmac.clock import Clock
from tarmac.runway.errors import KeyUnavailable

KEPT_SECONDS = 300.0
SHORTEST_ROOT = 32
UNSET = "unset"
"""What template.yaml puts there until `tarmac secret set` was run."""


class _CachedSecret:
    """A secret, read once in five minutes, and again when asked: a rotated secret must not need a deployment."""

    def __init__(self, secret_arn: str, clock: Clock, secretsmanager: Any = None) -> None:
        self._arn = secret_arn
        self._clock = clock
        self._secretsmanager = secretsmanager
        self._value = ""
        self._read_at = float("-inf")

    def __call__(self, fresh: bool = False) -> str:
        if fresh or self._clock.now() - self._read_at > KEPT_SECONDS:
            self._value = self._read()
            self._read_at = self._clock.now()
        return self._value

    def _answer(self) -> Mapping[str, Any]:
        secrets = self._secretsmanager or service("secretsmanager")
        answer: Mapping[str, Any] = secrets.get_secret_value(SecretId=self._arn)
        return answer

    def _read(self) -> str:
        raise NotImplementedError


class SecretKey(_CachedSecret):
    """The Runway key. A call raises KeyUnavailable."""

    def _read(self) -> str:
        try:
            value: str = self._answer().get("SecretString", "").strip()
        except Exception as error:
            raise KeyUnavailable(f"the Runway key cannot be read ({type(error).__name__})") from None
        if not value or value == UNSET:
            raise KeyUnavailable("no Runway key is set: run `tarmac secret set`")
        if not (value.isascii() and value.isprintable() and " " not in value):
            raise KeyUnavailable("the stored Runway key cannot be one: run `tarmac secret set`")
        return value


class SigningRoot(_CachedSecret):
    """The random text that the secrets of webhooks are derived from. A call raises as AWS does, and RuntimeError for a
    text that could be guessed."""

    def _read(self) -> str:
        return signing_root(self._answer())


def signing_root(answer: Mapping[str, Any]) -> str:
    """The text in Secrets Manager's answer. Raises RuntimeError for one that could be guessed."""
    value: str = answer.get("SecretString", "")
    if len(value) < SHORTEST_ROOT:
        raise RuntimeError("the webhook secret is not the random text that template.yaml has made")
    return value
