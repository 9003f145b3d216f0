"""Tokens that a device has drawn and nobody has looked at yet: they go from pass to pass without the host waiting for them.

Looking at a number on a GPU waits for everything before it. So a drafter's tokens stay where they are, stand in slots and
trees like any other token, and are fetched together, once, when the target's verdict is.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from array_api_compat import array_namespace

from .laws import Array


class LateToken:
    """One token as an array without axes. It equals its number; whoever asks for it unfetched waits for the device."""

    __slots__ = ("_number", "array")

    def __init__(self, array: Array) -> None:
        self.array = array
        self._number: int | None = None

    def __index__(self) -> int:
        if self._number is None:
            self._number = int(self.array)
        return self._number

    def __eq__(self, other: object) -> bool:
        return int(self) == other

    def __hash__(self) -> int:
        return hash(int(self))

    def __repr__(self) -> str:
        return "LateToken(...)" if self._number is None else f"LateToken({self._number})"

    @property
    def is_unseen(self) -> bool:
        """Has nobody looked at it yet?"""
        return self._number is None

    def learn(self, number: int) -> None:
        """The number was fetched."""
        self._number = number


def fetch(arrays: Sequence[Array], tokens: Iterable[object] = ()) -> list[list[float]]:
    """Look at arrays, and at all unseen ones of these tokens, at once: the numbers of each array, flat.

    Numbers pass through float64, which holds every token and every index exactly.
    """
    unseen = list({id(each): each for each in tokens if isinstance(each, LateToken) and each.is_unseen}.values())
    parts = [*arrays, *(each.array for each in unseen)]
    if not parts:
        return []
    xp = array_namespace(*parts)
    flat = [xp.reshape(xp.astype(part, xp.float64), (-1,)) for part in parts]
    numbers: list[float] = xp.concat(flat).tolist()
    found, at = [], 0
    for part in flat:
        found.append(numbers[at : at + part.shape[0]])
        at += part.shape[0]
    for late, number in zip(unseen, found[len(arrays) :], strict=True):
        late.learn(int(number[0]))
    return found[: len(arrays)]
