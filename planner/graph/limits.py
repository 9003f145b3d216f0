"""What fields of nodes and declarations may say beyond their type: bounds of numbers, and words to choose from.

A limit stands on the field that it limits, `top_p: float | None = limited(above=0, high=1, default=None)`, and one rule
reads them all, so that a graph which a person wrote holds no number that nobody can run.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import MISSING, dataclass, field, fields
from typing import Any

from .types import Size

LARGEST = 2**63 - 1


@dataclass(frozen=True, slots=True)
class Limit:
    """Numbers from `low` to `high`, both included, or from beyond `above`; or one of `words`, if there are any."""

    low: float | None = None
    high: float | None = None
    above: float | None = None
    words: tuple[str, ...] = ()

    def __str__(self) -> str:
        if self.words:
            return f"one of {', '.join(self.words)}"
        least = f"above {self.above:g}" if self.above is not None else f"at least {self.low}"
        if self.high is None or self.high == LARGEST:
            return least
        return f"{self.low} to {self.high}" if self.above is None else f"{least}, up to {self.high}"

    def holds(self, value: object) -> bool:
        """Whether that value is allowed; of a list every item has to be, of a size every case."""
        match value:
            case None:
                return True
            case tuple():
                return all(map(self.holds, value))
            case Size(cases=cases):
                return all(self.holds(each.low) for each in cases)
            case int() | float():
                high = self.high is None or value <= self.high
                low = self.low is None or value >= self.low
                return math.isfinite(value) and low and high and (self.above is None or value > self.above)
            case _:
                return value in self.words


def limited(
    low: float | None = None,
    high: float | None = None,
    *,
    above: float | None = None,
    words: tuple[str, ...] = (),
    default: Any = MISSING,
) -> Any:
    """A field with a limit; without a default it has to be given."""
    return field(default=default, metadata={"limit": Limit(low, high, above, words)})


def beyond_limits(item: Any) -> Iterator[tuple[str, object, Limit]]:
    """Every field of a node or declaration that is beyond its limit: its name in Python, its value and the limit."""
    for each in fields(item):
        limit = each.metadata.get("limit")
        if isinstance(limit, Limit) and not limit.holds(getattr(item, each.name)):
            yield each.name, getattr(item, each.name), limit
