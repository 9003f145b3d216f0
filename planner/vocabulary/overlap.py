"""How much two vocabularies share, counted by entries and by how often their tokens are used."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from .maps import TokenMap, Vocabulary, intersection


@dataclass(frozen=True, slots=True)
class Overlap:
    """Counts of ordinary tokens, told apart by their bytes; special tokens and padding are in neither vocabulary."""

    draft: int
    target: int
    shared: int

    @property
    def jaccard(self) -> float:
        """|T∩D| / |T∪D|; 0 for two empty vocabularies."""
        union = self.draft + self.target - self.shared
        return self.shared / union if union else 0.0

    @property
    def of_draft(self) -> float:
        """The share of the draft's tokens that the target has."""
        return self.shared / self.draft if self.draft else 0.0

    @property
    def of_target(self) -> float:
        """The share of the target's tokens that the draft has."""
        return self.shared / self.target if self.target else 0.0


def overlap(draft: Vocabulary, target: Vocabulary) -> Overlap:
    """What the two vocabularies share, by bytes.

    >>> overlap([b"a", b"b", None], [b"b", b"c"]).jaccard
    0.3333333333333333
    """
    left = {spelled for spelled in draft if spelled}
    right = {spelled for spelled in target if spelled}
    return Overlap(len(left), len(right), len(left & right))


def weighted_overlap(counts: Mapping[int, float], into: TokenMap) -> float:
    """The share of occurrences whose token has an image; `counts` are occurrences (or probabilities) of draft ids.

    With the draft's probabilities this is Q, the mass inside the intersection: what predicts TLI's acceptance.
    0 where nothing was counted.
    """
    total = sum(counts.values())
    inside = sum(count for token, count in counts.items() if into.images[token] is not None)
    return inside / total if total else 0.0


def weighted_overlap_of_target(counts: Mapping[int, float], draft: Vocabulary, target: Vocabulary) -> float:
    """The share of occurrences of target ids, counted in `counts`, that the draft can propose at all."""
    reachable = intersection(draft, target).inverse
    total = sum(counts.values())
    return sum(count for token, count in counts.items() if token in reachable) / total if total else 0.0
