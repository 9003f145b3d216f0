"""An annotated answer behind its prompt as one row to train on: what each token sees, where it stands, what it predicts.

The rules are those by which threads are decoded ("Learning to Keep a Promise", arXiv 2502.11517, sections 3 and 4), so that
one pass over the row gives every token the logits that it had, or would have had, when its thread said it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, TypeAlias

from ...grammar import TEN, Tag
from ..runtime.pasta import FORK, MAIN, Meaning, Place, Promised, Synced, Threads, TokenMachine

if TYPE_CHECKING:
    import numpy
    from numpy.typing import NDArray

IGNORED = -100
"""The label of a token that predicts nothing, as `torch.nn.functional.cross_entropy` has it."""
_NEVER = (1 << 63) - 1

Numbers: TypeAlias = "NDArray[numpy.int64]"


@dataclass(frozen=True, eq=False)
class Packed:
    """A prompt and its answer as one row of n tokens, each block right behind its promise; all arrays are `[n]`.

    The tokens that end a thread (ENDASYNC, an end of text) are labels alone: no pass reads them.
    """

    ids: Numbers
    positions: Numbers
    labels: Numbers
    """What each token itself predicts (not shifted), or `IGNORED`; the prompt's last token predicts the answer's first."""
    threads: Numbers
    """0 for the prompt and the main thread, k for the fork of the k-th promise that has a block."""
    joined: Numbers
    """The place in the row from which on all threads see the token: 0 in the main thread, in a block that of its sync."""

    def __len__(self) -> int:
        return len(self.ids)

    @property
    def predicted(self) -> int:
        """How many tokens the row predicts."""
        return int((self.labels != IGNORED).sum())

    @property
    def sees(self) -> NDArray[numpy.bool_]:
        """Which tokens each token sees, `[n, n]`, itself included."""
        import numpy

        # A block stands where its thread was opened, so whatever was said before stands before it, and nothing else does.
        places = numpy.arange(len(self))
        sees: NDArray[numpy.bool_] = (self.threads[:, None] == self.threads) | (self.joined <= places[:, None])
        return sees & (places <= places[:, None])


def pack(prompt: Sequence[int], threads: Threads, machine: TokenMachine) -> Packed:
    """The row of what threads said behind a prompt of at least one token.

    `threads.main` may end with an end token, which is then learned; what a thread says behind its end is left out. A block
    without an ENDASYNC was cut off at a limit, and its last token predicts nothing. Promises without a block jump ahead, too.
    """
    assert prompt, "the first token of an answer is predicted by one before it"
    rows = _Rows()
    for position, token in enumerate(prompt):
        rows.put(token, position)
    main = _Line(rows, machine, MAIN, 0, len(prompt), len(prompt) - 1)
    blocks = iter(threads.blocks)
    waiting: list[range] = []
    for token in threads.main:
        for meaning in main.say(token):
            if isinstance(meaning, Synced):
                rows.join(waiting, main.last)
                waiting = []
            elif isinstance(meaning, Promised):
                block = next(blocks, None)
                if block is not None:
                    waiting.append(_put_block(block, main))
                main.position += TEN * meaning.tens
    return rows.packed()


def _put_block(block: Sequence[int], main: _Line) -> range:
    """Put a fork's forced ASYNC and what it says right behind its promise: where they stand."""
    rows, machine = main.rows, main.machine
    main.forks += 1
    first = rows.put(machine.words.tags[Tag.ASYNC], main.position, main.forks)
    fork = _Line(rows, machine, FORK, main.forks, main.position + 1, first)
    for token in block:
        fork.say(token)
    return range(first, fork.last + 1)


@dataclass(slots=True)
class _Line:
    """A thread while its tokens are put."""

    rows: _Rows
    machine: TokenMachine
    place: Place
    thread: int
    position: int
    """Where its next token stands."""
    last: int
    """Where in the row the token is that predicts its next one."""
    forks: int = 0

    def say(self, token: int) -> list[Meaning]:
        """The thread's next token, unless it has ended; what it means."""
        if self.place.is_over:
            return []
        self.rows.labels[self.last] = token
        self.place, said = self.machine.read(self.place, (token,))
        if not self.place.is_over:
            self.last = self.rows.put(token, self.position, self.thread)
            self.position += 1
        return said


@dataclass(slots=True)
class _Rows:
    ids: list[int] = field(default_factory=list)
    positions: list[int] = field(default_factory=list)
    labels: list[int] = field(default_factory=list)
    threads: list[int] = field(default_factory=list)
    joined: list[int] = field(default_factory=list)

    def put(self, token: int, position: int, thread: int = 0) -> int:
        """One more token, and its place."""
        self.ids.append(token)
        self.positions.append(position)
        self.labels.append(IGNORED)
        self.threads.append(thread)
        self.joined.append(_NEVER if thread else 0)
        return len(self.ids) - 1

    def join(self, blocks: Sequence[range], sync: int) -> None:
        """From a sync on these blocks are seen by all."""
        for block in blocks:
            self.joined[block.start : block.stop] = [sync] * len(block)

    def packed(self) -> Packed:
        import numpy

        columns = (self.ids, self.positions, self.labels, self.threads, self.joined)
        return Packed(*(numpy.array(column, dtype=numpy.int64) for column in columns))
