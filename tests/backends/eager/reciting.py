"""Models that recite a text, and err: laws over a real tokenizer's tokens, without weights."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import dataclass
from hashlib import blake2b
from typing import Any

import numpy
from transformers import PreTrainedTokenizerFast

from specplan.backends.eager.run import EmittedProgram
from specplan.backends.models import Detokenizer, TokenizerWords
from specplan.backends.runtime import Cache, LoopDecoder, Network, Path, Row, State
from specplan.planner.graph import Graph

from .laws import LawNetwork, program_of
from .vocabularies import PADDING

Array = Any


@dataclass
class Reciter(LawNetwork):
    """Likes whatever goes on with its text where the last bytes occur in it; now and then it errs, as its name has it."""

    name: str
    tokenizer: PreTrainedTokenizerFast
    script: bytes
    errs: float = 0.2
    ends: float = 0.0
    """How likely its end token is."""

    def __post_init__(self) -> None:
        self.size = len(self.tokenizer) + PADDING
        self.words = TokenizerWords(self.tokenizer, self.size, source=self.name)
        self.eos_ids = (self.tokenizer.eos_token_id,)
        self._home = {each: number for number, each in enumerate(self.words.spelled) if each}
        self._detokenizer = Detokenizer(self.tokenizer)
        self._known: dict[bytes, Array] = {}

    def encoder(self, template: str, system: str | None) -> Reciter:
        return self

    def encode(self, prompt: str) -> tuple[int, ...]:
        found = self.words.encode(prompt.encode())
        assert found, "prompts of tests are spelled by everybody"
        return found

    def text(self, *, continues: bool) -> Any:
        return self._detokenizer.stream(continues=continues)

    def law(self, row: Row, seen: tuple[int, ...]) -> Array:
        """The law behind what was said, which is what follows the prompt."""
        # A drafter of the target's vocabulary reads the target's prompt.
        text = self.words.bytes_of(seen[row.prompt_sizes.get(self.name, row.prompt_tokens) :])
        if text not in self._known:
            self._known[text] = self._law(text)
        return self._known[text]

    def _law(self, text: bytes) -> Array:
        digest = blake2b(text[-9:] + self.name.encode(), digest_size=8).digest()
        drawn = numpy.random.default_rng(int.from_bytes(digest))
        weights = drawn.random(self.size) ** 8 * 0.3 / self.size
        place = self._place(text) + (drawn.random() < self.errs)
        for length, token in self._that_go_on(place):
            weights[token] += length * drawn.random()
        weights[len(self.tokenizer) :] = 0.0
        weights[self.eos_ids[0]] = self.ends
        return weights / weights.sum()

    def _place(self, text: bytes) -> int:
        """Where in the script a text has come to; one that got lost begins anew."""
        for length in (6, 3):
            found = self.script.find(text[-length:]) if len(text) >= length else -1
            if found >= 0:
                return found + length
        return len(text)

    def _that_go_on(self, place: int) -> Iterator[tuple[int, int]]:
        rest = (self.script * 3)[place % len(self.script) :]
        for length in range(1, 24):
            if rest[:length] in self._home:
                yield length, self._home[rest[:length]]


Look = Callable[[Path, Cache], None]
"""Is shown what a drafter owes, and its cache, for each row after each step."""


class Watched:
    """A program that shows after every step what its drafter's cache has come to."""

    def __init__(self, graph: Graph, program: EmittedProgram, look: Look) -> None:
        self.rows, self.clock = program.rows, program.clock
        self.start, self.join, self.release = program.start, program.join, program.release
        self._names = [each.name for each in graph.step.parameters]
        self._program, self._look = program, look

    def step(self, state: State) -> tuple[State, Collection[Row]]:
        state, ended = self._program.step(state)
        values = dict(zip(self._names, state, strict=True))
        for path, cache in zip(values["owed"], values["memory"], strict=True):
            self._look(path, cache)
        return state, ended


def reciting(graph: Graph, networks: Mapping[str, Network], look: Look | None = None) -> LoopDecoder:
    """The emitted program of a graph on these networks."""
    program, _ = program_of(graph, networks)
    return LoopDecoder(program if look is None else Watched(graph, program, look))
