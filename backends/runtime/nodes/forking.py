"""Nodes that let a row go on in several threads: cut, fork, join."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace

from ....grammar import TEN, Tag
from ....planner.graph import Tags
from ..forks import Fork, Phase
from ..pasta import Cut, Synced
from ..thread import Thread
from ..values import Path, Paths, of_row
from ..woven import Threads, Woven
from .machine import Machine, node


@node
def cut(machine: Machine, paths: Paths, *, after: Tags) -> Paths:
    """End each path behind its first tag: what was guessed further on had a view, and positions, that the tag changes."""
    breaks = machine.language().words.breaks | {*machine.target.eos_ids}
    return tuple(_cut(path, breaks) for path in paths)


def _cut(path: Path, breaks: frozenset[int]) -> Path:
    last = next((place for place, token in enumerate(path.tokens, 1) if token in breaks), None)
    return replace(path, tokens=path.tokens[:last])


@node
def fork(machine: Machine, paths: Paths, threads: Threads, *, by: Tags, positions: int) -> tuple[Paths, Threads]:
    """Open a thread for each promise that a path finished, as far as there is room for it; threads that ended are gone.

    The main thread jumps over what was promised, so far that all it may still say stands before the model's last of
    `positions`. A fork begins with the opening tag, right behind its promise.
    """
    opening = machine.language().words.tags[Tag.ASYNC]
    forked: list[Path] = []
    woven: list[Woven] = []
    for row in dict.fromkeys([*(path.row for path in paths), *(each.row for each in threads)]):
        mine = [path for path in paths if path.row is row]
        counted = _counted(of_row(threads, row) or Woven(row), mine)
        opened = _opened(counted, mine)
        started = _started(opened, by.max_forks)
        if len(opened.forks) > len(counted.forks):
            waits = started.forks[-1].phase is Phase.QUEUED
            row.open_fork(len(started.forks), waits=waits, most=by.max_forks)
        forked += [_jumping(path, counted, positions) for path in mine if not _verdict(path).ended]
        forked += _begun(opened, started, opening)
        woven.append(started)
    return tuple(forked), tuple(woven)


def _verdict(path: Path) -> Cut:
    assert path.verdict is not None, "where threads fork, `stop` has told what a path means"
    return path.verdict


def _counted(woven: Woven, paths: Sequence[Path]) -> Woven:
    """What each fork has said by now, and who has ended."""
    for path in paths:
        number = path.thread.number
        if number:
            phase = Phase.ENDED if _verdict(path).ended else Phase.RUNNING
            # Its first token, the opening tag, is none that it said.
            woven = woven.with_fork(number, replace(woven.forks[number - 1], made=path.end - 1, phase=phase))
        elif _verdict(path).ended:
            woven = replace(woven, over=True)
    return woven


def _opened(woven: Woven, paths: Sequence[Path]) -> Woven:
    """A fork for the promise that the main thread has just completed, if something is left for it to say."""
    main = next((path for path in paths if not path.thread.number), None)
    if main is None or not _verdict(main).share:
        return woven
    promise, share = _verdict(main).promise, _verdict(main).share
    assert promise is not None, "what has a share was promised"
    last = main.end - 1
    return replace(woven, forks=(*woven.forks, Fork(last, last + main.ahead, share, promise.topic, promise.tens)))


def _started(woven: Woven, most: int) -> Woven:
    """As many forks run as may, in the order of their promises."""
    for number, waiting in enumerate(woven.forks, start=1):
        if waiting.phase is Phase.QUEUED and woven.running < most:
            woven = woven.with_fork(number, replace(waiting, phase=Phase.RUNNING))
    return woven


def _begun(opened: Woven, started: Woven, opening: int) -> Iterator[Path]:
    """The first paths of the forks that have begun to run."""
    for number, (before, fork) in enumerate(zip(opened.forks, started.forks, strict=True), start=1):
        if before.phase is not fork.phase:
            yield Path(Thread(opened.row, number), (opening,), 0, ahead=fork.position + 1)


def _jumping(path: Path, woven: Woven, positions: int) -> Path:
    """The path with what is left out behind it: the promised length, but room for all that may follow."""
    promise = _verdict(path).promise
    if promise is None:
        return path
    # What forks leave of their shares comes back to the main thread.
    room = positions - path.next_position - _verdict(path).left - woven.lent
    return replace(path, jump=TEN * max(0, min(promise.tens, room // TEN)))


@node
def join(machine: Machine, paths: Paths, threads: Threads, *, by: Tags) -> tuple[Paths, Threads]:
    """Let a main thread rest at a sync until all of its forks have ended; then it goes on, and sees them."""
    ready: list[Path] = []
    joined: list[Woven] = []
    for woven in threads:
        mine = [path for path in paths if path.row is woven.row]
        main = next((path for path in mine if not path.thread.number), None)
        if main is not None and isinstance(_verdict(main).meaning, Synced):
            mine.remove(main)
            woven = replace(woven, waiting=main)
        if woven.waiting is not None and all(each.has_ended for each in woven.forks):
            mine.insert(0, woven.waiting)
            woven = _joined(woven, woven.waiting.end - 1)
        ready += mine
        joined.append(woven)
    return tuple(ready), tuple(joined)


def _joined(woven: Woven, sync: int) -> Woven:
    forks = tuple(
        fork if fork.joined is not None else replace(fork, joined=sync, phase=Phase.JOINED) for fork in woven.forks
    )
    return replace(woven, forks=forks, waiting=None)
