"""Run a graph at toy size, with counters for draws: what a plan does, step by step, without any weights.

The prompt's bytes are folded into the few words of a table, so the text means nothing; steps, acceptance and threads are
those of the graph.
"""

from __future__ import annotations

import codecs
from collections.abc import Iterator, Sequence
from typing import Any

from ...grammar import DiagnosticError
from ...planner.graph import Accept, Advance, Graph, Node, Stop, Value, Verify, Watch
from ..models import StopStrings, TextNotUnicode
from ..runtime import Clock, LoopDecoder, Row, State
from ..runtime.pasta import Joining, TokenMachine
from .judging import entering
from .language import tag_vocabulary
from .machine import Known, Machine
from .shrink import Toy, shrink
from .tables import TableVocabulary
from .values import Bush, Line, Rooted, Woven

SIZE = Toy(guesses=4, new_tokens=24, stages=4, rows=1, forks=4, prompt=8, keep=6, temperature=None, patience=8)
"""As large as a table allows while a person watches."""


def decoder(graph: Graph, **options: Any) -> LoopDecoder:
    """A graph at toy size, ready to run; devices, folders and progress are nothing to a table."""
    return LoopDecoder(TableProgram(graph))


class TableProgram:
    """The regions of a shrunk graph on its tables, one row at a time: a state is the row, and the table machine's."""

    rows = 1

    def __init__(self, graph: Graph) -> None:
        """Shrink the graph, and make its tables."""
        self.graph, world = shrink(graph, SIZE)
        self._machine = Machine(self.graph, world)
        self._words = world.vocabularies[self.graph.target.vocab]
        self._strings = tuple(each for node in graph.step.nodes if isinstance(node, Stop) for each in node.strings)
        self._texts: dict[int, RowText] = {}
        self.clock = Clock()

    def join(self, state: State, started: State) -> State:
        """One row at a time is all there is."""
        raise AssertionError("a program of one row is never given a second")

    def start(self, row: Row) -> State:
        """Read a row's prompt. Raises `DiagnosticError` (SP0744) for lone surrogates."""
        try:
            text = row.prompt.text.encode()
        except UnicodeEncodeError as error:
            raise DiagnosticError([TextNotUnicode(None)]) from error
        self._texts[row.key] = RowText(self._words, self._strings)
        prompt = folded(text, self._words, SIZE.prompt)
        row.prompt_tokens = len(self._words.encode(prompt))
        return (row, self._machine.start((prompt,), first=row.key))

    def step(self, state: State) -> tuple[State, tuple[Row, ...]]:
        """Go one step."""
        row, state = state
        known = self._machine.enter(state)
        for node in self.graph.step.nodes:
            with self.clock.node(f"{node.keyword} {getattr(node, 'by', '')}".strip()):
                known = self._machine.run(node, known)
        stepped = self._machine.leave(state, known)
        drafted, kept = _drafts(self.graph.step.nodes, known)
        if _rested(self.graph.step.nodes, known):
            row.rest()
        texts = self._texts[row.key]
        for (_, thread), tokens in stepped.said:
            accepted = min(kept.get(thread, 0), len(tokens))
            row.say(tokens, texts.push(thread, tokens), drafted.pop(thread, 0), accepted)
        texts.open(sum(len(woven.forks) for woven in _woven(stepped.state)))
        # What was scored in a step that decided nothing, as while a pipeline fills, counts too.
        row.say((), "", sum(drafted.values()))
        if all(stepped.done):
            row.say((), texts.flush())
        return (row, stepped.state), (row,) if all(stepped.done) else ()

    def release(self, row: Row) -> None:
        """Forget how far a row's text is."""
        self._texts.pop(row.key, None)


class RowText:
    """The text of one row in reading order, each fork's behind its promise: whole characters, up to a stop string.

    >>> words = TableVocabulary((b"a", b"\\xc3", b"\\xa9", b"!"))
    >>> text = RowText(words, ["é!"])
    >>> [text.push(0, (0, 1)), text.push(0, (2,)), text.push(0, (0, 1)), text.flush()]
    ['a', '', 'éa', '\ufffd']
    """

    def __init__(self, words: TableVocabulary, stops: Sequence[str]) -> None:
        self._joining = Joining(TokenMachine(tag_vocabulary(words)), lambda *, continues: _TableText(words))
        self._stops = StopStrings(stops)
        self._threads = 1

    def push(self, thread: int, tokens: Sequence[int]) -> str:
        """What may be shown now that a thread has said this."""
        self._joining.say(thread, tokens)
        return self._stops.push(self._joining.shown())

    def open(self, forks: int) -> None:
        """So many forks have been opened by now; the last of them by the promise that was heard last."""
        while self._threads <= forks:
            self._joining.open(self._threads)
            self._threads += 1

    def flush(self) -> str:
        """What was held back, once all threads have ended."""
        for thread in range(self._threads):
            self._joining.stop(thread)
        return self._stops.push(self._joining.shown()) + self._stops.flush()


class _TableText:
    """The characters of a table's tokens."""

    def __init__(self, words: TableVocabulary) -> None:
        self._words, self._decoder = words, codecs.getincrementaldecoder("utf-8")("replace")

    def push(self, ids: Sequence[int]) -> str:
        return self._decoder.decode(self._words.spell(ids))

    def flush(self) -> str:
        return self._decoder.decode(b"", final=True)


def _woven(state: State) -> Iterator[Woven]:
    """The threads in a state of one row, if it has any."""
    return (each for held in state if isinstance(held, tuple) for each in held if isinstance(each, Woven))


def _drafts(nodes: tuple[Node, ...], known: Known) -> tuple[dict[int, int], dict[int, int]]:
    """By thread: how many guesses the target was given to score, and how many of them were accepted.

    A pipeline scores a tree layer by layer: its guesses count when their layer enters the first stage.
    """
    drafted: dict[int, int] = {}
    kept: dict[int, int] = {}
    for node in nodes:
        match node:
            case Verify():
                drafted |= {tree.root.thread: len(tree.bush.nodes) for tree in _rows(known, node.tree)}
            case Advance():
                ((rooted,), (pool,)) = known[node.tree.name], known[node.cache.name].pools
                layer = () if rooted is None or pool is None else entering(rooted, pool)
                drafted[0] = sum(name != () for name in layer)
            case Accept():
                trees = {tree.root.thread: tree.bush for tree in _rows(known, node.tree)}
                paths: tuple[Line | None, ...] = known[node.results[0].name]
                kept |= {path.thread: _guessed(path, trees[path.thread]) for path in paths if path is not None}
            case _:
                continue
    return drafted, kept


def _rested(nodes: tuple[Node, ...], known: Known) -> bool:
    """Did all threads that said something do so without guesses, under a guard?"""
    watches = [node for node in nodes if isinstance(node, Watch)]
    resting = [
        trust.resting > 0
        for node in watches
        for trust, path in zip(known[node.trust.name], known[node.path.name], strict=True)
        if path is not None
    ]
    return bool(resting) and all(resting)


def _rows(known: Known, tree: Value) -> list[Rooted]:
    return [rooted for rooted in known[tree.name] if rooted is not None]


def _guessed(path: Line, bush: Bush) -> int:
    """How many of a path's first tokens are nodes: in a pipeline, where a step decides one token, that one may be."""
    return sum(path.tokens[:count] in bush.nodes for count in range(1, 1 + len(path.tokens)))


def folded(text: bytes, words: TableVocabulary, most: int) -> bytes:
    """As many of a text's last bytes as a toy's prompt may have, each as one of the words of a single byte.

    >>> folded(b"Hello", TableVocabulary((b"a", b"b", None)), most=3)
    b'aab'
    """
    letters = [word for word in words.tokens if word is not None and len(word) == 1]
    return b"".join(letters[byte % len(letters)] for byte in text[-most:]) or letters[0]
