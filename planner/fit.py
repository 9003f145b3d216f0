"""Does a graph fit: its positions into its models, its weights and caches into memory, its ranks onto processes?"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from ..grammar import Diagnostic
from .checked import CheckedPlan
from .estimate import Costs
from .graph import Graph, Kv, Model, Tree, Value
from .memory import ModelMemory, memory_of, shown_bytes
from .plan_errors import ContextTooLong, TooMuchMemory, WrongRanks


def check_fit(graph: Graph, costs: Costs, plan: CheckedPlan | None) -> tuple[Diagnostic, ...]:
    """What does not fit. A graph that no plan made is held against its device's memory alone."""
    return (*_context(graph, plan), *_memory(graph, costs, plan), *_ranks(graph, plan))


def _context(graph: Graph, plan: CheckedPlan | None) -> Iterator[Diagnostic]:
    """Prompt, answer and the deepest guess stand at positions that each model has."""
    deepest = max((value.type.depth.limit for value in _values(graph) if isinstance(value.type, Tree)), default=0)
    capacities = {kv.model: kv.capacity for kv in (value.type for value in _values(graph)) if isinstance(kv, Kv)}
    for model in graph.all(Model):
        capacity = capacities.get(model.name, 0)
        # A drafter of another vocabulary counts its own tokens, and falls silent when its cache is full.
        beyond = deepest if model.vocab == graph.target.vocab else 0
        if capacity + beyond > model.positions:
            said = plan is not None and plan.places.context.text
            place = plan.places.context if plan is not None and said else model.span
            yield ContextTooLong(place, capacity, beyond, model.name, model.positions)


def _values(graph: Graph) -> Iterator[Value]:
    for region in graph.regions():
        yield from region.parameters
        for node in region.nodes:
            yield from node.results


def _memory(graph: Graph, costs: Costs, plan: CheckedPlan | None) -> Iterator[Diagnostic]:
    """Every rank of a pipeline is a device, and each has to hold its share; without a pipeline there is one."""
    device = costs.device.memory
    available = device if plan is None else min(plan.memory, device)
    parts = memory_of(graph, costs.cards, costs.prompts)
    rank, needed = max(_loads(graph, parts).items(), key=lambda load: load[1], default=(0, 0))
    if needed <= available:
        return
    where = f"the device `{costs.device.name}` has" if available == device else "`limits` allow"
    what = f"rank {rank} of the plan" if _ranks_of(graph) > 1 else "the plan"
    place = None if plan is None else plan.places.memory if available != device else plan.places.decode
    yield TooMuchMemory(place, what, shown_bytes(needed), shown_bytes(available), where, tuple(map(str, parts)))


def _loads(graph: Graph, parts: Iterable[ModelMemory]) -> dict[int, float]:
    """Bytes on each rank: a model in stages by its layers there, any other whole on the first of its ranks."""
    models = {model.name: model for model in graph.all(Model)}
    loads: dict[int, float] = {}
    for part in parts:
        model = models.get(part.model)
        first = 0 if model is None or model.ranks is None else model.ranks.first
        for stage, share in enumerate(_shares(model)):
            loads[first + stage] = loads.get(first + stage, 0.0) + share * part.needed
    return loads


def _shares(model: Model | None) -> tuple[float, ...]:
    """The share of a model's layers in each of its stages."""
    if model is None or not model.stages:
        return (1.0,)
    layers = model.layers or (1,) * model.stages
    return tuple(count / sum(layers) for count in layers)


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
