"""From what threads say to the one answer that a reader sees: every block behind its promise, as text or as a tree."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from typing import NamedTuple, Protocol, TypeAlias

from ....grammar import Answer, AnswerText, Promise, Sync
from ..ending import TextStream
from .counts import TagCounts
from .machine import FORK, MAIN, Meaning, Place, Promised, Said, Synced, TokenMachine

Item: TypeAlias = AnswerText | Promise | Sync

UNTITLED = "untitled"
"""The topic, in the tree, of a promise whose own cannot be read: annotated text has no promise without one."""


class Piece(NamedTuple):
    """A piece of the text that is read, and how many tokens its thread had said when it was complete."""

    text: str
    thread: int
    said: int


class TextOf(Protocol):
    """Makes the stream of a new text."""

    def __call__(self, *, continues: bool) -> TextStream:
        """Only the first text of an answer may begin as a text does; all others continue one."""


class Joining:
    """The answer of one request while its threads write it; time and memory are linear in the tokens.

    Tell it what every thread says, in any order between threads, and right after each promise which thread it opened:

        for meaning in joining.say(0, tokens):      # tokens of a path, which ends with a promise if it has one
            if isinstance(meaning, Promised) and <it opens a thread>:
                joining.open(thread)
        joining.say(thread, tokens)                 # without the forced ASYNC
        joining.stop(thread)                        # it ends at a limit: leave its forced ENDASYNC out
        text += joining.shown()                     # what reads on behind what was shown before
    """

    def __init__(self, machine: TokenMachine, text: TextOf) -> None:
        self._machine, self._text_of = machine, text
        self._places: dict[int, Place] = {0: MAIN}
        self._lengths: Counter[int] = Counter()
        self._items: list[_Text | _Vow | None] = []  # None is a sync
        self._texts: dict[int, _Text] = {}
        self._news: dict[int, str] = {}
        self._next = 0
        self._counts = TagCounts()

    def say(self, thread: int, tokens: Sequence[int]) -> list[Meaning]:
        """A thread says further tokens; what they mean. The main thread is 0."""
        said: list[Meaning] = []
        for token in tokens:
            self._lengths[thread] += 1
            self._places[thread], meanings = self._machine.read(self._places[thread], (token,))
            self._hear(thread, meanings)
            said += meanings
        return said

    def open(self, thread: int) -> None:
        """The promise that the main thread has just completed is kept by this thread, now or once there is room for it."""
        vow = self._items[-1]
        assert isinstance(vow, _Vow) and vow.block is None, "a thread is opened right behind its promise"
        vow.block = self._texts[thread] = _Text(thread, self._text_of(continues=True))
        self._places[thread] = FORK

    def stop(self, thread: int) -> None:
        """A thread ends at a limit."""
        self._places[thread], said = self._machine.end(self._places[thread])
        self._hear(thread, said)

    def wait(self) -> None:
        """The thread that was just opened has to wait for room."""
        self._counts = replace(self._counts, queued=self._counts.queued + 1)

    def shown(self) -> str:
        """What can be read by now behind what was shown before: up to the end of a block that is still being written."""
        return "".join(piece.text for piece in self.further())

    def further(self) -> Iterator[Piece]:
        """The same piece by piece; however many tokens are said at a time, the pieces are those."""
        while self._next < len(self._items):
            item = self._items[self._next]
            part = item.block if isinstance(item, _Vow) else item
            if part is not None:
                yield from part.unread()
            is_last = self._next == len(self._items) - 1 and not self._places[0].is_over
            if (part is not None and not part.is_over) or is_last:
                return
            self._next += 1

    def news(self) -> dict[int, str]:
        """By thread, what text has come to it since the last time, wherever it will be read."""
        news, self._news = self._news, {}
        return news

    @property
    def counts(self) -> TagCounts:
        """How the tags went so far."""
        vows = (item for item in self._items if isinstance(item, _Vow))
        return replace(self._counts, unopened=sum(vow.block is None for vow in vows))

    @property
    def answer(self) -> Answer:
        """The tree of all that was said so far; its stripped text is what `shown` gives, once all threads have ended."""
        return Answer(tuple(self._tree()))

    def answer_of(self, length: int) -> Answer:
        """The tree of the first so many characters of the text that is read, and of nothing behind them."""
        return Answer(tuple(_first(self._tree(), length)))

    def _hear(self, thread: int, said: Sequence[Meaning]) -> None:
        self._counts = self._counts.heard(said)
        for meaning in said:
            match meaning:
                case Said(tokens=tokens):
                    self._hear_text(thread, self._text(thread).push(tokens, self._lengths[thread]))
                case Promised(topic=topic, tens=tens):
                    self._put(_Vow(topic or UNTITLED, tens))
                case Synced():
                    self._put(None)
        if self._places[thread].is_over and thread in self._texts:
            self._hear_text(thread, self._texts[thread].flush(self._lengths[thread]))

    def _hear_text(self, thread: int, text: str) -> None:
        if text:
            self._news[thread] = self._news.get(thread, "") + text

    def _text(self, thread: int) -> _Text:
        if thread not in self._texts:  # the main thread's, behind a tag
            self._texts[thread] = _Text(thread, self._text_of(continues=bool(self._items)))
            self._items.append(self._texts[thread])
        return self._texts[thread]

    def _put(self, item: _Vow | None) -> None:
        """A tag of the main thread ends the text before it."""
        if 0 in self._texts:
            self._hear_text(0, self._texts.pop(0).flush(self._lengths[0]))
        self._items.append(item)

    def _tree(self) -> Iterator[Item]:
        for item in self._items:
            match item:
                case None:
                    yield Sync()
                case _Vow(topic=topic, tens=tens, block=block):
                    yield Promise(topic, tens, None if block is None else AnswerText(block.text))
                case _Text(text=text) if text:
                    yield AnswerText(text)


@dataclass(slots=True)
class _Text:
    """A text that is being written."""

    thread: int
    stream: TextStream
    pieces: list[Piece] = field(default_factory=list)
    seen: int = 0
    is_over: bool = False

    @property
    def text(self) -> str:
        return "".join(piece.text for piece in self.pieces)

    def push(self, tokens: Sequence[int], count: int) -> str:
        return self._add(self.stream.push(tokens), count)

    def flush(self, count: int) -> str:
        if self.is_over:
            return ""
        self.is_over = True
        return self._add(self.stream.flush(), count)

    def _add(self, text: str, count: int) -> str:
        self.pieces.append(Piece(text, self.thread, count))
        return text

    def unread(self) -> Sequence[Piece]:
        new, self.seen = self.pieces[self.seen :], len(self.pieces)
        return new


@dataclass(slots=True)
class _Vow:
    """A promise, and the text of the thread that keeps it."""

    topic: str
    tens: int
    block: _Text | None = None


def _first(items: Iterable[Item], length: int) -> Iterator[Item]:
    """The first items of a tree, as far as their text has so many characters."""
    for item in items:
        if length <= 0:
            return
        match item:
            case AnswerText(text=text):
                yield AnswerText(text[:length])
                length -= len(text)
            case Promise(block=AnswerText(text=text)):
                yield replace(item, block=AnswerText(text[:length]))
                length -= len(text)
            case _:
                yield item
