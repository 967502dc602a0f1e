"""The files of the catalogue: the engine reads every keyword in them, and every reference exists."""

from __future__ import annotations

import copy
import tomllib
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest

import tarmac.catalogue
from tarmac.catalogue import operation, operations
from tarmac.requests.conditions import CHECKS

FOLDER = Path(tarmac.catalogue.__file__).parent
Toml = dict[str, Any]

FILE = {"output": str, "soleModel": str, "shared": dict, "spellings": dict, "models": dict}
MODEL = {
    "legacy": bool,
    "strict": bool,
    "alsoKnownAs": list,
    "like": str,
    "credits": dict,
    "p10Seconds": (int, float),
    "rules": list,
    "parameters": dict,
    "spellings": dict,
}
WORDS = (str, list)
NUMBER = (int, float)
SPEC = {
    "use": str,
    "type": str,
    "required": bool,
    "why": str,
    "enum": WORDS,
    "or": WORDS,
    "examples": WORDS,
    "alsoSpelled": dict,
    "minimum": NUMBER,
    "maximum": NUMBER,
    "minLength": int,
    "maxLength": int,
    "pattern": str,
    "minItems": int,
    "maxItems": int,
    "items": (str, dict),
    "uniqueBy": str,
    "media": WORDS,
    "positions": WORDS,
    "positionRequired": bool,
    "unmixed": bool,
    "properties": dict,
    "strict": bool,
    "values": (str, dict),
    "refersTo": str,
    "rules": list,
    "by": str,
    "cases": dict,
}
TYPES = {"string", "integer", "number", "boolean", "object", "array", "media", "frames", "typedMedia", "primitive"}
CIRCUMSTANCES = {"when": dict, "unless": dict, "given": WORDS, "absent": WORDS}
RULE = CIRCUMSTANCES | {
    "requires": WORDS,
    "forbids": WORDS,
    "allows": dict,
    "refuses": dict,
    "requiresOneOf": WORDS,
    "exactlyOne": WORDS,
    "check": str,
    "why": str,
}
CONSEQUENCES = set(RULE) - set(CIRCUMSTANCES) - {"why"}
BASES = {"flat", "perSecond", "secondsPerCredit", "perImage", "perFrame", "charactersPerCredit"}
PRICE = dict.fromkeys(BASES, NUMBER) | {
    "perSecondSilent": NUMBER,
    "plusPerSecond": NUMBER,
    "secondsIfUnset": NUMBER,
    "secondsIfAuto": NUMBER,
    "perInputSecond": NUMBER,
    "inputSeconds": NUMBER,
    "minimum": NUMBER,
}


def read(name: str) -> Toml:
    return tomllib.loads((FOLDER / f"{name}.toml").read_text(encoding="utf-8"))


SHARED: Toml = read("_shared")["shared"]


def faults(data: Toml) -> list[str]:
    """All that is wrong with a file of an operation."""
    return list(_file_faults(data))


def _file_faults(data: Toml) -> Iterator[str]:
    yield from _words("file", data, FILE)
    if data.get("output") not in ("video", "image", "audio", "any"):
        yield "file: output"
    models = data.get("models", {})
    if "soleModel" in data and list(models) != [data["soleModel"]]:
        yield "file: soleModel"
    own = data.get("shared", {})
    for name in own.keys() & SHARED.keys():
        yield f"shared {name}: twice"
    for name, spec in own.items():
        yield from _spec_faults(f"shared {name}", spec, SHARED | own)
    seen: dict[str, set[str]] = {}
    for name, entry in models.items():
        if "like" in entry and entry["like"] not in seen:
            yield f"{name}: like {entry['like']}"
        seen[name] = set(entry.get("parameters", {})) | seen.get(entry.get("like"), set())
        yield from _model_faults(name, entry, SHARED | own, seen[name], data.get("spellings", {}))


def _model_faults(name: str, entry: Toml, shared: Toml, known: set[str], spellings: Toml) -> Iterator[str]:
    yield from _words(name, entry, MODEL)
    if "like" not in entry and not {"parameters", "p10Seconds"} <= entry.keys():
        yield f"{name}: incomplete"
    for parameter, spec in entry.get("parameters", {}).items():
        yield from _spec_faults(f"{name} {parameter}", spec, shared)
    for rule in entry.get("rules", ()):
        yield from _rule_faults(name, rule, known)
    if "credits" in entry:
        yield from _price_faults(name, entry["credits"], known)
    for older, rule in (spellings | entry.get("spellings", {})).items():
        into = rule if isinstance(rule, str) else rule.get("into", older)
        if isinstance(rule, dict) and not ({"ignored"} == rule.keys() or {"into", "type"} <= rule.keys() <= _SPELLING):
            yield f"{name}: spelling of {older}"
        elif into not in known and rule != {"ignored": True}:
            yield f"{name}: {older} into {into}"


_SPELLING = {"into", "type", "key", "listed"}


def _spec_faults(at: str, spec: Any, shared: Toml) -> Iterator[str]:
    if isinstance(spec, str):
        if spec not in shared:
            yield f"{at}: uses {spec}"
        return
    yield from _words(at, spec, SPEC)
    if "use" in spec and spec["use"] not in shared:
        yield f"{at}: uses {spec['use']}"
    if not {"use", "type", "enum"} & spec.keys():
        yield f"{at}: no type"
    if spec.get("type", "string") not in TYPES:
        yield f"{at}: type {spec['type']}"
    if ("by" in spec) != ("cases" in spec):
        yield f"{at}: by and cases"
    if spec.get("type") in ("media", "frames", "typedMedia"):
        kinds = split(spec.get("media", []))
        if not kinds or not set(kinds) <= {"image", "video", "audio"}:
            yield f"{at}: media"
    if "alsoSpelled" in spec and not set(spec["alsoSpelled"].values()) <= set(split(spec["enum"])):
        yield f"{at}: alsoSpelled"
    if len(set(map(str, split(spec.get("enum", []))))) < len(split(spec.get("enum", []))):
        yield f"{at}: a value twice"
    for word in {"items", "values"} & spec.keys():
        yield from _spec_faults(f"{at}[]", spec[word], shared)
    inside = [spec.get("properties", {}), *spec.get("cases", {}).values()]
    for properties in inside:
        for name, inner in properties.items():
            yield from _spec_faults(f"{at}.{name}", inner, shared)
    for rule in spec.get("rules", ()):
        yield from _rule_faults(at, rule, {name for properties in inside for name in properties})


def _rule_faults(at: str, rule: Toml, known: set[str]) -> Iterator[str]:
    yield from _words(f"{at} rule", rule, RULE)
    if not CONSEQUENCES & rule.keys():
        yield f"{at} rule: no consequence"
    if rule.get("check", "") not in {"", *CHECKS}:
        yield f"{at} rule: check {rule['check']}"
    yield from _names_faults(at, rule, known)


def _names_faults(at: str, rule: Toml, known: set[str]) -> Iterator[str]:
    for word, value in rule.items():
        if word not in RULE or word in ("check", "why"):
            continue
        for name in value if isinstance(value, dict) else split(value):
            if name.partition(".")[0] not in known:
                yield f"{at} {word}: {name}"


def _price_faults(at: str, price: Toml, known: set[str]) -> Iterator[str]:
    yield from _words(f"{at} credits", price, PRICE | {"confidence": str, "cases": list})
    if price.get("confidence") not in ("high", "medium", "low"):
        yield f"{at} credits: confidence"
    if len(BASES & price.keys()) > 1 or not (BASES | {"cases"}) & price.keys():
        yield f"{at} credits: what for"
    for case in price.get("cases", ()):
        yield from _words(f"{at} credits case", case, PRICE | CIRCUMSTANCES | {"unknown": bool})
        yield from _names_faults(f"{at} credits", case, known)


def _words(at: str, table: Mapping[str, Any], known: Mapping[str, Any]) -> Iterator[str]:
    for word, value in table.items():
        if word not in known:
            yield f"{at}: {word}"
        elif not isinstance(value, known[word]) or (isinstance(value, bool) and known[word] is not bool):
            yield f"{at}: {word} is {type(value).__name__}"


def split(words: Any) -> list[Any]:
    return words.split() if isinstance(words, str) else list(words)


@pytest.mark.parametrize("name", operations())
def test_a_file_has_no_entry_that_is_not_read(name: str) -> None:
    assert faults(read(name)) == []


def test_a_shared_file_has_no_entry_that_is_not_read() -> None:
    data = read("_shared")
    assert set(data) == {"shared"}
    assert [fault for name, spec in SHARED.items() for fault in _spec_faults(name, spec, SHARED)] == []


def test_every_shared_description_is_used() -> None:
    """Common descriptions by any file, and those of a file by that file."""
    used = set(_uses(SHARED))
    for name in operations():
        data = read(name)
        mine = set(_uses(data))
        assert set(data.get("shared", {})) <= mine
        used |= mine
    assert set(SHARED) <= used


def _uses(value: Any) -> Iterator[str]:
    """Every string: names are among them."""
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict):
        for inner in value.values():
            yield from _uses(inner)
    elif isinstance(value, list):
        for inner in value:
            yield from _uses(inner)


@pytest.mark.parametrize("name", operations())
def test_rules_and_prices_speak_of_values_that_there_are(name: str) -> None:
    for model in operation(name).models.values():
        parameters = model.parameters or {}
        for rule in (*model.rules, *(model.credits or {}).get("cases", ())):
            for word in ("when", "unless", "allows", "refuses"):
                for parameter, values in rule.get(word, {}).items():
                    spec = parameters.get(parameter, {})
                    choices = (*spec.get("enum", ()), *spec.get("or", ()))
                    assert not choices or set(values) <= set(choices), (model.name, parameter)


@pytest.mark.parametrize(
    ("path", "value"),
    [
        (("outputs",), "video"),
        (("output",), "vidoe"),
        (("models", "gen4.5", "parameter"), {}),
        (("models", "gen4.5", "p10Second"), 5),
        (("models", "gen4.5", "p10Seconds"), "55"),
        (("models", "gen4.5", "legacy"), 1),
        (("models", "gen4.5", "parameters", "seed"), "sede"),
        (("models", "gen4.5", "parameters", "ratio", "enums"), "1:1"),
        (("models", "gen4.5", "parameters", "ratio", "enum"), "1:1 2:1 1:1"),
        (("models", "gen4.5", "parameters", "ratio", "required"), "true"),
        (("models", "gen4.5", "parameters", "duration", "type"), "int"),
        (("models", "gen4.5", "parameters", "duration"), {"minimum": 2}),
        (("models", "gen4.5", "parameters", "promptText", "use"), "prompt1001"),
        (("models", "gen4.5", "rules"), [{"forbids": "proresProfil"}]),
        (("models", "gen4.5", "rules"), [{"when": {"outputFormat": "mp4"}}]),
        (("models", "gen4.5", "rules"), [{"check": "no_such_function"}]),
        (("models", "gen4.5", "rules"), [{"if": {"outputFormat": "mp4"}, "forbids": "seed"}]),
        (("models", "gen4.5", "credits", "confidence"), "certain"),
        (("models", "gen4.5", "credits", "perSeconds"), 3),
        (("models", "gen4.5", "credits", "perImage"), 3),
        (("models", "gen4.5", "credits", "cases"), [{"when": {"outputForm": "mp4"}, "perSecond": 3}]),
        (("models", "gen4.5", "spellings"), {"text": "promptTxt"}),
        (("models", "gen4.5", "spellings"), {"text": {"to": "promptText"}}),
        (("models", "seedance2_mini", "like"), "seedance3"),
        (("soleModel",), "gen4.5"),
        (("shared", "seed"), {"type": "integer"}),
    ],
)
def test_a_slip_of_the_pen_is_seen(path: tuple[str, ...], value: Any) -> None:
    data = copy.deepcopy(read("text_to_video"))
    table = data
    for part in path[:-1]:
        table = table.setdefault(part, {})
    table[path[-1]] = value
    assert faults(data)
