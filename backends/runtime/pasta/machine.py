"""The token machine of PASTA-LANG: reads what a thread says token by token, and says what it means.

It is the grammar of `pasta.lark` over tokens, made total: whatever a model emits has a meaning, in time linear in the
tokens. What has no place in the language is told as `Wrong`, and recovered from by three rules.

- A promise that reaches its END counts as one: a topic or a number that cannot be read is replaced (by "" and by 40 tokens).
- A promise that does not (another tag comes, the end, or too many tokens) was none: its tag is dropped, its words are text.
- Any other tag in the wrong place is dropped.

So of all ordinary tokens none is lost but those inside of a whole promise. The places are immutable and compare equal, so
that an engine may keep them, go back to them, or tell states apart by them.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from enum import Enum
from typing import TypeAlias

from ....grammar import USUAL_TENS, Tag, is_topic, read_tens
from .vocabulary import TagVocabulary

MOST_TOPIC_TOKENS = 32
MOST_NUMBER_TOKENS = 8


class Fault(Enum):
    """What a model can get wrong; the value says it in words."""

    TOPIC = "promises whose topic is missing or cannot be read"
    LENGTH = "promises whose number is missing or cannot be read"
    UNFINISHED = "promises that were never completed"
    NESTED = "promises and syncs inside of forks"
    IDLE_SYNC = "syncs with nothing to wait for"
    OWN_ASYNC = "async tags that the model wrote itself"
    STRAY = "other tags with nothing that they could belong to"
    UNCLOSED = "async blocks that were never ended"


@dataclass(frozen=True, slots=True)
class Said:
    """Ordinary tokens: a part of the thread's text."""

    tokens: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Promised:
    """An END completed a promise of the main thread: a block about `topic`, about `tens` times ten tokens long."""

    topic: str
    tens: int


@dataclass(frozen=True, slots=True)
class Synced:
    """The main thread waits for what it has promised so far."""


@dataclass(frozen=True, slots=True)
class Closed:
    """A fork ended its block."""


@dataclass(frozen=True, slots=True)
class Ended:
    """An end token: the thread says no more."""


@dataclass(frozen=True, slots=True)
class Wrong:
    """Something had no place in the language, and was recovered from."""

    fault: Fault


Meaning: TypeAlias = Said | Promised | Synced | Closed | Ended | Wrong


class _Phase(Enum):
    TEXT = 0
    TOPIC = 1
    NUMBER = 2
    OVER = 3


@dataclass(frozen=True, slots=True)
class Place:
    """Where a thread is in the language, behind all that it has said. Begin with `MAIN`, or behind an ASYNC with `FORK`."""

    is_fork: bool = False
    phase: _Phase = _Phase.TEXT
    topic: tuple[int, ...] = ()
    number: tuple[int, ...] = ()
    unjoined: bool = False
    """Has the main thread promised something since it last waited?"""

    @property
    def is_over(self) -> bool:
        """Has the thread ended? What it says after that means nothing."""
        return self.phase is _Phase.OVER

    @property
    def is_promising(self) -> bool:
        """Does the thread stand inside of a promise? What it says is no text, as long as the promise holds."""
        return self.phase in (_Phase.TOPIC, _Phase.NUMBER)


MAIN = Place()
FORK = Place(is_fork=True)


class TokenMachine:
    """Reads the threads of a vocabulary.

    >>> words = TagVocabulary(dict(zip(Tag, range(6))), [None] * 6 + [b"sums", b"2", b"!"])
    >>> machine = TokenMachine(words)
    >>> machine.read(MAIN, [0, 6, 1, 7, 2, 8])[1]
    [Promised(topic='sums', tens=2), Said(tokens=(8,))]
    """

    def __init__(self, words: TagVocabulary) -> None:
        self.words = words

    def read(self, place: Place, tokens: Iterable[int]) -> tuple[Place, list[Meaning]]:
        """Where a thread is behind further tokens, and what they mean, in order; one at a time means the same as many."""
        said: list[Meaning] = []
        for token in tokens:
            place = self._read(place, token, said)
        return place, said

    def end(self, place: Place) -> tuple[Place, list[Meaning]]:
        """What it means that a thread stops here, at a limit: a promise stays unfinished, a block unclosed."""
        if place.is_over:
            return place, []
        said: list[Meaning] = []
        if place.is_promising:
            place = _abandoned(place, said)
        if place.is_fork:
            said.append(Wrong(Fault.UNCLOSED))
        return replace(place, phase=_Phase.OVER), said

    def _read(self, place: Place, token: int, said: list[Meaning]) -> Place:
        if place.phase is _Phase.OVER:
            return place
        tag = self.words.tag_of.get(token)
        if token in self.words.ends:
            place, last = self.end(place)
            said += [*last, Ended()]
            return place
        if place.phase is _Phase.TEXT:
            return self._in_text(place, tag, token, said)
        return self._in_promise(place, tag, token, said)

    def _in_text(self, place: Place, tag: Tag | None, token: int, said: list[Meaning]) -> Place:
        match tag:
            case None:
                said.append(Said((token,)))
                return place
            case Tag.PROMISE:
                return replace(place, phase=_Phase.TOPIC)
            case Tag.END if Tag.PROMISE not in self.words.tags:
                return self._completed(place, said)
            case Tag.SYNC if not place.is_fork:
                said += [Synced()] if place.unjoined else [Wrong(Fault.IDLE_SYNC), Synced()]
                return replace(place, unjoined=False)
            case Tag.ENDASYNC if place.is_fork:
                said.append(Closed())
                return replace(place, phase=_Phase.OVER)
            case _:
                said.append(Wrong(_MISPLACED.get(tag, Fault.STRAY)))
                return place

    def _in_promise(self, place: Place, tag: Tag | None, token: int, said: list[Meaning]) -> Place:
        match tag, place.phase:
            case None, _Phase.TOPIC if len(place.topic) < MOST_TOPIC_TOKENS:
                return replace(place, topic=(*place.topic, token))
            case None, _Phase.NUMBER if len(place.number) < MOST_NUMBER_TOKENS:
                return replace(place, number=(*place.number, token))
            case Tag.TOKENS, _Phase.TOPIC:
                return replace(place, phase=_Phase.NUMBER)
            case Tag.END, _:
                return self._completed(place, said)
            case _:
                return self._in_text(_abandoned(place, said), tag, token, said)

    def _completed(self, place: Place, said: list[Meaning]) -> Place:
        """Behind a whole promise: only the main thread's opens anything."""
        said.append(Wrong(Fault.NESTED) if place.is_fork else self._promised(place, said))
        return Place(place.is_fork, unjoined=not place.is_fork)

    def _promised(self, place: Place, said: list[Meaning]) -> Promised:
        if Tag.PROMISE not in self.words.tags:
            return Promised("", self.words.whole)
        topic = self.words.bytes_of(place.topic).decode("utf-8", "replace")
        tens = read_tens(self.words.bytes_of(place.number).decode("utf-8", "replace").strip(" "))
        if not is_topic(topic):
            topic = ""
            said.append(Wrong(Fault.TOPIC))
        if tens is None:
            said.append(Wrong(Fault.LENGTH))
        return Promised(topic, tens or USUAL_TENS)


_MISPLACED = {Tag.ASYNC: Fault.OWN_ASYNC, Tag.SYNC: Fault.NESTED}


def _abandoned(place: Place, said: list[Meaning]) -> Place:
    """Behind a promise that was none: what it said is text after all."""
    said.append(Wrong(Fault.UNFINISHED))
    if words := place.topic + place.number:
        said.append(Said(words))
    return Place(place.is_fork, unjoined=place.unjoined)
