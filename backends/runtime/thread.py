"""A thread of a row: text that goes on by itself. A row that never forks is one thread."""

from __future__ import annotations

from dataclasses import dataclass

from .row import Row


@dataclass(frozen=True, slots=True)
class Thread:
    """0 is a row's main thread, and forks count from 1 in the order of their promises."""

    row: Row
    number: int = 0
