"""Rows of several answers side by side, padded to one width: what a model is given in one pass."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from .packing import IGNORED, Numbers, Packed

if TYPE_CHECKING:
    import numpy
    from numpy.typing import NDArray


@dataclass(frozen=True, eq=False)
class Batch:
    """Rows of equal width: `ids`, `positions` and `labels` are `[rows, width]`.

    Answers in one row do not see each other, and begin at position 0 each. Padding sees itself alone, so that no token's
    attention is empty.
    """

    ids: Numbers
    positions: Numbers
    labels: Numbers
    sees: NDArray[numpy.bool_]
    """Which tokens each token sees, `[rows, width, width]`."""


def batch(rows: Sequence[Sequence[Packed]], padding: int = 0) -> Batch:
    """One row for each sequence of answers, filled up with `padding`, a token that exists and means nothing here."""
    import numpy

    width = max(sum(map(len, row)) for row in rows)
    made = Batch(
        numpy.full((len(rows), width), padding, dtype=numpy.int64),
        numpy.zeros((len(rows), width), dtype=numpy.int64),
        numpy.full((len(rows), width), IGNORED, dtype=numpy.int64),
        numpy.repeat(numpy.eye(width, dtype=numpy.bool_)[None], len(rows), axis=0),
    )
    for number, row in enumerate(rows):
        start = 0
        for packed in row:
            place = slice(start, start + len(packed))
            made.ids[number, place] = packed.ids
            made.positions[number, place] = packed.positions
            made.labels[number, place] = packed.labels
            made.sees[number, place, place] = packed.sees
            start += len(packed)
    return made


def fill_rows(answers: Sequence[Packed], width: int) -> list[list[Packed]]:
    """Answers put into as few rows of at most `width` tokens as first-fit finds, the longest first.

    An answer that is longer by itself gets a row of its own.
    """
    rows: list[list[Packed]] = []
    room: list[int] = []
    for packed in sorted(answers, key=len, reverse=True):
        fits = next((number for number, left in enumerate(room) if left >= len(packed)), None)
        if fits is None:
            rows.append([packed])
            room.append(width - len(packed))
        else:
            rows[fits].append(packed)
            room[fits] -= len(packed)
    return rows


def rows_on(device: str, answers: Sequence[Packed], width: int) -> list[list[Packed]]:
    """Answers in rows that suit a device, by torch's name for its type.

    On a CPU a single answer is work enough for a pass, and attention to others, which it does not see, would take longer than
    the rest.
    """
    return [[each] for each in answers] if device == "cpu" else fill_rows(answers, width)
