"""The contract of randomness: every draw is a function of the seed and of what the draw is for.

A key says whose draw it is, so neither the batch around a row, nor scheduling, nor the backend can change it. Draws are
keyed by token *position*, not by step. A draft that was rejected before its position is therefore drawn again with the
same uniform number; that is exact, because nothing committed before a position may depend on a draw for it.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from enum import IntEnum
from typing import Protocol

from array_api_compat import array_namespace

from .laws import Array
from .philox import philox
from .sending import send


class Purpose(IntEnum):
    """What a draw decides. The numbers are part of the contract and never change."""

    DRAFT = 0
    """A drafter proposes a token."""
    ACCEPT = 1
    """The target takes a proposal or leaves it."""
    RESIDUAL = 2
    """The target's own token, from what rejected proposals left of its law."""
    TARGET = 3
    """The target's own token, from its whole law."""


@dataclass(frozen=True, slots=True)
class Key:
    """Names one draw; no two draws of one step share a key."""

    row: int
    """The request, 32 bits; not its place in a batch."""
    position: int
    """The token position that is decided, counted from the row's first prompt token, 32 bits."""
    purpose: Purpose = Purpose.TARGET
    index: int = 0
    """Which of several draws for one position: a tree's node, a sibling's rank, 32 bits."""
    thread: int = 0
    """0 is the main text, forks count from 1, 16 bits."""
    level: int = 0
    """0 is the outer decoder, 1 a decoder that drafts for it, and so on, 8 bits."""

    def at(self, purpose: Purpose, ahead: int = 0, index: int = 0) -> "Key":
        """Name a draw of the same row, thread and level, `ahead` positions further."""
        return Key(self.row, self.position + ahead, purpose, index, self.thread, self.level)

    def inner(self) -> "Key":
        """Name the same draw one level down, for a drafter that is a decoder itself."""
        return replace(self, level=self.level + 1)


def uniform(seed: int, key: Key) -> float:
    """Return the number in [0, 1), a multiple of 2**-53, that belongs to this seed and key.

    Philox is keyed by the seed (64 bits, low word first); the counter is (row, position, thread | level | purpose,
    index). The number is the top 53 bits of the block's first two words.

    >>> uniform(7, Key(row=0, position=12)) == uniform(7, Key(row=0, position=12))
    True
    """
    kind = key.thread << 16 | key.level << 8 | key.purpose
    assert 0 <= seed < 1 << 64, "a seed has 64 bits"
    assert 0 <= key.thread < 1 << 16 and 0 <= key.level < 1 << 8, f"a thread has 16 bits and a level has 8: {key}"
    assert all(0 <= word < 1 << 32 for word in (key.row, key.position, key.index)), f"a field has 32 bits: {key}"
    high, low, _, _ = philox((key.row, key.position, kind, key.index), (seed & 0xFFFFFFFF, seed >> 32))
    return ((high << 32 | low) >> 11) * 2.0**-53


class Draws(Protocol):
    """Where decisions come from: a counter when decoding, every outcome in turn when proving."""

    def pick(self, law: Array, key: Key) -> int:
        """Draw a token from a law `[V]`; the law is taken in proportion to its sum."""
        ...

    def pick_rows(self, laws: Array, keys: Sequence[Key]) -> Array:
        """Draw a token from each of several laws `[n, V]`: integers `[n]`, where the laws are."""
        ...

    def accept(self, probability: float, key: Key) -> bool:
        """Say yes with this probability (1 and more is always, 0 is never)."""
        ...


@dataclass(frozen=True, slots=True)
class Counter:
    """Draws by counter: one uniform number per key, and nothing remembered between draws."""

    seed: int

    def pick(self, law: Array, key: Key) -> int:
        """Invert the cumulative law, tokens in the order of their ids: the first whose sum exceeds the number."""
        return pick_at(law, uniform(self.seed, key))

    def pick_rows(self, laws: Array, keys: Sequence[Key]) -> Array:
        """The same for several laws, without looking at any number."""
        return pick_each(laws, [uniform(self.seed, key) for key in keys])

    def accept(self, probability: float, key: Key) -> bool:
        """Compare: the number is below the probability."""
        return uniform(self.seed, key) < probability


def pick_at(law: Array, number: float) -> int:
    """Return the first token whose cumulative probability exceeds `number` (in [0, 1)) times the law's sum.

    Sums are float64. A token of probability zero is never returned, not even where rounding leaves a gap: parallel
    sums on a device need not be monotone.

    >>> import numpy
    >>> pick_at(numpy.array([0.5, 0.0, 0.5]), 0.5)
    2
    """
    xp = array_namespace(law)
    total = float(xp.sum(xp.astype(law, xp.float64)))
    assert 0 < total < float("inf"), f"a law to draw from has a positive, finite sum, not {total}"
    return int(pick_each(xp.reshape(law, (1, -1)), [number])[0])


def pick_each(laws: Array, numbers: Sequence[float]) -> Array:
    """Return that token for each law `[n, V]` and its number, as integers `[n]` on the laws' device.

    For a law of all zeros, which nothing can be drawn from, the last token.
    """
    xp = array_namespace(laws)
    weights = xp.astype(laws, xp.float64)
    sums = xp.cumulative_sum(weights, axis=-1)
    aims = send(numbers, laws, xp.float64)[:, None] * sums[:, -1:]
    possible = weights > 0
    reached = xp.astype(possible & (sums > aims), xp.uint8)
    last = laws.shape[-1] - 1 - xp.argmax(xp.flip(xp.astype(possible, xp.uint8), axis=-1), axis=-1)
    return xp.where(xp.max(reached, axis=-1) > 0, xp.argmax(reached, axis=-1), last)
