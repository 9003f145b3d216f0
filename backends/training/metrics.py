"""A line of JSON for each step of training, and for each time that something was measured."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any, TextIO

from .rows import Told, read_line, told

METRICS = "metrics.jsonl"


def read_metrics(file: Path) -> list[Mapping[str, Any]]:
    """All whole lines, or none where there is no file. Raises `DiagnosticError` (SP0855) for one that nobody wrote."""
    data = file.read_bytes() if file.exists() else b""
    lines = data[: data.rfind(b"\n") + 1].splitlines()
    then = "the figures of earlier steps are missing from then on"
    return [read_line(line, file, number, _checked, then) for number, line in enumerate(lines, 1)]


def metrics_behind(file: Path, done: int) -> TextIO:
    """The file, open behind the lines of so many steps; what came later is trained again. Raises as `read_metrics` does."""
    kept = [each for each in read_metrics(file) if _step(each) <= done]
    file.parent.mkdir(parents=True, exist_ok=True)
    fresh = file.with_suffix(".new")
    fresh.write_text("".join(json.dumps(each) + "\n" for each in kept), encoding="utf-8")
    os.replace(fresh, file)
    return file.open("a", encoding="utf-8")


def _checked(line: Told) -> Told:
    _step(line)
    return line


def _step(line: Told) -> int:
    step: int = told(line, "measured_at" if "measured_at" in line else "step", int)
    return step
