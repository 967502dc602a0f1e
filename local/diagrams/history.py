"""`make history`: docs/execution.md, the history of a real execution on a local stack of its own, told in words."""

from __future__ import annotations

import json
import re
import tempfile
import time
import urllib.request
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from local.aws.clients import Clients
from local.aws.template import parse
from local.errors import LocalError
from local.paths import ROOT
from local.stack import SIMULATOR_KEY, StackInfo, running_stack

DOCUMENT = ROOT / "docs" / "execution.md"
NAME = "lighthouse-18"
PROMPT = "A lighthouse in a storm"
REQUEST = {
    "operation": "text_to_video",
    "request": {"model": "gen4.5", "promptText": PROMPT, "ratio": "1280:720", "duration": 5},
    "metadata": {"order": "A-18"},
}
# Long enough for several looks on the slowest machine.
SCENARIO = "seconds=400"
TIME_SCALE = 0.02
PATIENCE_SECONDS = 300.0

Event = Mapping[str, Any]

# What has happened, by state and event, where the state's own comment does not say it.
_WORDS = {
    ("", "ExecutionStarted"): (
        "Started by hand: the name typed into the console becomes the task's id. This door alone keeps the request in "
        "its execution."
    ),
    ("Enter", "StateExited"): "There is no `taskId` in the input: somebody has typed a request.",
    ("Accept", "TaskScheduled"): "CreateTask gets the input and the execution's name. A retry would find its own row.",
    ("Accept", "TaskSucceeded"): "The row is written, the name was free. From here on only ids travel.",
    ("Submit", "TaskScheduled"): "SubmitTask claims the row, then sends one create.",
    ("Submit", "TaskSucceeded"): "Runway has taken it, the row holds its id. When to look first, the model decides.",
    ("Route", "StateExited"): "The outcome of the step before leads on.",
    ("WaitForProgress", "StateExited"): "The seconds are over.",
    ("Poll", "TaskScheduled"): "PollTask reads Runway's task once, and writes what it saw into the row.",
    ("Poll", "TaskSucceeded"): "The outcome: `running` with the next wait, which follows the progress, or `ended`.",
    ("Finish", "TaskScheduled"): "FinishTask archives every output, ends the row, tells SNS, in that order.",
    ("Finish", "TaskSucceeded"): "All three are done. This summary is what the execution will have to show.",
    ("Ending", "StateExited"): "The summary's `ending` decides the colour.",
    ("Succeeded", "StateExited"): "Green.",
    ("", "ExecutionSucceeded"): "The output: status, keys in the archive, credits, looks, seconds.",
}
_GAP = (
    "| … | | | | As often as it takes: the events from WaitForProgress to Route once more, with a wait of their own. |"
)

_HEAD = """\
# An execution, event by event

The history of one generation that was started by hand, as `aws stepfunctions get-execution-history` and the console
tell it, from a run on the local stack. `make history` writes this page anew, and a test compares it with a run of its
own. Names, dates and measured numbers are normalised. AWS also writes a `TaskStarted` after each `TaskScheduled`, which
the local AWS leaves out. All ways through the machine: [generation.svg](generation.svg).

| # | event | state | data | in words |
|---|---|---|---|---|
"""

_FOOT = """
Others differ from it like this:

* From the API and from S3 the input is `{"taskId": …}`, and `Enter` leads to `Submit` at once.
* While Runway takes nothing, `Submit` answers `waiting`, and the way goes round `WaitForCapacity` instead.
* A failed generation leaves through `Finish`, `Ending` and `Failed`: red, its error the failure code, its cause the
  failure in words. It is final; a redrive shows it once more and buys nothing.
* Red at `Finish`, after seven `TaskFailed`, is paid for and not archived yet. Mend what the cause names and redrive, or
  leave it to the sweeper: its execution is called `{task}-2` and does what is missing.
* Red at `Accept` is a request that was refused, the cause names the field. There is no task, and nothing was bought.
"""


def record(info: StackInfo, name: str) -> list[Event]:
    """All events of an execution that is started now, by hand, under this name. LocalError where it does not end."""
    _ask_for_a_long_run(info)
    with Clients(info.aws_endpoint_url, info.region) as clients:
        arn = clients.states.start_execution(
            stateMachineArn=info.generation_state_machine_arn, name=name, input=json.dumps(REQUEST)
        )["executionArn"]
        patience = time.monotonic() + PATIENCE_SECONDS
        while clients.states.describe_execution(executionArn=arn)["status"] == "RUNNING":
            if time.monotonic() > patience:
                raise LocalError(f"the execution {name} did not end within {PATIENCE_SECONDS:.0f} s")
            time.sleep(0.1)
        pages = clients.states.get_paginator("get_execution_history").paginate(executionArn=arn)
        return [dict(event) for page in pages for event in page["events"]]


def annotate(events: Sequence[Event], name: str) -> str:
    """The page. Raises KeyError for an event that nobody has explained, ValueError for a run with too few looks."""
    definition = parse((ROOT / "statemachines" / "generation.asl.yaml").read_text())
    rows, state, shown = [], "", None
    for number, event in _numbered(events):
        if event is None:
            rows.append(_GAP)
            continue
        kind = re.sub(r"^[A-Z][a-z]+State", "State", event["type"])
        details = _details(event)
        state = "" if kind.startswith("Execution") else details.get("name", state)
        if kind == "StateEntered":
            words = definition["States"][state]["Comment"]
        elif (state, kind) in _WORDS or kind != "StateExited":
            words = _WORDS[state, kind]
        else:
            words = "The function's answer is the state's output."
        data = details.get("input") or details.get("output")
        text = f"`{_normal(data, name)}`" if data else ""
        # What a state hands on as it came is not shown again.
        again = text == shown and kind != "TaskSucceeded"
        rows.append(f"| {number} | {event['type']} | {state} | {'' if again else text} | {words} |")
        shown = text or shown
    return _HEAD + "\n".join(rows) + "\n" + _FOOT


def _numbered(events: Sequence[Event]) -> Iterator[tuple[str, Event | None]]:
    """The first look and the last, with a gap for those between."""
    looks = [
        number
        for number, event in enumerate(events)
        if _details(event).get("name") == "WaitForProgress" and "input" in _details(event)
    ]
    if len(looks) < 2:
        raise ValueError("the execution has looked less than twice")
    yield from ((str(number), event) for number, event in enumerate(events[: looks[1]], 1))
    yield "…", None
    yield from (("n" if number == 0 else f"n+{number}", event) for number, event in enumerate(events[looks[-1] :]))


def _details(event: Event) -> Mapping[str, Any]:
    """The part that differs between types of events."""
    return next((value for key, value in event.items() if key.endswith("EventDetails")), {})


def _normal(data: str, name: str) -> str:
    """One line of JSON, the same for every run. Of a call of Lambda only what the function has answered."""
    value = json.loads(data)
    value = value.get("Payload", value)
    text = json.dumps(value, ensure_ascii=False).replace(name, NAME)
    text = re.sub(r'"bucket": "[^"]+"', '"bucket": "tarmac-archivebucket-…"', text)
    text = re.sub(r"/\d{4}/\d\d/\d\d/", "/2026/11/20/", text)
    return re.sub(r'"(waitSeconds|polls|seconds)": [1-9][\d.]*', r'"\1": …', text)


def _ask_for_a_long_run(info: StackInfo) -> None:
    """Of the simulator, for this prompt."""
    wanted = {"match": {"contains": PROMPT}, "directives": SCENARIO, "times": 1}
    request = urllib.request.Request(  # noqa: S310 (our own simulator)
        f"{info.runway_base_url}/_simulator/faults",
        json.dumps(wanted).encode(),
        {"Authorization": f"Bearer {SIMULATOR_KEY}", "Content-Type": "application/json"},
    )
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    opener.open(request, timeout=10).close()


def main() -> None:
    with tempfile.TemporaryDirectory() as folder, running_stack(Path(folder), time_scale=TIME_SCALE) as info:
        DOCUMENT.write_text(annotate(record(info, NAME), NAME))
    print(DOCUMENT.relative_to(ROOT))


if __name__ == "__main__":
    main()
