"""The loop around a program: start rows as there is room, step them together until they are done, and tell what happens."""

from __future__ import annotations

from collections.abc import Collection, Generator, Iterable, Iterator, Sequence
from contextlib import closing
from time import perf_counter
from typing import Any, Protocol, TypeAlias

from ...grammar import Diagnostic, DiagnosticError
from .clock import Clock
from .events import Event, Finished, Prompt, Refused, Result, Started, numbered
from .row import Row

State: TypeAlias = tuple[Any, ...]
"""What a region yields: the parameters of the next step."""


class Program(Protocol):
    """A graph's two regions as an engine runs them."""

    @property
    def rows(self) -> int:
        """How many rows step together."""

    @property
    def clock(self) -> Clock:
        """Where the time goes."""

    def start(self, row: Row) -> State:
        """Read a row's prompt. Raises `DiagnosticError` for a prompt that cannot be answered."""

    def join(self, state: State, started: State) -> State:
        """The rows of a state, and one that has just started, side by side."""

    def step(self, state: State) -> tuple[State, Collection[Row]]:
        """Go one step with all rows; the new state without the rows that have ended, and these."""

    def release(self, row: Row) -> None:
        """Give back what a row holds; called once per row, however it ends."""


class LoopDecoder:
    """Decodes prompts with a program, as many at a time as it has rows; one that ends makes room for the next."""

    def __init__(self, program: Program, notes: Sequence[Diagnostic] = ()) -> None:
        """`notes` are what a person should know before it runs."""
        self.program = program
        self.notes = tuple(notes)

    def generate(self, prompts: Sequence[str | Prompt]) -> list[Result]:
        """Answer prompts, in their order. Raises `DiagnosticError` for the first that cannot be answered."""
        rows = [Row(prompt) for prompt in numbered(prompts)]
        with closing(_Batch(self.program, iter(rows)).events()) as events:
            for event in events:
                if isinstance(event, Refused):
                    raise DiagnosticError(event.diagnostics)
        return [row.result() for row in rows]

    def stream(self, prompts: Iterable[str | Prompt]) -> Iterator[Event]:
        """The events of all prompts as they happen; whoever stops iterating has ended the rest.

        A prompt is taken from the iterable when there is room for it.
        """
        return _Batch(self.program, map(Row, numbered(prompts))).events()


class _Batch:
    """The rows that are under way, in the order in which they started."""

    def __init__(self, program: Program, waiting: Iterator[Row]) -> None:
        self._program, self._waiting = program, waiting
        self._rows: list[Row] = []
        self._state: State | None = None

    def events(self) -> Generator[Event]:
        """What happens, until every prompt has been answered."""
        try:
            while True:
                yield from self._admit()
                if not self._rows:
                    return
                yield from self._step()
        finally:
            for row in self._rows:
                self._program.release(row)

    def _admit(self) -> Iterator[Event]:
        """Start prompts as long as there is room for them."""
        while len(self._rows) < self._program.rows:
            row = next(self._waiting, None)
            if row is None:
                return
            self._rows.append(row)
            try:
                self._start(row)
            except DiagnosticError as error:
                self._end(row)
                yield Refused(row.prompt.id, error.diagnostics)
            else:
                yield Started(row.prompt.id, row.prompt_tokens, row.prefill_s)

    def _start(self, row: Row) -> None:
        began = perf_counter()
        self._program.clock.read(0)  # what was counted in a step that was refused
        started = self._program.start(row)
        self._state = started if self._state is None else self._program.join(self._state, started)
        row.prefill_s = perf_counter() - began
        self._program.clock.read(row.prefill_s)

    def _step(self) -> Iterator[Event]:
        assert self._state is not None, "rows that have started have a state"
        rows = [*self._rows]
        self._program.clock.read(0)
        began = perf_counter()
        try:
            self._state, ended = self._program.step(self._state)
        except DiagnosticError as error:
            # Nobody can say how far the others came.
            self._state = None
            for row in rows:
                self._end(row)
                yield Refused(row.prompt.id, error.diagnostics)
            return
        timing = self._program.clock.read(perf_counter() - began)
        told = [row.stepped(timing, first=row is rows[0]) for row in rows]
        for row in rows:
            if row in ended:
                self._end(row)
        for row, stepped in zip(rows, told, strict=True):
            yield stepped
            if row in ended:
                yield Finished(row.prompt.id, row.result())

    def _end(self, row: Row) -> None:
        self._rows.remove(row)
        self._program.release(row)
        if not self._rows:
            self._state = None
