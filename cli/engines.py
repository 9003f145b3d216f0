"""What has to be there before a plan can run: an engine that knows its nodes, and the libraries of that engine."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from ..grammar import DiagnosticError
from ..planner import CannotRun, CompiledPlan
from .errors import EngineCannotRun, NotInstalled


def refuse_unknown_nodes(compiled: CompiledPlan) -> None:
    """Raises DiagnosticError where the engine has no code for a node; the plan's own diagnostics say for which."""
    if any(isinstance(each, CannotRun) for each in compiled.diagnostics):
        raise DiagnosticError([EngineCannotRun(None, compiled.engine)])


@contextmanager
def libraries_of(engine: str) -> Iterator[None]:
    """Turn the import of a library that is not installed into a diagnostic that names the engine's extra."""
    try:
        yield
    except ModuleNotFoundError as error:
        library = (error.name or "").split(".")[0]
        if not library or library == "specplan":
            raise
        raise DiagnosticError([NotInstalled(None, library, engine)]) from None
