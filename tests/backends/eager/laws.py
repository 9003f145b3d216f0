"""Networks without weights for the emitted program: a law for every text that a row sees."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy

from specplan.backends.eager import emit
from specplan.backends.eager.run import EmittedProgram, load_program, rows_of
from specplan.backends.models import StopStrings
from specplan.backends.reference import TableModel, TableVocabulary, World
from specplan.backends.reference.caches import GAP
from specplan.backends.runtime import Clock, LoopDecoder, Network, Reading, Row, Scores, Slots, Wanted
from specplan.backends.runtime.nodes import Machine
from specplan.planner.graph import Graph, Model


@dataclass
class TokenCache:
    """A cache that holds nothing but its bookkeeping: a law looks at tokens."""

    row: Row
    slots: Slots


class LawNetwork:
    """A network whose scores are the logarithms of a law behind what each token sees."""

    looks_are_free = True
    size: int

    def law(self, row: Row, seen: tuple[int, ...]) -> Sequence[float]:
        """The law `[size]` behind these tokens."""
        raise NotImplementedError

    def open(self, row: Row, slots: int, rows: int) -> TokenCache:
        return TokenCache(row, Slots(slots))

    def close(self, cache: Any) -> None:
        pass

    def move(self, cache: Any, sources: Sequence[int], first: int) -> None:
        """The slots have moved their tokens already."""

    def stops(self, strings: Sequence[str]) -> StopStrings:
        return StopStrings(strings)

    def read(self, caches: Sequence[Any], readings: Sequence[Reading], wanted: Wanted, clock: Clock) -> Scores | None:
        if wanted is Wanted.NONE:
            return None
        laws = [
            [self.law(cache.row, seen) for seen in contexts(cache, reading, wanted)]
            for cache, reading in zip(caches, readings, strict=True)
        ]
        padded = numpy.zeros((len(laws), max(map(len, laws)), self.size))
        for place, each in enumerate(laws):
            padded[place, padded.shape[1] - len(each) :] = each
        with numpy.errstate(divide="ignore"):
            return Scores.of_rows(numpy.log(padded), [*map(len, laws)])


def contexts(cache: TokenCache, reading: Reading, wanted: Wanted) -> Iterator[tuple[int, ...]]:
    """What the tokens of a reading see, themselves included; of the last of each line alone, if no other is wanted.

    In reading order, each block behind its promise, gaps between positions marked.
    """
    slots, forks = cache.slots, cache.row.strands.forks
    thread_of = {slot: thread for thread in range(1, len(forks) + 1) for slot in slots._all(thread)}
    position_of = [*range(reading.base), *reading.above]

    def place(slot: int) -> tuple[int, int, int]:
        thread, position = thread_of.get(slot, 0), position_of[slot]
        return (forks[thread - 1].position, thread, position) if thread else (position, 0, 0)

    for row, slot in [*enumerate(reading.slots)][-reading.lines if wanted is Wanted.LAST else 0 :]:
        sees = (1 << slot + 1 - reading.base) - 1 if reading.sees is None else reading.sees[row]
        above = [each for each in range(reading.base, reading.end) if sees >> each - reading.base & 1]
        seen: list[int] = []
        expected = 0
        shown = [*range(reading.base), *above]
        for each in sorted(shown, key=place) if forks else shown:
            seen += [] if position_of[each] == expected else [GAP - (position_of[each] - expected)]
            seen.append(int(slots._tokens[each]))
            expected = position_of[each] + 1
        assert expected == reading.positions[row] + 1
        yield tuple(seen)


@dataclass(frozen=True)
class TableWords:
    """A table's vocabulary as the runtime sees one."""

    table: TableVocabulary

    @property
    def spelled(self) -> Sequence[bytes | None]:
        return self.table.tokens

    def bytes_of(self, ids: Sequence[int]) -> bytes:
        return self.table.spell([int(each) for each in ids])

    def encode(self, text: bytes) -> tuple[int, ...] | None:
        ids = self.table.encode(text)
        return ids if self.table.spell(ids) == text else None

    def encode_each(self, texts: Sequence[bytes]) -> list[tuple[int, ...] | None]:
        return [self.encode(text) for text in texts]


class TableNetwork(LawNetwork):
    """A table as a network."""

    def __init__(self, table: TableModel, words: TableVocabulary) -> None:
        self._table, self._words, self.size = table, words, table.size
        self.words = TableWords(words)
        self.eos_ids = () if words.end is None else (words.end,)
        self.tags = words.tags

    def law(self, row: Row, seen: tuple[int, ...]) -> Sequence[float]:
        return self._table.law(seen)

    def encoder(self, template: str, system: str | None) -> TableNetwork:
        return self

    def encode(self, prompt: str) -> list[int]:
        return [*self._words.encode(prompt.encode())]

    def text(self, *, continues: bool) -> TableNetwork:
        return self

    def push(self, ids: Sequence[int]) -> str:
        return self._words.spell(ids).decode(errors="replace")

    def flush(self) -> str:
        return ""


def program_of(graph: Graph, networks: Mapping[str, Network]) -> tuple[EmittedProgram, Machine]:
    """What a graph emits, on networks by the names of its models."""
    code = load_program(emit(graph)["decode.py"], "<toy>")
    declared = [each for each in vars(code).values() if isinstance(each, Model)]
    machine = Machine(networks, graph.target.name, {model.vocab: model.name for model in declared})
    return EmittedProgram(code, machine, rows_of(graph)), machine


def decoder_of(graph: Graph, world: World) -> tuple[LoopDecoder, Machine]:
    """The emitted program on tables."""
    networks = {
        model.name: TableNetwork(world.models[model.name], world.vocabularies[model.vocab])
        for model in graph.all(Model)
    }
    program, machine = program_of(graph, networks)
    return LoopDecoder(program), machine
