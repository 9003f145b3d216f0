"""End a text at the first stop string, and let nothing out that might be the beginning of one."""

from __future__ import annotations

from collections.abc import Sequence


class StopStrings:
    """The text of one row on its way to the reader.

    >>> stops = StopStrings(["END"])
    >>> stops.push("one E"), stops.push("N two"), stops.push("END three"), stops.found
    ('one ', 'EN two', '', 'END')
    """

    def __init__(self, strings: Sequence[str]) -> None:
        """Empty strings are no stop strings: they would end every text before it begins."""
        assert all(strings), "a stop string has at least one character"
        self._strings = tuple(strings)
        self._held = ""
        self.found: str | None = None

    def push(self, text: str) -> str:
        """What may be shown now; nothing any more once a stop string is `found`, which is not shown itself."""
        if self.found is not None:
            return ""
        held = self._held + text
        hits = [(held.find(each), -len(each), each) for each in self._strings if each in held]
        if hits:
            at, _, self.found = min(hits)
            self._held = ""
            return held[:at]
        keep = max((_overlap(held, each) for each in self._strings), default=0)
        self._held = held[len(held) - keep :]
        return held[: len(held) - keep]

    def flush(self) -> str:
        """At the end, what was held back after all."""
        held, self._held = self._held, ""
        return held


def _overlap(text: str, stop: str) -> int:
    """How many characters at the end of a text are the beginning of a stop string."""
    for length in range(min(len(text), len(stop) - 1), 0, -1):
        if text.endswith(stop[:length]):
            return length
    return 0
