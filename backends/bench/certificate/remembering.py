"""A network that asks its model once for each text: what it says behind it is a law, and laws can be looked up.

The program that runs on it is the program that decodes, with the tokens of every pass and what each of them sees; only
the arithmetic of a text that was read before is not done again. So a round that is drawn thousands of times costs the
host's time alone.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import takewhile
from typing import Any, TypeAlias

from ....grammar import Tag
from ...runtime import (
    Cache,
    Clock,
    Encoder,
    Network,
    Prompt,
    Reading,
    Row,
    Scores,
    Slots,
    StopText,
    TextStream,
    Wanted,
    Words,
)

Text: TypeAlias = tuple[int, ...]
"""All tokens that the last of them sees, itself included."""
BUDGET = 512 << 20
"""Bytes of scores that one network remembers; the texts that were not asked for longest are forgotten first."""
AT_ONCE = 512
"""Tokens of a long text that one pass reads."""


@dataclass(slots=True, eq=False)
class TokensOnly:
    """A cache without keys and values: what stands in its slots is all that a text is looked up by."""

    row: Row
    slots: Slots


class RememberingNetwork:
    """A network as programs see it."""

    def __init__(self, network: Network, budget: int = BUDGET) -> None:
        """`network` is asked for what is not known yet."""
        self._network = network
        self.scores = RememberedScores(network, budget)
        self.caches: list[TokensOnly] = []
        """Those that are open."""

    @property
    def eos_ids(self) -> tuple[int, ...]:
        """Tokens that end an answer."""
        return self._network.eos_ids

    @property
    def words(self) -> Words:
        """Its vocabulary."""
        return self._network.words

    @property
    def tags(self) -> Mapping[Tag, int]:
        """The words of PASTA-LANG in it."""
        return self._network.tags

    @property
    def looks_are_free(self) -> bool:
        """As it is for the model, so that the program takes the same way."""
        return self._network.looks_are_free

    def open(self, row: Row, slots: int, rows: int) -> TokensOnly:
        """An empty cache."""
        self.scores.slots = max(self.scores.slots, slots)
        self.caches.append(TokensOnly(row, Slots(slots)))
        return self.caches[-1]

    def close(self, cache: Cache) -> None:
        """There is nothing to be used again."""
        self.caches = [each for each in self.caches if each is not cache]

    def move(self, cache: Cache, sources: Sequence[int], first: int) -> None:
        """Slots have moved already, and there is nothing else to move."""

    def read(self, caches: Sequence[Cache], readings: Sequence[Reading], wanted: Wanted, clock: Clock) -> Scores | None:
        """The scores that are wanted, by the texts that the tokens see."""
        from torch.nn.utils.rnn import pad_sequence

        if wanted is Wanted.NONE:
            return None
        first = -1 if wanted is Wanted.LAST else 0
        texts = [[*texts_of(cache.slots, reading)][first:] for cache, reading in zip(caches, readings, strict=True)]
        rows = [self.scores.behind(each, clock) for each in texts]
        return Scores.of_rows(pad_sequence(rows, batch_first=True, padding_side="left"), [*map(len, texts)])

    def encoder(self, template: str, system: str | None) -> Encoder:
        """Encodes prompts in this model's tokens."""
        return self._network.encoder(template, system)

    def text(self, *, continues: bool) -> TextStream:
        """The text of a new row."""
        return _Spelled(lambda: self._network.text(continues=continues))

    def stops(self, strings: Sequence[str]) -> StopText:
        """Stop strings for a new row."""
        return self._network.stops(strings)


class _Spelled:
    """The text of a row, begun anew at every call: what has been said of it is tokens alone, and can be copied."""

    def __init__(self, begin: Callable[[], TextStream]) -> None:
        self._begin = begin
        self._ids: list[int] = []

    def push(self, ids: Sequence[int]) -> str:
        stream = self._so_far()
        self._ids += ids
        return stream.push(ids)

    def flush(self) -> str:
        return self._so_far().flush()

    def _so_far(self) -> TextStream:
        stream = self._begin()
        stream.push(self._ids)
        return stream


def texts_of(slots: Slots, reading: Reading) -> Iterator[Text]:
    """What each token of a reading sees.

    >>> slots = Slots(16)
    >>> _ = slots.append([5, 6])
    >>> [*texts_of(slots, slots.open([7, 1, 2], parents=[0, 0]))]
    [(5, 6, 7), (5, 6, 7, 1), (5, 6, 7, 2)]
    """
    tokens = tuple(map(int, slots.tokens()[: reading.end]))
    below = tokens[: reading.base]
    for place, position in enumerate(reading.positions):
        if reading.sees is None:
            text = tokens[: reading.slots[place] + 1]
        else:
            seen = reading.sees[place]
            text = below + tuple(tokens[reading.base + each] for each in range(seen.bit_length()) if seen >> each & 1)
        assert position == len(text) - 1, "what a token sees is a text, and it stands at the end of it"
        yield text


class RememberedScores:
    """What a model says behind texts, each asked for once as long as there is room to remember it.

    The model has read the text up to where the texts that were asked for first part; what is behind is read as a tree,
    and forgotten.
    """

    def __init__(self, network: Network, budget: int = BUDGET) -> None:
        self._network, self._budget = network, budget
        self._known: OrderedDict[Text, Any] = OrderedDict()
        self._stem: Text = ()
        self._cache: Cache | None = None
        self.slots = 0
        """How many slots the largest cache of the network has."""
        self.passes = 0
        """How often the model was asked."""

    def behind(self, texts: Sequence[Text], clock: Clock | None = None) -> Any:
        """The scores of the token that follows each text, `[n, V]`."""
        import torch

        missing = [text for text in dict.fromkeys(texts) if text not in self._known]
        if missing:
            with torch.inference_mode():
                self._known.update(zip(missing, self._ask(missing, clock or Clock()), strict=True))
        for text in texts:
            self._known.move_to_end(text)
        found = torch.stack([self._known[text] for text in texts])
        while len(self._known) * found[0].nbytes > self._budget:
            self._known.popitem(last=False)
        return found

    def _ask(self, texts: Sequence[Text], clock: Clock) -> list[Any]:
        cache = self._below(texts, clock)
        tree = _Tree()
        nodes = [tree.add(text[len(self._stem) :]) for text in texts]
        cache.slots.open()
        reading = cache.slots.grow(tree.tokens, tree.parents)
        scores = self._network.read((cache,), (reading,), Wanted.ALL, clock)
        assert scores is not None, "scores were wanted"
        cache.slots.commit({})
        self.passes += 1
        # A row by itself does not keep the pass's other rows from being forgotten.
        return [scores.of(0)[node].clone() for node in nodes]

    def _below(self, texts: Sequence[Text], clock: Clock) -> Cache:
        """A cache that has read the beginning of all of these texts."""
        size = len(self._stem)
        if self._cache is None or any(text[:size] != self._stem or len(text) <= size for text in texts):
            if self._cache is not None:
                self._network.close(self._cache)
            self._stem = _shared(texts)[:-1]
            self._cache = self._network.open(Row(Prompt("", "")), self.slots, 1)
            for start in range(0, len(self._stem), AT_ONCE):
                line = self._stem[start : start + AT_ONCE]
                self._network.read((self._cache,), (self._cache.slots.append(line),), Wanted.NONE, clock)
        return self._cache


@dataclass(slots=True)
class _Tree:
    """Paths that share their beginnings, as nodes that each hang below an earlier one, or (None) below no other."""

    tokens: list[int] = field(default_factory=list)
    parents: list[int | None] = field(default_factory=list)
    _nodes: dict[Text, int] = field(default_factory=dict)

    def add(self, path: Text) -> int:
        """The node at the end of a path."""
        for end in range(1, len(path) + 1):
            if path[:end] not in self._nodes:
                self._nodes[path[:end]] = len(self.tokens)
                self.tokens.append(path[end - 1])
                self.parents.append(self._nodes.get(path[: end - 1]))
        return self._nodes[path]


def _shared(texts: Sequence[Text]) -> Text:
    """The beginning that all texts have in common; the first and the last in order differ before any others do.

    >>> _shared([(1, 2, 3), (1, 2), (1, 2, 4)])
    (1, 2)
    """
    pairs = takewhile(lambda pair: pair[0] == pair[1], zip(min(texts), max(texts), strict=False))
    return tuple(token for token, _ in pairs)
