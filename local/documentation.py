"""`make docs`: the generated pages.

docs/models.md comes from the catalogue, docs/configuration.md from the template, docs/permissions.md from the template
and the recorded calls.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from local.paths import ROOT, import_domain

DOCS = ROOT / "docs"
_FEW = 3
"""How many ratios a cell of the table lists in full."""

_MODELS = """# Models

Generated from the catalogue by `make docs`; do not edit. `tarmac models` prints the same data, `--json` all of it.

Each operation is `POST /v1/<operation>`. The table of an operation lists its models:

* **Credits**: 1 credit is $0.01. Tarmac reports the price as `estimatedCost` before a task and as `cost` after it.
  `(?)` marks a price from an unofficial or older source; `unknown` means that no price is published.
* **Duration**: seconds of output.
* **Media**: fields that take a file, with the kind of file; `[]` marks a field inside a list. Bold fields are required.
* `legacy`: Runway's SDKs no longer list this model. `closed`: a parameter that the catalogue does not describe is
  rejected. For all other models an unknown parameter passes to Runway unchanged.

A model that is not listed passes to Runway with its parameters unchecked.
"""

_CONFIGURATION = """# Configuration

Generated from the parameters of `template.yaml` by `make docs`; do not edit. Every parameter has a default.

`make deploy` asks for each one. To set them in a file, see `parameter_overrides` in `samconfig.toml`.
"""


def pages() -> dict[Path, str]:
    """Return the text of each generated page by its path."""
    from local.permissions.page import permissions_page

    return {
        DOCS / "models.md": models_page(),
        DOCS / "configuration.md": configuration_page(),
        DOCS / "permissions.md": permissions_page(),
    }


def models_page() -> str:
    """Return docs/models.md: every operation of the catalogue with its models."""
    import_domain()
    from tarmac.catalogue import operation, operations

    blocks = [_MODELS]
    for name in operations():
        at = operation(name)
        rows = list(map(_model_row, at.models.values()))
        blocks.append(f"## {name}\n\nOutput: {at.output}.{_additions(at)}\n\n{table(_MODEL_COLUMNS, rows)}")
    return "\n".join(blocks)


_MODEL_COLUMNS = ("Model", "Credits", "Duration", "Ratios", "Media")


def _model_row(model: Any) -> tuple[str, ...]:
    from local.commands.models import price_in_words

    parameters = model.parameters or {}
    notes = [word for word, holds in (("legacy", model.legacy), ("closed", model.strict)) if holds]
    return (
        f"`{model.name}`" + (f" ({', '.join(notes)})" if notes else ""),
        price_in_words(model.credits),
        _durations(parameters.get("duration")),
        _ratios(parameters.get("ratio")),
        ", ".join(_media_fields(parameters)) or "–",
    )


def _additions(at: Any) -> str:
    """What the operation takes beyond Runway's reference, as sentences."""
    older = sorted({name for model in at.models.values() for name in model.spellings or ()})
    sentences = []
    if at.sole_model:
        sentences.append("The request has no `model`; Runway chooses it.")
    if any(model.rules for model in at.models.values()):
        sentences.append("Rules between parameters are checked.")
    if older:
        sentences.append(f"Older parameter names are accepted: {', '.join(f'`{name}`' for name in older)}.")
    sentences += [f"`{other}` is another name of `{name}`." for other, name in sorted(at.also_known_as.items())]
    return "".join(f" {sentence}" for sentence in sentences)


def _durations(spec: Mapping[str, Any] | None) -> str:
    if spec is None:
        return "–"
    if "enum" in spec:
        return ", ".join(f"{choice:g}" if isinstance(choice, (int, float)) else choice for choice in spec["enum"])
    low, high = spec.get("minimum"), spec.get("maximum")
    span = f"{low:g}–{high:g}" if low is not None and high is not None else "any"
    return ", ".join([span, *(f"`{word}`" for word in spec.get("or", ()))])


def _ratios(spec: Mapping[str, Any] | None) -> str:
    ratios = [] if spec is None else list(spec.get("enum") or spec.get("examples") or ())
    if len(ratios) <= _FEW:
        return ", ".join(ratios) or "–"
    return f"{ratios[0]} and {len(ratios) - 1} more"


def _media_fields(parameters: Mapping[str, Any], prefix: str = "") -> Iterator[str]:
    """`**promptImage** (image)`, `references[].uri (image)`: each field that takes a file, at any depth."""
    for name, spec in parameters.items():
        path, inner = f"{prefix}{name}", spec
        if spec.get("type") == "array":
            path, inner = f"{path}[]", spec.get("items", {})
        if "media" in inner:
            field = f"`{path}`"
            yield f"{f'**{field}**' if spec.get('required') and not prefix else field} ({'/'.join(inner['media'])})"
        for group in (inner.get("properties", {}), *inner.get("cases", {}).values()):
            yield from _media_fields(group, f"{path}.")


def configuration_page() -> str:
    """Return docs/configuration.md: the template's parameters in the groups of its console interface."""
    from local.aws.template import parse

    template = parse((ROOT / "template.yaml").read_text(encoding="utf-8"))
    interface = template["Metadata"]["AWS::CloudFormation::Interface"]
    blocks = [_CONFIGURATION]
    for group in interface["ParameterGroups"]:
        rows = [_parameter_row(name, template["Parameters"][name]) for name in group["Parameters"]]
        blocks.append(f"## {group['Label']['default']}\n\n{table(_PARAMETER_COLUMNS, rows)}")
    return "\n".join(blocks)


_PARAMETER_COLUMNS = ("Parameter", "Default", "Allowed values", "Description")


def _parameter_row(name: str, parameter: Mapping[str, Any]) -> tuple[str, ...]:
    default = str(parameter["Default"])
    return (f"`{name}`", f"`{default}`" if default else "empty", _allowed(parameter), str(parameter["Description"]))


def _allowed(parameter: Mapping[str, Any]) -> str:
    if "AllowedValues" in parameter:
        return ", ".join(f"`{value}`" for value in parameter["AllowedValues"])
    if "ConstraintDescription" in parameter:
        return str(parameter["ConstraintDescription"])
    if "AllowedPattern" in parameter:
        return f"`{parameter['AllowedPattern']}`"
    low, high = parameter.get("MinValue"), parameter.get("MaxValue")
    if low is not None:
        return f"{low}–{high}" if high is not None else f"at least {low}"
    return f"up to {parameter['MaxLength']} characters" if "MaxLength" in parameter else "any"


def table(columns: tuple[str, ...], rows: list[tuple[str, ...]]) -> str:
    """Return a Markdown table."""
    lines = [columns, tuple("---" for _ in columns), *rows]
    return "".join(f"| {' | '.join(re.sub(r'[|]', r'&#124;', cell) for cell in line)} |\n" for line in lines)


def main() -> None:
    """Write the pages."""
    for path, text in pages().items():
        path.write_text(text, encoding="utf-8")
        print(path.relative_to(ROOT))


if __name__ == "__main__":
    main()
