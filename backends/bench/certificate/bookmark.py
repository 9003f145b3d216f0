"""Where a row stands, to be gone back to: what is remembered of it, and what stands in the slots of its caches."""

from __future__ import annotations

from collections.abc import Sequence
from copy import deepcopy

from ...runtime import Row
from .remembering import TokensOnly


class Bookmark:
    """A row between two steps. All else that steps hand on never changes, and is kept by whoever holds it."""

    def __init__(self, row: Row, caches: Sequence[TokensOnly]) -> None:
        """`caches` are all of the row's."""
        self._row, self._caches = row, caches
        self._kept = deepcopy((vars(row), [cache.slots for cache in caches]))

    def go_back(self) -> None:
        """Let the row and its caches be what they were."""
        facts, slots = deepcopy(self._kept)
        vars(self._row).update(facts)
        for cache, each in zip(self._caches, slots, strict=True):
            cache.slots = each
