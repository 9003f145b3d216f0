"""From a plan, or a graph's text, to a graph that a backend can run: the whole compiler, top to bottom.

    bytes -> Plan -> CheckedPlan -> Graph -> passes -> CompiledPlan

Nothing here imports more than the planner; what engines can run comes in as data.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from itertools import permutations
from pathlib import Path

from ..grammar import Diagnostic, DiagnosticError, decode_text, has_errors
from .capabilities import Capabilities
from .cards import DEFAULT_DEVICE, DeviceProfile, ModelCard, Pair, PromptsCard, find_device, find_pair, find_source
from .check import check_plan
from .checked import CheckedPlan
from .estimate import Costs
from .fit import check_fit
from .graph import Engine, Graph, Kv, Model, Prompts, check_graph, read_graph
from .legalise import legalise
from .lower import lower
from .passes import PASSES
from .pays import check_pays

LOWERED = "lower"
"""The name of the stage before any pass."""


@dataclass(frozen=True)
class CompiledPlan:
    """A graph, how it came about, and what is to be said of it.

    `stages` holds the graph as lowered and after every pass that changed it, by the pass's name.
    """

    name: str
    graph: Graph
    stages: tuple[tuple[str, Graph], ...]
    diagnostics: tuple[Diagnostic, ...]
    costs: Costs
    engine: str
    device: str
    base: Path = field(default=Path(), compare=False)

    def stage(self, name: str) -> Graph:
        """The graph as it was after that pass; a pass that changed nothing left it as it was before."""
        order = stage_names()
        reached = [graph for stage, graph in self.stages if order.index(stage) <= order.index(name)]
        return reached[-1] if reached else self.stages[0][1]


def stage_names() -> tuple[str, ...]:
    """The stages that compiling can stop after, in order."""
    return (LOWERED, *(each.name for each in PASSES))


def compile_source(
    data: bytes,
    name: str,
    base: Path,
    *,
    stop_after: str | None = None,
    engine: str | None = None,
    backends: Mapping[str, Capabilities] | None = None,
) -> CompiledPlan:
    """Compile a plan's YAML, or a graph's text.

    Args:
        data: the bytes of the file.
        name: what it is called in diagnostics; the graph is named after it.
        base: the folder that the plan's paths count from.
        stop_after: the last stage to run (one of `stage_names()`).
        engine: the engine to compile for, if not the plan's.
        backends: what engines can run; a node that the engine lacks becomes a warning.

    Raises:
        DiagnosticError: if the plan or graph is refused; the diagnostics say why.
    """
    graph, costs, said, limits = _graph(data, name, base)
    chosen = engine or next((each.name for each in graph.all(Engine)), "eager")
    device = next((each.device for each in graph.all(Engine)), DEFAULT_DEVICE)
    stages = [(LOWERED, graph)]
    if stop_after != LOWERED:
        stages += _passed(graph, costs, stop_after)
    graph = stages[-1][1]
    said += check_fit(graph, costs, limits)
    if has_errors(said):
        raise DiagnosticError(said)
    said += check_pays(graph, costs, limits)
    said += legalise(graph, chosen, backends or {})
    return CompiledPlan(graph.name, graph, tuple(stages), tuple(said), costs, chosen, device, base)


def _graph(data: bytes, name: str, base: Path) -> tuple[Graph, Costs, list[Diagnostic], CheckedPlan | None]:
    """The graph before any pass, and what costs are estimated from."""
    if is_graph_text(data):
        graph = _read(data, name)
        return graph, _costs_of(graph, base), [], None
    plan, said = check_plan(data, name, base)
    if plan is None:
        raise DiagnosticError(said)
    graph = lower(plan)
    _assert_well_formed(graph, LOWERED)
    return graph, _costs(plan, graph), list(said), plan


def is_graph_text(data: bytes) -> bool:
    """Whether a file is a graph's text rather than a plan's YAML: its first word is `graph`, followed by another."""
    return re.match(rb"(?:\xef\xbb\xbf)?(?:\s|#[^\n]*\n)*graph[ \t]+[^\s:]", data) is not None


def _read(data: bytes, name: str) -> Graph:
    source, mistakes = decode_text(data, name)
    if mistakes:
        raise DiagnosticError(mistakes)
    graph, found = read_graph(source.text, name)
    found = found or (() if graph is None else check_graph(graph))
    if graph is None or found:
        raise DiagnosticError(found)
    return graph


def _passed(graph: Graph, costs: Costs, stop_after: str | None) -> list[tuple[str, Graph]]:
    stages = []
    for each in PASSES:
        changed = each.run(graph, costs)
        if changed != graph:
            _assert_well_formed(changed, each.name)
            graph = changed
            stages.append((each.name, graph))
        if each.name == stop_after:
            break
    return stages


def _assert_well_formed(graph: Graph, stage: str) -> None:
    wrong = check_graph(graph)
    assert not wrong, f"after {stage} the graph is not well formed: {wrong[0].message()}\n{graph}"


def _costs(plan: CheckedPlan, graph: Graph) -> Costs:
    cards = {name: model.card for name, model in plan.models.items()}
    prompts = {name: each.card for name, each in plan.prompts.items()}
    return Costs(cards, prompts, plan.profile, plan.context // 2, pairs=_pairs(graph, cards, plan.pair))


def _pairs(graph: Graph, cards: Mapping[str, ModelCard], measured: Pair | None = None) -> dict[tuple[str, str], Pair]:
    """What was counted of the graph's vocabularies, by their names in it; what a plan has `measured` comes first."""
    families = {model.vocab: cards[model.name].vocabulary for model in graph.all(Model) if model.name in cards}
    found = {
        (draft, target): _pair(families[draft], families[target], measured)
        for draft, target in permutations(families, 2)
    }
    return {names: pair for names, pair in found.items() if pair is not None}


def _pair(draft: str, target: str, measured: Pair | None) -> Pair | None:
    is_measured = measured is not None and (measured.draft, measured.target) == (draft, target)
    return measured if is_measured else find_pair(draft, target)


def _capacity(graph: Graph) -> int:
    """The positions that the target's cache is made for."""
    made = (value.type for node in graph.start.nodes for value in node.results)
    return next(kind.capacity for kind in made if isinstance(kind, Kv) and kind.model == graph.target.name)


def _costs_of(graph: Graph, base: Path) -> Costs:
    """What is known of the models of a graph that no plan made; those without a card stay unknown."""
    cards: dict[str, ModelCard] = {}
    prompts: dict[str, PromptsCard] = {}
    declared: tuple[Model | Prompts, ...] = (*graph.all(Model), *graph.all(Prompts))
    for each in declared:
        card = find_source(each.source, each.span, base)
        if isinstance(card, ModelCard) and isinstance(each, Model):
            cards[each.name] = card if each.tags is None else card.with_tags()
        elif isinstance(card, PromptsCard) and isinstance(each, Prompts):
            prompts[each.name] = card
    wanted = next((each.device for each in graph.all(Engine)), DEFAULT_DEVICE)
    device = find_device(wanted, None, base)
    if not isinstance(device, DeviceProfile):
        raise DiagnosticError((device,))
    return Costs(cards, prompts, device, _capacity(graph) // 2, pairs=_pairs(graph, cards))
