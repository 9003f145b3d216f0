"""An explanation as a picture: the graph, with cost and memory written into its boxes."""

from __future__ import annotations

from collections.abc import Iterator

from ..draw import graph_to_mermaid, graph_to_svg
from ..memory import shown_bytes
from .explanation import ExplainedNode, ExplainedRegion, Explanation
from .text import headline


def explanation_mermaid(explained: Explanation) -> str:
    """The flowchart of a plan's graph with costs."""
    return graph_to_mermaid(explained.graph, _captions(explained))


def explanation_svg(explained: Explanation) -> str:
    """The drawing of a plan's graph with costs, and what is expected of it above."""
    return graph_to_svg(explained.graph, _captions(explained), headline(explained))


def _captions(explained: Explanation) -> dict[str, tuple[str, ...]]:
    regions = (explained.start, explained.step)
    return {node.path: lines for region in regions for node in _nodes(region) if (lines := _caption(node))}


def _nodes(region: ExplainedRegion) -> Iterator[ExplainedNode]:
    for node in region.nodes:
        yield node
        for inner in node.regions:
            yield from _nodes(inner)


def _caption(node: ExplainedNode) -> tuple[str, ...]:
    if node.cost is None:
        return ("cost unknown: no card",)
    words = []
    if node.cost.passes:
        share = "" if node.share is None else f" ({node.share:.0%})"
        words.append(f"{node.cost.seconds * 1e3:.1f} ms{share}, reads {shown_bytes(node.cost.bytes)}")
    if node.memory:
        words.append(f"holds {shown_bytes(node.memory)}")
    return tuple(words)
