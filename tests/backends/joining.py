"""The answer of threads that are all there: what they would have made of it, one after the other."""

from __future__ import annotations

from collections.abc import Sequence

from specplan.backends.runtime.pasta import Joining, Promised, TextOf, TokenMachine

Blocks = Sequence[Sequence[int] | None]
"""What forks said, one for each promise in order; None, or nothing at all, for those that opened none."""


def join_threads(machine: TokenMachine, text: TextOf, main: Sequence[int], blocks: Blocks) -> Joining:
    joining = Joining(machine, text)
    rest = iter(enumerate(blocks, start=1))
    for token in main:
        for meaning in joining.say(0, (token,)):
            if isinstance(meaning, Promised):
                thread, block = next(rest, (0, None))
                if block is not None:
                    joining.open(thread)
                    joining.say(thread, block)
                    joining.stop(thread)
    joining.stop(0)
    return joining
