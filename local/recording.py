"""`make recording`: docs/images/demo.svg, a picture of a real `make demo` run as its terminal shows it at the end."""

from __future__ import annotations

import io
import os
import re
import subprocess
import sys

from rich.console import Console
from rich.text import Text

from local.errors import LocalError
from local.paths import ROOT

PICTURE = ROOT / "docs" / "images" / "demo.svg"
COLUMNS = 120
_CONTROL = re.compile(r"\x1b\[([?\d;]*)([A-Za-z])")

# Rich's own template loads its font from a CDN. This one names fonts that the reader's machine has.
_SVG = """\
<svg viewBox="0 0 {width} {height}" xmlns="http://www.w3.org/2000/svg" role="img" aria-label="make demo">
<style>
.{unique_id}-matrix {{ font: {char_height}px ui-monospace, Menlo, Consolas, "DejaVu Sans Mono", monospace }}
.{unique_id}-title {{ font: bold 18px sans-serif }}
{styles}
</style>
<defs>
<clipPath id="{unique_id}-clip-terminal"><rect width="{terminal_width}" height="{terminal_height}"/></clipPath>
{lines}
</defs>
{chrome}
<g transform="translate({terminal_x}, {terminal_y})" clip-path="url(#{unique_id}-clip-terminal)">
{backgrounds}
<g class="{unique_id}-matrix">
{matrix}
</g>
</g>
</svg>
"""


def record() -> None:
    """Run the demo and write the picture. Raises LocalError if the demo fails."""
    settings = {"COLUMNS": str(COLUMNS), "FORCE_COLOR": "1", "TERM": "xterm-256color"}
    demo = subprocess.run(
        [sys.executable, "-m", "local.cli", "demo"],
        cwd=ROOT,
        env=os.environ | settings,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        check=False,
    )
    # Decoded here, not by subprocess, which would turn the carriage returns of the progress bars into new lines.
    output = demo.stdout.decode()
    if demo.returncode:
        raise LocalError(f"make demo exited with {demo.returncode}:\n{output}")
    PICTURE.parent.mkdir(parents=True, exist_ok=True)
    PICTURE.write_text(svg_of(["$ make demo", *final_screen(output)]), encoding="utf-8")


def final_screen(output: str) -> list[str]:
    """Return the lines that a terminal shows once all of this output is written, with their colours.

    Reads what Rich's progress bars write: carriage return, cursor up and erase line. Other controls are dropped.
    """
    lines, row = [""], 0
    at = 0
    for control in [*_CONTROL.finditer(output), None]:
        for piece in re.split(r"([\r\n])", output[at : control.start() if control else None]):
            if piece == "\n":
                row += 1
                lines += [""] * (row + 1 - len(lines))
            elif piece != "\r":
                lines[row] += piece
        if control is None:
            break
        at = control.end()
        match control.groups():
            case (_, "m"):
                lines[row] += control.group()
            case (count, "A"):
                row = max(0, row - int(count or 1))
            case (_, "K"):
                lines[row] = ""
    return lines


def svg_of(lines: list[str]) -> str:
    """Return the picture of these lines; a line wider than the picture is wrapped."""
    console = Console(record=True, width=COLUMNS, file=io.StringIO(), force_terminal=True, color_system="truecolor")
    for line in lines:
        console.print(Text.from_ansi(line), highlight=False)
    svg = console.export_svg(title="tarmac", code_format=_SVG, unique_id="demo")
    return "\n".join(line.rstrip() for line in svg.splitlines()) + "\n"


def main() -> int:
    """Record the demo. Returns the exit code."""
    try:
        record()
    except LocalError as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    print(PICTURE.relative_to(ROOT))
    return 0


if __name__ == "__main__":
    sys.exit(main())
