"""Facts read from files that others wrote: taken one by one, each checked, every mistake remembered."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

LARGEST = 1 << 40
"""No count in a model's description is larger; what is was made to hurt."""


@dataclass(slots=True)
class Facts:
    """Keys and values with a notebook: `missing` keys, and `wrong` ones with a reason."""

    values: Mapping[str, object]
    missing: list[str] = field(default_factory=list)
    wrong: list[tuple[str, str]] = field(default_factory=list)

    def count(self, key: str, default: int | None = None) -> int:
        """A number above zero; where it is missing the default, or a note and 1."""
        value = self.values.get(key)
        if value is None:
            if default is None:
                self.missing.append(key)
            return default or 1
        if isinstance(value, bool) or not isinstance(value, int) or not 0 < value <= LARGEST:
            self.wrong.append((key, f"{_shown(value)} is not a whole number above zero"))
            return default or 1
        return value

    def token(self, key: str, entries: int) -> int | None:
        """A token id below `entries`, or None."""
        value = self.values.get(key)
        if value is None:
            return None
        if isinstance(value, bool) or not isinstance(value, int) or not 0 <= value < entries:
            self.wrong.append((key, f"{_shown(value)} is not a token of a vocabulary of {entries}"))
            return None
        return value

    def tokens(self, key: str, entries: int) -> tuple[int, ...]:
        """One token id or a list of them."""
        value = self.values.get(key)
        if not isinstance(value, list):
            one = self.token(key, entries)
            return () if one is None else (one,)
        if any(isinstance(each, bool) or not isinstance(each, int) or not 0 <= each < entries for each in value):
            self.wrong.append((key, f"{_shown(value)} are not tokens of a vocabulary of {entries}"))
            return ()
        return tuple(value)

    def flag(self, key: str, default: bool) -> bool:
        """True or false."""
        value = self.values.get(key)
        if value is None:
            return default
        if not isinstance(value, bool):
            self.wrong.append((key, f"{_shown(value)} is neither true nor false"))
            return default
        return value

    def word(self, key: str) -> str | None:
        """A text, or None."""
        value = self.values.get(key)
        if value is not None and not isinstance(value, str):
            self.wrong.append((key, f"{_shown(value)} is not a text"))
            return None
        return value

    def divides(self, small: str, large: str) -> None:
        """Note it where the first count does not divide the second."""
        few, many = self.values.get(small), self.values.get(large)
        if isinstance(few, int) and isinstance(many, int) and few > 0 and many % few:
            self.wrong.append((small, f"{few} does not divide {large}, {many}"))


def _shown(value: object) -> str:
    text = repr(value)
    return text if len(text) <= 40 else text[:40] + "…"
