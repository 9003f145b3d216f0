"""What a person is told when memory is refused: what it was for, and what the plan was estimated to need."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass

from ...grammar import DiagnosticError
from ...planner import ModelMemory
from ..models import asked_for, is_out_of_memory
from ..runtime import OutOfMemory


@dataclass(frozen=True, slots=True)
class PlannedMemory:
    """The estimate of a plan, for whoever runs out of what it was made for."""

    models: Sequence[ModelMemory] = ()

    @contextmanager
    def needed_for(self, what: str) -> Iterator[None]:
        """Turn refused memory into a diagnostic. Raises `DiagnosticError` (SP0807)."""
        try:
            yield
        except Exception as error:
            if isinstance(error, DiagnosticError) or not is_out_of_memory(error):
                raise
            found = OutOfMemory(None, what, asked_for(error), tuple(self.models))
            # A traceback would keep alive what was set aside until then.
            raise DiagnosticError([found]) from error.with_traceback(None)


UNPLANNED = PlannedMemory()
"""Nobody has estimated anything."""
