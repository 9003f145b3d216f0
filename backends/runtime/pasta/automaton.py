"""Which tokens may come next in a thread, as tables that an engine looks up, so that nothing malformed is ever said.

What it does not hold back is what only a limit can: a sync with nothing to wait for is allowed (it does not wait), and a
promise, or a block, may be cut off at the end.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from enum import Enum
from typing import TYPE_CHECKING

from ....grammar import Tag
from . import steps
from .steps import Kind, State
from .vocabulary import TagVocabulary

if TYPE_CHECKING:
    import numpy
    from numpy.typing import NDArray


class Strictness(Enum):
    """How much a model is held back."""

    STRICT = "strict"
    """A thread says only what is in the language."""
    FREE = "free"
    """Forks say no tag but their end (PASTA 3.1); all else may come, and is recovered from."""


class Automaton:
    """The automaton of a vocabulary: states and classes of tokens are numbers.

    `classes` `[V]` sorts tokens by what they mean here; `allowed` `[states, classes]` says which may come, and `following`
    `[states, classes]` which state comes then. So the mask of n rows is `allowed[states][:, classes]`, `[n, V]`, and their next
    states are `following[states, classes[tokens]]`: look-ups that an engine can do wherever its arrays are. Where the host
    knows the states, `barred` is cheaper.

    The main thread begins in `MAIN`, a fork, behind its ASYNC, in `FORK`. Behind the end of a thread, and behind a token that
    may not come, is `ANYTHING`: nobody asks there, and all tokens are allowed, so that no law is empty.
    """

    MAIN, FORK, ANYTHING = 0, 1, 2

    def __init__(self, words: TagVocabulary, strictness: Strictness = Strictness.STRICT) -> None:
        """Looks at every token once: a quarter of a million take about a second."""
        import numpy

        self._tags = words.tag_of
        self._barred: dict[int, NDArray[numpy.int64]] = {}
        numbers: dict[Kind, int] = {}
        sorts = [numbers.setdefault(steps.kind_of(token, words), len(numbers)) for token in range(len(words.spelled))]
        kinds = [*numbers]
        rows = _reached(kinds, steps.Strict(kinds) if strictness is Strictness.STRICT else steps.free)
        places = {state: place for place, state in enumerate(rows)}
        self.classes: NDArray[numpy.int64] = numpy.array(sorts)
        self.allowed: NDArray[numpy.bool_] = numpy.array(
            [[state is not None for state in row] for row in rows.values()]
        )
        self.following: NDArray[numpy.int64] = numpy.array(
            [[places[state or steps.ANYTHING] for state in row] for row in rows.values()]
        )

    def next(self, state: int, token: int) -> int:
        """The state behind a token."""
        return int(self.following[state, self.classes[token]])

    def walk(self, state: int, tokens: Iterable[int]) -> int:
        """The state behind tokens."""
        for token in tokens:
            state = self.next(state, token)
        return state

    def barred(self, state: int) -> NDArray[numpy.int64]:
        """The ids that may not come behind a state: outside of promises a handful, so that a law is quickly rid of them."""
        if state not in self._barred:
            self._barred[state] = (~self.allowed[state][self.classes]).nonzero()[0]
        return self._barred[state]

    def behind(self, seen: Sequence[int], *, is_fork: bool) -> int:
        """The state of a thread that sees these tokens, joined blocks and all; ids that are no tokens mean nothing.

        It is where the last tag leads, for the automaton itself saw to those before it.
        """
        start = self.FORK if is_fork else self.MAIN
        for place in range(len(seen) - 1, -1, -1):
            tag = self._tags.get(seen[place])
            if tag is Tag.PROMISE:
                return self.walk(start, (token for token in seen[place:] if 0 <= token < len(self.classes)))
            if tag not in (None, Tag.TOKENS):
                break
        return start


def _reached(kinds: Sequence[Kind], step: Callable[[State, Kind], State | None]) -> dict[State, list[State | None]]:
    """Every state that can be reached, first those with a name, and where each kind of token leads from it."""
    rows: dict[State, list[State | None]] = {}
    waiting = [steps.MAIN, steps.FORK, steps.ANYTHING]
    for state in waiting:
        if state not in rows:
            rows[state] = [step(state, kind) for kind in kinds]
            waiting += [each for each in rows[state] if each is not None]
    return rows
