"""How the tags of an answer went: how many there were, and how many were malformed, by kind."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, fields

from .machine import Fault, Meaning, Promised, Synced, Wrong


@dataclass(frozen=True, slots=True)
class TagCounts:
    """The tags of one answer or, added up, of many. The fields from `topic` on are the kinds of `Fault`."""

    promises: int = 0
    syncs: int = 0
    queued: int = 0
    """Promises that waited for a thread, because as many as there may be were running."""
    unopened: int = 0
    """Promises that opened no thread, because nothing was left of the limit."""
    topic: int = 0
    length: int = 0
    unfinished: int = 0
    nested: int = 0
    idle_sync: int = 0
    own_async: int = 0
    stray: int = 0
    unclosed: int = 0

    @property
    def tags(self) -> int:
        """How many there were that have a place in the language: promises that were completed, and syncs."""
        return self.promises + self.syncs

    @property
    def faults(self) -> dict[Fault, int]:
        """How often each of what a model can get wrong occurred; none that did not."""
        return {fault: count for fault in Fault if (count := getattr(self, fault.name.lower()))}

    @property
    def malformed(self) -> int:
        """How many tags the language has no place for."""
        return sum(self.faults.values())

    def __add__(self, other: TagCounts) -> TagCounts:
        return TagCounts(*(getattr(self, each.name) + getattr(other, each.name) for each in fields(self)))

    def heard(self, meanings: Iterable[Meaning]) -> TagCounts:
        """These counts with what a thread has said since.

        >>> TagCounts().heard([Promised("sums", 2), Wrong(Fault.STRAY), Synced()]).to_json()
        {'promises': 1, 'syncs': 1, 'stray': 1}
        """
        found = Counter(name for each in meanings if (name := _field(each)) is not None)
        return self + TagCounts(**found) if found else self

    def to_json(self) -> dict[str, int]:
        """The counts that are not zero."""
        return {each.name: count for each in fields(self) if (count := getattr(self, each.name))}


def _field(meaning: Meaning) -> str | None:
    match meaning:
        case Promised():
            return "promises"
        case Synced():
            return "syncs"
        case Wrong(fault=fault):
            return fault.name.lower()
        case _:
            return None
