"""What every picture of a graph shows: boxes for nodes and for what regions are given and hand on, arrows for values.

Regions nest as frames. An arrow into a node that holds regions ends at its frame, since what is inside sees only its own
parameters. Nothing here knows how a picture is written down.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from enum import Enum

from ..graph import (
    Commit,
    Graph,
    Guess,
    Kv,
    Lookup,
    Model,
    Node,
    Path,
    Prompts,
    Region,
    Repeat,
    Respell,
    Tokens,
    Tree,
    Type,
    Value,
    inner_regions,
    model_of,
    operands,
    print_fields,
)

Captions = Mapping[str, tuple[str, ...]]
"""Lines to be added to boxes, by the path of their node."""

_LONGEST = 76


class Flow(Enum):
    """What an arrow carries, as far as a picture tells it apart."""

    TOKENS = "tokens"
    CACHE = "cache"
    OTHER = "other"


class Look(Enum):
    """What a box stands for."""

    GIVEN = "given"
    MODEL = "model"
    HOST = "host"
    HANDED_ON = "handed on"


@dataclass(frozen=True, slots=True)
class Box:
    """A box: a title, lines below it, a caption below them, and the frames that it holds if its node has regions."""

    path: str
    look: Look
    title: str
    lines: tuple[str, ...] = ()
    caption: tuple[str, ...] = ()
    frames: tuple[Frame, ...] = ()


@dataclass(frozen=True, slots=True)
class Arrow:
    """From one box of a frame to another, by their paths, and the value that it carries."""

    source: str
    target: str
    value: str
    flow: Flow


@dataclass(frozen=True, slots=True)
class Frame:
    """A region: its boxes from top to bottom and the arrows between them. `again` says when it starts over."""

    path: str
    title: str
    boxes: tuple[Box, ...]
    arrows: tuple[Arrow, ...]
    again: str | None = None

    @property
    def heading(self) -> str:
        """What stands above the frame."""
        return self.title if self.again is None else f"{self.title}, {self.again}"


@dataclass(frozen=True, slots=True)
class Diagram:
    """A graph's two frames, what it is called, and a line for each of its declarations that a reader needs."""

    title: str
    legend: tuple[str, ...]
    start: Frame
    step: Frame


def node_path(region: str, node: Node) -> str:
    """What names a node within its graph: the regions that it stands in and its first result, `step/guess/step/tree`."""
    return f"{region}/{node.results[0].name}"


def diagram(graph: Graph, captions: Captions | None = None) -> Diagram:
    """The picture of a graph, with `captions` below the lines of the boxes that they name."""
    build = _Builder(captions or {})
    step = replace(build.frame(graph.step, "step"), again=f"again until {graph.step.until}")
    legend = tuple(_legend(graph))
    return Diagram(f"{graph.name}: {graph.law}", legend, build.frame(graph.start, "start"), step)


def _legend(graph: Graph) -> Iterator[str]:
    for model in graph.all(Model):
        ranks = "" if model.ranks is None else f", ranks {model.ranks}"
        yield shortened(f"{model.name} = {model.source} ({model.dtype}{ranks})")
    for each in graph.all(Prompts):
        yield shortened(f"{each.name} = {each.source} (rides {each.rides})")


def shortened(text: str) -> str:
    """A line that fits a box, on one line, with everything that does not print spelled out."""
    shown = "".join(char if char.isprintable() else char.encode("unicode_escape").decode() for char in text)
    return shown if len(shown) <= _LONGEST else shown[: _LONGEST - 1] + "…"


class _Builder:
    """Makes frames; carries the captions along."""

    def __init__(self, captions: Captions) -> None:
        self.captions = captions

    def frame(self, region: Region, path: str) -> Frame:
        made: dict[str, str] = {}
        boxes: list[Box] = []
        if region.parameters:
            boxes.append(Box(f"{path}/given()", Look.GIVEN, "given", _values(region.parameters)))
            made |= {value.name: boxes[0].path for value in region.parameters}
        arrows: list[Arrow] = []
        for node in region.nodes:
            box = self.box(node, path)
            arrows += _arrows(operands(node), box.path, made)
            made |= {value.name: box.path for value in node.results}
            boxes.append(box)
        for title, values in (("emit", region.emitted), ("yield", region.yielded)):
            if values:
                box = Box(f"{path}/{title}()", Look.HANDED_ON, title, (shortened(", ".join(map(str, values))),))
                arrows += _arrows(iter(values), box.path, made)
                boxes.append(box)
        return Frame(path, region.name, tuple(boxes), tuple(arrows))

    def box(self, node: Node, region: str) -> Box:
        path = node_path(region, node)
        frames = tuple(self.frame(each, f"{path}/{each.name}") for each in inner_regions(node))
        if isinstance(node, Repeat):
            frames = tuple(replace(each, again=f"again until {node.until} tokens") for each in frames)
        decided = print_fields(node)
        lines = (*((shortened(decided),) if decided else ()), *_values(node.results))
        return Box(path, _look(node), node.keyword, lines, self.captions.get(path, ()), frames)


def _look(node: Node) -> Look:
    if isinstance(node, Commit | Lookup | Respell):  # they touch a model's cache and run no model
        return Look.HOST
    return Look.HOST if model_of(node) is None else Look.MODEL


def _arrows(values: Iterator[Value], target: str, made: Mapping[str, str]) -> list[Arrow]:
    return [Arrow(made[value.name], target, value.name, _flow(value.type)) for value in values if value.name in made]


def _flow(kind: Type) -> Flow:
    if isinstance(kind, Kv):
        return Flow.CACHE
    return Flow.TOKENS if isinstance(kind, Path | Tokens | Guess | Tree) else Flow.OTHER


def _values(values: tuple[Value, ...]) -> tuple[str, ...]:
    return tuple(shortened(f"{value}: {value.type}") for value in values)
