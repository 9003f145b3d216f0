"""Explain a compiled plan: look at its graph, its cards and its device, and run nothing."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from ...grammar import Severity
from ..at_rows import at_rows, has_threads, most_rows
from ..cards import Pair, Rehearsal
from ..compile import LOWERED, CompiledPlan
from ..estimate import Costs, region_cost
from ..forecast import Forecast, forecast_of, step_seconds
from ..graph import Graph, Model, Prompts, Rule, Sampling, print_declaration
from ..memory import ModelMemory, memory_of
from .explanation import ExplainedModel, Explanation, MemoryPlan
from .nodes import Setting, explained_region


def explain(compiled: CompiledPlan) -> Explanation:
    """What a plan is expected to do: every node with its memory and cost, and what that makes of the whole.

    Costs are those of a step with all rows active, each of whose caches is filled to half of the context. Where a model
    has no card, what depends on it stays None and the explanation says so.
    """
    graph, costs = compiled.graph, compiled.costs
    unknown = tuple(model.name for model in graph.all(Model) if model.name not in costs.cards)
    rows = most_rows(graph)
    step = at_rows(graph.step, rows)
    seconds = None if unknown else step_seconds(step, graph, costs)
    setting = Setting(graph, costs, rows, seconds)
    forecast = None if unknown else forecast_of(graph, costs)
    return Explanation(
        name=graph.name,
        law=str(graph.law),
        reference=graph.law.reference,
        numerics=numerics(graph),
        sampling=tuple(map(_sampling, graph.all(Sampling))),
        engine=compiled.engine,
        device=costs.device.name,
        about_device=costs.device.about,
        context=costs.context,
        unknown=unknown,
        forecast=forecast,
        step_cost=None if unknown else region_cost(step, graph, costs),
        step_seconds=seconds,
        threads=has_threads(graph),
        memory=_memory(graph, costs),
        decisions=tuple(_decisions(compiled)),
        assumptions=tuple(_assumptions(graph, costs, forecast)),
        passes=tuple(name for name, _ in compiled.stages if name != LOWERED),
        graph=graph,
        start=explained_region(graph.start, "start", setting.without_share().for_rows(1), "once for each prompt"),
        step=explained_region(graph.step, "step", setting, _again(graph, rows)),
    )


def _sampling(law: Sampling) -> str:
    shown = print_declaration(law).removeprefix("sampling ")
    return f"{shown}: the likeliest token" if law.temperature == 0 else shown


def _again(graph: Graph, rows: int) -> str:
    unit = "threads" if has_threads(graph) else "rows"
    active = f", here with {rows} active {unit}" if rows > 1 else ""
    return f"again until {graph.step.until}{active}"


def numerics(graph: Graph) -> str:
    """How exact the law is in the arithmetic of the target's type."""
    dtype, law = str(graph.target.dtype), graph.law
    if not law.exact:
        return f"{dtype}: the law is not the target's, whatever the arithmetic"
    # Rejection keeps the law alone; a draw that is matched is the very draw that the target would have made.
    drawn_anew = Rule.REJECTION.value in law.exact
    match dtype:
        case "float32" | "float64":
            return f"{dtype}: equal {'in law' if drawn_anew else 'token for token'}"
        case "bfloat16" | "float16":
            what = "in law" if drawn_anew else "token for token"
            return f"{dtype}: equal {what} up to near-ties, since passes over more tokens round differently"
        case _:
            return f"{dtype}: equal to the quantized target's up to near-ties, which is not the law of the target before it"


def _memory(graph: Graph, costs: Costs) -> MemoryPlan:
    known = {each.model: each for each in memory_of(graph, costs.cards, costs.prompts)}
    models = [
        *(_held(each.name, each.source, each, known) for each in graph.all(Model)),
        *(_held(each.name, each.source, None, known) for each in graph.all(Prompts)),
    ]
    devices = 1 + max((model.ranks.last for model in graph.all(Model) if model.ranks is not None), default=0)
    needed = sum(each.weights + each.cache for each in known.values())
    row = sum(each.cache // max(1, each.rows) for each in known.values())
    free = costs.device.memory - sum(each.weights for each in known.values())
    complete = len(known) == len(models)
    fits = free // row if complete and devices == 1 and row and free > 0 else None
    return MemoryPlan(tuple(models), needed, costs.device.memory, devices, fits)


def _held(name: str, source: str, model: Model | None, known: Mapping[str, ModelMemory]) -> ExplainedModel:
    """What a model holds, or an add-on, which has no cache and stands where its model does."""
    dtype = None if model is None else str(model.dtype)
    ranks = None if model is None or model.ranks is None else str(model.ranks)
    adapter = None if model is None else model.adapter
    held = known.get(name)
    if held is None:
        return ExplainedModel(name, source, dtype, None, None, 0, 0, ranks, adapter)
    return ExplainedModel(name, source, dtype, held.weights, held.cache, held.slots, held.rows, ranks, adapter)


def _decisions(compiled: CompiledPlan) -> Iterator[str]:
    for each in compiled.diagnostics:
        if each.severity is Severity.NOTE:
            yield f"{each.message()} ({each.code})"


def _shares(graph: Graph, costs: Costs) -> Iterator[str]:
    """What the guesses of drafters of other vocabularies are estimated by."""
    for names in dict.fromkeys((model.vocab, graph.target.vocab) for model in graph.all(Model)):
        draft, target = names
        pair = costs.pairs.get(names)
        if draft == target:
            continue
        if pair is None or pair.weighted_of_target is None:
            yield f"nobody has counted how much of {target}'s text is in tokens of {draft}: guesses are taken to be all in them"
        else:
            on = "" if pair.counted_on is None else f" (counted on {pair.counted_on})"
            share = f"{pair.weighted_of_target:.1%} of {target}'s text is in tokens that {draft} has"
            yield f"{share}{on}: guesses elsewhere are taken to be wrong"
            if pair.rehearsed is not None:
                yield _rehearsed(pair, pair.rehearsed)


def _rehearsed(pair: Pair, found: Rehearsal) -> str:
    """What a round of text that is spelled anew was found to be like."""
    return (
        f"where guesses are spelled anew: {found.guesses} right ones of {pair.draft} are {found.candidates:.1f} candidates of "
        f"{pair.target}, of which {found.own:.1f} are its own tokens; {found.canonical:.0%} of the time they are cut as it "
        f"would cut them; {found.encoded_bytes:.0f} bytes a round are spelled in other words (rehearsed on the same text, and "
        f"timed on {found.timed_on})"
    )


def _assumptions(graph: Graph, costs: Costs, forecast: Forecast | None) -> Iterator[str]:
    yield f"costs are analytic, from cards and the profile `{costs.device.name}`, with {costs.context} tokens in the cache"
    if forecast is not None and forecast.varies:
        yield f"acceptance a = {costs.acceptance:g} is assumed, not measured; nobody has run this plan for it"
    if forecast is not None and forecast.speculates:
        yield from _shares(graph, costs)
    for each in graph.all(Prompts):
        card = costs.prompts.get(each.name)
        if card is None or not card.accuracies:
            yield f"how often guesses of `{each.name}` are right has not been measured"
        elif card.assumed:
            yield f"rank accuracies of `{each.name}` were measured on {card.measured_on or 'no model'}, not on {card.rides}"
    if Rule.TYPICAL.value in graph.law.approximate:
        yield "typical acceptance takes guesses that the target would not have drawn: more tokens a step than estimated"
    if has_threads(graph):
        yield "s, how much of an answer is written in forks, depends on prompt and model: `bench` measures it"
