"""Findings of the tools, and the reasons for which some of them are accepted."""

from __future__ import annotations

import tomllib
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase
from pathlib import Path

ACCEPTED = Path(__file__).with_name("accepted.toml")
TOOLS = ("cfn-lint", "checkov", "cdk-nag", "parliament", "bandit", "zizmor")


class BadEntry(ValueError):
    """An entry of accepted.toml is incomplete."""


@dataclass(frozen=True, order=True)
class Finding:
    """rule: "tool:id". where: a logical id, with a detail where a rule has one, or a path in the repository."""

    rule: str
    where: str
    message: str = ""

    @property
    def tool(self) -> str:
        return self.rule.partition(":")[0]


@dataclass(frozen=True)
class Accepted:
    """Rules that do not apply, the places where they do not, as patterns, and the reason."""

    rules: tuple[str, ...]
    where: tuple[str, ...]
    reason: str

    def explains(self, finding: Finding) -> bool:
        return finding.rule in self.rules and any(fnmatchcase(finding.where, pattern) for pattern in self.where)


@dataclass(frozen=True)
class Judgement:
    """The findings without a reason, and the parts of accepted.toml without a finding."""

    findings: tuple[Finding, ...]
    unexplained: tuple[Finding, ...]
    unneeded: tuple[str, ...]

    def table(self) -> list[tuple[str, int, int, int]]:
        """(tool, findings, explained, unexplained) for each tool."""
        found = Counter(finding.tool for finding in self.findings)
        left = Counter(finding.tool for finding in self.unexplained)
        return [(tool, found[tool], found[tool] - left[tool], left[tool]) for tool in TOOLS]


def load(path: Path = ACCEPTED) -> list[Accepted]:
    """The entries of accepted.toml. Raises BadEntry for one without rules, places or a reason."""
    entries = []
    for number, entry in enumerate(tomllib.loads(path.read_text(encoding="utf-8")).get("accepted", []), start=1):
        rules, where, reason = entry.get("rules"), entry.get("where"), str(entry.get("reason", "")).strip()
        if not (rules and where and reason) or entry.keys() - {"rules", "where", "reason"}:
            raise BadEntry(f"{path.name}, entry {number}: rules, where and reason are required")
        for rule in rules:
            if rule.partition(":")[0] not in TOOLS:
                raise BadEntry(f"{path.name}, entry {number}: {rule} names no tool; write tool:rule")
        entries.append(Accepted(tuple(rules), tuple(where), reason))
    return entries


def judge(findings: Iterable[Finding], accepted: Sequence[Accepted]) -> Judgement:
    """Which findings no entry explains, and which rules and places of entries explain no finding."""
    found = tuple(sorted(set(findings)))
    unneeded = []
    for entry in accepted:
        explained = [finding for finding in found if entry.explains(finding)]
        unneeded += [rule for rule in entry.rules if all(finding.rule != rule for finding in explained)]
        for pattern in entry.where:
            if not any(fnmatchcase(finding.where, pattern) for finding in explained):
                unneeded.append(f"{pattern} (for {', '.join(entry.rules)})")
    unexplained = [finding for finding in found if not any(entry.explains(finding) for entry in accepted)]
    return Judgement(found, tuple(unexplained), tuple(unneeded))
