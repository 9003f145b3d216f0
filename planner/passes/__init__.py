"""What improves a graph, in order. Every pass keeps the graph's law; the graph is checked after each."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from ..estimate import Costs
from ..graph import Graph
from .choose_drafts import choose_drafts
from .drop_unused import drop_unused
from .fuse_prompts import fuse_prompts
from .pack_rows import pack_rows, row_cases
from .place_stages import place_stages


@dataclass(frozen=True, slots=True)
class Pass:
    """A pass by its name, what it is for, and the function from graph to graph."""

    name: str
    why: str
    run: Callable[[Graph, Costs], Graph]


PASSES: tuple[Pass, ...] = (
    Pass("choose_drafts", "later passes work on drafts that were decided", choose_drafts),
    Pass("drop_unused", "a drafter that was not chosen costs nothing", lambda graph, costs: drop_unused(graph)),
    Pass("fuse_prompts", "prompt tokens ride in the pass that verifies", lambda graph, costs: fuse_prompts(graph)),
    Pass("pack_rows", "rows that rest cost nothing, in a few fixed shapes", lambda graph, costs: pack_rows(graph)),
    Pass("place_stages", "last: ranks and sends follow from what runs", lambda graph, costs: place_stages(graph)),
)

__all__ = ["PASSES", "Pass", "choose_drafts", "drop_unused", "fuse_prompts", "pack_rows", "place_stages", "row_cases"]
