"""The scenario of each create: its own directives, overridden by rules from the control endpoint.

Rules exist because not every body has a string for directives: character_performance has no prompt.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from local.simulator.contract import OPERATIONS
from local.simulator.directives import DirectiveError, Directives, overridden, parse


@dataclass(slots=True)
class Rule:
    """Directives for every matching POST. remaining: how many more it applies to, None for all.

    path None matches every generation at Runway itself; a rule for other creates must name their path.
    model and contains None match all.
    """

    path: str | None
    model: str | None
    contains: str | None
    directives: str
    remaining: int | None

    def matches(self, path: str, model: str | None, body: bytes) -> bool:
        return (
            self.remaining != 0
            and (_generates(path) if self.path is None else path == self.path)
            and self.model in (None, model)
            and (self.contains is None or self.contains.encode("utf-8", "surrogatepass") in body)
        )

    def as_json(self) -> dict[str, Any]:
        match = {"path": self.path, "model": self.model, "contains": self.contains}
        return {
            "match": {name: value for name, value in match.items() if value is not None},
            "directives": self.directives,
            "times": self.remaining,
        }


def _generates(path: str) -> bool:
    return path in OPERATIONS or path.startswith(("/v1/generate/", "/v1/workflows/"))


def rule_from(wanted: Any) -> Rule:
    """From `{"match"?: {"path"?, "model"?, "contains"?}, "directives", "times"?}`; raises DirectiveError."""
    match wanted:
        case {"directives": str(directives), **rest} if set(rest) <= {"match", "times"}:
            where, times = rest.get("match") or {}, rest.get("times")
        case _:
            raise DirectiveError('expected {"match"?: {…}, "directives": "key=value, …", "times"?: n}')
    if not isinstance(where, Mapping) or not set(where) <= {"path", "model", "contains"}:
        raise DirectiveError("match has an unknown field: use path, model or contains")
    if not all(isinstance(value, str) for value in where.values()):
        raise DirectiveError("match values must be strings")
    if times is not None and (isinstance(times, bool) or not isinstance(times, int) or times < 0):
        raise DirectiveError("times must be a positive whole number")
    parse(directives)
    return Rule(where.get("path"), where.get("model"), where.get("contains"), directives, times)


class Faults:
    """The current rules, and how often each identical body has got its create fault."""

    def __init__(self) -> None:
        self.rules: list[Rule] = []
        self.met: Counter[str] = Counter()

    def scenario(self, own: Directives, path: str, model: str | None, body: bytes) -> Directives:
        """The body's own directives, overridden by the first matching rule; counts that use of the rule."""
        rule = next((rule for rule in self.rules if rule.matches(path, model, body)), None)
        if rule is None:
            return own
        if rule.remaining is not None:
            rule.remaining -= 1
        return overridden(own, by=parse(rule.directives))

    def due_on_create(self, scenario: Directives, body_sha256: str) -> str | None:
        """The create fault to answer with now, or None; counts it."""
        if scenario.create is None:
            return None
        if scenario.times is not None and self.met[body_sha256] >= scenario.times:
            return None
        self.met[body_sha256] += 1
        return scenario.create
