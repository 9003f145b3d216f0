"""What the package is to Python: plans are read, compiled and run."""

from __future__ import annotations

from importlib import import_module
from os import PathLike
from pathlib import Path
from typing import Any

from . import backends, planner
from .grammar import Diagnostic, DiagnosticError, Plan, has_errors, read_plan

__all__ = ["CompiledPlan", "Diagnostic", "DiagnosticError", "Plan", "compile_plan", "load_plan"]


class CompiledPlan(planner.CompiledPlan):
    """A graph, how it came about, what is to be said of it, and the way to run it."""

    def explain(self) -> str:
        """What `specplan explain` prints; `specplan.planner.explain` has it as data and in other formats."""
        # Late, as the commands do it: checking and running have no use for it.
        explaining = import_module(".planner.explain", __package__)
        return str(explaining.explanation_text(explaining.explain(self)))

    def decoder(self, **options: Any) -> Any:
        """A decoder with `generate(prompts)` and `stream(prompts)`; loads the models.

        Raises:
            DiagnosticError: if the engine cannot run a node of the graph, or a model is not to be had.
            ModuleNotFoundError: if the engine's libraries are not installed.
        """
        return backends.decoder(self, **options)


def load_plan(path: str | PathLike[str]) -> Plan:
    """The plan in a YAML file, read and not yet checked.

    Raises:
        OSError: if there is no such file.
        DiagnosticError: if it is not a plan; the diagnostics say where and why.
    """
    plan, found = read_plan(Path(path).read_bytes(), Path(path).name)
    if plan is None or has_errors(found):
        raise DiagnosticError(found)
    return plan


def compile_plan(path: str | PathLike[str], *, engine: str | None = None) -> CompiledPlan:
    """Compile a plan's YAML, or a graph's text, in a file; `engine` overrides the plan's own.

    Raises:
        OSError: if there is no such file.
        ValueError: if there is no such engine.
        DiagnosticError: if it is refused; the diagnostics say where, why, and what to do.
    """
    if engine is not None and engine not in backends.CAPABILITIES:
        raise ValueError(f"no engine is called {engine!r}; there are {', '.join(backends.CAPABILITIES)}")
    file = Path(path)
    made = planner.compile_source(
        file.read_bytes(), file.name, file.parent, engine=engine, backends=backends.CAPABILITIES
    )
    return CompiledPlan(**{part: getattr(made, part) for part in made.__dataclass_fields__})
