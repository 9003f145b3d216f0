"""A graph drawn as SVG: one self-contained file, no script, no font to fetch, readable on light and dark pages."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from ..graph import Graph
from .diagram import Captions, Flow, Look, diagram
from .elements import TEXT, escaped, number, picture, rectangle, text
from .layout import CHARACTER, LINE, PADDING, TITLE, PlacedArrow, PlacedBox, PlacedFrame, place

_FILL = {Look.GIVEN: "#eef2f7", Look.MODEL: "#dbe9ff", Look.HOST: "#ffffff", Look.HANDED_ON: "#eef2f7"}
_STROKE = {Flow.TOKENS: "#1f2937", Flow.CACHE: "#4a6fa5", Flow.OTHER: "#8a94a6"}
_EDGE, _SPACE = 16.0, 34.0
_STYLE = f"text{{{TEXT}}}.t{{font-weight:bold}}.d{{fill:#55606f}}.c{{fill:#8a3b12}}path{{fill:none;stroke-width:1.2}}"


def graph_to_svg(graph: Graph, captions: Captions | None = None, heading: tuple[str, ...] = ()) -> str:
    """The picture of a graph: `start` above `step`. `heading` lines stand below the title, `captions` in boxes."""
    drawn = diagram(graph, captions)
    texts = (drawn.title, *heading, *drawn.legend)
    start = place(drawn.start)
    top = _EDGE + (len(texts) + 1) * LINE
    step = place(drawn.step)
    width = max(start.width, step.width, max(map(len, texts)) * CHARACTER, len(_KEY) * CHARACTER) + 2 * _EDGE
    start = start.at((width - start.width) / 2, top)
    step = step.at((width - step.width) / 2, top + start.height + _SPACE)
    height = step.y + step.height + 2 * LINE + _EDGE
    elements = [
        f"<defs>{''.join(map(_head, Flow))}</defs>",
        '<rect width="100%" height="100%" fill="#ffffff"/>',
        *_texts(texts, _EDGE, _EDGE + LINE - 4),
        *_frame(start),
        _line([(width / 2, start.y + start.height), (width / 2, step.y)], Flow.TOKENS),
        *_frame(step),
        f'<text class="d" x="{number(_EDGE)}" y="{number(height - _EDGE)}">{escaped(_KEY)}</text>',
    ]
    return picture(width, height, drawn.title, _STYLE, elements)


_KEY = "blue: a model runs · white: on tokens and scores alone · dashed arrows: caches"


def _frame(frame: PlacedFrame) -> Iterator[str]:
    yield f'<g transform="translate({number(frame.x)} {number(frame.y)})">'
    yield rectangle(0, 0, frame.width, frame.height, "#fafbfc", "#c3cad4", 8)
    yield f'<text class="t" x="{number(PADDING)}" y="{number(TITLE - 6)}">{escaped(frame.frame.heading)}</text>'
    if frame.frame.again is not None:
        yield _loop(frame)
    for arrow in frame.arrows:
        yield _arrow(arrow)
    for box in frame.boxes:
        yield from _box(box)
    yield "</g>"


def _box(placed: PlacedBox) -> Iterator[str]:
    box = placed.box
    yield f'<g transform="translate({number(placed.x)} {number(placed.y)})">'
    yield rectangle(0, 0, placed.width, placed.height, _FILL[box.look], "#8a94a6", 5)
    yield from _texts((box.title, *box.lines, *box.caption), PADDING, PADDING + LINE - 4, len(box.caption))
    for frame in placed.frames:
        yield from _frame(frame)
    yield "</g>"


def _texts(lines: tuple[str, ...], x: float, y: float, captions: int = 0) -> Iterator[str]:
    """Lines of text, the first bold, the last few coloured as captions."""
    for index, line in enumerate(lines):
        kind = "t" if index == 0 else "c" if index >= len(lines) - captions else "d"
        yield text(line, kind, x, y + index * LINE)


def _arrow(placed: PlacedArrow) -> str:
    return _line(placed.points, placed.arrow.flow, placed.arrow.value)


def _line(points: Sequence[tuple[float, float]], flow: Flow, value: str = "") -> str:
    """A smooth line: curves between layers, straight where it passes through one."""
    (x, y), *rest = points
    way = f"M{number(x)} {number(y)}"
    for index, (to_x, to_y) in enumerate(rest):
        middle = (y + to_y) / 2
        passing = index % 2 == 1
        if passing or to_x == x:
            way += f"L{number(to_x)} {number(to_y)}"
        else:
            curve = ((x, middle), (to_x, middle), (to_x, to_y))
            way += "C" + " ".join(f"{number(a)} {number(b)}" for a, b in curve)
        x, y = to_x, to_y
    dash = ' stroke-dasharray="5 3"' if flow is Flow.CACHE else ""
    hint = f"<title>{escaped(value)}</title>" if value else ""
    drawn = f'<path d="{way}" stroke="{_STROKE[flow]}"{dash} marker-end="url(#{flow.name.lower()})"'
    return f"{drawn}>{hint}</path>" if hint else f"{drawn}/>"


def _loop(frame: PlacedFrame) -> str:
    """The way back from what is handed on to what is given, along the left edge."""
    first, last = frame.boxes[0], frame.boxes[-1]
    x, top, bottom = 14.0, first.y + first.height / 2, last.y + last.height / 2
    way = (
        f"M{number(last.x)} {number(bottom)}L{number(x + 8)} {number(bottom)}Q{number(x)} {number(bottom)} "
        f"{number(x)} {number(bottom - 8)}L{number(x)} {number(top + 8)}Q{number(x)} {number(top)} "
        f"{number(x + 8)} {number(top)}L{number(first.x)} {number(top)}"
    )
    return f'<path d="{way}" stroke="{_STROKE[Flow.OTHER]}" marker-end="url(#other)"/>'


def _head(flow: Flow) -> str:
    return (
        f'<marker id="{flow.name.lower()}" viewBox="0 0 8 8" refX="8" refY="4" markerWidth="7" markerHeight="7" '
        f'orient="auto"><path d="M0 0L8 4L0 8z" style="fill:{_STROKE[flow]};stroke:none"/></marker>'
    )
