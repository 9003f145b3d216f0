"""Text in other words: what follows a text in a vocabulary's tokens, and how far tokens spell a text."""

from __future__ import annotations

from codecs import getincrementaldecoder
from collections.abc import Iterator, Sequence
from itertools import islice, takewhile
from typing import Protocol

from ...planner.vocabulary import is_whole_characters

LOOK_BACK = 10
"""Tokens before a continuation that decide how it is cut: no merge of real vocabularies reaches further."""


class Spelled(Protocol):
    """As much of `Words` as a spelling needs."""

    @property
    def spelled(self) -> Sequence[bytes | None]:
        """What each id stands for."""

    def encode(self, text: bytes) -> tuple[int, ...] | None:
        """Tokens that spell a text of whole characters."""


def whole_characters(text: bytes) -> bytes:
    """The text as far as it is whole characters.

    >>> whole_characters("né".encode()[:2])
    b'n'
    """
    try:
        text.decode()
    except UnicodeDecodeError as error:
        return text[: error.start]
    return text


def begun_character(text: bytes) -> bytes:
    """The last bytes of a text, if they begin a character and do not end it.

    >>> begun_character("né".encode()[:2])
    b'\xc3'
    """
    decoder = getincrementaldecoder("utf-8")("replace")
    decoder.decode(text)
    return decoder.getstate()[0]


def spelled_behind(words: Spelled, before: Sequence[int], text: bytes) -> tuple[tuple[int, ...], bool]:
    """The tokens of a text behind others, and whether the vocabulary itself would cut it so.

    The text may go on within a character, and ends with a whole one. A tail of what is before is encoded together with the
    text. Where a token straddles the boundary the text is encoded alone: what is before is settled. Without tokens: there
    is no text, or it cannot be spelled from there.
    """
    tail = _tail(words, before)
    if not text or not is_whole_characters(tail + text):
        return (), not text
    together = words.encode(tail + text) or ()
    covered = 0
    for place, token in enumerate(together):
        if covered == len(tail):
            return together[place:], True
        covered += len(words.spelled[token] or b"")
    alone = words.encode(text) if is_whole_characters(text) else None
    return alone or (), False


def _tail(words: Spelled, before: Sequence[int]) -> bytes:
    """The last bytes of some tokens, behind any special token, and from the beginning of a character on."""
    tail = b""
    for token in before[: -LOOK_BACK - 1 : -1]:
        spelled = words.spelled[token]
        if spelled is None:
            break
        tail = spelled + tail
    while whole_characters(tail) + begun_character(tail) != tail:
        tail = tail[1:]
    return tail


def synchronised(words: Spelled, known: Sequence[int], text: bytes) -> tuple[int, tuple[int, ...]]:
    """How many of the tokens that are known stay, for they spell the beginning of a text, and what follows them.

    From the last of them that begins a word, the text is encoded anew: a word that was begun in one step and ended in
    another comes to be spelled as the model knows it. What is not a whole character yet, or cannot be spelled, waits.
    """
    text = whole_characters(text)
    bounds = _bounds(words, known, text)
    known = known[: len(bounds) - 1]
    for first in _beginnings(words, known, text, bounds):
        anew = words.encode(text[bounds[first] :])
        if anew is not None:
            same = sum(1 for _ in takewhile(lambda pair: pair[0] == pair[1], zip(anew, known[first:], strict=False)))
            return first + same, anew[same:]
    return len(known), ()


def _bounds(words: Spelled, known: Sequence[int], text: bytes) -> list[int]:
    """Where tokens that spell a text begin and end in it, as far as they do."""
    bounds = [0]
    for token in known:
        spelled = words.spelled[token]
        if not spelled or not text.startswith(spelled, bounds[-1]):
            break
        bounds.append(bounds[-1] + len(spelled))
    return bounds


def _beginnings(words: Spelled, known: Sequence[int], text: bytes, bounds: Sequence[int]) -> Iterator[int]:
    """From where the text may be encoded anew: the last word, if it is not far back, or else the last character."""
    recent = range(len(known) - 1, max(-1, len(known) - 1 - LOOK_BACK), -1)
    yield from islice((place for place in recent if (words.spelled[known[place]] or b"")[:1].isspace()), 1)
    yield from islice((place for place in range(len(known), -1, -1) if _begins_character(text, bounds[place])), 1)


def _begins_character(text: bytes, place: int) -> bool:
    return place == len(text) or text[place] & 0xC0 != 0x80
