"""Nodes that settle what is said: accept, stop, commit, watch, choose, and emit."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

from ....planner.graph import Model
from ..ending import Ending
from ..network import Caches
from ..row import Row
from ..values import Path, Paths, Rows, Trust, Trusted, of_row, of_rows
from .bridging import kept_rows
from .machine import Machine, node

NEVER = 1 << 62
"""More tokens than any row has."""


@node
def stop(
    machine: Machine,
    paths: Paths,
    *,
    max_new_tokens: int,
    strings: tuple[str, ...] = (),
    token_ids: tuple[int, ...] = (),
    ignore_eos: bool = False,
) -> tuple[Paths, Rows]:
    """End paths at an end token, a stop string or token, the limit or the context's end; and which rows have ended?"""
    ends = token_ids if ignore_eos else (*token_ids, *machine.target.eos_ids)
    said = []
    for path in paths:
        row = path.row
        if row.ending is None:
            row.ending = _ending(machine, row, ends, strings, max_new_tokens)
        kept, text = row.ending.cut(path.tokens, path.start)
        said.append(replace(path, tokens=path.tokens[:kept], text=text, laws=None))
    return tuple(said), tuple(path.row for path in said if _has_ended(path.row))


def _has_ended(row: Row) -> bool:
    return row.ending is not None and row.ending.reason is not None


@node
def commit(machine: Machine, caches: Caches, paths: Paths, *, of: str | None = None, by: Model | None = None) -> Caches:
    """Keep what spells the paths, their last tokens unread, and drop the level.

    Paths in another vocabulary, `of`, than that of the caches' model, `by`, are compared in bytes.
    """
    for path, cache in zip(paths, of_rows(caches, paths), strict=True):
        if of is None or by is None:
            first, kept = cache.slots.commit(path.tokens, path.start)
        else:
            with machine.clock.translating():
                rows = kept_rows(machine, cache, path, by, machine.words_of(of))
            first, kept = cache.slots.keep(rows)
        if kept != tuple(range(first, first + len(kept))):
            machine.move(cache, kept, first)
    return caches


@node
def watch(machine: Machine, trust: Trust, paths: Paths, *, window: int, min_speedup: float) -> Trust:
    """Count what each row gained; one that gained too little over the window rests for as long, then is trusted anew.

    Nothing but how many tokens were accepted earlier is looked at, so laws are untouched. The steps of rest are counted.
    """
    return tuple(_watched(of_row(trust, path.row) or Trusted(path.row), path, window, min_speedup) for path in paths)


def _watched(old: Trusted, path: Path, window: int, min_speedup: float) -> Trusted:
    if old.resting:
        path.row.rest()
        return Trusted(path.row, (), old.resting - 1)
    gains = (*old.gains, len(path.tokens))[-window:]
    if len(gains) == window and sum(gains) < min_speedup * window:
        return Trusted(path.row, (), window)
    return Trusted(path.row, gains)


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


def emit(machine: Machine, paths: Paths) -> None:
    """Show paths to their readers."""
    for path in paths:
        row, text = path.row, path.text
        if text is None:
            # A graph may show what it does not stop.
            row.ending = row.ending or _ending(machine, row, (), (), NEVER)
            text = row.ending.cut(path.tokens, path.start)[1]
        row.say(path.tokens, text, path.drafted, path.accepted)


def _ending(machine: Machine, row: Row, ends: tuple[int, ...], strings: tuple[str, ...], max_new_tokens: int) -> Ending:
    network = machine.target
    assert row.context is not None, "a row has a context once the target has read its prompt"
    return Ending(
        network.text(continues=row.continues),
        network.stops(strings),
        ends=ends,
        max_new_tokens=max_new_tokens,
        context=row.context,
    )
