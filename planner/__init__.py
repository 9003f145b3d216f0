"""Plans checked against what is known, lowered to graphs, and improved by passes; torch-free."""

from .capabilities import Capabilities
from .compile import LOWERED, CompiledPlan, compile_source, is_graph_text, stage_names
from .legalise import CannotRun, legalise
from .memory import ModelMemory, memory_of, shown_bytes
from .unspeculated import unspeculated

__all__ = [
    "LOWERED",
    "CannotRun",
    "Capabilities",
    "CompiledPlan",
    "ModelMemory",
    "compile_source",
    "is_graph_text",
    "legalise",
    "memory_of",
    "shown_bytes",
    "stage_names",
    "unspeculated",
]
