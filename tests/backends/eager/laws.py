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
            [self.law(cache.row, seen) for seen in contexts(cache.slots, reading, wanted)]
            for cache, reading in zip(caches, readings, strict=True)
        ]
        padded = numpy.zeros((len(laws), max(map(len, laws)), self.size))
        for place, each in enumerate(laws):
            padded[place, : len(each)] = each
        with numpy.errstate(divide="ignore"):
            return Scores(numpy.log(padded), tuple(map(len, laws)))


def contexts(slots: Slots, reading: Reading, wanted: Wanted) -> Iterator[tuple[int, ...]]:
    """What the tokens of a reading see, themselves included; of the last alone, if no other is wanted."""
    tokens = [int(each) for each in slots.tokens]
    first = reading.end - 1 if wanted is Wanted.LAST else reading.first
    for slot in range(first, reading.end):
        row = slot - reading.first
        seen = tokens[: slot + 1]
        if reading.sees is not None:
            above = range(reading.base, reading.end)
            shown = (tokens[each] for each in above if reading.sees[row] >> each - reading.base & 1)
            seen = [*tokens[: reading.base], *shown]
        assert len(seen) - 1 == reading.positions[row]
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
