"""How far a long piece of work has come, told to a terminal as bars and to anything else as lines."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Protocol, TextIO

from .errors import in_bytes


class Progress(Protocol):
    """Told what is being done; a stage ends where the next one begins."""

    def stage(self, what: str, total: int | None = None) -> None:
        """Begin a stage of `total` bytes, or of unknown length."""

    def reached(self, done: int) -> None:
        """`done` bytes of the stage are behind us."""


class Silent:
    """Says nothing."""

    def stage(self, what: str, total: int | None = None) -> None:
        """Begin a stage."""

    def reached(self, done: int) -> None:
        """Go on."""


class Lines:
    """A plain line for each stage, and one whenever ten seconds have passed: for logs and pipes."""

    def __init__(self, stream: TextIO, clock: Callable[[], float] = time.monotonic) -> None:
        self._stream, self._clock = stream, clock
        self._what, self._total, self._spoke = "", None, 0.0  # type: str, int | None, float

    def stage(self, what: str, total: int | None = None) -> None:
        """Say what begins."""
        self._what, self._total, self._spoke = what, total, self._clock()
        print(what if total is None else f"{what} ({in_bytes(total)})", file=self._stream, flush=True)

    def reached(self, done: int) -> None:
        """Say how far it is, rarely."""
        if self._total and self._clock() - self._spoke >= 10:
            self._spoke = self._clock()
            print(f"{self._what}: {100 * done // self._total} %", file=self._stream, flush=True)


class _Bars:
    """A bar or a spinner for each stage, drawn by rich in a thread of its own."""

    def __init__(self, stream: TextIO) -> None:
        from rich.console import Console
        from rich.progress import BarColumn, DownloadColumn, SpinnerColumn, TextColumn, TimeElapsedColumn
        from rich.progress import Progress as RichProgress

        columns = (SpinnerColumn(), TextColumn("{task.description}"), BarColumn(), DownloadColumn())
        self.drawing = RichProgress(*columns, TimeElapsedColumn(), console=Console(file=stream), transient=True)
        self._task = self.drawing.add_task("", visible=False)

    def stage(self, what: str, total: int | None = None) -> None:
        self.drawing.remove_task(self._task)
        self._task = self.drawing.add_task(what, total=total)

    def reached(self, done: int) -> None:
        self.drawing.update(self._task, completed=done)


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
