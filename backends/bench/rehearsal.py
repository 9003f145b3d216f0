"""Rounds between two vocabularies, rehearsed on a text without models: what right guesses come to be, and what that takes."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from itertools import takewhile
from statistics import fmean, median
from time import perf_counter
from typing import TypeVar

from ...planner.cards import Rehearsal
from ..runtime import Words, spelled_behind, synchronised, whole_characters
from .setting import processor

GUESSES = 5
"""Tokens that the drafter guesses in a round."""
T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class _Round:
    candidates: int
    own: int
    canonical: bool
    encoded_bytes: int
    guess_us: float
    text_us: float


def rehearse(draft: Words, target: Words, texts: Sequence[str]) -> Rehearsal | None:
    """Let a drafter guess what texts say; None where no text has a guess in it that both vocabularies can spell."""
    rounds = [each for text in texts for each in _rounds(draft, target, text.encode())]
    if not rounds:
        return None
    return Rehearsal(
        guesses=GUESSES,
        candidates=round(fmean(each.candidates for each in rounds), 2),
        own=round(fmean(each.own for each in rounds), 2),
        canonical=round(fmean(each.canonical for each in rounds), 3),
        encoded_bytes=round(fmean(each.encoded_bytes for each in rounds), 1),
        guess_us=round(median(each.guess_us for each in rounds), 1),
        text_us=round(median(each.text_us for each in rounds), 1),
        timed_on=processor(),
    )


def _rounds(draft: Words, target: Words, text: bytes) -> Iterator[_Round]:
    """Round by round through a text, as far as right guesses are accepted and one token more."""
    theirs = target.encode(text) or ()
    known: tuple[int, ...] = ()
    place = 1
    while place < len(theirs):
        said = target.bytes_of(theirs[:place])
        (kept, unread), text_us = _timed(partial(synchronised, draft, known, said))
        known = (*known[:kept], *unread)
        guessed = _guessed(draft, text[len(draft.bytes_of(known)) :])
        begun = len(said) - len(draft.bytes_of(known))
        if len(guessed) <= begun:
            return
        (ids, canonical), guess_us = _timed(partial(spelled_behind, target, theirs[:place], guessed[begun:]))
        own = sum(1 for _ in takewhile(lambda pair: pair[0] == pair[1], zip(ids, theirs[place:], strict=False)))
        encoded = len(guessed) - begun + len(draft.bytes_of(unread))
        yield _Round(len(ids), own, canonical, encoded, guess_us, text_us)
        place += own + 1


def _guessed(draft: Words, rest: bytes) -> bytes:
    """What a drafter's next tokens say if it guesses right."""
    return whole_characters(draft.bytes_of((draft.encode(rest) or ())[:GUESSES]))


def _timed(call: Callable[[], T]) -> tuple[T, float]:
    began = perf_counter()
    made = call()
    return made, 1e6 * (perf_counter() - began)
