"""Nodes between two vocabularies: translate and respell."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any, overload

from ....planner.graph import Model, Sampling, Table
from ...decoding import Array, fetch, pushforward
from ..bridge import Bridge
from ..network import Cache, Caches
from ..spelling import begun_character, spelled_behind, synchronised, whole_characters
from ..translation import Translation
from ..values import Guess, Guesses, Path, Paths, Trust, of_rows
from ..words import Words
from .drafting import draft
from .machine import Machine, node


@node
def translate(machine: Machine, guesses: Guesses, *, by: Table) -> Guesses:
    """Rename guesses through a table; their laws go along (those of tokens with one image are added)."""
    return _renamed(machine, guesses, machine.bridge(by))


@node
def spell(
    machine: Machine,
    source: Paths,
    caches: Caches,
    trust: Trust = None,
    *,
    by: Model,
    through: Table,
    sampling: Sampling,
    ordinal: int = 0,
    capacity: int | None = None,
) -> tuple[Guesses, Caches]:
    """Draw one token, and propose the target's token that its text begins with, under the law of all such draws.

    Heterogeneous vocabularies section 3.4, the paper's one-token form, with a look-ahead of one token.
    """
    guesses, caches = draft(
        machine,
        source,
        caches,
        trust,
        by=by,
        tokens=1,
        within=through,
        sampling=sampling,
        ordinal=ordinal,
        capacity=capacity,
    )
    return _renamed(machine, guesses, machine.bridge(through)), caches


def _renamed(machine: Machine, guesses: Guesses, bridge: Bridge) -> Guesses:
    fetch([], [token for guess in guesses for token in guess.tokens])
    with machine.clock.translating():
        renamed = tuple(_translated(guess, bridge) for guess in guesses)
    for guess in renamed:
        guess.row.translated(Translation(candidates=len(guess.known)))
    return renamed


def _translated(guess: Guess, bridge: Bridge) -> Guess:
    images = tuple(None if token is None else bridge.images[int(token)] for token in guess.tokens)
    laws = None if guess.laws is None else [_image_law(law, bridge) for law in guess.laws]
    if guess.parents is not None:
        assert None not in images, "a bush has tokens with images alone"
    if None in images and laws is None:
        # Certain, and nothing in these words: nothing is proposed, and nothing behind it.
        images = images[: images.index(None)]
    return replace(guess, tokens=images, laws=laws)


def _image_law(law: Array, bridge: Bridge) -> Array:
    return pushforward(law, bridge.map(law))


@overload
def respell(machine: Machine, words: Guesses, caches: Caches, /, *, of: str, by: Model, keep: int) -> Guesses: ...
@overload
def respell(machine: Machine, words: Paths, caches: Caches, /, *, of: str, by: Model) -> Paths: ...
@node
def respell(machine: Machine, words: Any, caches: Caches, *, of: str, by: Model, keep: int | None = None) -> Any:
    """The same bytes in the tokens of the model `by`, whose caches these are; `of` is the vocabulary that they are in.

    Guesses: at most `keep` tokens behind the text; branches that come to start alike share nodes, and laws are lost.
    Paths: what the caches do not hold yet of all that was said, from the last word on, spelled anew.
    """
    theirs, mine = machine.words_of(of), machine.network(by).words
    if keep is None:
        own = zip(words, of_rows(caches, words), strict=True)
        with machine.clock.translating():
            return tuple(_spelled_anew(path, cache, machine, by, theirs) for path, cache in own)
    fetch([], [token for guess in words for token in guess.tokens])
    with machine.clock.translating():
        return tuple(_respelled(guess, theirs, mine, keep) for guess in words)


def _respelled(guess: Guess, theirs: Words, mine: Words, keep: int) -> Guess:
    row = guess.row
    before = row.text_ids(0, len(row.prompt_ids) + len(row.said))
    # The drafter waits where a character has only begun, and guesses that one anew.
    begun = begun_character(mine.bytes_of(row.said))
    tokens: list[int] = []
    parents: list[int] = []
    nodes: dict[tuple[int, ...], int] = {(): 0}
    canonical, new_bytes = True, 0
    for branch in _branches(guess):
        text = whole_characters(theirs.bytes_of(branch))
        goes_on = text.removeprefix(begun) if text.startswith(begun) else b""
        ids, is_canonical = spelled_behind(mine, before, goes_on)
        canonical &= is_canonical
        new_bytes += len(goes_on)
        for end in range(1, len(ids) + 1):
            if ids[:end] not in nodes and len(tokens) < keep:
                nodes[ids[:end]] = len(tokens) + 1
                tokens.append(ids[end - 1])
                parents.append(nodes[ids[: end - 1]])
            elif ids[:end] not in nodes:
                break
    if new_bytes:
        row.translated(Translation(len(tokens), 1, int(canonical), new_bytes))
    return Guess(guess.thread, tuple(tokens), parents=None if guess.parents is None else tuple(parents))


def _branches(guess: Guess) -> list[list[int]]:
    """The tokens from the root to each leaf, in order."""
    tokens = [int(token) for token in guess.tokens if token is not None]
    if guess.parents is None:
        return [tokens]
    leaves = [node for node in range(1, len(tokens) + 1) if node not in guess.parents]
    branches = []
    for leaf in leaves:
        branch: list[int] = []
        while leaf:
            branch.insert(0, tokens[leaf - 1])
            leaf = guess.parents[leaf - 1]
        branches.append(branch)
    return branches


def _spelled_anew(path: Path, cache: Cache, machine: Machine, by: Model, theirs: Words) -> Path:
    row, prompt = path.row, path.row.prompt_sizes[by.name]
    said = [*row.said, *path.tokens]
    known = cache.slots.tokens()[prompt:]
    text = machine.readable(by).of(theirs.bytes_of(said))
    words = machine.network(by).words
    kept, tokens = synchronised(words, known, text)
    row.translated(Translation(encoded_bytes=len(words.bytes_of(tokens))))
    return Path(path.thread, tokens, prompt + kept, draws_at=prompt + len(said))


def kept_rows(machine: Machine, cache: Cache, path: Path, by: Model, theirs: Words) -> tuple[int, ...]:
    """The longest branch that awaits a verdict whose bytes the text has, up to the path's last token.

    `by` is the cache's model; the path is in the words `theirs`. A root that was read along stays: it is text.
    """
    mine = machine.network(by).words
    row, prompt = path.row, path.row.prompt_sizes[by.name]
    tokens, parents = cache.slots.pending()
    base = cache.slots.used - len(tokens)
    text = machine.readable(by).of(theirs.bytes_of([*row.said, *path.tokens[:-1]]))
    left = text[len(mine.bytes_of(cache.slots.tokens()[prompt:base])) :]
    branches: list[_Branch | None] = []
    for place, (token, parent) in enumerate(zip(tokens, parents, strict=True)):
        above = _Branch() if parent is None else branches[parent]
        branches.append(None if above is None else above.longer(place, token, base < prompt - place, left, mine))
    return max((each.rows for each in branches if each is not None), key=len, default=())


@dataclass(frozen=True, slots=True)
class _Branch:
    """Rows that spell the beginning of a text."""

    rows: tuple[int, ...] = ()
    spelled: bytes = b""

    def longer(self, place: int, token: int, is_prompt: bool, text: bytes, words: Words) -> _Branch | None:
        """The branch with one more row, if it still spells the text; what the prompt ends with is not part of it."""
        if is_prompt:
            return _Branch((*self.rows, place))
        own = words.spelled[int(token)]
        spelled = self.spelled + (own or b"")
        return _Branch((*self.rows, place), spelled) if own and text.startswith(spelled) else None
