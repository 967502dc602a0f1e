"""Older spellings of a request, rewritten to the contract: the catalogue says which (`spellings` of a model)."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

_NEXT_WORD = re.compile(r"_([a-z0-9])")


def to_contract(
    body: Mapping[str, Any], spellings: Mapping[str, Any], parameters: Mapping[str, Mapping[str, Any]] | None = None
) -> dict[str, Any]:
    """The body in the contract's words; what already has them is left alone.

    spellings: older name → the contract's name; or → `{into, type, key}` where a bare string becomes `{type, <key>}`,
    key being `uri` where none is said; or → `{ignored = true}` for a parameter that the model never had.
    parameters: of the model. A snake_case name of one of them, or of an older spelling, is that one, as in Python; and
    a value that stands in a parameter's `alsoSpelled` becomes what it means.
    """
    rewritten = _in_camel_case(body, (parameters or {}).keys() | spellings.keys())
    for older, rule in spellings.items():
        if older not in rewritten:
            continue
        if isinstance(rule, str):
            value = rewritten.pop(older)
            rewritten.setdefault(rule, value)
        elif rule.get("ignored"):
            del rewritten[older]
        elif isinstance(rewritten[older], str):
            value = rewritten.pop(older)
            rewritten.setdefault(rule["into"], {"type": rule["type"], rule.get("key", "uri"): value})
    for name, spec in (parameters or {}).items():
        if "alsoSpelled" in spec and isinstance(rewritten.get(name), str):
            rewritten[name] = spec["alsoSpelled"].get(rewritten[name], rewritten[name])
    return rewritten


def _in_camel_case(body: Mapping[str, Any], known: set[str]) -> dict[str, Any]:
    names = {}
    for name in body:
        camel = _NEXT_WORD.sub(lambda match: match[1].upper(), name)
        names[name] = camel if name not in known and camel in known and camel not in body else name
    return {names[name]: value for name, value in body.items()}
