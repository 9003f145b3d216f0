"""Where boxes and arrows go: layers from top to bottom, few crossings, and frames inside boxes laid out first.

The usual recipe for layered drawings (Sugiyama et al., 1981): a box stands one layer below the lowest of those that it
reads; an arrow that spans layers gets a bend in each; layers are ordered by the middle of their neighbours a few times;
then every item moves as close to its neighbours as the order allows.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise

from .diagram import Arrow, Box, Frame

CHARACTER, LINE, PADDING = 6.8, 15.0, 9.0
"""The width of a character and the height of a line of text in a box, and the room around both, in pixels."""
TITLE = 22.0
_GAP, _LANE, _LAYER_GAP, _MARGIN, _LOOP = 22.0, 14.0, 34.0, 16.0, 26.0
_SWEEPS = 8
_MOST_ITEMS = 4000
"""Larger than any picture that somebody looks at; beyond it arrows go straight, so that none takes long to lay out."""


@dataclass(frozen=True, slots=True)
class PlacedBox:
    """A box with its upper left corner and size, relative to its frame, and the frames in it, relative to the box."""

    box: Box
    x: float
    y: float
    width: float
    height: float
    frames: tuple[PlacedFrame, ...]


@dataclass(frozen=True, slots=True)
class PlacedArrow:
    """An arrow and the points that it goes through, from its source's lower edge to its target's upper edge."""

    arrow: Arrow
    points: tuple[tuple[float, float], ...]


@dataclass(frozen=True, slots=True)
class PlacedFrame:
    """A frame with its upper left corner and size."""

    frame: Frame
    x: float
    y: float
    width: float
    height: float
    boxes: tuple[PlacedBox, ...]
    arrows: tuple[PlacedArrow, ...]

    def at(self, x: float, y: float) -> PlacedFrame:
        """The same frame elsewhere."""
        return PlacedFrame(self.frame, x, y, self.width, self.height, self.boxes, self.arrows)


@dataclass(slots=True)
class _Item:
    """A box, or the bend of an arrow in a layer that it crosses (then `box` is None)."""

    key: str
    layer: int
    width: float
    height: float
    box: Box | None
    frames: tuple[PlacedFrame, ...] = ()
    x: float = 0.0


def place(frame: Frame) -> PlacedFrame:
    """Lay out a frame and all that is in it."""
    items = {box.path: _measured(box, layer) for box, layer in _layers(frame)}
    ways = [_bent(arrow, index, items) for index, arrow in enumerate(frame.arrows)]
    above, below = _neighbours(ways)
    rows = _rows(items.values())
    _order(rows, above, below)
    _spread(rows, above, below)
    return _finished(frame, rows, items, ways)


def _layers(frame: Frame) -> Iterable[tuple[Box, int]]:
    """What a frame is given on top, what it hands on at the bottom, and between them each box below what it reads."""
    depth: dict[str, int] = {}
    sources: dict[str, list[str]] = defaultdict(list)
    for arrow in frame.arrows:
        sources[arrow.target].append(arrow.source)
    first = 1 if frame.boxes and frame.boxes[0].path.endswith("/given()") else 0
    for box in frame.boxes:
        lowest = max((depth[each] + 1 for each in sources[box.path]), default=0)
        depth[box.path] = max(lowest, 0 if box is frame.boxes[0] else first)
    *others, last = (box.path for box in frame.boxes)
    depth[last] = max((depth[each] + 1 for each in others), default=0)
    return [(box, depth[box.path]) for box in frame.boxes]


def _measured(box: Box, layer: int) -> _Item:
    frames, inner_width, inner_height = _inner(box)
    texts = (box.title, *box.lines, *box.caption)
    width = max(max(map(len, texts)) * CHARACTER + 2 * PADDING, inner_width)
    height = len(texts) * LINE + 2 * PADDING + inner_height
    return _Item(box.path, layer, width, height, box, frames)


def _inner(box: Box) -> tuple[tuple[PlacedFrame, ...], float, float]:
    """The frames of a box side by side, below its text, and the room that they take."""
    placed, x = [], PADDING
    top = PADDING + (1 + len(box.lines) + len(box.caption)) * LINE + PADDING
    for frame in box.frames:
        made = place(frame).at(x, top)
        placed.append(made)
        x += made.width + PADDING
    height = max((each.height for each in placed), default=0.0)
    return tuple(placed), (x if placed else 0.0), (height + PADDING if placed else 0.0)


def _bent(arrow: Arrow, index: int, items: dict[str, _Item]) -> list[str]:
    """The items that an arrow goes through, bends included, which are added to the items."""
    first, last = items[arrow.source].layer, items[arrow.target].layer
    if len(items) > _MOST_ITEMS:
        return [arrow.source, arrow.target]
    way = [arrow.source]
    for layer in range(first + 1, last):
        key = f"{index}:{layer}"
        items[key] = _Item(key, layer, _LANE, 0.0, None)
        way.append(key)
    return [*way, arrow.target]


def _neighbours(ways: Sequence[list[str]]) -> tuple[dict[str, list[str]], dict[str, list[str]]]:
    above: dict[str, list[str]] = defaultdict(list)
    below: dict[str, list[str]] = defaultdict(list)
    for way in ways:
        for upper, lower in pairwise(way):
            below[upper].append(lower)
            above[lower].append(upper)
    return above, below


def _rows(items: Iterable[_Item]) -> list[list[_Item]]:
    rows: dict[int, list[_Item]] = defaultdict(list)
    for item in items:
        rows[item.layer].append(item)
    return [rows[layer] for layer in sorted(rows)]


def _order(rows: list[list[_Item]], above: Mapping[str, list[str]], below: Mapping[str, list[str]]) -> None:
    """Sort every layer by the middle of its neighbours' places, downwards and upwards in turn."""
    at = {item.key: index / len(row) for row in rows for index, item in enumerate(row)}
    for sweep in range(_SWEEPS):
        downwards = sweep % 2 == 0
        sides = above if downwards else below
        for row in rows if downwards else reversed(rows):
            middle = {item.key: _mean([at[key] for key in sides[item.key]], at[item.key]) for item in row}
            row.sort(key=lambda item, middle=middle: middle[item.key])  # type: ignore[misc]
            at |= {item.key: index / len(row) for index, item in enumerate(row)}


def _mean(places: Sequence[float], otherwise: float) -> float:
    return sum(places) / len(places) if places else otherwise


def _spread(rows: list[list[_Item]], above: Mapping[str, list[str]], below: Mapping[str, list[str]]) -> None:
    """Give every item the middle of its neighbours, as far as its layer's order leaves room for it."""
    for row in rows:
        _apart(row, [0.0] * len(row))
    for sweep in range(2 * _SWEEPS):
        downwards = sweep % 2 == 0
        sides = above if downwards else below
        centre = {item.key: item.x for row in rows for item in row}
        for row in rows if downwards else reversed(rows):
            _apart(row, [_mean([centre[key] for key in sides[item.key]], item.x) for item in row])
            centre |= {item.key: item.x for item in row}


def _apart(row: list[_Item], wanted: Sequence[float]) -> None:
    """Centres as near to the wanted ones as can be without overlaps: the mean of packing from the left and the right."""
    from_left: list[float] = []
    for index, item in enumerate(row):
        free = from_left[-1] + _distance(row[index - 1], item) if index else wanted[0]
        from_left.append(max(free, wanted[index]))
    from_right: list[float] = [0.0] * len(row)
    for index in reversed(range(len(row))):
        last = index + 1 == len(row)
        free = wanted[index] if last else from_right[index + 1] - _distance(row[index], row[index + 1])
        from_right[index] = min(free, wanted[index])
    for item, left, right in zip(row, from_left, from_right, strict=True):
        item.x = (left + right) / 2


def _distance(left: _Item, right: _Item) -> float:
    return (left.width + right.width) / 2 + (_GAP if left.box or right.box else 0.0)


def _finished(frame: Frame, rows: list[list[_Item]], items: dict[str, _Item], ways: list[list[str]]) -> PlacedFrame:
    """Turn centres and layers into corners and points."""
    left = min(item.x - item.width / 2 for item in items.values()) - _MARGIN - (_LOOP if frame.again else 0.0)
    right = max(item.x + item.width / 2 for item in items.values()) + _MARGIN
    grid = _Grid(rows, items, left)
    boxes = tuple(
        PlacedBox(item.box, item.x - left - item.width / 2, grid.top(item), item.width, item.height, item.frames)
        for item in items.values()
        if item.box is not None
    )
    ports = _Ports(items, ways)
    arrows = tuple(
        PlacedArrow(arrow, grid.points(way, ports.leaves[index], ports.enters[index]))
        for index, (arrow, way) in enumerate(zip(frame.arrows, ways, strict=True))
    )
    width = max(right - left, len(frame.heading) * CHARACTER + 2 * _MARGIN)
    return PlacedFrame(frame, 0.0, 0.0, width, grid.height, boxes, arrows)


class _Grid:
    """Where layers begin, and the points of arrows through them."""

    def __init__(self, rows: list[list[_Item]], items: Mapping[str, _Item], left: float) -> None:
        self._items = items
        self._left = left
        self._heights = [max(item.height for item in row) for row in rows]
        self._tops: list[float] = []
        y = TITLE + _MARGIN / 2
        for height in self._heights:
            self._tops.append(y)
            y += height + _LAYER_GAP
        self.height = y - _LAYER_GAP + _MARGIN

    def top(self, item: _Item) -> float:
        return self._tops[item.layer] + (self._heights[item.layer] - item.height) / 2

    def points(self, way: Sequence[str], leaves: float, enters: float) -> tuple[tuple[float, float], ...]:
        first, *bends, last = (self._items[key] for key in way)
        points = [(leaves - self._left, self.top(first) + first.height)]
        for bend in bends:
            x, top = bend.x - self._left, self._tops[bend.layer]
            points += [(x, top), (x, top + self._heights[bend.layer])]
        return (*points, (enters - self._left, self.top(last)))


class _Ports:
    """Where on the edge of a box its arrows begin and end: side by side, in the order of where they come from or go."""

    def __init__(self, items: Mapping[str, _Item], ways: list[list[str]]) -> None:
        self._items = items
        self.leaves = self._side(ways, 0, 1)
        self.enters = self._side(ways, -1, -2)

    def _side(self, ways: list[list[str]], end: int, towards: int) -> dict[int, float]:
        at: dict[str, list[int]] = defaultdict(list)
        for index, way in enumerate(ways):
            at[way[end]].append(index)
        found: dict[int, float] = {}
        for key, arrows in at.items():
            arrows.sort(key=lambda index: self._items[ways[index][towards]].x)
            item = self._items[key]
            room = min(item.width - 2 * PADDING, 26.0 * (len(arrows) + 1))
            for place, index in enumerate(arrows, 1):
                found[index] = item.x - room / 2 + room * place / (len(arrows) + 1)
        return found
