"""Where boxes and arrows stand: layers from top to bottom, few crossings, the same for the same graph.

The way of Sugiyama: arrows that lead back are set aside, every box gets a layer below all that lead to it, long arrows
get a place in each layer that they pass, layers are ordered by what stands above and below, and then moved apart.
Arrows that lead back go around everything else, outside.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from math import fsum

from local.diagrams.graph import Arrow, Box, Graph

Point = tuple[float, float]

BOX_WIDTH = 292.0
NAME_HEIGHT = 24.0
LINE_HEIGHT = 14.5
BOX_MARGIN = 11.0
DOT = 14.0
BESIDE = 34.0
BETWEEN = 62.0
PORT_SPACING = 54.0
LANE = 16.0
MARGIN = 16.0
_SWEEPS = 24


@dataclass(frozen=True)
class Rect:
    x: float
    y: float
    width: float
    height: float

    @property
    def middle(self) -> float:
        return self.x + self.width / 2

    @property
    def bottom(self) -> float:
        return self.y + self.height


@dataclass(frozen=True)
class Route:
    """The line of an arrow. `straight` ones bend at right angles, others swing from point to point."""

    arrow: Arrow
    points: tuple[Point, ...]
    label_at: Point
    straight: bool


@dataclass(frozen=True)
class Layout:
    width: float
    height: float
    rects: Mapping[str, Rect]
    routes: tuple[Route, ...]
    inner: Mapping[str, Layout]


def lay_out(graph: Graph) -> Layout:
    """Places for all boxes and lines, from (0, 0) to (width, height)."""
    inner = {box.name: lay_out(box.inner) for box in graph.boxes if box.inner}
    sizes = {box.name: _size(box, inner.get(box.name)) for box in graph.boxes}
    back = _leading_back(graph)
    layers = _layers(graph, back)
    return _Drawing(graph, back, sizes, inner).place(layers)


def _size(box: Box, inner: Layout | None) -> tuple[float, float]:
    if box.kind in ("Start", "End"):
        return DOT, DOT
    words = NAME_HEIGHT + LINE_HEIGHT * (len(box.lines) + bool(box.detail)) + BOX_MARGIN
    if inner is None:
        return BOX_WIDTH, words
    return max(BOX_WIDTH, inner.width), words + inner.height


def _leading_back(graph: Graph) -> set[Arrow]:
    """Arrows that close a circle, found by walking through the graph as the definition tells it."""
    back: set[Arrow] = set()
    done: set[str] = set()

    def walk(name: str, path: tuple[str, ...]) -> None:
        for arrow in graph.arrows:
            if arrow.source == name:
                if arrow.target in (*path, name):
                    back.add(arrow)
                elif arrow.target not in done:
                    walk(arrow.target, (*path, name))
        done.add(name)

    for box in graph.boxes:
        if box.name not in done:
            walk(box.name, ())
    return back


def _layers(graph: Graph, back: set[Arrow]) -> dict[str, int]:
    """Layer of each box: one more than the lowest that leads to it."""
    layers = {box.name: 0 for box in graph.boxes}
    for _ in graph.boxes:
        for arrow in graph.arrows:
            if arrow not in back:
                layers[arrow.target] = max(layers[arrow.target], layers[arrow.source] + 1)
    return layers


@dataclass
class _Drawing:
    graph: Graph
    back: set[Arrow]
    sizes: Mapping[str, tuple[float, float]]
    inner: Mapping[str, Layout]
    # A place is a box's name, or (arrow, layer) where an arrow passes through.
    rows: list[list[object]] = field(default_factory=list)
    paths: dict[Arrow, list[object]] = field(default_factory=dict)
    middles: dict[object, float] = field(default_factory=dict)

    def place(self, layers: Mapping[str, int]) -> Layout:
        self._make_rows(layers)
        self._order()
        self._move_apart()
        rects = self._rects(layers)
        return self._finish(rects, layers)

    def _make_rows(self, layers: Mapping[str, int]) -> None:
        self.rows = [[] for _ in range(max(layers.values()) + 1)]
        for box in self.graph.boxes:
            self.rows[layers[box.name]].append(box.name)
        for arrow in self.graph.arrows:
            if arrow not in self.back:
                passed = [(arrow, layer) for layer in range(layers[arrow.source] + 1, layers[arrow.target])]
                for place in passed:
                    self.rows[place[1]].append(place)
                self.paths[arrow] = [arrow.source, *passed, arrow.target]

    def _neighbours(self) -> tuple[dict[object, list[object]], dict[object, list[object]]]:
        above: dict[object, list[object]] = {place: [] for row in self.rows for place in row}
        below: dict[object, list[object]] = {place: [] for row in self.rows for place in row}
        for path in self.paths.values():
            for upper, lower in pairwise(path):
                above[lower].append(upper)
                below[upper].append(lower)
        return above, below

    def _order(self) -> None:
        """By the average place of the neighbours, up and down again, keeping the order with the fewest crossings."""
        above, below = self._neighbours()
        best, fewest = [list(row) for row in self.rows], self._crossings()
        for sweep in range(_SWEEPS):
            rows, neighbours = (self.rows[1:], above) if sweep % 2 == 0 else (self.rows[-2::-1], below)
            for row in rows:
                at = {place: number for other in self.rows for number, place in enumerate(other)}
                keys = {
                    place: sum(at[other] for other in neighbours[place]) / len(neighbours[place])
                    if neighbours[place]
                    else at[place]
                    for place in row
                }
                row.sort(key=lambda place: keys[place])
            if (crossings := self._crossings()) < fewest:
                best, fewest = [list(row) for row in self.rows], crossings
        self.rows = best

    def _crossings(self) -> int:
        at = {place: number for row in self.rows for number, place in enumerate(row)}
        layer_of = {place: number for number, row in enumerate(self.rows) for place in row}
        steps = [step for path in self.paths.values() for step in pairwise(path)]
        count = 0
        for number, (a, b) in enumerate(steps):
            for c, d in steps[number + 1 :]:
                count += layer_of[a] == layer_of[c] and (at[a] - at[c]) * (at[b] - at[d]) < 0
        return count

    def _move_apart(self) -> None:
        """Each as near to the middle of its neighbours as the others of its row let it."""
        above, below = self._neighbours()
        for row in self.rows:
            x = 0.0
            for place in row:
                self.middles[place] = x + self._width(place) / 2
                x += self._width(place) + BESIDE
        for sweep in range(_SWEEPS):
            for row in self.rows if sweep % 2 == 0 else reversed(self.rows):
                wanted = []
                for place in row:
                    # In the first sweeps down from above, then to the mean of both sides.
                    near = above[place] if sweep == 0 and above[place] else above[place] + below[place] or [place]
                    wanted.append(fsum(self.middles[other] for other in near) / len(near))
                for place, middle in zip(row, self._spread(row, wanted), strict=True):
                    self.middles[place] = middle

    def _spread(self, row: Sequence[object], wanted: Sequence[float]) -> list[float]:
        """The places nearest to those wanted that keep order and distance (isotonic regression)."""
        offsets = [0.0]
        for left, right in pairwise(row):
            offsets.append(offsets[-1] + (self._width(left) + self._width(right)) / 2 + BESIDE)
        pools: list[tuple[float, int]] = []
        for place, offset in zip(wanted, offsets, strict=True):
            value, count = place - offset, 1
            while pools and pools[-1][0] > value:
                other, number = pools.pop()
                value, count = (value * count + other * number) / (count + number), count + number
            pools.append((value, count))
        flat = [value for value, count in pools for _ in range(count)]
        return [value + offset for value, offset in zip(flat, offsets, strict=True)]

    def _width(self, place: object) -> float:
        return self.sizes[place][0] if isinstance(place, str) else 8.0

    def _rects(self, layers: Mapping[str, int]) -> dict[str, Rect]:
        """With room on the left for the lanes, and with every row's height."""
        least = min(self.middles[place] - self._width(place) / 2 for row in self.rows for place in row)
        shift = MARGIN + LANE * (len(self.back) + 1) - least if self.back else MARGIN - least
        self.middles = {place: middle + shift for place, middle in self.middles.items()}
        rects: dict[str, Rect] = {}
        self.tops: list[float] = []
        self.heights: list[float] = []
        y = MARGIN
        for row in self.rows:
            names = [place for place in row if isinstance(place, str)]
            height = max(self.sizes[name][1] for name in names)
            for name in names:
                width, own = self.sizes[name]
                rects[name] = Rect(self.middles[name] - width / 2, y, width, own)
            self.tops.append(y)
            self.heights.append(height)
            y += height + BETWEEN
        return rects

    def _finish(self, rects: Mapping[str, Rect], layers: Mapping[str, int]) -> Layout:
        left = min(rect.x for rect in rects.values())
        right = max([rect.x + rect.width for rect in rects.values()] + list(self.middles.values()))
        centre = (left + right) / 2
        lanes = self._lanes(rects, centre, left, right)
        ports = self._ports(rects, lanes)
        routes = [self._forward(arrow, rects, ports, layers) for arrow in self.graph.arrows if arrow not in self.back]
        routes += [
            self._backward(arrow, rects, ports, lanes[arrow], layers) for arrow in self.graph.arrows if arrow in lanes
        ]
        edge = max([right, *lanes.values()]) + MARGIN
        return Layout(edge, self.tops[-1] + self.heights[-1] + MARGIN, dict(rects), tuple(routes), dict(self.inner))

    def _lanes(self, rects: Mapping[str, Rect], centre: float, left: float, right: float) -> dict[Arrow, float]:
        """The x of each arrow that leads back: outside, on the side that its source is nearer to."""
        lanes: dict[Arrow, float] = {}
        counts = {True: 0, False: 0}
        for arrow in self.graph.arrows:
            if arrow in self.back:
                on_left = rects[arrow.source].middle <= centre
                counts[on_left] += 1
                lanes[arrow] = left - LANE * counts[on_left] if on_left else right + LANE * counts[on_left]
        return lanes

    def _ports(self, rects: Mapping[str, Rect], lanes: Mapping[Arrow, float]) -> dict[tuple[Arrow, bool], float]:
        """The x at which each arrow leaves (True) or reaches (False) its box: in the order of where it comes from."""
        ports: dict[tuple[Arrow, bool], float] = {}
        for name, rect in rects.items():
            for leaving in (True, False):
                mine = []
                for arrow in self.graph.arrows:
                    if (arrow.source if leaving else arrow.target) == name:
                        path = self.paths.get(arrow)
                        toward = lanes[arrow] if path is None else self.middles[path[1] if leaving else path[-2]]
                        mine.append((toward, arrow))
                mine.sort(key=lambda one: one[0])
                spacing = min(PORT_SPACING, rect.width * 0.7 / max(1, len(mine)))
                for number, (_, arrow) in enumerate(mine):
                    ports[arrow, leaving] = rect.middle + (number - (len(mine) - 1) / 2) * spacing
        return ports

    def _forward(
        self,
        arrow: Arrow,
        rects: Mapping[str, Rect],
        ports: Mapping[tuple[Arrow, bool], float],
        layers: Mapping[str, int],
    ) -> Route:
        source, target = rects[arrow.source], rects[arrow.target]
        x, row_ends = ports[arrow, True], self.tops[layers[arrow.source]] + self.heights[layers[arrow.source]]
        points: list[Point] = [(x, source.bottom), (x, row_ends)]
        for place in self.paths[arrow][1:-1]:
            assert isinstance(place, tuple)
            layer = place[1]
            points += [
                (self.middles[place], self.tops[layer]),
                (self.middles[place], self.tops[layer] + self.heights[layer]),
            ]
        points.append((ports[arrow, False], target.y))
        next_x, next_y = points[2]
        return Route(arrow, tuple(points), ((x + next_x) / 2, (row_ends + next_y) / 2), straight=False)

    def _backward(
        self,
        arrow: Arrow,
        rects: Mapping[str, Rect],
        ports: Mapping[tuple[Arrow, bool], float],
        lane: float,
        layers: Mapping[str, int],
    ) -> Route:
        """Down into the gap below its source, along it to the lane, up, and along the gap above its target."""
        source, layer = rects[arrow.source], layers[arrow.source]
        below = self.tops[layer] + self.heights[layer] + 14
        above = self.tops[layers[arrow.target]] - 18
        x, target_x = ports[arrow, True], ports[arrow, False]
        points = (
            (x, source.bottom),
            (x, below),
            (lane, below),
            (lane, above),
            (target_x, above),
            (target_x, rects[arrow.target].y),
        )
        return Route(arrow, points, ((lane + x) / 2, below), straight=True)
