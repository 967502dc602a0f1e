"""What cfn-lint's E3601 leaves open in a state machine: where its arrows lead, and what fills its placeholders.

E3601 knows the fields of every state type, but of all names of states it looks up StartAt alone: a Next, Default or
Catch into nowhere passes.
"""

from __future__ import annotations

import copy
import json
import re
from collections.abc import Callable, Collection, Iterator, Mapping
from typing import Any

from local.checks.finding import Finding

Definition = dict[str, Any]

# ${Name} alone: ${AWS::Region} and the like are not filled in a definition either, and are found as unknown.
PLACEHOLDER = re.compile(r"\$\{([^}]*)\}")


def findings(name: str, definition: Definition, substitutions: Collection[str]) -> Iterator[Finding]:
    """Dangling, unreachable and endless states; choices without a default; placeholders nobody fills, and the reverse.

    substitutions: the names in the resource's DefinitionSubstitutions.
    """
    for path, scope in _scopes(name, definition):
        yield from _arrows(path, scope)
    if definition.get("QueryLanguage") != "JSONata":
        yield Finding(name, "QueryLanguage is not JSONata")
    for path, text in _texts(name, definition):
        if text.strip().startswith("{%") != text.strip().endswith("%}"):
            yield Finding(path, f"a JSONata expression begins or ends without its other half: {text}")
        if text.startswith("arn:aws"):
            yield Finding(path, f"{text} works in one partition only; use ${{Partition}}")
    used = set(PLACEHOLDER.findall(json.dumps(definition)))
    for placeholder in sorted(used - set(substitutions)):
        yield Finding(name, f"nothing fills ${{{placeholder}}}")
    for placeholder in sorted(set(substitutions) - used):
        yield Finding(name, f"DefinitionSubstitutions names {placeholder}, the definition does not")


def targets(state: Mapping[str, Any]) -> list[str]:
    """All names of states that a state may lead to."""
    arrows = [state, *state.get("Choices", []), *state.get("Catch", [])]
    return [arrow[key] for arrow in arrows for key in ("Next", "Default") if key in arrow]


def ends(state: Mapping[str, Any]) -> bool:
    """Whether its scope is over after this state."""
    return state.get("End") is True or state.get("Type") in ("Succeed", "Fail")


def _arrows(path: str, scope: Definition) -> Iterator[Finding]:
    states: dict[str, dict[str, Any]] = scope.get("States", {})
    for name, state in states.items():
        for target in targets(state):
            if target not in states:
                yield Finding(f"{path}/{name}", f"leads to {target}, which is no state here")
        if state.get("Type") == "Choice" and "Default" not in state:
            yield Finding(f"{path}/{name}", "has no Default: an unknown outcome would kill the execution")
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
    """The definition and every machine inside it: states see only those of their own scope."""
    yield path, definition
    for name, state in definition.get("States", {}).items():
        for number, branch in enumerate(state.get("Branches", [])):
            yield from _scopes(f"{path}/{name}[{number}]", branch)
        if "ItemProcessor" in state:
            yield from _scopes(f"{path}/{name}[]", state["ItemProcessor"])


def _texts(path: str, value: Any) -> Iterator[tuple[str, str]]:
    """Every string below value, with the path to it."""
    if isinstance(value, str):
        yield path, value
    elif isinstance(value, Mapping):
        for key, inner in value.items():
            yield from _texts(f"{path}/{key}", inner)
    elif isinstance(value, list):
        for number, inner in enumerate(value):
            yield from _texts(f"{path}[{number}]", inner)


def broken_copies(definition: Definition) -> Iterator[tuple[str, Definition]]:
    """(what was broken, definition): each must be caught, or the check itself is broken."""

    def broken(change: Callable[[Definition, dict[str, Any]], None]) -> Definition:
        result = copy.deepcopy(definition)
        change(result, result["States"][result["StartAt"]])
        return result

    yield "a misspelt Type", broken(lambda machine, first: first.update(Type="Tsk"))
    yield "a dangling Next", broken(lambda machine, first: first.update(Next="Nowhere"))
    yield "a dangling StartAt", broken(lambda machine, first: machine.update(StartAt="Nowhere"))
    yield "an orphaned state", broken(lambda machine, first: machine["States"].update(Orphan=first))
    yield "an unknown field", broken(lambda machine, first: first.update(Resorce="misspelt"))
    yield "a placeholder nobody fills", broken(lambda machine, first: first.update(Comment="${Nobody}"))
