"""On which ranks a value stands while a graph runs: nothing crosses but what is sent and what flows."""

from __future__ import annotations

from ...planner.graph import Graph, Kv, Model, Node, Nothing, Region, Value, needed_ranks, operands, result_ranks


class Places:
    """The ranks of each value of one region, while it runs; every value is everywhere if no model has ranks."""

    def __init__(self, graph: Graph, region: Region) -> None:
        self._ranks = {model.name: model.ranks for model in graph.all(Model) if model.ranks is not None}
        every = [rank for ranks in self._ranks.values() for rank in (ranks.first, ranks.last)]
        self._everywhere = frozenset(range(min(every, default=0), max(every, default=0) + 1))
        # What a prompt or the step before left is where it is needed: the loop hands on in place.
        self._stands = {value.name: self._home(value) for value in region.parameters}

    def _home(self, value: Value) -> frozenset[int]:
        held = isinstance(value.type, Kv) and value.type.model in self._ranks
        return frozenset(self._ranks[value.type.model]) if held and isinstance(value.type, Kv) else self._everywhere

    def run(self, node: Node) -> None:
        """Check that a node's operands stand where it runs, and note where its results do."""
        if not self._ranks:
            return
        common = self._everywhere
        for value in operands(node):
            if isinstance(value.type, Nothing):
                continue
            common &= self._stands[value.name]
            missing = needed_ranks(node, value, self._ranks, self._everywhere) - self._stands[value.name]
            assert not missing, f"{node.keyword} runs on rank {min(missing)}, where {value} does not stand"
        made = result_ranks(node, self._ranks, self._stands, self._everywhere)
        assert all(made.values()), f"no rank holds all operands of {node.keyword}"
        self._stands |= made
