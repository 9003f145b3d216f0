"""`specplan run --show forks`: the threads of a row over its steps, a line for each, at most 80 columns wide."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import groupby

import click

from ..backends.runtime import Event, Lane, Phase, Refused, Stepped, Timeline
from ..backends.runtime.pasta import UNTITLED
from ..grammar import TEN, fitted

WIDTH = 80
_NAME = 22
_TICK = 10
"""Columns from one number above the chart to the next."""
_SIGNS = {Phase.RUNNING: "━", Phase.QUEUED: "┄", Phase.WAITING: "┄", Phase.ENDED: "·"}
_INKS = {"━": "green", "┄": "yellow", "·": "bright_black"}


class Timelines:
    """The timelines of all rows of a run, by the ids of their prompts."""

    def __init__(self) -> None:
        """Of a run that has not begun."""
        self._of: dict[str | int, Timeline] = {}

    def watch(self, events: Iterable[Event]) -> Iterator[Event]:
        """The same events; the timelines know of each before it is handed on."""
        for event in events:
            if isinstance(event, Stepped):
                self._of.setdefault(event.id, Timeline()).add(event)
            elif isinstance(event, Refused):
                self._of.pop(event.id, None)
            yield event

    @property
    def rows(self) -> list[tuple[str | int, Timeline]]:
        """All of them, but for those of prompts that were refused."""
        return [*self._of.items()]

    def __getitem__(self, id: str | int) -> Timeline:
        """That of a row, which has gone a step."""
        return self._of[id]


def lane_name(lane: Lane) -> str:
    """What a thread is called: by its number and topic, as the model wrote it."""
    return "main" if lane.fork is None else f"{lane.thread} {lane.fork.topic or UNTITLED}"


def lane_tokens(lane: Lane) -> str:
    """How many tokens a thread said, and how many were promised."""
    return str(lane.said) if lane.fork is None else f"{lane.said} of {TEN * lane.fork.tens}"


def forks_text(timeline: Timeline, *, colour: bool) -> str:
    """A line for each thread; a column is one step, or as many as it takes to stay within the width."""
    if not timeline.forks:
        return "\nforks    none: nothing was promised\n"
    lanes = (timeline.main, *timeline.forks)
    widest = max(len(lane_tokens(each)) for each in lanes)
    widest = max(widest, len("tokens"))
    steps = -(-timeline.steps // (WIDTH - _NAME - widest - 4))
    chart = Chart(timeline, steps)
    lines = [f"{'thread':<{_NAME}}  {'tokens':>{widest}}  {chart.numbers()}"]
    for each in lanes:
        drawn = _inked(chart.line(each)) if colour else chart.line(each)
        lines.append(f"{fitted(lane_name(each), _NAME)}  {lane_tokens(each):>{widest}}  {drawn}")
    legend = f"━ says, ┄ waits, · has ended; ┳┗ a fork begins, ┻┛ is joined; column: {steps} step{'s' * (steps > 1)}"
    return "\n".join(["", *(each.rstrip() for each in lines), legend]) + "\n"


class Chart:
    """Where the lines of a timeline's threads have what, if a column stands for so many steps."""

    def __init__(self, timeline: Timeline, steps: int) -> None:
        """`steps` are those of a column."""
        self._steps = steps
        self._columns = -(-timeline.steps // steps)
        self._opened = {self._column(each.opened) for each in timeline.forks}
        self._joined = {self._column(each.joined) for each in timeline.forks if each.joined is not None}

    def _column(self, step: int) -> int:
        return (step - 1) // self._steps

    def numbers(self) -> str:
        """How many steps lie before some of the columns, where there is room to say it."""
        ticks = {column: str(self._steps * column) for column in range(0, self._columns, _TICK)}
        fitting = (each for column, each in ticks.items() if column + len(each) <= self._columns)
        return "".join(f"{each:<{_TICK}}" for each in fitting).rstrip()

    def line(self, lane: Lane) -> str:
        """A thread's signs, one a column."""
        cell = self._of_main if lane.fork is None else self._of_fork
        return "".join(cell(lane, column) for column in range(self._columns))

    def _of_main(self, lane: Lane, column: int) -> str:
        match column in self._opened, column in self._joined:
            case True, True:
                return "╋"
            case True, False:
                return "┳"
            case False, True:
                return "┻"
            case _:
                return self._phase(lane, column)

    def _of_fork(self, lane: Lane, column: int) -> str:
        begins = column == self._column(lane.opened)
        if lane.joined is not None and column == self._column(lane.joined):
            return "┃" if begins else "┛"
        return "┗" if begins else self._phase(lane, column)

    def _phase(self, lane: Lane, column: int) -> str:
        """What the thread did in most of a column's steps."""
        first, last = self._steps * column + 1, self._steps * (column + 1)
        spans = [(min(last, each.last) - max(first, each.first), each.phase) for each in lane.stretches]
        length, phase = max(spans, key=lambda span: span[0], default=(-1, lane.phase))
        return _SIGNS[phase] if length >= 0 else " "


def _inked(line: str) -> str:
    runs = ((sign, "".join(run)) for sign, run in groupby(line))
    return "".join(click.style(run, fg=_INKS[sign]) if sign in _INKS else run for sign, run in runs)
