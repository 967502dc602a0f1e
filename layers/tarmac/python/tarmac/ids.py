"""Formats of ids, and ids that are derived from an event."""

from __future__ import annotations

import hashlib
import re
import uuid

_ID = re.compile(r"[A-Za-z0-9_-]{1,100}")

TASK_ID = re.compile(r"[A-Za-z0-9_-]{1,80}")
"""The names that Step Functions accepts: the id of a task that a user has started in the console is such a name."""


def derived_id(*cause: str) -> str:
    """Return a UUID that depends only on the cause, so that a repeated event gets the same id."""
    seed = "\0".join(cause).encode()
    return str(uuid.UUID(bytes=hashlib.sha256(seed).digest()[:16], version=4))


def is_id(text: str) -> bool:
    """Return whether a text may be an id at Runway. Runway uses UUIDs but does not document this."""
    return _ID.fullmatch(text) is not None
