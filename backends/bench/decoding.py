"""Plans of ours as contenders: on their engines, with statistics of every row."""

from __future__ import annotations

from collections.abc import Sequence
from time import perf_counter
from typing import Any

from ...planner import CompiledPlan
from .. import decoder
from ..runtime import Decoder, Finished, Prompt, Refused, Stepped
from .contenders import Answer
from .weights import Weights


class Decoding:
    """A plan on its engine."""

    def __init__(self, name: str, decoder: Decoder) -> None:
        """`decoder` has its models loaded."""
        self.name = name
        self.notes = decoder.notes
        self._decoder = decoder

    def answer(self, prompts: Sequence[Prompt]) -> Answer:
        """Answer prompts, in as many rows as the plan has."""
        began = perf_counter()
        events = list(self._decoder.stream(prompts))
        seconds = perf_counter() - began
        results = [each.result for each in events if isinstance(each, Finished)]
        timings = [each.timing for each in events if isinstance(each, Stepped) and each.timing is not None]
        passes = sum(each.passes_s for each in timings)
        return Answer(
            seconds=seconds,
            tokens={each.id: each.token_ids for each in results},
            stats=tuple(each.stats for each in results),
            decode_s=sum(each.wall_s for each in timings),
            passes_s=passes or None,  # an engine without models has no passes to time
            refused={each.id: each.diagnostics for each in events if isinstance(each, Refused)},
        )


def contender_of(name: str, plan: CompiledPlan, weights: Weights) -> Decoding:
    """A plan, ready to run on its engine.

    Raises `DiagnosticError` where the engine cannot run it or a model is not to be had, and `ModuleNotFoundError` where
    the engine's libraries are not installed.
    """
    # Tables stand for the reference engine's models: it has no weights to share.
    options: dict[str, Any] = {} if plan.engine == "reference" else {"load": lambda model: weights(model, plan)}
    return Decoding(name, decoder(plan, **options))
