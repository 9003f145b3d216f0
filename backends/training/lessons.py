"""From annotated examples to rows that one model can be trained on: in its tokens, within its positions."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from enum import Enum
from random import Random
from typing import TypeVar, cast

from ...grammar import DiagnosticError
from ..models import ChatEncoder, LoadedModel, Template, TokenizerWords, tag_ids
from ..runtime.pasta import TagVocabulary, Threads, TokenMachine, threads_of
from .gathering import Example
from .packing import Packed, pack

T = TypeVar("T")


class Unlearnable(Enum):
    """Why an example is no row; the value says it in words."""

    PROMPT = "its prompt cannot be told to the model"
    UNSPELLED = "the vocabulary cannot spell it"
    LONG = "it is longer than a row may be"
    FAR = "its positions go beyond the model's last"


@dataclass(frozen=True)
class School:
    """What rows are made with: a model's words and tags, how it is asked, and how long rows may be."""

    words: TagVocabulary
    spoken: TokenizerWords
    encoder: ChatEncoder
    end: int
    """The token that ends an answer."""
    positions: int
    width: int

    @classmethod
    def of(cls, loaded: LoadedModel, template: str, width: int) -> School:
        """For a model with tags, whose layers all see the whole context."""
        spoken = TokenizerWords(loaded.tokenizer, loaded.vocab_size, source=loaded.source)
        tags = tag_ids(loaded.tokenizer, source=loaded.source)
        return cls(
            words=TagVocabulary(tags, spoken.spelled, frozenset(loaded.eos_ids)),
            spoken=spoken,
            encoder=ChatEncoder(loaded.tokenizer, source=loaded.source, template=cast(Template, template)),
            end=loaded.eos_ids[0],
            positions=loaded.context or width,
            width=width,
        )

    @property
    def machine(self) -> TokenMachine:
        """Reads what threads say."""
        return TokenMachine(self.words)

    def row(self, example: Example) -> Packed | Unlearnable:
        """An example as a row, its end to be learned too, or why there is none."""
        try:
            prompt = self.encoder.encode(example.prompt)
        except DiagnosticError:
            return Unlearnable.PROMPT
        threads = threads_of(example.answer, self.words, self.spoken.encode)
        if threads is None:
            return Unlearnable.UNSPELLED
        packed = pack(prompt, Threads((*threads.main, self.end), threads.blocks), self.machine)
        if len(packed) > self.width:
            return Unlearnable.LONG
        # The interpreter would jump less far where positions end, and the row would be another.
        return Unlearnable.FAR if int(packed.positions.max()) >= self.positions else packed

    def learnable(self, examples: Iterable[Example]) -> tuple[list[Example], Counter[Unlearnable]]:
        """The examples that have a row, in their order, and why others have none."""
        found = [(each, self.row(each)) for each in examples]
        dropped = Counter(row for _, row in found if isinstance(row, Unlearnable))
        return [each for each, row in found if isinstance(row, Packed)], dropped

    def rows(self, examples: Iterable[Example]) -> list[Packed]:
        """The rows of those examples that have one."""
        found = map(self.row, examples)
        return [each for each in found if isinstance(each, Packed)]


def split(things: list[T], share: float, seed: int) -> tuple[list[T], list[T]]:
    """What is learned, and what is held out to measure on: a share of it, at least one thing, drawn by the seed."""
    count = min(max(round(len(things) * share), 1), len(things))
    held = frozenset(Random(f"{seed} held out").sample(range(len(things)), count))
    learned = [each for place, each in enumerate(things) if place not in held]
    return learned, [things[place] for place in sorted(held)]
