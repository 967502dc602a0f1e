"""The state machine definitions of this repository, with their placeholders filled as a deployment would."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from typing import Any

from local.aws.template import parse
from local.paths import ROOT

Definition = dict[str, Any]
Definitions = Mapping[str, Definition]
"""A definition for each name of FILES."""

# The only list of definitions for the tests of this folder and of tests/machines_node.
FILES = {
    "generation": ROOT / "statemachines" / "generation.asl.yaml",
    "session": ROOT / "statemachines" / "avatar_session.asl.yaml",
    "film": ROOT / "examples" / "storyboard" / "film.asl.yaml",
}
REGION = "us-east-1"
ACCOUNT = "123456789012"
ROLE_ARN = f"arn:aws:iam::{ACCOUNT}:role/machine"
FILM_BUCKET = "films"

_PLACEHOLDER = re.compile(r"\$\{(\w+)\}")


def definitions() -> dict[str, Definition]:
    """Every definition of FILES, filled."""
    return {name: filled(path.read_text(encoding="utf-8")) for name, path in FILES.items()}


def filled(text: str) -> Definition:
    """A definition from its YAML text. Raises KeyError for a placeholder without a value here."""
    read: Definition = json.loads(_PLACEHOLDER.sub(_value, json.dumps(parse(text))))
    return read


def state_machine_arn(name: str) -> str:
    """The ARN of the machine with this name of FILES."""
    return f"arn:aws:states:{REGION}:{ACCOUNT}:stateMachine:{name}"


def execution_arn(machine: str, execution: str) -> str:
    """The ARN of an execution of the machine with this name of FILES."""
    return f"arn:aws:states:{REGION}:{ACCOUNT}:execution:{machine}:{execution}"


def scopes(definition: Definition) -> Iterator[Definition]:
    """The definition, then every item processor in it."""
    yield definition
    for state in definition["States"].values():
        if "ItemProcessor" in state:
            yield from scopes(state["ItemProcessor"])


def expressions(value: Any, path: str) -> Iterator[tuple[str, str]]:
    """(path, expression) of every JSONata expression below value, without its `{%` and `%}`."""
    if isinstance(value, str) and value.startswith("{%"):
        yield path, value.removeprefix("{%").removesuffix("%}").strip()
    elif isinstance(value, Mapping):
        for key, inner in value.items():
            yield from expressions(inner, f"{path}/{key}")
    elif isinstance(value, list):
        for number, inner in enumerate(value):
            yield from expressions(inner, f"{path}/{number}")


def _value(found: re.Match[str]) -> str:
    name = found[1]
    fixed = {
        "Partition": "aws",
        "FilmBucket": FILM_BUCKET,
        "GenerationStateMachineArn": state_machine_arn("generation"),
    }
    if name in fixed:
        return fixed[name]
    if not name.endswith("Arn"):
        raise KeyError(f"tests/workflow/machines.py has no value for the placeholder {name}")
    return f"arn:aws:lambda:{REGION}:{ACCOUNT}:function:{name.removesuffix('Arn')}"
