"""How many tokens had to be said one after the other: the steps of threads replayed, a token of each in every step."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple


class Block(NamedTuple):
    """What a fork said, in numbers of tokens that the main thread has said."""

    end: int
    """That of its promise's last token."""
    length: int
    """How many tokens it said."""
    joined: int | None
    """That of the sync that waited for it."""


def critical_path(main: int, blocks: Sequence[Block], most: int | None = None) -> int:
    """The steps of a main thread of so many tokens and its blocks, of which at most `most` are written at once (PASTA 3.5).

    >>> critical_path(12, [Block(3, 20, 9), Block(7, 5, 9)])      # four tokens, the block of twenty, two behind the sync
    26
    """
    ends: list[int] = []
    waited = 0
    syncs = {block.joined: None for block in blocks if block.joined is not None}
    for number, block in sorted(
        [*((sync, None) for sync in syncs), *((each.end, each) for each in blocks)], key=_number
    ):
        here = number + 1 + waited
        if block is None:
            waited += max(0, max(ends, default=0) - here)
        else:
            free = sorted(ends)[-most] if most is not None and len(ends) >= most else 0
            ends.append(max(here, free) + block.length)
    return max(main + waited, *ends, 0)


def _number(event: tuple[int, Block | None]) -> int:
    return event[0]
