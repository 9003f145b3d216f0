"""What one pass reads of a row: its tokens, their positions and slots, and which slots each of them sees."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True)
class Reading:
    """What one pass reads of a row: tokens, and the slots that they go to.

    Every token sees all slots before `base`. Of those from `base` on, token i sees slot `base + j` where bit j of `sees[i]`
    is set, itself included; `sees` None means that the tokens are a line and each sees all before it. `positions` are the
    tokens', `above` those of the slots from `base` on.
    """

    tokens: tuple[Any, ...]
    positions: tuple[int, ...]
    slots: Sequence[int]
    base: int
    sees: tuple[int, ...] | None
    above: Sequence[int]
    lines: int = 1
    """How many lines it is made of, if only what follows them is asked: then their last tokens come last."""

    @property
    def end(self) -> int:
        """The slot behind all that hold something."""
        return self.base + len(self.above)


def side_by_side(readings: Sequence[Reading], *, lasts_last: bool) -> Reading:
    """The readings of a row's threads, made one after the other, as one; of each line the last token may come last."""
    if len(readings) == 1:
        return readings[0]
    rows = [(*row, each) for each in readings for row in enumerate(each.slots)]
    if lasts_last:
        rows.sort(key=lambda row: row[0] == len(row[2].slots) - 1)
    assert len({each.base for each in readings}) == 1, "the threads of a row see the same beginning"
    slots, taken = tuple(slot for _, slot, _ in rows), range(readings[0].slots[0], readings[-1].slots[-1] + 1)
    return Reading(
        tuple(each.tokens[place] for place, _, each in rows),
        tuple(each.positions[place] for place, _, each in rows),
        taken if slots == tuple(taken) else slots,
        readings[0].base,
        tuple(each.sees[place] for place, _, each in rows if each.sees is not None),
        max((each.above for each in readings), key=len),
        len(readings),
    )
