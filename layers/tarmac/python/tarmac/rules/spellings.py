"""Older spellings of a request, rewritten to the contract: the catalogue says which (`spellings` of a model)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any


def to_contract(body: Mapping[str, Any], spellings: Mapping[str, Any]) -> dict[str, Any]:
    """The body in the contract's words; what already has them is left alone.

    spellings: older name → the contract's name; or → `{into, type}` where a bare link becomes `{type, uri}`; or →
    `{ignored = true}` for a parameter that the model never had.
    """
    rewritten = dict(body)
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
            rewritten.setdefault(rule["into"], {"type": rule["type"], "uri": value})
    return rewritten
