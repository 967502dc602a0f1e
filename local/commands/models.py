"""`tarmac models`: the models of the catalogue with inputs and prices."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Annotated, Any

import typer

from local.errors import Refused, plain_errors
from local.paths import import_domain

_FEW = 2
"""How many ratios a cell lists in full; beyond that it shows the first and the number of others."""


def models(
    operation: Annotated[str | None, typer.Option(help="List only this operation, such as image_to_video.")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """List the models of the catalogue: required inputs, ratios, durations, prices in credits ($0.01).

    A model that is not listed works too; its parameters are then not checked.
    """
    with plain_errors(as_json):
        import_domain()
        from tarmac.catalogue import operations

        if operation is not None and operation not in operations():
            raise Refused(f"unknown operation {operation}: choose from {', '.join(operations())}")
        entries = [entry for name in operations() if operation in (None, name) for entry in _entries(name)]
        if as_json:
            print(json.dumps(entries))
        else:
            _print_table(entries)


def _entries(operation_name: str) -> Iterator[dict[str, Any]]:
    from tarmac.catalogue import operation

    at = operation(operation_name)
    for model in at.models.values():
        parameters = model.parameters or {}
        yield {
            "operation": operation_name,
            "model": model.name,
            "alsoKnownAs": sorted(name for name, known in at.also_known_as.items() if known == model.name),
            "output": at.output,
            "required": [name for name, spec in parameters.items() if spec.get("required")],
            "optional": [name for name, spec in parameters.items() if not spec.get("required")],
            "ratios": _choices(parameters.get("ratio")),
            "durations": _durations(parameters.get("duration")),
            "credits": model.credits,
            "legacy": model.legacy,
            "olderNames": sorted(model.spellings or ()),
            "rules": len(model.rules),
            "isSole": at.sole_model is not None,
        }


def _choices(spec: Mapping[str, Any] | None) -> list[str]:
    return [] if spec is None else list(spec.get("enum") or spec.get("examples") or ())


def _durations(spec: Mapping[str, Any] | None) -> list[Any] | dict[str, Any]:
    """Return the allowed durations in seconds, or a range whose ends may be unknown."""
    if spec is None or "enum" in spec:
        return [] if spec is None else list(spec["enum"])
    return {word: spec[word] for word in ("minimum", "maximum", "or") if word in spec}


def _print_table(entries: list[dict[str, Any]]) -> None:
    from rich.box import SIMPLE_HEAD
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    console = Console()
    for name in dict.fromkeys(entry["operation"] for entry in entries):
        table = Table(box=SIMPLE_HEAD, pad_edge=False)
        table.add_column("model", no_wrap=True)
        table.add_column("required", min_width=14)
        for column in ("ratios", "seconds", "credits"):
            table.add_column(column)
        mine = [entry for entry in entries if entry["operation"] == name]
        for entry in mine:
            table.add_row(
                entry["model"],
                " ".join(entry["required"]),
                _ratios_in_words(entry["ratios"]),
                _durations_in_words(entry["durations"]),
                price_in_words(entry["credits"]) + (" · legacy" if entry["legacy"] else ""),
                style="dim" if entry["legacy"] else None,
            )
        console.print(Text(f"POST /v1/{name}", style="bold"), Text(f"→ {mine[0]['output']}"))
        console.print(table)
    console.print("1 credit = $0.01. (?): from an unofficial or older source. --json prints all details.", style="dim")


def _ratios_in_words(ratios: list[str]) -> str:
    return " ".join(ratios) if len(ratios) <= _FEW else f"{ratios[0]} +{len(ratios) - 1}"


def _durations_in_words(durations: list[Any] | dict[str, Any]) -> str:
    if isinstance(durations, list):
        return ", ".join(f"{choice:g}" for choice in durations)
    if not durations:
        return ""
    low, high = durations.get("minimum"), durations.get("maximum")
    span = f"{low:g}-{high:g}" if low is not None and high is not None else "any"
    return ", ".join([span, *durations.get("or", ())])


def price_in_words(credits: Mapping[str, Any] | None) -> str:
    """Return a price as text, such as `12/s or +5/s or +20/s`: the usual price, then those of special cases."""
    if credits is None:
        return "unknown"
    cases = [case for case in credits.get("cases", ()) if not case.get("unknown")]
    prices = dict.fromkeys(price for price in map(_price, (credits, *cases)) if price)
    least = f", at least {credits['minimum']:g}" if "minimum" in credits else ""
    return " or ".join(prices) + least + ("" if credits["confidence"] == "high" else " (?)")


def _price(price: Mapping[str, Any]) -> str:
    for word, form in _FORMS.items():
        if word in price:
            silent = f" ({price['perSecondSilent']:g} silent)" if "perSecondSilent" in price else ""
            return form.format(price[word]) + silent
    return ""


_FORMS = {
    "flat": "{:g} each",
    "plusPerSecond": "+{:g}/s",
    "perSecond": "{:g}/s",
    "perImage": "{:g}/image",
    "perFrame": "{:g}/frame",
    "secondsPerCredit": "1 for {:g} s",
    "charactersPerCredit": "1 for {:g} characters",
}
