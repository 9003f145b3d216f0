"""How far training has come: a bar on a terminal, a line now and then on anything else."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Protocol, TextIO

_SECONDS = 30


class Watch(Protocol):
    """Told what is being done, a `Progress` too; a stage ends where the next one begins."""

    def stage(self, what: str, total: int | None = None, done: int = 0) -> None:
        """Begin a stage of so many things, or of unknown length; an earlier run has done some of it."""

    def reached(self, done: int) -> None:
        """So much of the stage is done."""

    def step(self, note: str = "") -> None:
        """One more is done; `note` is a figure worth seeing."""

    def say(self, text: str) -> None:
        """A line that stays."""


class Unwatched:
    """Says nothing."""

    def stage(self, what: str, total: int | None = None, done: int = 0) -> None:
        """Begin a stage."""

    def reached(self, done: int) -> None:
        """Go on."""

    def step(self, note: str = "") -> None:
        """Go on."""

    def say(self, text: str) -> None:
        """Go on."""


class WatchedLines:
    """A plain line for each stage, and one whenever half a minute has passed: for logs and pipes."""

    def __init__(self, stream: TextIO, clock: Callable[[], float] = time.monotonic) -> None:
        self._stream, self._clock = stream, clock
        self._what, self._total, self._done, self._spoke = "", None, 0, clock()  # type: str, int | None, int, float

    def stage(self, what: str, total: int | None = None, done: int = 0) -> None:
        """Say what begins."""
        self._what, self._total, self._done, self._spoke = what, total, done, self._clock()
        size = "" if total is None else f": {total}"
        self.say(f"{what}{size}" + (f", {done} of them done before" if done else ""))

    def reached(self, done: int) -> None:
        """Say how far it is, rarely."""
        self._done = done
        self._speak("")

    def step(self, note: str = "") -> None:
        """Say how far it is, rarely."""
        self._done += 1
        self._speak(note)

    def say(self, text: str) -> None:
        """Print it."""
        print(text, file=self._stream, flush=True)

    def _speak(self, note: str) -> None:
        if self._clock() - self._spoke >= _SECONDS:
            self._spoke = self._clock()
            of = "" if self._total is None else f" of {self._total}"
            self.say(f"{self._what}: {self._done}{of}" + (f", {note}" if note else ""))


class _Bar:
    """A bar for each stage, drawn by rich in a thread of its own."""

    def __init__(self, stream: TextIO) -> None:
        from rich.console import Console
        from rich.progress import (
            BarColumn,
            MofNCompleteColumn,
            Progress,
            SpinnerColumn,
            TextColumn,
            TimeElapsedColumn,
            TimeRemainingColumn,
        )

        columns = (SpinnerColumn(), TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn())
        self.drawing = Progress(
            *columns,
            TimeElapsedColumn(),
            TimeRemainingColumn(),
            TextColumn("{task.fields[note]}"),
            console=Console(file=stream),
            transient=True,
            refresh_per_second=1,  # what trains meanwhile shares the machine with whoever draws
        )
        self._task = self.drawing.add_task("", visible=False, note="")

    def stage(self, what: str, total: int | None = None, done: int = 0) -> None:
        self.drawing.remove_task(self._task)
        self._task = self.drawing.add_task(what, total=total, completed=done, note="")

    def reached(self, done: int) -> None:
        self.drawing.update(self._task, completed=done)

    def step(self, note: str = "") -> None:
        self.drawing.update(self._task, advance=1, note=note)

    def say(self, text: str) -> None:
        self.drawing.console.print(text, markup=False, highlight=False)


@contextmanager
def watched_on(stream: TextIO | None = None) -> Iterator[Watch]:
    """Progress on `stream` (stderr): bars on a terminal, else lines."""
    stream = sys.stderr if stream is None else stream
    if not stream.isatty():
        yield WatchedLines(stream)
        return
    bar = _Bar(stream)
    with bar.drawing:
        yield bar
