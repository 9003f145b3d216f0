"""How far measuring, or certifying, has come: a bar on a terminal, a line now and then on anything else."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Protocol, TextIO


class Counting(Protocol):
    """Told how many answers, or other things, there will be, and each time one begins."""

    def begin(self, total: int, things: str = "answers") -> None:
        """So many of them will be counted."""

    def step(self, what: str) -> None:
        """The next one begins."""


class Uncounted:
    """Says nothing."""

    def begin(self, total: int, things: str = "answers") -> None:
        """Begin."""

    def step(self, what: str) -> None:
        """Go on."""


class CountedLines:
    """A plain line whenever ten seconds have passed: for logs and pipes."""

    def __init__(self, stream: TextIO, clock: Callable[[], float] = time.monotonic) -> None:
        self._stream, self._clock = stream, clock
        self._of, self._done, self._spoke = "", 0, clock()

    def begin(self, total: int, things: str = "answers") -> None:
        """Say how many there are."""
        self._of, self._done, self._spoke = f"{total} {things}", 0, self._clock()
        print(f"measuring {self._of}", file=self._stream, flush=True)

    def step(self, what: str) -> None:
        """Say which it is, rarely."""
        self._done += 1
        if self._clock() - self._spoke >= 10:
            self._spoke = self._clock()
            print(f"{self._done} of {self._of}: {what}", file=self._stream, flush=True)


class _Bar:
    """One bar, drawn by rich in a thread of its own."""

    def __init__(self, stream: TextIO) -> None:
        from rich.console import Console
        from rich.progress import (
            BarColumn,
            MofNCompleteColumn,
            Progress,
            SpinnerColumn,
            TextColumn,
            TimeRemainingColumn,
        )

        columns = (SpinnerColumn(), TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn())
        # Seldom redrawn: what is measured meanwhile shares the machine with whoever draws.
        self.drawing = Progress(
            *columns, TimeRemainingColumn(), console=Console(file=stream), transient=True, refresh_per_second=1
        )
        self._task = self.drawing.add_task("", visible=False)

    def begin(self, total: int, things: str = "answers") -> None:
        self.drawing.update(self._task, total=total, completed=-1, visible=True)

    def step(self, what: str) -> None:
        self.drawing.update(self._task, advance=1, description=what)


@contextmanager
def counted_on(stream: TextIO | None = None) -> Iterator[Counting]:
    """Progress on `stream` (stderr): a bar on a terminal, else lines."""
    stream = sys.stderr if stream is None else stream
    if not stream.isatty():
        yield CountedLines(stream)
        return
    bar = _Bar(stream)
    with bar.drawing:
        yield bar
