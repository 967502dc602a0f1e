"""Print a table of findings by tool; exit code 1 if a finding has no reason, or a reason no finding."""

from __future__ import annotations

import sys
import tempfile
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from tests.audit import tools
from tests.audit.findings import Finding, judge, load


def main() -> int:
    """0 if every finding is explained and every explanation is needed."""
    accepted = load()
    with tempfile.TemporaryDirectory(prefix="tarmac-audit-") as name, ThreadPoolExecutor(2) as pool:
        subject = tools.Subject.prepare(Path(name).resolve())

        def run(tool: Callable[[tools.Subject], Iterator[Finding]]) -> list[Finding]:
            return list(tool(subject))

        findings = [finding for found in pool.map(run, tools.ALL) for finding in found]
    judgement = judge(findings, accepted)
    for finding in judgement.unexplained:
        print(f"unexplained  {finding.rule}  {finding.where}  {finding.message}")
    for entry in judgement.unneeded:
        print(f"unneeded     accepted.toml: {entry} explains nothing")
    row = "{:<12}{:>10}{:>12}{:>13}"
    print(row.format("tool", "findings", "explained", "unexplained"))
    for each in judgement.table():
        print(row.format(*each))
    return 1 if judgement.unexplained or judgement.unneeded else 0


if __name__ == "__main__":
    sys.exit(main())
