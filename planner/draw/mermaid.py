"""A graph for Mermaid, which many sites draw inside Markdown."""

from __future__ import annotations

from collections.abc import Iterator

from ..graph import Graph
from .diagram import Arrow, Box, Captions, Flow, Frame, Look, diagram
from .names import Names

_CLASSES = {Look.GIVEN: "edge", Look.MODEL: "model", Look.HOST: "host", Look.HANDED_ON: "edge"}
_ARROWS = {Flow.TOKENS: "-->", Flow.CACHE: "-.->", Flow.OTHER: "-->"}


def graph_to_mermaid(graph: Graph, captions: Captions | None = None) -> str:
    """The text of a flowchart: regions are subgraphs, caches are dotted arrows."""
    drawn = diagram(graph, captions)
    names = Names()
    lines = [
        # Braces would let a name in a comment become a directive.
        *(f"%% {line}".replace("{", "(") for line in (drawn.title, *drawn.legend)),
        "flowchart TD",
        "  classDef model fill:#dbe9ff,stroke:#4a6fa5",
        "  classDef host fill:#ffffff,stroke:#8a94a6",
        "  classDef edge fill:#eef2f7,stroke:#8a94a6",
        *_frame(drawn.start, names, "  "),
        *_frame(drawn.step, names, "  "),
        f"  {names[drawn.start.path]} --> {names[drawn.step.path]}",
    ]
    return "\n".join(lines) + "\n"


def _frame(frame: Frame, names: Names, indent: str) -> Iterator[str]:
    yield f"{indent}subgraph {names[frame.path]}[{_quoted((frame.heading,))}]"
    for box in frame.boxes:
        yield from _box(box, names, indent + "  ")
    for arrow in frame.arrows:
        yield f"{indent}  {_arrow(arrow, names)}"
    yield f"{indent}end"


def _box(box: Box, names: Names, indent: str) -> Iterator[str]:
    label = _quoted((box.title, *box.lines, *box.caption))
    yield f"{indent}{names[box.path]}[{label}]:::{_CLASSES[box.look]}"
    for frame in box.frames:
        yield from _frame(frame, names, indent)
        yield f"{indent}{names[box.path]} -.- {names[frame.path]}"


def _arrow(arrow: Arrow, names: Names) -> str:
    return f"{names[arrow.source]} {_ARROWS[arrow.flow]}|{_quoted((arrow.value,))}| {names[arrow.target]}"


def _quoted(lines: tuple[str, ...]) -> str:
    """A label: Mermaid reads HTML in it, and entities of its own, which begin with `#`."""
    return '"' + "<br/>".join(map(_escaped, lines)) + '"'


def _escaped(text: str) -> str:
    return "".join(char if char.isalnum() or char in _PLAIN else f"#{ord(char)};" for char in text)


_PLAIN = " .,:+-*/=()[]|_@…"
