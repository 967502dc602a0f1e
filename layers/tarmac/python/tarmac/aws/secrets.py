"""What is in Secrets Manager: the Runway key, and the root of the secrets that callbacks are signed with."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from tarmac.aws.services import SecretsManager
from tarmac.clock import Clock
from tarmac.runway.errors import KeyUnavailable

KEPT_SECONDS = 300.0
SHORTEST_ROOT = 32
UNSET = "unset"
"""What template.yaml puts there until `tarmac secret set` was run."""


class SecretKey:
    """The key, read once in five minutes, and anew when asked: a rotated key must not need a deployment."""

    def __init__(self, secret_arn: str, clock: Clock, secretsmanager: Any = None) -> None:
        self._arn = secret_arn
        self._clock = clock
        self._secretsmanager = secretsmanager
        self._value = ""
        self._read_at = float("-inf")

    def __call__(self, fresh: bool = False) -> str:
        """Raises KeyUnavailable."""
        if fresh or self._clock.now() - self._read_at > KEPT_SECONDS:
            self._value = self._read()
            self._read_at = self._clock.now()
        return self._value

    def _read(self) -> str:
        try:
            secrets = self._secretsmanager or SecretsManager.from_environment()
            value: str = secrets.get_secret_value(SecretId=self._arn).get("SecretString", "").strip()
        except Exception as error:
            raise KeyUnavailable(f"the Runway key cannot be read ({type(error).__name__})") from None
        if not value or value == UNSET:
            raise KeyUnavailable("no Runway key is set: run `tarmac secret set`")
        if not (value.isascii() and value.isprintable() and " " not in value):
            raise KeyUnavailable("the stored Runway key cannot be one: run `tarmac secret set`")
        return value


class SigningRoot:
    """The random text that the secrets of callbacks are derived from, read once in five minutes."""

    def __init__(self, secret_arn: str, clock: Clock, secretsmanager: Any = None) -> None:
        self._arn = secret_arn
        self._clock = clock
        self._secretsmanager = secretsmanager
        self._value = ""
        self._read_at = float("-inf")

    def __call__(self) -> str:
        """Raises what AWS raises, and RuntimeError for a text that somebody could guess."""
        if self._clock.now() - self._read_at > KEPT_SECONDS:
            secrets = self._secretsmanager or SecretsManager.from_environment()
            self._value = signing_root(secrets.get_secret_value(SecretId=self._arn))
            self._read_at = self._clock.now()
        return self._value


def signing_root(answer: Mapping[str, Any]) -> str:
    """The text in Secrets Manager's answer. Raises RuntimeError for one that somebody could guess."""
    value: str = answer.get("SecretString", "")
    if len(value) < SHORTEST_ROOT:
        raise RuntimeError("the webhook secret is not the random text that template.yaml has made")
    return value
