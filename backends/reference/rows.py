"""Rows of a step: those of several requests side by side, what `none` stands for, and what the next step gets to see."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from ...planner.graph import Flow, Guess, Kv, Path, Region, Threads, Tokens, Tree, Trust, Type, Value
from .setting import Setting
from .values import Bush, Cache, Guessed, Line, Ranked, Rooted, Trusted, Woven


def rows_of(step: Region) -> tuple[int, int]:
    """Rows and requests of a step."""
    rows = [p.type.rows.limit for p in step.parameters if isinstance(p.type, Path | Tokens | Guess | Tree)]
    requests = [p.type.rows for p in step.parameters if isinstance(p.type, Kv)]
    return max(rows, default=1), max(requests, default=1)


def something(kind: Type, held: Any, setting: Setting) -> Any:
    """What `none` stands for: no guess, an empty flow, fresh trust, a main thread without forks."""
    if held is not None:
        return held
    match kind:
        case Guess():
            return (_no_guess(kind),) * setting.rows
        case Trust():
            return (Trusted(),) * setting.rows
        case Threads():
            return (Woven(),) * setting.requests
        case Flow():
            return ((),) * kind.gaps
        case _:
            raise AssertionError(f"none cannot stand for {kind}")


def _no_guess(kind: Guess) -> Guessed | Ranked:
    return Guessed(Bush()) if kind.top is None else Ranked()


def side_by_side(parameter: Value, started: list[Any], setting: Setting) -> Any:
    """The one-row values of several requests as one value of the step."""
    kind = parameter.type
    if isinstance(kind, Kv):
        pools = [held.pools[0] for held in started]
        return Cache(kind.model, (*pools, *[None] * (setting.requests - len(pools))))
    if started[0] is None or isinstance(kind, Flow):
        return something(kind, started[0], setting)
    rows: list[Any] = [None] * setting.rows
    for place, held in enumerate(started):
        rows[place * setting.threads] = stored(held)[0]
    return tuple(rows)


def alive(state: Sequence[Any], region: Region) -> list[bool]:
    """Which requests are there: those with a cache."""
    cache = next(held for held, p in zip(state, region.parameters, strict=True) if isinstance(p.type, Kv))
    return [pool is not None for pool in cache.pools]


def handed_on(held: Any, done: Sequence[bool], setting: Setting) -> Any:
    """A yielded value without what only its own step could ask, and without the requests that have ended."""
    held = stored(held)
    if isinstance(held, Cache):
        return Cache(held.model, tuple(None if over else pool for pool, over in zip(held.pools, done, strict=True)))
    if len(held) != setting.rows or not isinstance(held[0], Line | Guessed | Ranked | Rooted | None):
        return held
    wide = setting.threads
    return tuple(None if done[row // wide] else each for row, each in enumerate(held))


def stored(held: Any) -> Any:
    """A value without what only its own step could ask."""
    if isinstance(held, tuple):
        return tuple(each.stored() if isinstance(each, Line) else _stored_row(each) for each in held)
    return held


def _stored_row(row: Any) -> Any:
    return replace(row, root=row.root.stored()) if isinstance(row, Rooted) else row
