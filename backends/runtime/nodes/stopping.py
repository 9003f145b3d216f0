"""The node that says where paths end, and rows: stop."""

from __future__ import annotations

from dataclasses import replace

from ..ending import Ending
from ..pasta import Joining, Telling
from ..row import Row
from ..values import Path, Paths, Rows, of_row
from ..woven import Threads, Woven
from .machine import Machine, node

NEVER = 1 << 62
"""More tokens than any row has."""


@node
def stop(
    machine: Machine,
    paths: Paths,
    threads: Threads | None = None,
    *,
    max_new_tokens: int,
    strings: tuple[str, ...] = (),
    token_ids: tuple[int, ...] = (),
    ignore_eos: bool = False,
) -> tuple[Paths, Rows]:
    """End paths at an end token, a stop string or token, the limit or the context's end; and which rows have ended?

    With threads the limit is of all of a row's together, shared out when a promise is made, so that no thread's text depends
    on when others run; a row has ended when all of its threads have.
    """
    ends = token_ids if ignore_eos else (*token_ids, *machine.target.eos_ids)
    if threads is not None:
        return _stop_threads(machine, paths, threads, ends, strings, max_new_tokens)
    said = []
    for path in paths:
        row = path.row
        if row.ending is None:
            row.ending = new_ending(machine, row, ends, strings, max_new_tokens)
        kept, text = row.ending.cut(path.tokens, path.start)
        said.append(replace(path, tokens=path.tokens[:kept], text=text, laws=None))
    return tuple(said), tuple(path.row for path in said if _has_ended(path.row))


def _has_ended(row: Row) -> bool:
    return row.ending is not None and row.ending.reason is not None


def _stop_threads(
    machine: Machine,
    paths: Paths,
    threads: Threads,
    ends: tuple[int, ...],
    strings: tuple[str, ...],
    max_new_tokens: int,
) -> tuple[Paths, Rows]:
    said: list[Path] = []
    over: list[Row] = []
    for row in dict.fromkeys(path.row for path in paths):
        telling = row.telling = row.telling or _telling(machine, row, ends, strings)
        woven = of_row(threads, row) or Woven(row)
        limit = min(max_new_tokens, _room(row))
        mine = [_told(path, telling, woven, limit) for path in paths if path.row is row]
        text = telling.shown()
        if telling.is_over or woven.ends_with(mine):
            text += telling.flush()
            over.append(row)
        said += [replace(mine[0], text=text), *mine[1:]]
    return tuple(said), tuple(over)


def _told(path: Path, telling: Telling, woven: Woven, limit: int) -> Path:
    number = path.thread.number
    made = path.start - (1 if number else path.row.prompt_tokens)
    verdict = telling.say(number, path.tokens, made, woven.limit(number, limit))
    return replace(path, tokens=verdict.tokens, verdict=verdict, text="", laws=None)


def _room(row: Row) -> int:
    """How many tokens fit behind the prompt: the last of them is not read, and a fork's opening tag is not said."""
    assert row.context is not None, "a row has a context once the target has read its prompt"
    return row.context - row.prompt_tokens + 1


def _telling(machine: Machine, row: Row, ends: tuple[int, ...], strings: tuple[str, ...]) -> Telling:
    reader, network = machine.language(ends), machine.target
    joining = Joining(reader, lambda *, continues: network.text(continues=continues or row.continues))
    return Telling(joining, network.stops(strings), reader.words)


def new_ending(
    machine: Machine, row: Row, ends: tuple[int, ...] = (), strings: tuple[str, ...] = (), max_new_tokens: int = NEVER
) -> Ending:
    """How a row ends that has not said anything yet."""
    network = machine.target
    assert row.context is not None, "a row has a context once the target has read its prompt"
    return Ending(
        network.text(continues=row.continues),
        network.stops(strings),
        ends=ends,
        max_new_tokens=max_new_tokens,
        context=row.context,
    )
