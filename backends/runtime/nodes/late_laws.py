"""The laws of rows of scores, each worked out when it is looked at: most drafts end before their last node."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from ...decoding import Array, Sampling, law


class LateLaws(Sequence[Array]):
    """The laws `[V]` behind some rows of scores `[rows, V]`; all of them unless it is said which."""

    def __init__(
        self, scores: Array, shape: Sampling, rows: Sequence[int] | None = None, allowed: Array | None = None
    ) -> None:
        """`allowed` are booleans `[V]`, or None for all."""
        self._scores, self._shape, self._allowed = scores, shape, allowed
        self._rows = range(int(scores.shape[0])) if rows is None else rows

    def __len__(self) -> int:
        return len(self._rows)

    def __getitem__(self, place: Any) -> Any:
        return law(self._scores[self._rows[place]], self._shape, self._allowed)
