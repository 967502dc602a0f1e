"""S3's verdict on a posted form, by its documented rules ("POST Policy" in the S3 API reference), without signatures.

Every field needs a condition, except the signature, the policy, the file and names that begin with x-ignore-. Every
condition needs its field, also one that would match anything. Fields of one name are one value, with commas.
"""

from __future__ import annotations

import base64
import json
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

EXEMPT = {"x-amz-signature", "policy", "file"}

Fields = Sequence[tuple[str, str]]


def rejection(fields: Fields, size_bytes: int, bucket: str, now: datetime | None = None) -> str | None:
    """Why S3 rejects the form; None if it accepts the file."""
    given: dict[str, list[str]] = {}
    for name, value in fields:
        given.setdefault(name.lower(), []).append(value)
    values = {name: ",".join(parts) for name, parts in given.items()} | {"bucket": bucket}
    policy = json.loads(base64.b64decode(values["policy"]))
    if (now or datetime.now(UTC)) >= datetime.fromisoformat(policy["expiration"].replace("Z", "+00:00")):
        return "Policy expired"
    covered = {"bucket"}
    for operator, name, wanted in _conditions(policy["conditions"]):
        if operator == "content-length-range":
            if not int(name) <= size_bytes <= int(wanted):
                return "EntityTooSmall" if size_bytes < int(name) else "EntityTooLarge"
            continue
        field = name.removeprefix("$").lower()
        covered.add(field)
        found = values.get(field)
        if found is None or not (found == wanted if operator == "eq" else found.startswith(wanted)):
            return f"Policy Condition failed: {name}"
    extra = [name for name in values if name not in covered | EXEMPT and not name.startswith("x-ignore-")]
    return f"Extra input fields: {', '.join(extra)}" if extra else None


def _conditions(written: list[Any]) -> list[tuple[str, str, str]]:
    found = []
    for condition in written:
        if isinstance(condition, dict):
            found += [("eq", f"${name}", value) for name, value in condition.items()]
        else:
            found.append(tuple(condition))
    return found
