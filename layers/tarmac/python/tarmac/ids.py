"""Forms of ids, and ids that are derived from a cause."""

from __future__ import annotations

import hashlib
import re
import uuid

_ID = re.compile(r"[A-Za-z0-9_-]{1,100}")

TASK_ID = re.compile(r"[A-Za-z0-9_-]{1,80}")
"""Every name that Step Functions accepts: an execution started by hand gives its name to the task."""


def derived_id(*cause: str) -> str:
    """A UUID that depends only on the cause, so that a repeated event gets the same id."""
    seed = "\0".join(cause).encode()
    return str(uuid.UUID(bytes=hashlib.sha256(seed).digest()[:16], version=4))


def is_id(text: str) -> bool:
    """Whether a text may be an id at Runway. Runway uses UUIDs but does not document it."""
    return _ID.fullmatch(text) is not None
