"""Plans checked against what is known, lowered to graphs, and improved by passes; torch-free."""

from .capabilities import Capabilities
from .compile import LOWERED, CompiledPlan, compile_source, is_graph_text, stage_names
from .legalise import CannotRun, legalise
from .unspeculated import unspeculated

__all__ = [
    "LOWERED",
    "CannotRun",
    "Capabilities",
    "CompiledPlan",
    "compile_source",
    "is_graph_text",
    "legalise",
    "stage_names",
    "unspeculated",
]
