"""What is known of two vocabularies together: counted once per pair, so that compiling needs no tokenizer."""

from __future__ import annotations

import json
from dataclasses import dataclass, fields


@dataclass(frozen=True, slots=True, kw_only=True)
class Pair:
    """Counts by bytes, special tokens left out; the weighted shares were counted on a text, if at all.

    `weighted_of_draft` is the share of that text's tokens, in the drafter's spelling, that the target has too;
    `weighted_of_target` the share, in the target's spelling, that the drafter has.

    What follows was found by rehearsing rounds of text that is spelled anew, each of so many right `guesses`: how many
    `candidates` they came to be on average, how many of these were the target's `own` tokens from the first on (more
    cannot be accepted), how often the cut was `canonical`, and how many bytes were spelled in other words. Medians of
    microseconds: `guess_us` to spell the guesses, `text_us` to spell in the drafter's words what was said.
    """

    draft: str
    target: str
    draft_tokens: int
    target_tokens: int
    shared: int
    weighted_of_draft: float | None = None
    weighted_of_target: float | None = None
    counted_on: str | None = None
    guesses: int | None = None
    candidates: float | None = None
    own: float | None = None
    canonical: float | None = None
    encoded_bytes: float | None = None
    guess_us: float | None = None
    text_us: float | None = None
    timed_on: str | None = None

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
        known = [(each.name, getattr(self, each.name)) for each in fields(self)]
        lines = [f"{name}: {json.dumps(value, ensure_ascii=False)}" for name, value in known if value is not None]
        return "\n".join(lines) + "\n"
