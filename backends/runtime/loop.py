"""The loop around an emitted program: start a row, step it until it is done, and tell what happens as events."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from time import perf_counter
from typing import Any, Protocol, TypeAlias

from ...grammar import Diagnostic, DiagnosticError
from .events import Event, Finished, Prompt, Refused, Result, Started, numbered
from .row import Row

State: TypeAlias = tuple[Any, ...]
"""What a region yields: the parameters of the next step."""


class Program(Protocol):
    """A graph's two regions as an engine runs them."""

    def start(self, row: Row) -> State:
        """Read a row's prompt. Raises `DiagnosticError` for a prompt that cannot be answered."""

    def step(self, row: Row, state: State) -> tuple[State, bool]:
        """Go one step; the new state, and whether the row is done."""

    def release(self, row: Row) -> None:
        """Give back what the row holds; called once per row, however it ends."""


class LoopDecoder:
    """Decodes prompts with a program, one row at a time."""

    def __init__(self, program: Program, notes: Sequence[Diagnostic] = ()) -> None:
        """`notes` are what a person should know before it runs."""
        self._program = program
        self.notes = tuple(notes)

    def generate(self, prompts: Sequence[str | Prompt]) -> list[Result]:
        """Answer prompts, in their order. Raises `DiagnosticError` for the first that cannot be answered."""
        results = []
        for event in self.stream(prompts):
            match event:
                case Refused(diagnostics=diagnostics):
                    raise DiagnosticError(diagnostics)
                case Finished(result=result):
                    results.append(result)
        return results

    def stream(self, prompts: Iterable[str | Prompt]) -> Iterator[Event]:
        """The events of all prompts as they happen; whoever stops iterating has ended the rest."""
        for prompt in numbered(prompts):
            row = Row(prompt)
            try:
                yield from self._run(row)
            except DiagnosticError as error:
                yield Refused(prompt.id, error.diagnostics)
            finally:
                self._program.release(row)

    def _run(self, row: Row) -> Iterator[Event]:
        began = perf_counter()
        state = self._program.start(row)
        row.prefill_s = perf_counter() - began
        row.seconds.clear()
        yield Started(row.prompt.id, row.prompt_tokens, row.prefill_s)
        done = False
        while not done:
            began = perf_counter()
            state, done = self._program.step(row, state)
            yield row.stepped(perf_counter() - began)
        yield Finished(row.prompt.id, row.result())
