"""The catalogue of operations and models, with parameters, prices and run times, read from TOML files.

Each operation has a file in this folder, named by its path below /v1; a model is one entry of the file. `_shared.toml`
has descriptions for several operations, and documents all keywords. A process reads the file of an operation once, when
it is first needed.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

_FOLDER = Path(__file__).parent
_SHARED = "_shared"
_DEFAULT_P10_SECONDS = 20.0
_ID = re.compile(r"[A-Za-z0-9_-]{1,80}")
_WORD_LISTS = frozenset(
    {"enum", "examples", "or", "media", "positions", "given", "absent", "requires", "forbids", "requiresOneOf"}
    | {"exactlyOne"}
)


class UnknownOperation(LookupError):
    """The operation does not exist."""


@dataclass(frozen=True, slots=True)
class Model:
    """A model in an operation. known: whether the catalogue describes it; otherwise it has no parameters.

    rules: conditions across parameters (`tarmac.requests.conditions`). spellings: other accepted names
    (`tarmac.requests.spellings`). credits: the price (`tarmac.requests.prices`). strict: whether Runway rejects
    parameters that are not described here.
    """

    name: str
    operation: str
    known: bool
    legacy: bool = False
    strict: bool = False
    parameters: Mapping[str, Mapping[str, Any]] | None = None
    spellings: Mapping[str, Any] | None = None
    credits: Mapping[str, Any] | None = None
    p10_seconds: float = _DEFAULT_P10_SECONDS
    rules: tuple[Mapping[str, Any], ...] = ()


@dataclass(frozen=True, slots=True)
class Operation:
    """A create endpoint. output: the kind of its outputs: video, image, audio or any.

    sole_model: the only entry of an operation whose body has no `model`, because Runway chooses the model.
    """

    name: str
    models: Mapping[str, Model]
    also_known_as: Mapping[str, str]
    output: str = "video"
    sole_model: str | None = None

    def model(self, name: str) -> Model:
        """The entry of a model by any of its names. An unknown model gets an entry without parameters."""
        canonical = self.also_known_as.get(name, name)
        return self.models.get(canonical) or Model(canonical, self.name, known=False)


@cache
def operations() -> tuple[str, ...]:
    """The names of all operations, sorted: `image_to_video`, `recipes/product_ad`, `workflows/{id}` …"""
    files = (path.relative_to(_FOLDER).with_suffix("").as_posix() for path in _FOLDER.rglob("*.toml"))
    return tuple(sorted(name for name in files if name != _SHARED))


def operation(name: str) -> Operation:
    """The operation with this name, or with a pattern that matches it. Raises UnknownOperation.

    `workflows/5b1d7c1e` matches `workflows/{id}`.
    """
    if name in operations():
        return _operation(name)
    parent, _, last = name.rpartition("/")
    pattern = f"{parent}/{{id}}"
    if pattern not in operations() or not _ID.fullmatch(last):
        raise UnknownOperation(name)
    return _operation(pattern)


@cache
def _operation(name: str) -> Operation:
    data = _read(name)
    vocabulary = _Vocabulary(_shared() | data.get("shared", {}))
    models: dict[str, Model] = {}
    also_known_as: dict[str, str] = {}
    for model_name, entry in data["models"].items():
        models[model_name] = _model(model_name, name, entry, data, models, vocabulary)
        also_known_as.update(dict.fromkeys(entry.get("alsoKnownAs", ()), model_name))
    return Operation(name, models, also_known_as, data["output"], data.get("soleModel"))


def operations_of(model_name: str) -> list[str]:
    """The operations that have a model, for error messages."""
    return [name for name in operations() if operation(name).model(model_name).known]


def _model(
    name: str,
    operation_name: str,
    entry: Mapping[str, Any],
    data: Mapping[str, Any],
    earlier: Mapping[str, Model],
    vocabulary: _Vocabulary,
) -> Model:
    like = earlier[entry["like"]] if "like" in entry else Model(name, operation_name, known=True)
    own = {parameter: vocabulary.spec(spec) for parameter, spec in entry.get("parameters", {}).items()}
    return Model(
        name=name,
        operation=operation_name,
        known=True,
        legacy=entry.get("legacy", False),
        strict=entry.get("strict", like.strict),
        parameters={**(like.parameters or {}), **own},
        spellings={**data.get("spellings", {}), **(like.spellings or {}), **entry.get("spellings", {})},
        credits=vocabulary.plain(entry["credits"]) if "credits" in entry else None,
        p10_seconds=entry.get("p10Seconds", like.p10_seconds),
        rules=like.rules + tuple(vocabulary.plain(rule) for rule in entry.get("rules", ())),
    )


class _Vocabulary:
    """Converts descriptions from TOML: resolves references to shared ones, and splits lists that are one string."""

    def __init__(self, shared: Mapping[str, Any]) -> None:
        self._shared = shared

    def spec(self, written: Any) -> dict[str, Any]:
        """The description of a parameter. `"name"` and `{use = "name", …}` refer to a shared description."""
        if isinstance(written, str):
            return self.spec(self._shared[written])
        spec: dict[str, Any] = self.spec(written["use"]) if "use" in written else {}
        for word, value in written.items():
            match word:
                case "use":
                    continue
                case "items" | "values":
                    spec[word] = self.spec(value)
                case "properties":
                    spec[word] = {name: self.spec(inner) for name, inner in value.items()}
                case "cases":
                    spec[word] = {
                        case: {name: self.spec(inner) for name, inner in inners.items()}
                        for case, inners in value.items()
                    }
                case "rules":
                    spec[word] = tuple(self.plain(rule) for rule in value)
                case _:
                    spec[word] = _split(word, value)
        return spec

    def plain(self, written: Mapping[str, Any]) -> dict[str, Any]:
        """A rule or a price, with its lists split."""
        plain: dict[str, Any] = {}
        for word, value in written.items():
            if word in ("when", "unless", "allows", "refuses"):
                plain[word] = {name: _split("enum", choices) for name, choices in value.items()}
            elif word == "cases":
                plain[word] = tuple(self.plain(case) for case in value)
            else:
                plain[word] = _split(word, value)
        return plain


def _split(word: str, value: Any) -> Any:
    return value.split() if word in _WORD_LISTS and isinstance(value, str) else value


@cache
def _shared() -> dict[str, Any]:
    return _read(_SHARED)["shared"]  # type: ignore[no-any-return]


def _read(name: str) -> dict[str, Any]:
    return tomllib.loads((_FOLDER / f"{name}.toml").read_text(encoding="utf-8"))
