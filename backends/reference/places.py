"""On which ranks values stand: every model runs on its virtual ranks, and nothing crosses but what is sent and what flows."""

from __future__ import annotations

from ...planner.graph import Graph, Kv, Model, Nothing, Region, needed_ranks, operands, result_ranks


def check_places(graph: Graph, region: Region) -> None:
    """Follow a region's values from rank to rank; every operand has to stand where its node runs.

    What a prompt or the step before left is where it is needed, for the loop hands on in place.
    """
    ranks = {model.name: model.ranks for model in graph.all(Model) if model.ranks is not None}
    if not ranks:
        return
    everywhere = frozenset(
        range(min(each.first for each in ranks.values()), max(each.last for each in ranks.values()) + 1)
    )
    stands = {
        value.name: frozenset(ranks[value.type.model])
        if isinstance(value.type, Kv) and value.type.model in ranks
        else everywhere
        for value in region.parameters
    }
    for node in region.nodes:
        for value in operands(node):
            if not isinstance(value.type, Nothing):
                missing = needed_ranks(node, value, ranks, everywhere) - stands[value.name]
                assert not missing, f"{node.keyword} runs on rank {min(missing)}, where {value} does not stand"
        made = result_ranks(node, ranks, stands, everywhere)
        assert all(made.values()), f"no rank holds all operands of {node.keyword}"
        stands |= made
