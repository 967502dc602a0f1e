"""Checks of a state machine that cfn-lint's E3601 lacks: transitions and placeholders.

E3601 checks the fields of every state type, but of all references to states only StartAt: it accepts a Next, Default or
Catch that names a missing state.
"""

from __future__ import annotations

import copy
import json
import re
from collections.abc import Collection, Iterator, Mapping
from typing import Any

from local.checks.finding import Finding

Definition = dict[str, Any]

# ${AWS::Region} and the like match too: they are not replaced in a definition, so they are reported.
PLACEHOLDER = re.compile(r"\$\{([^}]*)\}")


def findings(name: str, definition: Definition, substitutions: Collection[str]) -> Iterator[Finding]:
    """Yield dangling, unreachable and endless states, choices without a default, and unused or unknown placeholders.

    substitutions: the names in the resource's DefinitionSubstitutions.
    """
    for path, scope in _scopes(name, definition):
        yield from _arrows(path, scope)
    if definition.get("QueryLanguage") != "JSONata":
        yield Finding(name, "QueryLanguage is not JSONata")
    for path, text in _texts(name, definition):
        if text.strip().startswith("{%") != text.strip().endswith("%}"):
            yield Finding(path, f"a JSONata expression lacks its {{% or %}}: {text}")
        if text.startswith("arn:aws"):
            yield Finding(path, f"{text} works in one partition only; use ${{Partition}}")
    used = set(PLACEHOLDER.findall(json.dumps(definition)))
    for placeholder in sorted(used - set(substitutions)):
        yield Finding(name, f"DefinitionSubstitutions lacks {placeholder}")
    for placeholder in sorted(set(substitutions) - used):
        yield Finding(name, f"DefinitionSubstitutions names {placeholder}, which the definition does not use")


def targets(state: Mapping[str, Any]) -> list[str]:
    """Return the names of all states that can follow a state."""
    arrows = [state, *state.get("Choices", []), *state.get("Catch", [])]
    return [arrow[key] for arrow in arrows for key in ("Next", "Default") if key in arrow]


def ends(state: Mapping[str, Any]) -> bool:
    """Return whether the execution, or the Map's item, ends after this state."""
    return state.get("End") is True or state.get("Type") in ("Succeed", "Fail")


def _arrows(path: str, scope: Definition) -> Iterator[Finding]:
    states: dict[str, dict[str, Any]] = scope.get("States", {})
    for name, state in states.items():
        for target in targets(state):
            if target not in states:
                yield Finding(f"{path}/{name}", f"leads to {target}, which does not exist here")
        if state.get("Type") == "Choice" and "Default" not in state:
            yield Finding(f"{path}/{name}", "has no Default: an unknown outcome would fail the execution")
    reached: set[str] = set()
    ahead = [scope.get("StartAt", "")]
    while ahead:
        current = ahead.pop()
        if current in states and current not in reached:
            reached.add(current)
            ahead += targets(states[current])
    for name in states.keys() - reached:
        yield Finding(f"{path}/{name}", "cannot be reached")
    if not any(ends(states[name]) for name in reached):
        yield Finding(path, "never ends")


def _scopes(path: str, definition: Definition) -> Iterator[tuple[str, Definition]]:
    """Yield the definition and every machine inside it: a state can only lead to states of its own machine."""
    yield path, definition
    for name, state in definition.get("States", {}).items():
        for number, branch in enumerate(state.get("Branches", [])):
            yield from _scopes(f"{path}/{name}[{number}]", branch)
        if "ItemProcessor" in state:
            yield from _scopes(f"{path}/{name}[]", state["ItemProcessor"])


def _texts(path: str, value: Any) -> Iterator[tuple[str, str]]:
    """Yield the path and the text of every string in a value."""
    if isinstance(value, str):
        yield path, value
    elif isinstance(value, Mapping):
        for key, inner in value.items():
            yield from _texts(f"{path}/{key}", inner)
    elif isinstance(value, list):
        for number, inner in enumerate(value):
            yield from _texts(f"{path}[{number}]", inner)


def broken_copies(definition: Definition) -> Iterator[tuple[str, Definition]]:
    """Yield (error, definition with that error): the checks must find each error."""
    first = definition["States"][definition["StartAt"]]

    def with_first(**changes: Any) -> Definition:
        return with_states(**{definition["StartAt"]: first | changes})

    def with_states(**changes: Any) -> Definition:
        return copy.deepcopy(definition | {"States": definition["States"] | changes})

    yield "a misspelt Type", with_first(Type="Tsk")
    yield "a dangling Next", with_first(Next="Nowhere")
    yield "a dangling StartAt", copy.deepcopy(definition | {"StartAt": "Nowhere"})
    yield "an orphaned state", with_states(Orphan=first)
    yield "an unknown field", with_first(Resorce="misspelt")
    yield "an unknown placeholder", with_first(Comment="${Unknown}")
