"""PASTA's interpreter: promises open forks, a sync waits for them; and the guard, which counts what a row gains."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from ...grammar import TEN, Tag
from ...planner.graph import Fork, Join, Watch
from .setting import Setting
from .tables import TableVocabulary
from .values import ForkState, Line, Trusted, Woven


def fork(
    node: Fork, setting: Setting, path: Sequence[Line | None], threads: Sequence[Woven], words: TableVocabulary
) -> tuple[tuple[Line | None, ...], tuple[Woven, ...]]:
    """Open a thread for each promise that the main thread finished, as far as there are rows for them."""
    lines: list[Line | None] = []
    opened: list[Woven] = []
    for place, woven in enumerate(threads):
        mine = list(path[place * setting.threads : (place + 1) * setting.threads])
        rows, made = _forked(mine, _counted(woven, mine), setting, words)
        lines += rows
        opened.append(made)
    return tuple(lines), tuple(opened)


def _counted(woven: Woven, lines: Sequence[Line | None]) -> Woven:
    """What each fork has said by now, and which of them, and the main thread, have ended."""
    forks = list(woven.forks)
    for line in lines:
        if line is not None and line.thread:
            fork_ = forks[line.thread - 1]
            forks[line.thread - 1] = replace(
                fork_, made=line.made, ended=line.ended, row=None if line.ended else fork_.row
            )
    main = lines[0]
    return replace(woven, forks=tuple(forks), over=woven.over or (main is not None and main.ended))


def _forked(
    lines: list[Line | None], woven: Woven, setting: Setting, words: TableVocabulary
) -> tuple[list[Line | None], Woven]:
    rows: list[Line | None] = [None if line is None or line.ended else line for line in lines]
    rows[0], woven = _heard(rows[0], woven, setting)
    forks = list(woven.forks)
    for number, waiting in enumerate(forks, start=1):
        free = [place for place in range(1, len(rows)) if all(each.row != place for each in forks)]
        if waiting.row is None and not waiting.ended and free:
            forks[number - 1] = replace(waiting, row=free[0])
            request = _request(lines)
            rows[free[0]] = Line(request, (words.tags[Tag.ASYNC],), 0, waiting.position + 1, number)
    return rows, replace(woven, forks=tuple(forks))


def _heard(main: Line | None, woven: Woven, setting: Setting) -> tuple[Line | None, Woven]:
    """The main thread, behind a promise that it has just completed, and a fork for that if it has a share of the limit."""
    assert setting.language is not None, "where threads fork there are tags"
    if main is None:
        return None, woven
    place, promise = setting.language.promised(woven, main)
    woven = replace(woven, place=place)
    if promise is None:
        return main, woven
    jump = TEN * min(promise.tens, _room(main, woven, setting) // TEN)
    if main.budget:
        last = len(main.tokens) - 1
        opened = ForkState(main.start + last, main.position + last, main.budget, promise)
        woven = replace(woven, forks=(*woven.forks, opened))
    return replace(main, jump=jump), woven


def _room(main: Line, woven: Woven, setting: Setting) -> int:
    """How many positions the main thread can leave out, and still say all that it may: shares that forks leave come back."""
    lent = sum(fork.budget for fork in woven.forks if fork.joined is None)
    return max(0, setting.graph.target.positions - main.next_position - main.left - lent)


def _request(lines: Sequence[Line | None]) -> int:
    return next(line.row for line in lines if line is not None)


def join(
    node: Join, setting: Setting, path: Sequence[Line | None], threads: Sequence[Woven], words: TableVocabulary
) -> tuple[tuple[Line | None, ...], tuple[Woven, ...]]:
    """Let the main thread rest at a sync until all forks have ended; then it goes on, and sees them."""
    rows = list(path)
    joined: list[Woven] = []
    for place, woven in enumerate(threads):
        first = place * setting.threads
        main = rows[first]
        if main is not None and words.is_tag(main.tokens[-1], Tag.SYNC):
            woven, rows[first] = replace(woven, waiting=main.stored()), None
        if woven.waiting is not None and all(each.ended for each in woven.forks):
            rows[first] = woven.waiting
            sync = woven.waiting.start + len(woven.waiting.tokens) - 1
            seen = (replace(each, joined=sync if each.joined is None else each.joined) for each in woven.forks)
            woven = replace(woven, forks=tuple(seen), waiting=None)
        joined.append(woven)
    return tuple(rows), tuple(joined)


def watch(node: Watch, trust: Sequence[Trusted], path: Sequence[Line | None]) -> tuple[Trusted, ...]:
    """Count what each row gained; a row that gained too little over the window rests for as many steps, then is trusted anew.

    Nothing but how many tokens were accepted earlier is looked at, so laws are untouched.
    """
    return tuple(
        old if line is None else _watched(node, old, len(line.tokens)) for old, line in zip(trust, path, strict=True)
    )


def _watched(node: Watch, old: Trusted, gained: int) -> Trusted:
    if old.resting:
        return Trusted((), old.resting - 1)
    gains = (*old.gains, gained)[-node.window :]
    if len(gains) == node.window and sum(gains) < node.min_speedup * node.window:
        return Trusted((), node.window)
    return Trusted(gains)
