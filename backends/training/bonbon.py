"""The BoNBoN loss: learn from the best and the worst of n answers how to say the best of n at once.

Gui, Garbacea and Veitch, "BoNBoN Alignment for Large Language Models and the Sweetness of Best-of-n Sampling" (arXiv
2406.00832). All log-likelihoods are sums over an answer's tokens, in nats; floats, arrays and tensors alike.
"""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from typing import Any, TypeAlias

ALPHA = 0.005
"""The share of plain likelihood of the best answer in the loss."""

Likelihoods: TypeAlias = Any
"""Log-likelihoods of some answers: a float, or an array or tensor with an entry for each."""


@dataclass(frozen=True, slots=True)
class Pair:
    """What one model gives the best and the worst answers to some prompts."""

    best: Likelihoods
    worst: Likelihoods

    @property
    def margin(self) -> Likelihoods:
        """How much likelier the best are, in nats."""
        return self.best - self.worst


def beta(n: int) -> float:
    """The constant with which the best of n is in balance with the model that they are drawn from: 1 / (2 (n-1) H_(n-1)).

    >>> round(beta(8), 8), round(beta(10), 8)
    (0.02754821, 0.0196381)
    """
    assert n >= 2, "of one answer none is the best"
    return float(1 / (2 * (n - 1) * sum(Fraction(1, each) for each in range(1, n))))


def target_margin(n: int) -> float:
    """By how many nats more than the reference the model should prefer the best of n to the worst: 1 / (2 beta).

    >>> round(target_margin(10), 2)
    25.46
    """
    return 1 / (2 * beta(n))


def bonbon_loss(model: Pair, reference: Pair, n: int, alpha: float = ALPHA) -> Likelihoods:
    """The loss of each prompt, whose best and worst answer are of n; `reference` is the model that the answers came from.

    >>> bonbon_loss(Pair(-10.0, -13.0), Pair(-12.0, -12.5), n=2)
    2.288...
    """
    missing = model.margin - reference.margin - target_margin(n)
    return -alpha * model.best + (1 - alpha) * missing**2
