"""Greedy identity: is every token of an answer the one that the target alone finds likeliest at its place?

One pass of transformers reads the prompt and the answer, so each token is judged behind the plan's own text: a token
that differs is told once, and not again through everything that follows from it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import floor, log2

from ...models import LoadedModel

NEAR: Mapping[str, int] = {"float32": 32, "float16": 8, "bfloat16": 4}
"""By dtype: how many units in the last place of the largest logit a token may lie behind, and be a near-tie.

Passes of other widths add up in other orders. On SmolLM2-135M and Gemma-3-270M, a pass of one token moved the difference
between the two likeliest logits by up to 8 units in float32, and 2 in bfloat16, from what a pass of sixty tokens said.
"""


@dataclass(frozen=True, slots=True)
class Departure:
    """A token of an answer that is not the target's likeliest. Differences are of logits."""

    id: str | int
    position: int
    """In the answer, from 0."""
    token: int
    argmax: int
    behind: float
    """How far the token's logit lies below the largest."""
    gap: float
    """How far the second largest logit lies below the largest."""
    unit: float
    """What the last place of the largest logit is worth in the target's dtype."""
    near: bool
    """Is it so little that passes of other widths may round to either?"""

    @property
    def units(self) -> float:
        """How many units in the last place the token lies behind."""
        return self.behind / self.unit


@dataclass(frozen=True, slots=True)
class Identity:
    """An answer held against the target."""

    id: str | int
    tokens: int
    departures: tuple[Departure, ...]


def identity(id: str | int, prompt: Sequence[int], answer: Sequence[int], loaded: LoadedModel) -> Identity:
    """Hold the tokens of an answer against the logits of one pass of a model over the prompt and the answer."""
    import torch

    ids = torch.tensor([[*prompt, *answer[:-1]]], device=loaded.device)
    with torch.inference_mode():
        logits = loaded.model(ids, use_cache=False, logits_to_keep=len(answer)).logits[0]
    best = logits.argmax(-1).tolist()
    departures = [
        _departure(id, place, token, best[place], logits[place].double().tolist(), loaded)
        for place, token in enumerate(answer)
        if token != best[place]
    ]
    return Identity(id, len(answer), tuple(departures))


def _departure(
    id: str | int, position: int, token: int, argmax: int, logits: Sequence[float], loaded: LoadedModel
) -> Departure:
    largest = logits[argmax]
    second = max(logit for other, logit in enumerate(logits) if other != argmax)
    behind, unit = largest - logits[token], unit_in_last_place(largest, loaded)
    near = behind <= NEAR[str(loaded.dtype).removeprefix("torch.")] * unit
    return Departure(id, position, token, argmax, behind, largest - second, unit, near)


def unit_in_last_place(number: float, loaded: LoadedModel) -> float:
    """The distance to the next number of a model's dtype, away from zero."""
    import torch

    found = torch.finfo(loaded.dtype)
    return float(found.eps * 2.0 ** floor(log2(max(abs(number), found.tiny))))
