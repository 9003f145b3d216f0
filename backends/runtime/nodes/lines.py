"""Draft in a line: one token after the other, in one pass for all rows."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from ...decoding import Array
from ..network import Caches, Wanted
from ..values import Guess, Guesses, Path, Paths
from .speaking import Speaker


@dataclass(slots=True)
class _Line:
    """One row's guesses while they are made."""

    root: Path
    cache: Any
    tokens: list[int] = field(default_factory=list)
    laws: list[Array] = field(default_factory=list)

    def guess(self) -> Guess:
        return Guess(self.root.row, tuple(self.tokens), self.laws or None)


def draft_lines(
    speaker: Speaker, roots: Paths, caches: Caches, scores: Array, tokens: int, floor: float | None
) -> Guesses:
    """At most `tokens` guesses behind each root, whose scores `[rows, V]` are known; rows may end early.

    A guess is not made where the likeliest token is less likely than `floor`; an end token is the last one.
    """
    lines = [_Line(root, cache) for root, cache in zip(roots, caches, strict=True)]
    speaking = lines
    for ahead in range(tokens):
        speaking, scores = _confident(speaker, speaking, scores, floor)
        if not speaking:
            break
        _speak(speaker, speaking, scores, ahead)
        if ahead + 1 == tokens:
            break
        speaking = [line for line in speaking if not speaker.ends(line.tokens[-1])]
        scores = _read_last(speaker, speaking)
    return tuple(line.guess() for line in lines)


def _confident(
    speaker: Speaker, speaking: list[_Line], scores: Array, floor: float | None
) -> tuple[list[_Line], Array]:
    if floor is None or not speaking:
        return speaking, scores
    sure = [place for place, answer in enumerate(speaker.confident(scores, floor)) if answer]
    if len(sure) == len(speaking):
        return speaking, scores
    return [speaking[place] for place in sure], scores[sure]


def _speak(speaker: Speaker, speaking: list[_Line], scores: Array, ahead: int) -> None:
    keys = [speaker.key(line.root, ahead) for line in speaking] if speaker.draws else []
    tokens, laws = speaker.tokens(scores, keys)
    for place, line in enumerate(speaking):
        line.tokens.append(tokens[place])
        if laws is not None:
            line.laws.append(laws[place])


def _read_last(speaker: Speaker, speaking: list[_Line]) -> Array:
    """The scores behind each line's last guess, `[rows, V]`."""
    if not speaking:
        return None
    caches = tuple(line.cache for line in speaking)
    scores = speaker.machine.read(
        speaker.by, caches, lambda cache, place: cache.slots.append(speaking[place].tokens[-1:]), Wanted.LAST
    )
    assert scores is not None, "scores were wanted"
    return scores.last
