"""`specplan run --show rounds`: each step of a row in a line, what it drafted, translated, accepted and wrote."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from typing import Any

from ..backends.runtime import Stepped, Timing
from ..grammar import visible

_NARROW, _CROSSED = ("step", "drafted", "accepted", "ms"), ("candidates", "cut", "bytes", "translating ms")


def rounds_table(steps: Sequence[tuple[Stepped, Timing]]) -> str:
    """A line for each step; between vocabularies also what crossed, and whether the target would have cut it so."""
    crossed = any(step.translation is not None for step, _ in steps)
    heads = (*_NARROW, *(_CROSSED if crossed else ()))
    lines = [_cells(number, *step, crossed) for number, step in enumerate(steps, 1)]
    widths = [max(map(len, column)) for column in zip(heads, *(cells for cells, _ in lines), strict=True)]
    rows = [_line(heads, widths, "text"), *(_line(cells, widths, text) for cells, text in lines)]
    return "\n".join(["", *rows]) + "\n"


def rounds_json(steps: Sequence[tuple[Stepped, Timing]]) -> list[dict[str, Any]]:
    """The objects under `rounds`: seconds are those of the whole step, of which rows beside this one had a part."""
    return [
        {
            "text": step.text,
            "token_ids": list(step.token_ids),
            "drafted": step.drafted,
            "accepted": step.accepted,
            "seconds": timing.wall_s,
            "translation": step.translation and {**asdict(step.translation), "seconds": timing.translation_s},
        }
        for step, timing in steps
    ]


def _cells(number: int, step: Stepped, timing: Timing, crossed: bool) -> tuple[tuple[str, ...], str]:
    cells = (str(number), str(step.drafted), str(step.accepted), f"{1000 * timing.wall_s:.1f}")
    return (*cells, *(_translated(step, timing) if crossed else ())), f'"{visible(step.text)}"'


def _translated(step: Stepped, timing: Timing) -> tuple[str, ...]:
    found = step.translation
    if found is None:
        return "-", "-", "-", "-"
    cut = "-" if not found.respellings else "canonical" if found.canonical == found.respellings else "other"
    return str(found.candidates), cut, str(found.encoded_bytes), f"{1000 * timing.translation_s:.2f}"


def _line(cells: Sequence[str], widths: Sequence[int], text: str) -> str:
    return "  ".join([*(cell.rjust(width) for cell, width in zip(cells, widths, strict=True)), text])
