"""python -m tests.faults: explore, remove the guards one by one, and report the results in numbers."""

from __future__ import annotations

import argparse
import os
import sys
import time

from tests.faults.explorer import Extent, Finding, Schedule, Tally, explore, trace_lines
from tests.faults.guards import Verdict, judge_all
from tests.faults.run import quick

SHORT = Extent(pairs_of_faults=False, openings=8, randoms=800)
LONG = Extent(pairs_of_faults=True, openings=200, randoms=80_000)


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.faults", description=__doc__)
    parser.add_argument("--long", action="store_true", help="every set of two faults, and 80,000 random schedules")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--workers", type=int, default=os.cpu_count() or 1)
    parser.add_argument("--stories", action="store_true", help="print the shortest schedule found for each guard")
    parser.add_argument("--replay", metavar="SCHEDULE", help="run one schedule, as a finding prints it, and show it")
    options = parser.parse_args()
    if options.replay:
        return replay(Schedule.parse(options.replay))

    began = time.monotonic()
    tally = explore((LONG if options.long else SHORT).portions(options.seed), options.workers)
    explored = time.monotonic() - began
    verdicts = judge_all(options.seed, options.workers)
    for finding in tally.findings.values():
        print(story_of(finding), end="\n\n")
    for verdict in verdicts:
        print(verdict_line(verdict))
        if options.stories:
            print(verdict.story)
    detected = sum(verdict.broken is not None for verdict in verdicts)
    print(
        f"\nschedules explored  {tally.schedules:,}\nviolations          {tally.violations:,}\n"
        f"guards removed      {len(verdicts)}\nguards detected     {detected}\n"
        f"seconds             {time.monotonic() - began:.0f} ({explored:.0f} exploring)"
    )
    return 0 if succeeded(tally, verdicts) else 1


def succeeded(tally: Tally, verdicts: list[Verdict]) -> bool:
    return not tally.violations and all(verdict.broken for verdict in verdicts)


def story_of(finding: Finding) -> str:
    with quick():
        return finding.story()


def verdict_line(verdict: Verdict) -> str:
    if verdict.broken is None:
        return f"without {verdict.guard!r}: NOT DETECTED in {verdict.schedules:,} schedules"
    return f"without {verdict.guard!r}: {verdict.broken} [{verdict.schedule}]"


def replay(schedule: Schedule) -> int:
    with quick():
        report = schedule.run()
    print("\n".join(trace_lines(report)))
    print(report.broken or "every invariant holds")
    return 1 if report.broken else 0


if __name__ == "__main__":
    sys.exit(main())
