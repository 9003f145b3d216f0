"""Draft in a line: one token after the other, in one pass for all rows."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from ...decoding import Array
from ..network import Wanted
from ..seats import Seat
from ..values import Guess, Guesses, Path, Paths
from .speaking import Speaker, last_of_each


@dataclass(slots=True)
class _Line:
    """One thread's guesses while they are made."""

    root: Path
    seat: Seat
    tokens: list[int] = field(default_factory=list)
    laws: list[Array] = field(default_factory=list)
    unread: Sequence[Any] = ()
    """What the model reads before its next guess."""
    read: int = 0
    state: Any = None
    """What may be said next depends on it."""

    def guess(self) -> Guess:
        return Guess(self.root.thread, tuple(self.tokens), self.laws or None)


def draft_lines(
    speaker: Speaker, roots: Paths, seats: Sequence[Seat], scores: Array, tokens: int, floor: float | None
) -> Guesses:
    """At most `tokens` guesses behind each root, whose scores `[threads, V]` are known; threads may end early.

    A guess is not made where the likeliest token is less likely than `floor`; an end token is the last one, and so is one
    that the model cannot read on from in `tokens` rows less one.
    """
    lines = [
        _Line(root, seat, state=speaker.constraint.behind(root, seat)) for root, seat in zip(roots, seats, strict=True)
    ]
    speaking = lines
    for ahead in range(tokens):
        speaking, scores = _able(speaker, speaking, scores, floor)
        if not speaking:
            break
        _speak(speaker, speaking, scores, ahead)
        if ahead + 1 == tokens:
            break
        speaking = [line for line in speaking if _goes_on(speaker, line, tokens - 1)]
        scores = _read_on(speaker, speaking)
    return tuple(line.guess() for line in lines)


def _able(speaker: Speaker, speaking: list[_Line], scores: Array, floor: float | None) -> tuple[list[_Line], Array]:
    """The lines for which there is something to say, and is it likely enough? With their scores, held back."""
    if not speaking:
        return [], scores
    scores = speaker.constraint.restrict(scores, [line.state for line in speaking])
    able = speaker.able(scores, floor)
    if able is None or all(able):
        return speaking, scores
    left = [place for place, answer in enumerate(able) if answer]
    return [speaking[place] for place in left], scores[left]


def _speak(speaker: Speaker, speaking: list[_Line], scores: Array, ahead: int) -> None:
    keys = [speaker.key(line.root, ahead) for line in speaking] if speaker.draws else []
    tokens, laws = speaker.tokens(scores, keys)
    states = speaker.constraint.next([line.state for line in speaking], tokens)
    for place, line in enumerate(speaking):
        line.tokens.append(tokens[place])
        line.state = states[place]
        if laws is not None:
            line.laws.append(laws[place])


def _goes_on(speaker: Speaker, line: _Line, room: int) -> bool:
    """Does another guess follow the last? Then it is known what is read before."""
    if speaker.ends(line.tokens[-1]):
        return False
    line.unread = speaker.reads(line.tokens[-1])
    line.read += len(line.unread)
    return len(line.unread) > 0 and line.read <= room


def _read_on(speaker: Speaker, speaking: list[_Line]) -> Array:
    """The scores behind what each line reads, `[lines, V]`."""
    if not speaking:
        return None
    seats = tuple(line.seat for line in speaking)
    scores = speaker.machine.read(
        speaker.by, seats, lambda seat, place: seat.append(speaking[place].unread), Wanted.LAST
    )
    assert scores is not None, "scores were wanted"
    return last_of_each(scores)
