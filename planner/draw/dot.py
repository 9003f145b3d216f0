"""A graph for Graphviz."""

from __future__ import annotations

from collections.abc import Iterator

from ..graph import Graph
from .diagram import Arrow, Box, Captions, Flow, Frame, Look, diagram
from .names import Names

_COLOURS = {Look.GIVEN: "#eef2f7", Look.MODEL: "#dbe9ff", Look.HOST: "#ffffff", Look.HANDED_ON: "#eef2f7"}
_LINES = {Flow.TOKENS: "", Flow.CACHE: ", style=dashed", Flow.OTHER: ", color=gray40"}


def graph_to_dot(graph: Graph, captions: Captions | None = None) -> str:
    """The text of a `digraph`: regions are clusters, caches are dashed arrows."""
    drawn = diagram(graph, captions)
    names = Names()
    lines = [
        f"digraph {_quoted(graph.name)} {{",
        f"  label={_label((drawn.title, *drawn.legend))}; labelloc=t; compound=true;",
        '  node [shape=box, style="rounded,filled", fontname="monospace", fontsize=10];',
        '  edge [fontname="monospace", fontsize=9];',
        *_frame(drawn.start, names, "  "),
        *_frame(drawn.step, names, "  "),
        f"  {names[_last(drawn.start)]} -> {names[drawn.step.boxes[0].path]};",
        "}",
    ]
    return "\n".join(lines) + "\n"


def _frame(frame: Frame, names: Names, indent: str) -> Iterator[str]:
    yield f"{indent}subgraph cluster_{names[frame.path]} {{"
    yield f'{indent}  label={_label((frame.heading,))}; style=rounded; color=gray60; fontname="monospace";'
    for box in frame.boxes:
        yield from _box(box, names, indent + "  ")
    for arrow in frame.arrows:
        yield f"{indent}  {names[arrow.source]} -> {names[arrow.target]} [{_arrow(arrow)}];"
    yield f"{indent}}}"


def _box(box: Box, names: Names, indent: str) -> Iterator[str]:
    label = _label((box.title, *box.lines, *box.caption))
    yield f'{indent}{names[box.path]} [label={label}, fillcolor="{_COLOURS[box.look]}"];'
    for frame in box.frames:
        yield from _frame(frame, names, indent)
        first = frame.boxes[0].path
        yield f"{indent}{names[box.path]} -> {names[first]} [style=dotted, lhead=cluster_{names[frame.path]}];"


def _arrow(arrow: Arrow) -> str:
    return f"label={_quoted(arrow.value)}{_LINES[arrow.flow]}"


def _last(frame: Frame) -> str:
    return frame.boxes[-1].path


def _label(lines: tuple[str, ...]) -> str:
    """Lines that start at the left."""
    return '"' + "".join(_escaped(line) + "\\l" for line in lines) + '"'


def _quoted(text: str) -> str:
    return f'"{_escaped(text)}"'


def _escaped(text: str) -> str:
    # Graphviz knows entities too: an ampersand in a label would begin one.
    return text.replace("\\", "\\\\").replace('"', '\\"').replace("&", "&amp;").replace("\n", "\\n")
