"""What is known of two vocabularies together: counted once per pair, so that compiling needs no tokenizer."""

from __future__ import annotations

from dataclasses import dataclass


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

    @property
    def jaccard(self) -> float:
        """|T∩D| / |T∪D|."""
        return self.shared / (self.draft_tokens + self.target_tokens - self.shared)
