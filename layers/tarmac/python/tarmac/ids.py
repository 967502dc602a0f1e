"""Which texts are ids, and ids derived from a cause."""

from __future__ import annotations

import hashlib
import re
import uuid

TASK_ID = re.compile(r"[A-Za-z0-9_-]{1,80}")
"""Any name that an execution may have: those started by hand give theirs to the task."""


def _id_of(*cause: str) -> str:
    seed = "\0".join(cause).encode()
    return str(uuid.UUID(bytes=hashlib.sha256(seed).digest()[:16], version=4))


_ID = re.compile(r"[A-Za-z0-9_-]{1,100}")


def is_id(text: str) -> bool:
    """Whether something of Runway's could have this id. They are UUIDs, but nobody promises that."""
    return _ID.fullmatch(text) is not None
