"""A laid-out machine as SVG, readable on white and on black paper."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from html import escape

from local.diagrams.graph import END, START, Box, Graph
from local.diagrams.layout import BOX_MARGIN, LINE_HEIGHT, NAME_HEIGHT, Layout, Point, Rect, Route, lay_out

# Of each type of state: its frame, its paper.
COLOURS = {
    "Task": ("#2563ab", "#eaf2fb"),
    "Choice": ("#8a6d1b", "#fbf5df"),
    "Wait": ("#6d5aa8", "#f1eefa"),
    "Pass": ("#5f6b76", "#f2f4f5"),
    "Map": ("#5f6b76", "#fafbfb"),
    "Succeed": ("#2c7a4b", "#e6f5ec"),
    "Fail": ("#b3362c", "#fcebe9"),
}
INK, FAINT = "#1c2630", "#5b6875"
CORNER = 10.0


def draw(graph: Graph, title: str) -> str:
    """The whole file."""
    layout = lay_out(graph)
    heading = 44.0
    width, height = layout.width, layout.height + heading
    lines = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width:.0f} {height:.0f}" width="{width:.0f}" '
        f'height="{height:.0f}" font-family="Helvetica, Arial, sans-serif" role="img" aria-label="{escape(title)}">',
        "<!-- Made by `make pictures` from statemachines/. Do not edit. -->",
        '<marker id="head" viewBox="0 0 8 8" refX="7" refY="4" markerWidth="8" markerHeight="8" orient="auto">',
        f'<path d="M0 0 L8 4 L0 8 Z" fill="{FAINT}"/></marker>',
        f'<rect width="{width:.0f}" height="{height:.0f}" rx="8" fill="#ffffff"/>',
        f'<text x="18" y="30" font-size="17" font-weight="bold" fill="{INK}">{escape(title)}</text>',
        f'<g transform="translate(0 {heading:.0f})">',
        *_scope(graph, layout),
        "</g>",
        "</svg>",
    ]
    return "\n".join(lines) + "\n"


def _scope(graph: Graph, layout: Layout) -> Iterator[str]:
    for box in graph.boxes:
        yield from _box(box, layout.rects[box.name], layout.inner.get(box.name))
    for route in layout.routes:
        yield _line(route)
    for route in layout.routes:
        if route.arrow.label:
            x, y = route.label_at
            yield (
                f'<text x="{x:.1f}" y="{y + 3:.1f}" font-size="10.5" text-anchor="middle" fill="{INK}" '
                f'stroke="#ffffff" stroke-width="4" stroke-linejoin="round" paint-order="stroke">'
                f"{escape(route.arrow.label)}</text>"
            )


def _box(box: Box, rect: Rect, inner: Layout | None) -> Iterator[str]:
    if box.name in (START, END):
        fill = INK if box.name == START else "#ffffff"
        x, y = rect.middle, rect.y + rect.height / 2
        yield f'<circle cx="{x:.1f}" cy="{y:.1f}" r="6" fill="{fill}" stroke="{INK}" stroke-width="2"/>'
        return
    frame, paper = COLOURS[box.kind]
    yield (
        f'<rect x="{rect.x:.1f}" y="{rect.y:.1f}" width="{rect.width:.1f}" height="{rect.height:.1f}" rx="7" '
        f'fill="{paper}" stroke="{frame}" stroke-width="1.4"/>'
    )
    x, y = rect.x + BOX_MARGIN, rect.y + 18
    yield (
        f'<text x="{x:.1f}" y="{y:.1f}" font-size="13.5" font-weight="bold" fill="{INK}">{escape(box.name)}'
        f'<tspan font-size="10.5" font-weight="normal" fill="{frame}" dx="8">{box.kind}</tspan></text>'
    )
    y = rect.y + NAME_HEIGHT + 10
    if box.detail:
        yield f'<text x="{x:.1f}" y="{y:.1f}" font-size="11" fill="{frame}">{escape(box.detail)}</text>'
        y += LINE_HEIGHT
    for line in box.lines:
        yield f'<text x="{x:.1f}" y="{y:.1f}" font-size="11" fill="{FAINT}">{escape(line)}</text>'
        y += LINE_HEIGHT
    if inner is not None and box.inner is not None:
        aside = rect.x + (rect.width - inner.width) / 2
        yield f'<g transform="translate({aside:.1f} {rect.y + rect.height - inner.height:.1f})">'
        yield from _scope(box.inner, inner)
        yield "</g>"


def _line(route: Route) -> str:
    path = _bent(route.points) if route.straight else _swung(route.points)
    return f'<path d="{path}" fill="none" stroke="{FAINT}" stroke-width="1.3" marker-end="url(#head)"/>'


def _swung(points: Sequence[Point]) -> str:
    """Straight down where it passes boxes, and in a curve between them."""
    x, y = points[0]
    parts = [f"M{x:.1f} {y:.1f}"]
    for number, (next_x, next_y) in enumerate(points[1:], 1):
        if number % 2 == 1:
            parts.append(f"L{next_x:.1f} {next_y:.1f}")
        else:
            half = (next_y - y) / 2
            parts.append(f"C{x:.1f} {y + half:.1f} {next_x:.1f} {next_y - half:.1f} {next_x:.1f} {next_y:.1f}")
        x, y = next_x, next_y
    return " ".join(parts)


def _bent(points: Sequence[Point]) -> str:
    """Right angles with round corners."""
    parts = [f"M{points[0][0]:.1f} {points[0][1]:.1f}"]
    for before, corner, after in zip(points, points[1:], points[2:], strict=False):
        (ax, ay), (bx, by) = _toward(corner, before), _toward(corner, after)
        parts.append(f"L{ax:.1f} {ay:.1f} Q{corner[0]:.1f} {corner[1]:.1f} {bx:.1f} {by:.1f}")
    parts.append(f"L{points[-1][0]:.1f} {points[-1][1]:.1f}")
    return " ".join(parts)


def _toward(corner: Point, other: Point) -> Point:
    """A point on the way from a corner, where its rounding begins."""
    length = abs(other[0] - corner[0]) + abs(other[1] - corner[1])
    part = min(CORNER, length / 2) / length if length else 0.0
    return corner[0] + (other[0] - corner[0]) * part, corner[1] + (other[1] - corner[1]) * part
