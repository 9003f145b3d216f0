"""A compiler for how a language model decodes: plans in, execution graphs and what runs them out.

    from specplan import compile_plan

    plan = compile_plan("plan.yaml")
    print(plan.graph)
    for result in plan.decoder().generate(["Name three metals."]):
        print(result.text)

Importing this loads nothing; what is used is loaded when it is first asked for, and an engine by a decoder.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from .embedding import CompiledPlan, Diagnostic, DiagnosticError, Plan, compile_plan, load_plan

__version__ = "0.1.0"

__all__ = ["CompiledPlan", "Diagnostic", "DiagnosticError", "Plan", "__version__", "compile_plan", "load_plan"]

if not TYPE_CHECKING:  # else every name would be taken to be here

    def __getattr__(name: str) -> Any:
        """Load what is asked for, so that the program can answer Ctrl-C before any of it is loaded."""
        if name not in __all__:
            raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
        return getattr(import_module(".embedding", __name__), name)

    def __dir__() -> list[str]:
        """The public names, loaded or not."""
        return sorted({*globals(), *__all__})
