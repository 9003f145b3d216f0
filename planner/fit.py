"""Does a graph fit: its positions into its models, its weights and caches into memory, its ranks onto processes?"""

from __future__ import annotations

from collections.abc import Iterator

from ..grammar import Diagnostic
from .checked import CheckedPlan
from .estimate import Costs
from .graph import Graph, Kv, Model, Tree, Value
from .memory import memory_of, shown_bytes
from .plan_errors import ContextTooLong, TooMuchMemory, WrongRanks


def check_fit(graph: Graph, costs: Costs, plan: CheckedPlan | None) -> tuple[Diagnostic, ...]:
    """What does not fit. A graph that no plan made is held against its device's memory alone."""
    return (*_context(graph, plan), *_memory(graph, costs, plan), *_ranks(graph, plan))


def _context(graph: Graph, plan: CheckedPlan | None) -> Iterator[Diagnostic]:
    """Prompt, answer and the deepest guess stand at positions that each model has."""
    deepest = max((value.type.depth.limit for value in _values(graph) if isinstance(value.type, Tree)), default=0)
    capacities = {kv.model: kv.capacity for kv in (value.type for value in _values(graph)) if isinstance(kv, Kv)}
    for model in graph.all(Model):
        needed = capacities.get(model.name, 0)
        beyond = 0 if needed > (plan.context if plan else needed) else deepest
        if needed + beyond > model.positions:
            place = model.span if plan is None else plan.places.context
            yield ContextTooLong(place, needed, beyond, model.name, model.positions)


def _values(graph: Graph) -> Iterator[Value]:
    for region in graph.regions():
        yield from region.parameters
        for node in region.nodes:
            yield from node.results


def _memory(graph: Graph, costs: Costs, plan: CheckedPlan | None) -> Iterator[Diagnostic]:
    parts = memory_of(graph, costs.cards, costs.prompts)
    needed = sum(part.weights + part.cache for part in parts)
    available = costs.device.memory if plan is None else plan.memory
    if needed <= available:
        return
    # The device of a pipeline's stage is one of several; together they have to hold the plan.
    ranks = _ranks_of(graph)
    if needed <= available * ranks:
        return
    shown = tuple(
        f"{part.model}: {shown_bytes(part.weights)} of weights, {shown_bytes(part.cache)} of cache" for part in parts
    )
    where = (
        f"the device `{costs.device.name}` has"
        if plan is None or available == costs.device.memory
        else "`limits` allow"
    )
    if ranks > 1:
        where = f"{ranks} times {where}"
    place = None if plan is None else plan.places.memory if available != costs.device.memory else plan.places.decode
    yield TooMuchMemory(place, shown_bytes(needed), shown_bytes(available * ranks), where, shown)


def _ranks(graph: Graph, plan: CheckedPlan | None) -> Iterator[Diagnostic]:
    if plan is None or plan.places.ranks.value is None:
        return
    needed = _ranks_of(graph)
    if plan.places.ranks.value != needed:
        yield WrongRanks(plan.places.ranks.span, plan.places.ranks.value, needed)


def _ranks_of(graph: Graph) -> int:
    """How many ranks a graph runs on; before they are placed, one for every stage and one for all drafters."""
    models = graph.all(Model)
    placed = [model.ranks.last + 1 for model in models if model.ranks is not None]
    stages = sum(model.stages or 0 for model in models)
    return max(placed, default=stages + any(not model.stages for model in models))
