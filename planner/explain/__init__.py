"""What a plan is expected to do: each node with its memory and cost, and what that makes of the whole."""

from ..forecast import Forecast, RowsForecast
from .build import explain
from .explanation import (
    ExplainedModel,
    ExplainedNode,
    ExplainedRegion,
    Explanation,
    MemoryPlan,
    Typed,
)
from .json_form import explanation_to_json
from .pictures import explanation_mermaid, explanation_svg
from .text import explanation_text

__all__ = [
    "ExplainedModel",
    "ExplainedNode",
    "ExplainedRegion",
    "Explanation",
    "Forecast",
    "MemoryPlan",
    "RowsForecast",
    "Typed",
    "explain",
    "explanation_mermaid",
    "explanation_svg",
    "explanation_text",
    "explanation_to_json",
]
