"""Models that are tables: for every context the law of the next token, over vocabularies of a few tokens.

A table stands in for a model's weights and for nothing else, so whatever a graph does with models can be followed to the
last outcome. A context is the tokens that a row sees, in the order in which a person would read them, and may hold what is
no token of a vocabulary: masks, prompt tokens, and gaps between positions.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from hashlib import blake2b
from typing import TypeAlias

from ...grammar import Tag

Context: TypeAlias = tuple[int, ...]
Law: TypeAlias = tuple[float, ...]

MOST_TOKENS = 9
"""A table's vocabulary is this small, so that every outcome can be visited: a letter, a digit, an end and PASTA's six tags."""


@dataclass(frozen=True, eq=False)
class TableVocabulary:
    """A few tokens and the bytes that they stand for, None for special ones; without PROMISE, END is a whole promise.

    >>> words = TableVocabulary((b"a", b"b", b"ab", None), end=3)
    >>> words.encode(b"abba"), words.spell((2, 1, 3))
    ((2, 1, 0), b'abb')
    """

    tokens: tuple[bytes | None, ...]
    end: int | None = None
    tags: Mapping[Tag, int] = field(default_factory=dict)
    whole: int = 1
    """How many tens of tokens a whole promise promises."""

    def __post_init__(self) -> None:
        """Refuse what could not be enumerated."""
        assert len(self.tokens) <= MOST_TOKENS, f"a table has at most {MOST_TOKENS} tokens, not {len(self.tokens)}"

    @property
    def spelled(self) -> Sequence[bytes | None]:
        """What each token stands for."""
        return self.tokens

    @property
    def size(self) -> int:
        """How many tokens there are; masks and prompt tokens lie outside."""
        return len(self.tokens)

    def bytes_of(self, token: int) -> bytes:
        """What a token stands for; nothing, if it is special."""
        return self.tokens[token] or b""

    def spell(self, tokens: Sequence[int]) -> bytes:
        """What tokens stand for, one after the other."""
        return b"".join(map(self.bytes_of, tokens))

    def encode(self, text: bytes) -> tuple[int, ...]:
        """The longest token that fits, again and again; a byte that no token begins with is left out."""
        found: list[int] = []
        at = 0
        while at < len(text):
            fitting = [
                (len(each), -number) for number, each in enumerate(self.tokens) if each and text[at:].startswith(each)
            ]
            length, number = max(fitting, default=(1, 1))
            if number <= 0:
                found.append(-number)
            at += length
        return tuple(found)

    def is_tag(self, token: int, tag: Tag) -> bool:
        """Is the token that tag?"""
        return self.tags.get(tag) == token


class TableModel:
    """A law for every context, worked out when it is first asked for and then remembered.

    With `order` only the last so many entries of a context count, so that different texts lead to equal laws.
    """

    def __init__(self, size: int, rule: Callable[[Context], Sequence[float]], order: int | None = None) -> None:
        self.size = size
        self.order = order
        self._rule = rule
        self._known: dict[Context, Law] = {}

    def law(self, context: Context) -> Law:
        """The probability of each token after `context`."""
        seen = context if self.order is None else context[max(0, len(context) - self.order) :]
        if seen not in self._known:
            weights = [float(weight) for weight in self._rule(seen)]
            assert len(weights) == self.size and min(weights) >= 0, "a law has a weight, not negative, for every token"
            total = sum(weights)
            self._known[seen] = tuple(weight / total for weight in weights)
        return self._known[seen]


def random_table(
    seed: str, size: int, *, order: int | None = None, support: int | None = None, sharp: int = 1
) -> TableModel:
    """A table whose weights are whole numbers that follow from the seed and the context.

    `support` tokens of each law are possible at most; `sharp` is a power that the weights are raised to.
    """

    def rule(context: Context) -> list[int]:
        digest = blake2b(repr((seed, context)).encode(), digest_size=2 * size).digest()
        weights = [(1 + digest[i] % 16) ** sharp for i in range(size)]
        kept = sorted(range(size), key=lambda token: digest[size + token])[:support]
        return [weight if token in kept else 0 for token, weight in enumerate(weights)]

    return TableModel(size, rule, order)


def blended(first: TableModel, second: TableModel, share: float) -> TableModel:
    """A table between two others: a drafter that is right more often than chance."""
    return TableModel(
        first.size,
        lambda seen: [
            (1 - share) * mine + share * theirs for mine, theirs in zip(first.law(seen), second.law(seen), strict=True)
        ],
    )


@dataclass(frozen=True)
class World:
    """What the names of a graph's declarations stand for: a table per model, a vocabulary per vocab."""

    models: Mapping[str, TableModel]
    vocabularies: Mapping[str, TableVocabulary]
