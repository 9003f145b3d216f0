"""Answers that a model should not learn from: those that say nothing, or the same again and again; and where to cut others."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import replace
from enum import Enum
from itertools import combinations, pairwise

from .answering import Answered

_MOST_ITEMS = 20
_GRAM, _MOST_REPEATED = 4, 0.25
_ITEM_WORDS, _ALIKE = 4, 0.8
_LEAST_WHOLE = 0.6
"""Of a text that was cut off, at least so much has to be whole."""
_MARK = re.compile(r"\s*(?:[-*+•]|\(?\d{1,3}[.):])\s+")


class Unfit(Enum):
    """Why an answer is not learned from; the value says it in words."""

    UNENDED = "it was cut off, and too little of it is whole"
    EMPTY = "it says nothing"
    ENDLESS = "it is a list of very many items"
    ITEMS = "two items of it say the same"
    REPEATS = "it repeats itself"


def fit(answers: Iterable[Answered]) -> tuple[list[Answered], Counter[Unfit]]:
    """The answers that are fit to learn from, those that were cut off up to their last whole item; why others are not."""
    kept: list[Answered] = []
    dropped: Counter[Unfit] = Counter()
    for each in answers:
        text = each.text if each.ended else whole_part(each.text)
        # Of what hardly got beyond its beginning a model would learn to say little.
        is_stub = len(text) < _LEAST_WHOLE * len(each.text)
        reason = Unfit.UNENDED if is_stub else unfit(text)
        if reason is None:
            kept.append(replace(each, text=text))
        else:
            dropped[reason] += 1
    return kept, dropped


def whole_part(text: str) -> str:
    """A text that was cut off, without the item or paragraph that it broke off in.

    >>> whole_part("Two ways:\\n1. Walk slowly.\\n2. Run fa")
    'Two ways:\\n1. Walk slowly.'
    """
    lines = text.splitlines()
    begins = [at for at, line in enumerate(lines) if at and (_MARK.match(line) or not lines[at - 1].strip())]
    whole = "\n".join(lines[: begins[-1]] if begins else []).rstrip()
    # What announces the items to come is not an end.
    return whole_part(whole) if whole.endswith(":") else whole


def unfit(text: str) -> Unfit | None:
    """Why an answer is not to be learned from.

    >>> unfit("1. Wash the cups well.\\n2. Dry the cups.\\n3. Wash the cups well.")
    <Unfit.ITEMS: 'two items of it say the same'>
    """
    if not text.strip():
        return Unfit.EMPTY
    lines = text.splitlines()
    if sum(_MARK.match(line) is not None for line in lines) > _MOST_ITEMS:
        return Unfit.ENDLESS
    items = [words for line in lines if len(words := _words(_MARK.sub("", line, count=1))) >= _ITEM_WORDS]
    if any(_likeness(one, other) >= _ALIKE for one, other in combinations(items, 2)):
        return Unfit.ITEMS
    return Unfit.REPEATS if _repeated(_words(text)) > _MOST_REPEATED else None


def _words(text: str) -> list[str]:
    return re.findall(r"\w+", text.casefold())


def _likeness(one: Sequence[str], other: Sequence[str]) -> float:
    """The share of pairs of neighbouring words that two texts have in common, of those that either has."""
    mine, theirs = (set(pairwise(each)) for each in (one, other))
    return len(mine & theirs) / len(mine | theirs)


def _repeated(words: Sequence[str]) -> float:
    """The share of runs of words that were said before."""
    runs = [tuple(words[place : place + _GRAM]) for place in range(len(words) - _GRAM + 1)]
    return 1 - len(set(runs)) / len(runs) if runs else 0.0
