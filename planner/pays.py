"""Does a drafter of another vocabulary pay? A warning where decoding is expected to be slower for it."""

from __future__ import annotations

from collections.abc import Iterator

from ..grammar import Diagnostic
from .checked import CheckedPlan
from .estimate import Costs
from .forecast import forecast_of
from .graph import Graph, Model
from .plan_errors import SlowerForIt

SLOWER = 0.995
"""A speed-up below this shows as slower when it is rounded."""


def check_pays(graph: Graph, costs: Costs, plan: CheckedPlan | None) -> Iterator[Diagnostic]:
    """Say so if no number of active rows is expected to gain from drafters of another vocabulary.

    Estimates are those of `explain`: a guess is right with a = 0.7 where the target's token is one that the drafter has,
    and never elsewhere. Where nobody has counted how often that is, a = 0.7 everywhere.
    """
    foreign = [model for model in graph.all(Model) if model.vocab != graph.target.vocab]
    if not foreign or any(model.name not in costs.cards for model in graph.all(Model)):
        return
    forecast = forecast_of(graph, costs)
    best = max(each.speedup for each in forecast.rows)
    if forecast.speculates and best < SLOWER:
        drafter, target = foreign[0], graph.target
        pair = costs.pairs.get((drafter.vocab, target.vocab))
        share = None if pair is None else pair.weighted_of_target
        place = drafter.span if plan is None else plan.places.decode
        yield SlowerForIt(place, drafter.name, target.name, best, forecast.acceptance, share, forecast.break_even)
