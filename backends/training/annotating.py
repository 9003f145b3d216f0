"""What annotates an answer, and how long its promises then say that their blocks are."""

from __future__ import annotations

from dataclasses import replace
from typing import Protocol

from ...grammar import MAX_TENS, TEN, Answer, AnswerText, Promise
from ..runtime.pasta import Encode


class Annotator(Protocol):
    """Finds what in an answer could be written at the same time."""

    def __call__(self, answer: str) -> Answer | None:
        """The answer with promises, their blocks and syncs, the estimates still to be made; None where it came to nothing.

        An answer without any promise says that there is nothing to promise.
        """


def with_estimates(answer: Answer, encode: Encode) -> Answer | None:
    """The answer, each promise with the length of its block, both tags counted, in tens of tokens.

    None if the vocabulary cannot spell a block. Promises without a block are left as they are.
    """
    items = tuple(_estimated(item, encode) if isinstance(item, Promise) else item for item in answer.items)
    whole = tuple(item for item in items if item is not None)
    return Answer(whole) if len(whole) == len(items) else None


def tens_of(tokens: int) -> int:
    """The estimate of a block of so many tokens, without its two tags.

    >>> tens_of(0), tens_of(13), tens_of(14), tens_of(5000)
    (1, 2, 2, 99)
    """
    return min(max(round((tokens + 2) / TEN), 1), MAX_TENS)


def _estimated(promise: Promise, encode: Encode) -> Promise | None:
    match promise.block:
        case None:
            return promise
        case AnswerText(text=text):
            ids = encode(text.encode())
            return None if ids is None else replace(promise, tens=tens_of(len(ids)))
