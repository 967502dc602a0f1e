"""`make pictures`: docs/{machine}.svg of every definition in statemachines/."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from local.aws.template import parse
from local.diagrams.graph import graph_of
from local.diagrams.svg import draw
from local.paths import ROOT

SUFFIX = ".asl.yaml"


def pictures(root: Path = ROOT) -> Iterator[tuple[Path, str]]:
    """The file of each machine's picture, and what it should hold."""
    for path in sorted((root / "statemachines").glob(f"*{SUFFIX}")):
        name = path.name.removesuffix(SUFFIX)
        yield root / "docs" / f"{name}.svg", draw(graph_of(parse(path.read_text())), f"statemachines/{path.name}")


def main() -> None:
    for path, content in pictures():
        path.write_text(content)
        print(path.relative_to(ROOT))


if __name__ == "__main__":
    main()
