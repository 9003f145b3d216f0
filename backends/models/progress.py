"""How far a long piece of work has come, told to a terminal as bars and to anything else as lines."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Protocol, TextIO

from .errors import in_bytes

_SECONDS = 10.0
"""Between two lines of a stage."""


class Progress(Protocol):
    """Told what is being done; a stage ends where the next one begins."""

    def stage(self, what: str, total: int | None = None, *, done: int = 0, of_bytes: bool = False) -> None:
        """Begin a stage of so many things, or bytes, or of unknown length; an earlier run has done some of it."""

    def reached(self, done: int) -> None:
        """So much of the stage is done."""

    def step(self, note: str = "") -> None:
        """One more is done; `note` is worth seeing."""

    def say(self, text: str) -> None:
        """A line that stays."""


class Silent:
    """Says nothing."""

    def stage(self, what: str, total: int | None = None, *, done: int = 0, of_bytes: bool = False) -> None:
        """Begin a stage."""

    def reached(self, done: int) -> None:
        """Go on."""

    def step(self, note: str = "") -> None:
        """Go on."""

    def say(self, text: str) -> None:
        """Go on."""


@dataclass(slots=True)
class _Stage:
    """What is being done, and how much of it is."""

    what: str = ""
    total: int | None = None
    done: int = 0
    of_bytes: bool = False

    @property
    def amount(self) -> str:
        """How much is done, of how much."""
        done, total = (None if each is None else self._shown(each) for each in (self.done, self.total))
        return f"{done}" if total is None else f"{done} of {total}"

    @property
    def beginning(self) -> str:
        """What is going to be done."""
        size = "" if self.total is None else f": {self._shown(self.total)}"
        return f"{self.what}{size}" + (f", {self._shown(self.done)} of them done before" if self.done else "")

    def _shown(self, number: int) -> str:
        return in_bytes(number) if self.of_bytes else str(number)


class Lines:
    """A plain line for each stage, and one whenever some seconds have passed: for logs and pipes."""

    def __init__(self, stream: TextIO, clock: Callable[[], float] = time.monotonic) -> None:
        self._stream, self._clock, self._spoke = stream, clock, 0.0
        self._stage = _Stage()

    def stage(self, what: str, total: int | None = None, *, done: int = 0, of_bytes: bool = False) -> None:
        """Say what begins."""
        self._stage, self._spoke = _Stage(what, total, done, of_bytes), self._clock()
        self.say(self._stage.beginning)

    def reached(self, done: int) -> None:
        """Say how far it is, rarely."""
        self._stage.done = done
        self._speak("")

    def step(self, note: str = "") -> None:
        """Say how far it is, rarely."""
        self._stage.done += 1
        self._speak(note)

    def say(self, text: str) -> None:
        """Print it."""
        print(text, file=self._stream, flush=True)

    def _speak(self, note: str) -> None:
        if self._clock() - self._spoke >= _SECONDS:
            self._spoke = self._clock()
            self.say(f"{self._stage.what}: {self._stage.amount}" + (f", {note}" if note else ""))


class _Bars:
    """A bar or a spinner for each stage, drawn by rich in a thread of its own."""

    def __init__(self, stream: TextIO) -> None:
        from rich.console import Console
        from rich.progress import BarColumn, SpinnerColumn, TextColumn, TimeElapsedColumn, TimeRemainingColumn
        from rich.progress import Progress as RichProgress

        self.drawing = RichProgress(
            SpinnerColumn(),
            TextColumn("{task.description}", markup=False),
            BarColumn(),
            TextColumn("{task.fields[amount]}", markup=False),
            TimeElapsedColumn(),
            TimeRemainingColumn(),
            TextColumn("{task.fields[note]}", markup=False),
            console=Console(file=stream),
            transient=True,
            refresh_per_second=1,  # what is measured or trained meanwhile shares the machine with whoever draws
        )
        self._stage = _Stage()
        self._task = self.drawing.add_task("", visible=False, amount="", note="")

    def stage(self, what: str, total: int | None = None, *, done: int = 0, of_bytes: bool = False) -> None:
        self._stage = _Stage(what, total, done, of_bytes)
        self.drawing.remove_task(self._task)
        self._task = self.drawing.add_task(what, total=total, amount="", note="")
        self.reached(done)

    def reached(self, done: int) -> None:
        self._stage.done = done
        self._draw()

    def step(self, note: str = "") -> None:
        self._stage.done += 1
        self._draw(note)

    def say(self, text: str) -> None:
        self.drawing.console.print(text, markup=False, highlight=False)

    def _draw(self, note: str = "") -> None:
        amount = "" if self._stage.total is None else self._stage.amount
        self.drawing.update(self._task, completed=self._stage.done, amount=amount, note=note)


@contextmanager
def shown_on(stream: TextIO | None = None) -> Iterator[Progress]:
    """Progress on `stream` (stderr): bars on a terminal, else lines."""
    stream = sys.stderr if stream is None else stream
    if not stream.isatty():
        yield Lines(stream)
        return
    bars = _Bars(stream)
    with bars.drawing:
        yield bars
