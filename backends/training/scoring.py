"""Which of several answers to a prompt is the best, and which the worst: their speed, and their quality, weighed.

The score, and the quality from a judge's verdicts, are those of "Learning to Keep a Promise" (arXiv 2502.11517), section 4;
smoothing and clipping are ours, since no loss at all would make a quality infinite.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import exp, isinf, log
from typing import Protocol

SMOOTHING = 0.01
"""What is added to won and to lost confidence."""
WORST, BEST = 0.1, 10.0
"""Quality is clipped to these; 1 is parity."""


class Quality(Protocol):
    """How good answers are, 1 where they are as good as a reference answer."""

    def __call__(self, prompt: str, answers: Sequence[str]) -> list[float]:
        """The quality of each answer to the prompt, tags stripped, from `WORST` to `BEST`."""


@dataclass(frozen=True, slots=True)
class Verdict:
    """A judge's choice between two answers."""

    prefers_first: bool
    confidence: float
    """How sure the judge is, 0 to 1."""


class Judge(Protocol):
    """Compares answers in pairs."""

    def __call__(self, prompt: str, first: str, second: str) -> Verdict:
        """Which of two answers to the prompt is the better."""


def judged_quality(judge: Judge, prompt: str, answer: str, opponents: Sequence[str]) -> float:
    """The confidence of an answer's wins over that of its losses; each opponent is met twice, once from either side."""
    won = lost = 0.0
    for opponent in opponents:
        for answer_is_first in (True, False):
            pair = (answer, opponent) if answer_is_first else (opponent, answer)
            verdict = judge(prompt, *pair)
            if verdict.prefers_first == answer_is_first:
                won += verdict.confidence
            else:
                lost += verdict.confidence
    return quality_of_verdicts(won, lost)


def quality_of_verdicts(won: float, lost: float) -> float:
    """Quality from the summed confidences of wins and of losses.

    >>> quality_of_verdicts(1.5, 0.75), quality_of_verdicts(2.0, 0.0), quality_of_verdicts(0.0, 0.0)
    (1.986..., 10.0, 1.0)
    """
    return _clipped((won + SMOOTHING) / (lost + SMOOTHING))


def quality_of_likelihood(gained: float) -> float:
    """Quality from how much likelier a token is than one of the reference, in nats on average: inverse perplexities' ratio.

    >>> quality_of_likelihood(0.0), quality_of_likelihood(-0.5)
    (1.0, 0.606...)
    """
    return exp(min(max(gained, log(WORST)), log(BEST)))


def score(speedup: float, quality: float, weight: float) -> float:
    """What is to be high: the theoretical speed-up and, `weight` (the paper's lambda) times, quality; infinite: quality alone.

    >>> score(1.5, 0.8, 4), score(1.5, 0.8, float("inf"))
    (4.7, 0.8)
    """
    return quality if isinf(weight) else speedup + weight * quality


def best_and_worst(scores: Sequence[float]) -> tuple[int, int] | None:
    """Which answer is the best and which the worst, the first of equals; None where all are equal, and nothing is preferred.

    >>> best_and_worst([2.0, 3.0, 1.0, 3.0]), best_and_worst([1.0, 1.0])
    ((1, 2), None)
    """
    best, worst = max(scores, default=0.0), min(scores, default=0.0)
    return (scores.index(best), scores.index(worst)) if worst < best else None


def _clipped(quality: float) -> float:
    return min(max(quality, WORST), BEST)
