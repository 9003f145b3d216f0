"""What plans are compared with by name, and why one of them may not apply to a plan."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass

from ...grammar import DiagnosticError
from ...planner import CompiledPlan, unspeculated
from ...planner.graph import Draft, Graph, Lookup, Model, Recent, Repeat, Tags, Verify
from .. import CAPABILITIES
from .cases import rows_of
from .contenders import Contender
from .decoding import contender_of
from .generate import Assistant, Generating, PromptLookup
from .weights import WeightSets

DTYPES = ("float32", "float16", "bfloat16")
"""What transformers runs without a library of its own for quantised weights."""


@dataclass(frozen=True, slots=True)
class Skipped:
    """A baseline that does not apply, and why."""

    name: str
    reason: str


def baseline(name: str, plan: CompiledPlan, weights: WeightSets) -> Contender | Skipped:
    """The baseline of that name for a plan. Raises `DiagnosticError` where a model is not to be had."""
    if plan.graph.all(Tags):
        return Skipped(name, "alone, the target leaves out what it promises; name the plan of a model without tags")
    return BASELINES[name](plan, weights)


def _autoregressive(plan: CompiledPlan, weights: WeightSets) -> Contender | Skipped:
    """The target alone, on the plan's own engine."""
    try:
        alone = unspeculated(plan, CAPABILITIES)
        return contender_of(AUTOREGRESSIVE, alone, weights.ours)
    except DiagnosticError as error:
        return Skipped(AUTOREGRESSIVE, error.diagnostics[0].message())


def _transformers(plan: CompiledPlan, weights: WeightSets) -> Contender | Skipped:
    """`generate`, one token a step."""
    reason = _no_transformers(plan)
    if reason is not None:
        return Skipped(TRANSFORMERS, reason)
    return Generating(TRANSFORMERS, weights.untouched(plan.graph.target, plan), plan.graph)


def _assisted(plan: CompiledPlan, weights: WeightSets) -> Contender | Skipped:
    """`generate` with transformers' own way to speculate that is nearest to the plan's, told to guess as much."""
    found = _assistance(ASSISTED, plan)
    if isinstance(found, PromptLookup):
        return Generating(ASSISTED, weights.untouched(plan.graph.target, plan), plan.graph, found)
    return found if isinstance(found, Skipped) else _with_model(ASSISTED, *found, plan, weights)


def _assisted_by_default(plan: CompiledPlan, weights: WeightSets) -> Contender | Skipped:
    """The same, guessing as much as transformers does when it is told nothing."""
    found = _assistance(BY_DEFAULT, plan)
    if isinstance(found, PromptLookup):
        return Skipped(BY_DEFAULT, "transformers looks nothing up unless it is told how much")
    return found if isinstance(found, Skipped) else _with_model(BY_DEFAULT, found[0], None, plan, weights)


def _assistance(name: str, plan: CompiledPlan) -> PromptLookup | tuple[Model, int] | Skipped:
    """What could assist, or why nothing can."""
    reason = _no_transformers(plan)
    if reason is None and rows_of(plan.graph) > 1:
        reason = "transformers assists one row at a time"
    found = None if reason is not None else next(_assistances(plan.graph), None)
    return found or Skipped(name, reason or "transformers has nothing like the plan's drafts")


def _with_model(
    name: str, model: Model, tokens: int | None, plan: CompiledPlan, weights: WeightSets
) -> Contender | Skipped:
    target, assistant = (weights.untouched(each, plan) for each in (plan.graph.target, model))
    is_foreign = model.vocab != plan.graph.target.vocab
    if not is_foreign and assistant.vocab_size != target.vocab_size:
        return Skipped(name, "transformers assists models whose logits have one size")
    return Generating(name, target, plan.graph, Assistant(assistant, tokens, is_foreign))


AUTOREGRESSIVE, TRANSFORMERS = "autoregressive", "transformers"
ASSISTED, BY_DEFAULT = "transformers-assisted", "transformers-assisted-default"
BASELINES: Mapping[str, Callable[[CompiledPlan, WeightSets], Contender | Skipped]] = {
    AUTOREGRESSIVE: _autoregressive,
    TRANSFORMERS: _transformers,
    ASSISTED: _assisted,
    BY_DEFAULT: _assisted_by_default,
}
"""By the name that people write."""


def _no_transformers(plan: CompiledPlan) -> str | None:
    if plan.engine == "reference":
        return "the reference engine runs toy tables, and transformers would run the model"
    wanting = [each for each in plan.graph.all(Model) if each.dtype not in DTYPES]
    return f"transformers does not run `{wanting[0].name}` with {wanting[0].dtype} weights" if wanting else None


def _assistances(graph: Graph) -> Iterator[PromptLookup | tuple[Model, int]]:
    """What of the plan's drafts transformers could do: a model that guesses so many tokens first, then lookups."""
    for node in graph.step.nodes:
        match node:
            case Draft(by=by, tokens=tokens) if tokens:
                yield graph.named(by, Model), tokens
            case Repeat(until=tokens, regions=(inner,)):
                yield graph.named(next(each.by for each in inner.nodes if isinstance(each, Verify)), Model), tokens
    for node in graph.step.nodes:
        if isinstance(node, Lookup):
            yield PromptLookup(node.tokens, graph.named(node.by, Recent).max_ngram)
