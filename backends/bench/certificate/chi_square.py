"""Do counted draws follow a law? Pearson's chi-square with rare cells merged, and Bonferroni's bound over many tests."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

LEVEL = 0.01
"""How often, at most, draws that do follow their laws fail: for all tests of a certificate together."""
FEWEST = 5.0
"""Draws that a cell must expect: below it the statistic's law is not near enough to chi-square (Cochran 1954)."""


@dataclass(frozen=True, slots=True)
class Fit:
    """How draws fit a law."""

    draws: int
    impossible: int
    """Draws of tokens that the law rules out: a single one refutes it."""
    cells: int
    statistic: float
    p: float | None
    """How likely a fit at least as bad is under the law; None where there is one cell, and so nothing to compare."""


def fit(counts: Mapping[int, int], law: Sequence[float]) -> Fit:
    """Compare how often tokens were drawn with a law `[V]` of them.

    Tokens that are expected less than five times share a cell. Which do depends on the law and the number of draws alone,
    so that what was drawn cannot choose its own test.

    >>> fit({0: 60, 1: 40}, [0.5, 0.5])
    Fit(draws=100, impossible=0, cells=2, statistic=4.0, p=0.045500263896358...)
    """
    draws = sum(counts.values())
    impossible = sum(count for token, count in counts.items() if not law[token] > 0)
    cells = _cells(counts, law, draws)
    statistic = sum((observed - expected) ** 2 / expected for observed, expected in cells)
    p = tail(statistic, len(cells) - 1) if len(cells) > 1 else None
    return Fit(draws, impossible, len(cells), statistic, 0.0 if impossible else p)


def tail(statistic: float, freedom: int) -> float:
    """The probability that chi-square with so many degrees of freedom is at least so large.

    >>> round(tail(18.307038053275146, 10), 12)
    0.05
    """
    import torch

    half, bound = (torch.tensor(each / 2, dtype=torch.float64) for each in (freedom, statistic))
    return float(torch.special.gammaincc(half, bound))


def bonferroni(p_values: Iterable[float]) -> float | None:
    """The p-value of all tests together, however they depend on each other: the smallest times their number.

    >>> bonferroni([0.2, 0.01, 0.5])
    0.03
    """
    found = [*p_values]
    return min(1.0, len(found) * min(found)) if found else None


def _cells(counts: Mapping[int, int], law: Sequence[float], draws: int) -> list[tuple[int, float]]:
    """What was observed and what is expected, cell by cell."""
    own = [token for token, chance in enumerate(law) if draws * chance >= FEWEST]
    cells = sorted(((counts.get(token, 0), draws * law[token]) for token in own), key=lambda cell: -cell[1])
    rare = draws - sum(observed for observed, _ in cells), draws - sum(expected for _, expected in cells)
    if rare[1] >= FEWEST or not cells:
        return [*cells, rare]
    # Too rare even together: the rarest cell of its own takes them in.
    observed, expected = cells.pop()
    return [*cells, (observed + rare[0], expected + rare[1])]
