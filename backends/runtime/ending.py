"""Where a row ends: at an end token, a stop string, a limit or the end of the context, and what may be shown till then."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from enum import Enum
from typing import Protocol


class Reason(Enum):
    """Why a row ended."""

    END_TOKEN = "end token"
    STOP_STRING = "stop string"
    LIMIT = "max_new_tokens"
    CONTEXT = "context"


class TextStream(Protocol):
    """The text of one row, token by token."""

    def push(self, ids: Sequence[int]) -> str:
        """The text that these tokens complete."""

    def flush(self) -> str:
        """What is left at the end."""


class StopText(Protocol):
    """Ends a text at a stop string, and holds back what may be the beginning of one."""

    found: str | None

    def push(self, text: str) -> str:
        """What may be shown now."""

    def flush(self) -> str:
        """What was held back after all."""


class Ending:
    """Decides, token by token, how much of a row's paths counts; keeps what it needs between steps."""

    def __init__(
        self, text: TextStream, stops: StopText, *, ends: Collection[int], max_new_tokens: int, context: int
    ) -> None:
        """`ends` are the tokens that end a row; `context` is how many positions there are, the prompt's included."""
        self._text, self._stops = text, stops
        self._ends, self._left, self._context = frozenset(ends), max_new_tokens, context
        self.reason: Reason | None = None

    def cut(self, tokens: Sequence[int], start: int) -> tuple[int, str]:
        """How many of the tokens, which start at a position, the row keeps, and the text to show for them."""
        shown = []
        kept = 0
        for position, token in enumerate(tokens, start):
            if self.reason is not None:
                break
            kept += 1
            shown.append(self._stops.push(self._text.push([token])))
            self._left -= 1
            self.reason = self._reason(token, position)
        if self.reason not in (None, Reason.STOP_STRING):
            shown += [self._stops.push(self._text.flush()), self._stops.flush()]
        return kept, "".join(shown)

    def _reason(self, token: int, position: int) -> Reason | None:
        if token in self._ends:
            return Reason.END_TOKEN
        if self._stops.found is not None:
            return Reason.STOP_STRING
        if self._left <= 0:
            return Reason.LIMIT
        # The last token needs no slot of its own: it is not read.
        return Reason.CONTEXT if position >= self._context else None
