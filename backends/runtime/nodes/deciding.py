"""Nodes that settle what was said: commit, watch, choose, and emit."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from ....planner.graph import Model
from ..network import Cache, Caches
from ..values import Path, Paths, Trust, Trusted, of_rows, of_thread
from ..woven import Threads, Woven
from .bridging import kept_rows
from .machine import Machine, node
from .stopping import new_ending


@node
def commit(machine: Machine, caches: Caches, paths: Paths, *, of: str | None = None, by: Model | None = None) -> Caches:
    """Keep what spells the paths, their last tokens unread, and drop the level.

    Paths in another vocabulary, `of`, than that of the caches' model, `by`, are compared in bytes.
    """
    for cache, mine in _by_cache(caches, paths):
        if of is None or by is None:
            first, kept = cache.slots.commit({path.thread.number: (path.tokens, path.start) for path in mine})
        else:
            (path,) = mine
            with machine.clock.translating():
                rows = kept_rows(machine, cache, path, by, machine.words_of(of))
            first, kept = cache.slots.keep({0: rows})
        if kept != tuple(range(first, first + len(kept))):
            machine.move(cache, kept, first)
    return caches


def _by_cache(caches: Caches, paths: Paths) -> list[tuple[Cache, list[Path]]]:
    """The caches of the paths' rows, each once, and the paths of each."""
    found: dict[int, tuple[Cache, list[Path]]] = {}
    for path, cache in zip(paths, of_rows(caches, paths), strict=True):
        found.setdefault(id(cache), (cache, []))[1].append(path)
    return [*found.values()]


@node
def watch(machine: Machine, trust: Trust, paths: Paths, *, window: int, min_speedup: float) -> Trust:
    """Count what each thread gained; one that gained too little over the window rests for as long, then is trusted anew.

    Nothing but how many tokens were accepted earlier is looked at, so laws are untouched. The steps in which all that a row
    said was said without guesses are counted.
    """
    known = {path.thread: of_thread(trust, path.thread) or Trusted(path.thread) for path in paths}
    for row in dict.fromkeys(path.row for path in paths):
        if all(each.resting for each in known.values() if each.row is row):
            row.rest()
    waiting = (entry for entry in trust or () if entry.thread not in known)
    going_on = (path for path in paths if path.verdict is None or not path.verdict.ended)
    return (*(_watched(known[path.thread], path, window, min_speedup) for path in going_on), *waiting)


def _watched(old: Trusted, path: Path, window: int, min_speedup: float) -> Trusted:
    if old.resting:
        return Trusted(path.thread, (), old.resting - 1)
    gains = (*old.gains, len(path.tokens))[-window:]
    if len(gains) == window and sum(gains) < min_speedup * window:
        return Trusted(path.thread, (), window)
    return Trusted(path.thread, gains)


@node
def choose(
    machine: Machine,
    regions: tuple[Callable[..., tuple[Any, ...]], ...],
    operands: tuple[Any, ...],
    *,
    cases: tuple[int, ...] = (),
) -> tuple[Any, ...]:
    """Run the first region whose case holds the active rows of the first operand; without cases, the first."""
    active = len(operands[0])
    place = next((place for place, most in enumerate(cases) if active <= most), 0)
    return regions[place](machine, *operands)


def emit(machine: Machine, values: Paths | Threads) -> None:
    """Show paths to their readers, and how far the threads are that say them."""
    for each in values:
        row = each.row
        if isinstance(each, Woven):
            row.strands.weave(each.forks, each.phase)
            continue
        text = each.text
        if text is None:
            # A graph may show what it does not stop.
            row.ending = row.ending or new_ending(machine, row)
            text = row.ending.cut(each.tokens, each.start)[1]
        row.say(each.tokens, text, each.drafted, each.accepted, thread=each.thread.number)
