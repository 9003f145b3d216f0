"""Count what two vocabularies share: their tokens by bytes, and those of a text in the spelling of each."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from ...planner.cards import Pair
from ...planner.vocabulary import (
    Vocabulary,
    intersection,
    overlap,
    weighted_overlap,
    weighted_overlap_of_target,
    written,
)


class Spells(Protocol):
    """What is needed of a vocabulary to count it."""

    @property
    def spelled(self) -> Vocabulary:
        """What each id stands for; None for special tokens and padding."""

    def encode_each(self, texts: Sequence[bytes]) -> Sequence[Sequence[int] | None]:
        """Each text in tokens; None where they cannot spell it."""


@dataclass(frozen=True, slots=True)
class Named:
    """A vocabulary and what its family is called."""

    name: str
    words: Spells


def count_pair(draft: Named, target: Named, texts: Sequence[str], text: str) -> Pair:
    """What a drafter's vocabulary shares with its target's; `text` is what the `texts` are called.

    A text that one of the two cannot spell is left out of its shares; without any token a share stays unknown.
    """
    spelled, wanted = (written(each.words.spelled, each.words.encode_each) for each in (draft, target))
    counted = overlap(spelled, wanted)
    of_draft, of_target = _tokens(draft, texts), _tokens(target, texts)
    sizes = f"{of_draft.total()} tokens of {draft.name}, {of_target.total()} of {target.name}"
    return Pair(
        draft=draft.name,
        target=target.name,
        draft_tokens=counted.draft,
        target_tokens=counted.target,
        shared=counted.shared,
        weighted_of_draft=_share(of_draft, weighted_overlap(of_draft, intersection(spelled, wanted))),
        weighted_of_target=_share(of_target, weighted_overlap_of_target(of_target, spelled, wanted)),
        counted_on=f"{text}: {len(texts)} texts, {sizes}",
    )


def _tokens(of: Named, texts: Sequence[str]) -> Counter[int]:
    found = of.words.encode_each([each.encode() for each in texts])
    return Counter(token for ids in found if ids is not None for token in ids)


def _share(counted: Counter[int], share: float) -> float | None:
    return round(share, 4) if counted else None
