"""From an annotated answer to what the threads that write it say: the inverse of joining."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeAlias

from ....grammar import Answer, AnswerText, Promise, Sync, Tag
from .machine import MOST_TOPIC_TOKENS
from .vocabulary import TagVocabulary

Encode: TypeAlias = Callable[[bytes], tuple[int, ...] | None]
"""Tokens that spell exactly this text, as a part of a longer one (`Words.encode`); None where a vocabulary cannot."""


@dataclass(frozen=True, slots=True)
class Threads:
    """What the main thread says, without an end token, and for each of its promises what the fork says behind its ASYNC."""

    main: tuple[int, ...]
    blocks: tuple[tuple[int, ...] | None, ...]


class _Unspelled(Exception):
    """A text that the vocabulary cannot say."""


def threads_of(answer: Answer, words: TagVocabulary, encode: Encode) -> Threads | None:
    """The tokens of an answer; `Joining` makes the same answer of them again.

    None if the vocabulary cannot spell a text of it, or needs more tokens for a topic than a promise may have.
    """
    main: list[int] = []
    blocks: list[tuple[int, ...] | None] = []

    def spell(text: str, most: int | None = None) -> tuple[int, ...]:
        ids = encode(text.encode())
        if ids is None or (most is not None and len(ids) > most):
            raise _Unspelled
        return ids

    try:
        for item in answer.items:
            match item:
                case AnswerText(text=text):
                    main += spell(text)
                case Sync():
                    main.append(words.tags[Tag.SYNC])
                case Promise(topic=topic, tens=tens, block=block):
                    about = spell(topic, MOST_TOPIC_TOKENS)
                    main += [words.tags[Tag.PROMISE], *about, words.tags[Tag.TOKENS], *spell(str(tens))]
                    main.append(words.tags[Tag.END])
                    blocks.append(None if block is None else (*spell(block.text), words.tags[Tag.ENDASYNC]))
    except _Unspelled:
        return None
    return Threads(tuple(main), tuple(blocks))
