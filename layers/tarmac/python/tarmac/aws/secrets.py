"""Secrets in Secrets Manager: the Runway key, and the text from which signing secrets are derived."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping
from typing import Any

from tarmac.aws.services import SecretsManager
from tarmac.clock import Clock
from tarmac.runway.errors import KeyUnavailable

CACHE_SECONDS = 300.0
SHORTEST_ROOT = 32
UNSET = "unset"
"""The value in template.yaml, until the operator runs `tarmac secret set`."""


class _CachedSecret(ABC):
    """A secret, cached for CACHE_SECONDS. fresh: read it again, for example after it was rotated."""

    def __init__(self, secret_arn: str, clock: Clock, secretsmanager: Any = None) -> None:
        self._arn = secret_arn
        self._clock = clock
        self._secretsmanager = secretsmanager
        self._value = ""
        self._read_at = float("-inf")

    def __call__(self, fresh: bool = False) -> str:
        if fresh or self._clock.now() - self._read_at > CACHE_SECONDS:
            self._value = self._read()
            self._read_at = self._clock.now()
        return self._value

    def _response(self) -> Mapping[str, Any]:
        secrets = self._secretsmanager or SecretsManager.from_environment()
        response: Mapping[str, Any] = secrets.get_secret_value(SecretId=self._arn)
        return response

    @abstractmethod
    def _read(self) -> str: ...


class SecretKey(_CachedSecret):
    """The Runway key. Calls raise KeyUnavailable."""

    def _read(self) -> str:
        try:
            value: str = self._response().get("SecretString", "").strip()
        except Exception as error:
            raise KeyUnavailable(f"the Runway key cannot be read ({type(error).__name__})") from None
        if not value or value == UNSET:
            raise KeyUnavailable("no Runway key is set: run `tarmac secret set`")
        if not (value.isascii() and value.isprintable() and " " not in value):
            raise KeyUnavailable("the stored Runway key is invalid: run `tarmac secret set`")
        return value


class SigningRoot(_CachedSecret):
    """The random text from which the signing secrets of webhooks are derived.

    Calls raise the errors of AWS, and RuntimeError if the text is too short.
    """

    def _read(self) -> str:
        return signing_root(self._response())


def signing_root(response: Mapping[str, Any]) -> str:
    """Return the text in Secrets Manager's response. Raises RuntimeError if it is shorter than SHORTEST_ROOT."""
    value: str = response.get("SecretString", "")
    if len(value) < SHORTEST_ROOT:
        raise RuntimeError(
            f"the webhook secret must have at least {SHORTEST_ROOT} characters; restore the generated one"
        )
    return value
