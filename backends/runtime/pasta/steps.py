"""The grammar of `pasta.lark` over tokens, step by step: what a token is to it, and where it leads from each state."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import Enum
from typing import NamedTuple

from ....grammar import MAX_TENS, MAX_TOPIC_WORDS, Tag, fits_topic, topic_words
from .machine import MOST_TOPIC_TOKENS
from .vocabulary import TagVocabulary

MOST_DIGITS = len(str(MAX_TENS))


class Kind(NamedTuple):
    """All that counts of a token: its tag, or whether it ends the answer, or what it would be in a topic and in a number."""

    tag: Tag | None = None
    is_end: bool = False
    words: int | None = None
    """Words in a topic; None if it cannot stand in one."""
    begins_within: bool = False
    """Does it begin with a letter, and not with a space?"""
    ends_within: bool = False
    digits: str = ""
    """Digits of a number, all but 0 as 9."""


def kind_of(token: int, words: TagVocabulary) -> Kind:
    """What a token is."""
    if tag := words.tag_of.get(token):
        return Kind(tag)
    if token in words.ends:
        return Kind(is_end=True)
    text = (words.spelled[token] or b"").decode("latin-1")  # a character for each byte: only ASCII counts in a topic
    count = topic_words(text)
    if not text or count > MAX_TOPIC_WORDS or not fits_topic(text):
        return Kind()
    is_number = text.isascii() and text.isdigit() and len(text) <= MOST_DIGITS
    digits = "".join("0" if digit == "0" else "9" for digit in text) if is_number else ""
    return Kind(None, False, count, text[0] != " ", text[-1] != " ", digits)


class Part(Enum):
    """Where in the language a thread is."""

    MAIN = "the main thread's text"
    FORK = "a fork's block"
    TOPIC = "a topic"
    NUMBER = "a number"
    ANYTHING = "behind an end, or behind what may not come"


@dataclass(frozen=True, slots=True)
class State:
    """A state of the automaton."""

    part: Part
    count: int = 0
    """Tokens of a topic, or digits of a number, so far."""
    words: int = 0
    """Words of a topic so far."""
    is_within: bool = False
    """Does the topic end within a word, so that further letters would make that longer?"""


MAIN, FORK, ANYTHING = (State(part) for part in (Part.MAIN, Part.FORK, Part.ANYTHING))


class Strict:
    """The step from a state by a token, to nowhere (None) where it may not come."""

    def __init__(self, kinds: Sequence[Kind]) -> None:
        """`kinds` are those of all tokens: a vocabulary without letters or digits would be stuck in a promise, and makes none."""
        tags = {kind.tag for kind in kinds}
        self._is_whole = Tag.PROMISE not in tags
        spells = any(kind.words for kind in kinds) and any(kind.digits.startswith("9") for kind in kinds)
        self._promises = spells and {Tag.PROMISE, Tag.TOKENS, Tag.END} <= tags

    def __call__(self, state: State, kind: Kind) -> State | None:
        """Where the token leads."""
        match state.part:
            case Part.MAIN:
                return self._in_main(kind)
            case Part.FORK:
                return _in_fork(kind)
            case Part.TOPIC:
                return _in_topic(state, kind)
            case Part.NUMBER:
                return _in_number(state, kind)
            case Part.ANYTHING:
                return state

    def _in_main(self, kind: Kind) -> State | None:
        match kind.tag:
            case None:
                return ANYTHING if kind.is_end else MAIN
            case Tag.PROMISE if self._promises:
                return State(Part.TOPIC)
            case Tag.END if self._is_whole:
                return MAIN
            case Tag.SYNC:
                return MAIN
            case _:
                return None


def free(state: State, kind: Kind) -> State | None:
    """The step where only forks are held back: they say no tag but their own end."""
    return _in_fork(kind) if state == FORK else state


def _in_fork(kind: Kind) -> State | None:
    if kind.tag is None:
        return ANYTHING if kind.is_end else FORK
    return ANYTHING if kind.tag is Tag.ENDASYNC else None


def _in_topic(state: State, kind: Kind) -> State | None:
    if kind.tag is Tag.TOKENS:
        return State(Part.NUMBER) if state.words else None
    if kind.words is None or state.count == MOST_TOPIC_TOKENS:
        return None
    words = state.words + kind.words - (state.is_within and kind.begins_within)
    return State(Part.TOPIC, state.count + 1, words, kind.ends_within) if 1 <= words <= MAX_TOPIC_WORDS else None


def _in_number(state: State, kind: Kind) -> State | None:
    if kind.tag is Tag.END:
        return MAIN if state.count else None
    count = state.count + len(kind.digits)
    if not kind.digits or count > MOST_DIGITS or (state.count == 0 and kind.digits[0] == "0"):
        return None
    return State(Part.NUMBER, count)
