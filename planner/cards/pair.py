"""What is known of two vocabularies together: counted once per pair, so that compiling needs no tokenizer."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass, fields
from typing import Any


@dataclass(frozen=True, slots=True, kw_only=True)
class Rehearsal:
    """Rounds in which text is spelled anew, rehearsed without models: means, and times as medians in microseconds."""

    guesses: int
    """Of the drafter, right ones, in each round."""
    candidates: float
    """Tokens that the guesses came to be in the target's words."""
    own: float
    """Of these: how many the target spells the text with, from the first on. More cannot be accepted."""
    canonical: float
    """How often the target's tokenizer would have cut the text so, what stands before it included."""
    encoded_bytes: float
    """Of guesses and of text that were spelled in other words."""
    guess_us: float
    """To spell the guesses in the target's words."""
    text_us: float
    """To spell in the drafter's words what a round said."""
    timed_on: str
    """The machine."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Pair:
    """Counts by bytes, special tokens left out; the weighted shares were counted on a text, if at all.

    `weighted_of_draft` is the share of that text's tokens, in the drafter's spelling, that the target has too;
    `weighted_of_target` the share, in the target's spelling, that the drafter has.
    """

    draft: str
    target: str
    draft_tokens: int
    target_tokens: int
    shared: int
    weighted_of_draft: float | None = None
    weighted_of_target: float | None = None
    counted_on: str | None = None
    rehearsed: Rehearsal | None = None

    @property
    def jaccard(self) -> float:
        """|T∩D| / |T∪D|."""
        return self.shared / (self.draft_tokens + self.target_tokens - self.shared)

    def to_yaml(self) -> str:
        """The file that `read_pair` reads; what is not known is left away.

        >>> print(Pair(draft="a", target="b", draft_tokens=3, target_tokens=4, shared=2).to_yaml(), end="")
        draft: "a"
        target: "b"
        draft_tokens: 3
        target_tokens: 4
        shared: 2
        """
        return "\n".join(_lines(self)) + "\n"


def _lines(record: Any, indent: str = "") -> Iterator[str]:
    for each in fields(record):
        value = getattr(record, each.name)
        if isinstance(value, Rehearsal):
            yield f"{indent}{each.name}:"
            yield from _lines(value, indent + "  ")
        elif value is not None:
            yield f"{indent}{each.name}: {json.dumps(value, ensure_ascii=False)}"
