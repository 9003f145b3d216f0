"""Run a graph at toy size, with counters for draws: what a plan does, step by step, without any weights.

The prompt's bytes are folded into the few words of a table, so the text means nothing; steps, acceptance and threads are
those of the graph.
"""

from __future__ import annotations

import codecs
from collections.abc import Iterator, Sequence
from typing import Any

from ...grammar import DiagnosticError
from ...planner.graph import Accept, Advance, Graph, Node, Stop, Tags, Value, Verify, Watch
from ..models import StopStrings, TextNotUnicode
from ..runtime import Clock, Fork, LoopDecoder, Phase, Row, State
from ..runtime.pasta import Joining, Telling, TokenMachine
from .judging import entering
from .language import tag_vocabulary
from .machine import Known, Machine
from .shrink import Toy, shrink
from .tables import TableVocabulary
from .values import Bush, ForkState, Line, Rooted, Woven

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
        self._tags = next(iter(self.graph.all(Tags)), None)
        self._tellings: dict[int, Telling] = {}
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
        self._tellings[row.key] = self._telling()
        if self._tags is not None:
            row.telling = self._tellings[row.key]
        prompt = folded(text, self._words, SIZE.prompt)
        row.prompt_tokens = len(self._words.encode(prompt))
        return (row, self._machine.start((prompt,), first=row.key))

    def _telling(self) -> Telling:
        reader = TokenMachine(tag_vocabulary(self._words))
        return Telling(
            Joining(reader, lambda *, continues: TableText(self._words)), StopStrings(self._strings), reader.words
        )

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
        telling = self._tellings[row.key]
        for (_, thread), tokens in stepped.said:
            telling.hear(thread, tokens)
            accepted = min(kept.get(thread, 0), len(tokens))
            row.say(tokens, telling.shown(), drafted.pop(thread, 0), accepted, thread=thread)
        for woven in _woven(stepped.state):
            self._weave(row, woven)
        # What was scored in a step that decided nothing, as while a pipeline fills, counts too.
        row.say((), "", sum(drafted.values()))
        if all(stepped.done):
            row.say((), _rest(telling, len(row.strands.forks)))
        return (row, stepped.state), (row,) if all(stepped.done) else ()

    def _weave(self, row: Row, woven: Woven) -> None:
        """Tell what became of the threads; the last fork is that of the promise which was heard last."""
        forks = tuple(told(woven))
        if len(forks) > len(row.strands.forks):
            assert self._tags is not None, "where threads fork there are tags"
            row.open_fork(len(forks), waits=forks[-1].phase is Phase.QUEUED, most=self._tags.max_forks)
        row.strands.weave(forks, _main_phase(woven))

    def release(self, row: Row) -> None:
        """Forget how far a row's text is."""
        self._tellings.pop(row.key, None)


def _rest(telling: Telling, forks: int) -> str:
    """What was held back, once all threads have ended."""
    for thread in range(1 + forks):
        telling.stop(thread)
    return telling.shown() + telling.flush()


def told(woven: Woven) -> Iterator[Fork]:
    """How far the forks of a request are, as all engines tell it."""
    for each in woven.forks:
        topic, tens = each.promise.topic, each.promise.tens
        yield Fork(each.end, each.position, each.budget, topic, tens, each.made, _phase(each), each.joined)


def _phase(state: ForkState) -> Phase:
    if state.joined is not None:
        return Phase.JOINED
    if state.ended:
        return Phase.ENDED
    return Phase.QUEUED if state.row is None else Phase.RUNNING


def _main_phase(woven: Woven) -> Phase:
    if woven.over:
        return Phase.ENDED
    return Phase.RUNNING if woven.waiting is None else Phase.WAITING


class TableText:
    """The characters of a table's tokens.

    >>> text = TableText(TableVocabulary((b"a", b"\\xc3", b"\\xa9")))
    >>> text.push((0, 1)), text.push((2, 1)), text.flush()
    ('a', 'é', '\ufffd')
    """

    def __init__(self, words: TableVocabulary) -> None:
        """A text that has not begun."""
        self._words, self._decoder = words, codecs.getincrementaldecoder("utf-8")("replace")

    def push(self, ids: Sequence[int]) -> str:
        """The characters that these tokens complete."""
        return self._decoder.decode(self._words.spell(ids))

    def flush(self) -> str:
        """What is left at the end."""
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
