"""The engines: what each can run, what it emits, and how it decodes. Each is imported when it is first needed."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from importlib import import_module
from typing import Any

from ..grammar import DiagnosticError
from ..planner import CannotRun, CompiledPlan, memory_of
from ..planner.graph import Graph
from .capabilities import CAPABILITIES

_EMITTERS: Mapping[str, str] = {"eager": ".eager"}
_RUNNERS: Mapping[str, str] = {"eager": ".eager.run", "reference": ".reference.run"}

__all__ = ["CAPABILITIES", "decoder", "emit", "runner"]


def emit(graph: Graph, engine: str) -> dict[str, str]:
    """The artifacts that an engine makes of a graph that it can run, by file name; none if it makes none."""
    if engine not in _EMITTERS:
        return {}
    artifacts: dict[str, str] = import_module(_EMITTERS[engine], __package__).emit(graph)
    return artifacts


def runner(engine: str) -> Callable[..., Any]:
    """The function `decoder(graph, ...)` of an engine.

    Raises ModuleNotFoundError where a library of the engine's extra is not installed, and KeyError for an engine that
    does not run anything yet.
    """
    decoder: Callable[..., Any] = import_module(_RUNNERS[engine], __package__).decoder
    return decoder


def decoder(plan: CompiledPlan, **options: Any) -> Any:
    """A decoder of a compiled plan on its engine, with `generate(prompts)` and `stream(prompts)`; loads the models.

    Raises:
        DiagnosticError: if the engine cannot run a node of the graph, or a model is not to be had.
        ModuleNotFoundError: if the engine's libraries are not installed.
    """
    cannot = [each for each in plan.diagnostics if isinstance(each, CannotRun)]
    if cannot:
        raise DiagnosticError(cannot)
    memory = memory_of(plan.graph, plan.costs.cards, plan.costs.prompts)
    return runner(plan.engine)(plan.graph, device=plan.device, base=plan.base, memory=memory, **options)
