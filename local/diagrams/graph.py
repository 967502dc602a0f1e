"""What a definition (ASL, JSONata) shows in a picture: boxes with words, and arrows between them."""

from __future__ import annotations

import re
import textwrap
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

START, END = "(start)", "(end)"
COMMENT_COLUMNS = 50
LABEL_COLUMNS = 34
_PLACEHOLDER = re.compile(r"\$\{(\w+?)(?:Arn)?\}")


@dataclass(frozen=True)
class Box:
    """A state. `detail` is what it calls or waits for, `lines` its comment; a Map holds a picture of its own."""

    name: str
    kind: str
    detail: str = ""
    lines: tuple[str, ...] = ()
    inner: Graph | None = None


@dataclass(frozen=True)
class Arrow:
    source: str
    target: str
    label: str = ""


@dataclass(frozen=True)
class Graph:
    """Boxes in the definition's order, START first."""

    boxes: tuple[Box, ...]
    arrows: tuple[Arrow, ...]


def graph_of(scope: Mapping[str, Any]) -> Graph:
    """The picture of a machine, or of the machine inside a Map."""
    states: Mapping[str, Any] = scope["States"]
    boxes = [Box(START, "Start"), *(_box(name, state) for name, state in states.items())]
    arrows = [Arrow(START, scope["StartAt"])]
    for name, state in states.items():
        arrows += _joined(_arrows(name, state))
    if any(arrow.target == END for arrow in arrows):
        boxes.append(Box(END, "End"))
    return Graph(tuple(boxes), tuple(arrows))


def _box(name: str, state: Mapping[str, Any]) -> Box:
    lines = textwrap.wrap(str(state.get("Comment", "")), COMMENT_COLUMNS)
    inner = graph_of(state["ItemProcessor"]) if "ItemProcessor" in state else None
    return Box(name, state["Type"], _detail(state), tuple(lines), inner)


def _detail(state: Mapping[str, Any]) -> str:
    words = []
    match state["Type"]:
        case "Task":
            arguments = state.get("Arguments", {})
            called = arguments.get("FunctionName") or arguments.get("StateMachineArn") or ""
            found = _PLACEHOLDER.fullmatch(called)
            what = found[1] if found else state["Resource"].rpartition(":::")[2]
            words.append(f"Lambda {what}" if "FunctionName" in arguments else f"execution of {what}")
        case "Wait":
            words.append(f"waits {_plain(str(state.get('Seconds', state.get('Timestamp'))))}")
        case "Map":
            at_once = state.get("MaxConcurrency", 0)
            words.append({0: "for each, all at once", 1: "for each, one at a time"}.get(at_once, f"{at_once} at once"))
        case "Fail" if not str(state.get("Error", "")).startswith("{%"):
            words.append(f"error {state.get('Error', '')}")
    tries = [rule.get("MaxAttempts", 3) for rule in state.get("Retry", ())]
    if tries:
        words.append(f"{max(tries)} retries")
    return " · ".join(words)


def _arrows(name: str, state: Mapping[str, Any]) -> Iterator[Arrow]:
    for rule in state.get("Choices", ()):
        condition = rule.get("Comment") or _plain(rule["Condition"])
        yield Arrow(name, rule["Next"], textwrap.shorten(condition, LABEL_COLUMNS, placeholder=" …"))
    if "Default" in state:
        yield Arrow(name, state["Default"], "otherwise")
    if "Next" in state:
        yield Arrow(name, state["Next"])
    if state.get("End"):
        yield Arrow(name, END)
    for rule in state.get("Catch", ()):
        errors = "" if rule["ErrorEquals"] == ["States.ALL"] else " ".join(rule["ErrorEquals"])
        yield Arrow(name, rule["Next"], errors or "failed")


def _joined(arrows: Iterator[Arrow]) -> list[Arrow]:
    """One arrow for all ways between the same two boxes."""
    labels: dict[tuple[str, str], list[str]] = {}
    for arrow in arrows:
        labels.setdefault((arrow.source, arrow.target), []).append(arrow.label)
    return [Arrow(*ends, " or ".join(filter(None, words))) for ends, words in labels.items()]


def _plain(expression: str) -> str:
    """A JSONata expression as people would say it, where that is easy."""
    text = " ".join(expression.replace("{%", "").replace("%}", "").split())
    text = text.replace("$states.input.", "")
    return re.sub(r"\$exists\(([\w.]+)\)", r"\1 is given", text)
