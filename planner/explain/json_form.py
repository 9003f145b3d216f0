"""An explanation as JSON: seconds, bytes and operations as numbers, fields only ever added."""

from __future__ import annotations

from dataclasses import fields, is_dataclass
from typing import Any

from ..graph import Graph
from .explanation import Explanation

FORMAT_VERSION = 1


def explanation_to_json(explained: Explanation) -> dict[str, Any]:
    """All of an explanation but the graph's own text; `null` is what cannot be known without a card."""
    return {"format_version": FORMAT_VERSION, **_plain(explained)}


def _plain(value: object) -> Any:
    if is_dataclass(value) and not isinstance(value, type):
        parts = ((part.name, getattr(value, part.name)) for part in fields(value))
        return {name: _plain(each) for name, each in parts if not isinstance(each, Graph)}
    if isinstance(value, tuple):
        return [_plain(each) for each in value]
    # Twelve digits are the same on every machine; the last ones of a power may not be.
    return float(f"{value:.12g}") if isinstance(value, float) else value
