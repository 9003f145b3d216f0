"""What a backend can run, as data: so that a plan can be refused before anything heavy is imported."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from .graph import Graph, Node


@dataclass(frozen=True, slots=True)
class Capabilities:
    """The kinds of nodes that an engine runs, by keyword, and what it cannot do with them.

    `rows` is the most rows that a step may have (None: any). `refuses` looks at a node of a known kind and says in a few
    words why the engine cannot run it as it stands, or None if it can.
    """

    engine: str
    nodes: frozenset[str]
    rows: int | None = None
    refuses: Callable[[Node, Graph], str | None] | None = None

    def lacks(self, node: Node, graph: Graph) -> str | None:
        """Why this engine cannot run a node, or None if it can."""
        if node.keyword not in self.nodes:
            return f"it has no `{node.keyword}`"
        return None if self.refuses is None else self.refuses(node, graph)
