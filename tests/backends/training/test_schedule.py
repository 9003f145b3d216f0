"""Steps are counted as the interpreter takes them."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from specplan.backends.runtime.pasta import Threads
from specplan.grammar import Tag

from .schedule import Schedule, replay
from .scripts import END, LETTERS, MACHINE, TAGS, Interpreter, Script, scripts

PROMISE, TOKENS, CLOSE, ASYNC, ENDASYNC, SYNC = (TAGS[tag] for tag in Tag)
A = LETTERS[0]
VOW = (PROMISE, A, TOKENS, 8, CLOSE)


def block(tokens: int) -> tuple[int, ...]:
    return (*[A] * (tokens - 1), ENDASYNC)


@pytest.mark.parametrize(
    ("main", "blocks", "max_forks", "expected"),
    [
        ((A, A, A, END), (), None, Schedule(4, 3, 0)),
        # The END is said in step 5, the block in steps 6 to 15; the main thread ends in step 7.
        ((*VOW, A, END), (block(10),), None, Schedule(15, 10, 9)),
        # Said in step 6, the sync waits until 15, and the end of text comes in 17.
        ((*VOW, SYNC, A, END), (block(10),), None, Schedule(17, 10, 9)),
        # The second block ends at 10 + 3, before the first.
        ((*VOW, *VOW, SYNC, A, END), (block(10), block(3)), None, Schedule(17, 12, 11)),
        # One at a time: the second begins when the first has ended, at 15, and takes 3.
        ((*VOW, *VOW, SYNC, A, END), (block(10), block(3)), 1, Schedule(20, 12, 11)),
        # Of two at a time, the third takes the place of the second: 15 is its own END, and 13 is earlier.
        ((*VOW, *VOW, *VOW, END), (block(30), block(3), block(4)), 2, Schedule(35, 34, 34)),
        # A forced end takes a step.
        (VOW, ((A, A),), None, Schedule(8, 2, 2)),
        ((), (), None, Schedule(0, 0, 0)),
    ],
)
def test_by_hand(
    main: tuple[int, ...], blocks: tuple[tuple[int, ...], ...], max_forks: int | None, expected: Schedule
) -> None:
    assert replay(Threads(main, blocks), MACHINE, max_forks) == expected


def test_ratios() -> None:
    schedule = Schedule(steps=20, text_tokens=30, fork_tokens=12)
    assert (schedule.parallelism, schedule.forked, schedule.speedup(50)) == (1.5, 0.4, 2.5)
    assert Schedule(0, 0, 0).speedup(0) == 1.0


@settings(max_examples=300, deadline=None)
@given(scripts, st.none() | st.integers(1, 3))
def test_as_the_interpreter(script: Script, max_forks: int | None) -> None:
    steps = Interpreter(script, 1000 if max_forks is None else max_forks).run()
    # A main thread that a limit cuts off has its last token read in these steps, but nothing is said then.
    speaking = [any(fed.says is not None or fed.slot[0] for fed in step) for step in steps]
    said = 1 + max((place for place, is_saying in enumerate(speaking) if is_saying), default=-1)
    found = replay(script.threads, MACHINE, max_forks)
    assert found.steps == said
    assert found.fork_tokens == sum(len(vow.block or ()) for vow in script.vows)
