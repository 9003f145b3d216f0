"""Which alternative gives the most tokens per second, at an assumed acceptance; not guessing at all always competes."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from .acceptance import Expectation

_HALVINGS = 50


@dataclass(frozen=True, slots=True)
class Alternative:
    """One way to do a step: how long it takes and how many tokens it is expected to give per row.

    `guesses` is 0 for plain decoding; it breaks ties, in favour of the fewest.
    """

    name: str
    guesses: int
    seconds: float
    expectation: Expectation

    def tokens_per_second(self, acceptance: float) -> float:
        """Tokens per second and row."""
        return self.expectation.evaluate(acceptance) / self.seconds


@dataclass(frozen=True, slots=True)
class Choice:
    """The best alternative, with its speed and that of plain decoding in tokens per second and row."""

    best: Alternative
    tokens_per_second: float
    plain_tokens_per_second: float

    @property
    def speedup(self) -> float:
        """How many times as fast as without guesses; never below 1."""
        return self.tokens_per_second / self.plain_tokens_per_second


def choose_best(alternatives: Sequence[Alternative], acceptance: float) -> Choice:
    """The alternative with the most tokens per second; among equals the one with the fewest guesses."""
    plain = [each for each in alternatives if each.guesses == 0]
    assert plain, "decoding without guesses is always an alternative"

    def rank(each: Alternative) -> tuple[float, int]:
        return -each.tokens_per_second(acceptance), each.guesses

    best = min(alternatives, key=rank)
    return Choice(best, best.tokens_per_second(acceptance), max(each.tokens_per_second(acceptance) for each in plain))


def choose_length(
    seconds: Callable[[int], float], expectation: Callable[[int], Expectation], most: int, acceptance: float
) -> int:
    """How many guesses, 0 to `most`, give the most tokens per second; `seconds(k)` is the time of a step with k."""
    options = [Alternative(str(k), k, seconds(k), expectation(k)) for k in range(most + 1)]
    return choose_best(options, acceptance).best.guesses


def choose_size(sizes: Sequence[int], tokens: Callable[[int], float], seconds: Callable[[int], float]) -> int:
    """The size n that maximizes tokens(n) / seconds(n), the smallest among equals; 0 competes, asked for or not.

    This is how PPD's trees are fitted to a machine: `tokens` from the trees built for n, `seconds` measured or modelled
    at the real input length of 1 + m + n rows.
    """
    return min({0, *sizes}, key=lambda size: (-tokens(size) / seconds(size), size))


def break_even(alternative: Alternative, plain: Alternative) -> float | None:
    """The acceptance above which the alternative is faster than plain decoding; None if it never is.

    Tokens per step never fall as acceptance grows, so halving finds it.
    """
    target = plain.tokens_per_second(0)
    if alternative.tokens_per_second(1) <= target:
        return None
    low, high = 0.0, 1.0
    if alternative.tokens_per_second(0) >= target:
        return 0.0
    for _ in range(_HALVINGS):
        middle = (low + high) / 2
        low, high = (middle, high) if alternative.tokens_per_second(middle) < target else (low, middle)
    return high


def choose_by_rows(
    rows: Sequence[int], alternatives: Callable[[int], Sequence[Alternative]], acceptance: float
) -> tuple[Choice, ...]:
    """For each number of active rows the best alternative: the table behind `choose(..., per=rows)`."""
    return tuple(choose_best(alternatives(count), acceptance) for count in rows)


def stops_paying_at(rows: Sequence[int], choices: Sequence[Choice]) -> int | None:
    """The smallest number of rows from which on plain decoding is best; None if guesses pay to the end."""
    paying = [choice.best.guesses > 0 for choice in choices]
    if not paying or paying[-1]:
        return None
    last = max((at for at, pays in enumerate(paying) if pays), default=-1)
    return rows[last + 1]
