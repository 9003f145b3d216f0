"""Nodes that guess: the text's own n-grams, a model's guesses in a line or a bush, and a whole decoder's."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any, TypeAlias

from ....planner.graph import Dynamic, Model, Recent, Sampling, Static, Table, Tags
from ...decoding import Array
from ..network import Caches, Scores, Wanted
from ..ngram import continuation
from ..seats import Seat, caches_of, seats
from ..values import Guess, Guesses, Path, Paths, Trust, of_thread
from ..woven import Threads
from .bushes import dynamic_bushes, static_bushes
from .constraint import constraint_of
from .lines import draft_lines
from .machine import Machine, node
from .reading import owed, read_lines, that_fits
from .speaking import Speaker, last_of_each

Region: TypeAlias = Callable[..., tuple[tuple[Any, ...], Paths]]
"""A decoder that drafts: from the values of a step to those of the next, and what it said."""


@node
def lookup(
    machine: Machine,
    source: Paths,
    caches: Caches,
    trust: Trust = None,
    *,
    by: Recent,
    tokens: int,
    threads: Threads = (),
) -> Guesses:
    """Continue as the text did when its end last occurred: the text that a thread sees."""
    guesses = []
    for path, seat in zip(source, seats(caches, source, threads), strict=True):
        text = seat.text(path) if is_trusted(trust, path) else []
        guesses.append(Guess(path.thread, continuation(text, by.max_ngram, tokens)))
    return tuple(guesses)


@node
def draft(
    machine: Machine,
    source: Paths,
    caches: Caches,
    trust: Trust = None,
    *,
    by: Model,
    tokens: int,
    shape: Static | Dynamic | None = None,
    within: Table | None = None,
    sampling: Sampling | None = None,
    ordinal: int = 0,
    min_confidence: float | None = None,
    capacity: int | None = None,
    threads: Threads = (),
    tags: Tags | None = None,
) -> tuple[Guesses, Caches]:
    """Read what is owed, then guess with a model; the rows that it reads of its own guesses await a verdict.

    Guesses are drawn from the law of `sampling`, which is kept, or are the likeliest tokens. In a line an end token is the
    last guess; a guess whose likeliest token the model finds less likely than `min_confidence` is not made. `shape` makes a
    bush of `tokens` layers instead. `ordinal` tells the draws of several drafting nodes apart. `within` is a table: its
    words alone are guessed, and where there are `tags`, what they let come next. Threads that owe nothing, or more than a
    cache of `capacity` has room for, are silent.
    """
    mine = seats(caches, source, threads)
    unread = [that_fits(owed(path, seat), seat, capacity) for path, seat in zip(source, mine, strict=True)]
    reading = [place for place, line in enumerate(unread) if line]
    guessing = [place for place in reading if tokens and is_trusted(trust, source[place])]
    wanted = Wanted.LAST if guessing else Wanted.NONE
    scores = read_lines(machine, by, [mine[place] for place in reading], [unread[place] for place in reading], wanted)
    for cache in caches_of(mine):
        cache.slots.open()
    made = {path.thread: Guess(path.thread) for path in source}
    if guessing:
        speaker = _speaker(machine, by, sampling, ordinal, within, tags)
        roots = tuple(source[place] for place in guessing)
        behind = tuple(mine[place].behind(source[place]) for place in guessing)
        last = _last(scores, [reading.index(place) for place in guessing], len(reading))
        guesses = _guesses_of(speaker, roots, behind, last, tokens, shape, min_confidence)
        made |= {guess.thread: guess for guess in guesses}
    return tuple(made[path.thread] for path in source), caches


def _speaker(
    machine: Machine, by: Model, sampling: Sampling | None, ordinal: int, within: Table | None, tags: Tags | None
) -> Speaker:
    sampler = None if sampling is None else machine.sampler(sampling)
    bridge = None if within is None else machine.bridge(within)
    return Speaker(machine, by, sampler, ordinal, bridge, constraint_of(machine, by, tags))


def _last(scores: Scores | None, guessing: list[int], rows: int) -> Array:
    """The scores `[threads, V]` behind the roots of those rows, of so many, that guess."""
    assert scores is not None, "every thread owes at least its root"
    last = last_of_each(scores)
    return last if len(guessing) == rows else last[guessing]


def _guesses_of(
    speaker: Speaker,
    roots: Paths,
    seats: Sequence[Seat],
    scores: Array,
    tokens: int,
    shape: Static | Dynamic | None,
    min_confidence: float | None,
) -> Guesses:
    """The guesses behind each root, whose scores `[threads, V]` are known: a line or, of a shape, a bush."""
    match shape:
        case None:
            return draft_lines(speaker, roots, seats, scores, tokens, min_confidence)
        case Static():
            return static_bushes(speaker, roots, seats, scores, shape.children[:tokens])
        case Dynamic():
            return dynamic_bushes(speaker, roots, seats, scores, shape, tokens)


@node
def repeat(
    machine: Machine,
    region: Region,
    operands: tuple[Any, ...],
    trust: Trust = None,
    *,
    until: int,
    level: int,
) -> tuple[Any, ...]:
    """Run a decoder until it has said `until` tokens in every row that speculates: what it says are our guesses.

    What it commits stays pending for us: each cache comes back with one more level. The guesses carry the laws under which
    they were accepted. `operands` are the decoder's parameters: a path first, then caches. `level` keeps its draws apart.
    """
    roots, *caches = operands
    for each in caches:
        for cache in caches_of(seats(each, roots)):
            cache.slots.open()
    said = {path.thread: path.follow(()) for path in roots}
    active = tuple(path for path in roots if path.tokens and is_trusted(trust, path))
    state: tuple[Any, ...] = (active, *caches)
    with machine.inside(level, roots):
        while state[0]:
            state, told = region(machine, *state)
            said |= {path.thread: _longer(said[path.thread], path) for path in told}
            active = tuple(path for path in state[0] if len(said[path.thread].tokens) < until)
            state = (active, *state[1:])
    guesses = tuple(_guessed(said[path.thread]) for path in roots)
    return (guesses, *state[1:])


def is_trusted(trust: Trust, path: Path) -> bool:
    """Does the path's thread speculate in this step?"""
    entry = of_thread(trust, path.thread)
    return entry is None or entry.resting == 0


def _longer(said: Path, more: Path) -> Path:
    laws = None if more.laws is None else [*(said.laws or ()), *more.laws]
    return replace(said, tokens=said.tokens + more.tokens, laws=laws)


def _guessed(said: Path) -> Guess:
    return Guess(said.thread, said.tokens, said.laws)
