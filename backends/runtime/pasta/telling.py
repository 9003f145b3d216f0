"""What the threads of a row say on its way to the reader: where each of them ends, and what can be read by now."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from ....grammar import TEN, Tag, print_pasta
from ..ending import StopText
from .counts import TagCounts
from .joining import Joining
from .machine import Meaning, Promised, Said
from .vocabulary import TagVocabulary

_LEAST, _MOST = 2, 4
"""How many times what was promised a fork may say, while there is little left, and while there is much."""
_OF_MUCH = 8


def share(tens: int, left: int) -> int:
    """How much the fork of a promise may say, of what is `left` to the main thread; as much is taken from that.

    Four times what was promised, as in PASTA (section 6), would leave nothing to the last items of a list, since a fork keeps
    what it does not need until it is joined, which few answers do. So what goes beyond twice is at most an eighth of what is
    left, and no fork has more than half.

    >>> share(2, 1024), share(2, 400), share(2, 64)
    (80, 50, 32)
    """
    promised = TEN * tens
    return min(max(_LEAST * promised, min(_MOST * promised, left // _OF_MUCH)), left // 2)


@dataclass(frozen=True, slots=True)
class Cut:
    """As much of a path as counts."""

    tokens: tuple[int, ...]
    ended: bool
    """Does the thread say no more?"""
    meaning: Meaning | None
    """What the last token means; None if it goes on with what was begun."""
    left: int
    """How many tokens the thread may still say."""

    @property
    def promise(self) -> Promised | None:
        """What the last token completes, if that is a promise and somebody is left to wait for it."""
        return self.meaning if isinstance(self.meaning, Promised) and not self.ended else None

    @property
    def share(self) -> int:
        """How much the fork of the promise may say."""
        return 0 if self.promise is None else share(self.promise.tens, self.left)


class Telling:
    """A row's answer while its threads write it; stop strings are those of the text that is read in the end."""

    def __init__(self, joining: Joining, stops: StopText, words: TagVocabulary) -> None:
        """`joining` reads threads of the same `words`."""
        self._joining, self._stops, self.words = joining, stops, words
        self.spoken = 0
        """How many tokens of text there were."""
        self.end: tuple[int, int] | None = None
        """The thread in which a stop string became complete, and with how many of its tokens."""
        self._shown = 0

    @property
    def opening(self) -> int:
        """The tag that opens a fork's block."""
        return self.words.tags[Tag.ASYNC]

    @property
    def closing(self) -> int:
        """The tag that ends it."""
        return self.words.tags[Tag.ENDASYNC]

    @property
    def is_over(self) -> bool:
        """Has a stop string ended all of it?"""
        return self._stops.found is not None

    def say(self, thread: int, tokens: Sequence[int], made: int, limit: int) -> Cut:
        """A thread that has said `made` tokens says more, up to its end or limit; only a fork that closes can be read."""
        ends = self.words.ends | {self.closing} if thread else self.words.ends
        last = next((place for place, token in enumerate(tokens, 1) if token in ends or made + place >= limit), None)
        said = tuple(tokens[:last])
        left = limit - made - len(said)
        is_forced = thread > 0 and left <= 0 and said[-1] != self.closing
        # Its last token is in no cache yet, so it may be another one.
        meanings = self.hear(thread, said[:-1] if is_forced else said)
        if last is not None:
            self.stop(thread)
        tokens_ = (*said[:-1], self.closing) if is_forced else said
        return Cut(tokens_, last is not None, meanings[-1] if meanings else None, left)

    def hear(self, thread: int, tokens: Sequence[int]) -> list[Meaning]:
        """A thread says just this; what it means."""
        meanings = self._joining.say(thread, tokens)
        self.spoken += sum(len(each.tokens) for each in meanings if isinstance(each, Said))
        return meanings

    def stop(self, thread: int) -> None:
        """A thread says no more."""
        self._joining.stop(thread)

    def open(self, thread: int, *, waits: bool) -> None:
        """The promise that the main thread has just completed is kept by a thread, which may have to wait for room."""
        self._joining.open(thread)
        if waits:
            self._joining.wait()

    def shown(self) -> str:
        """What reads on behind what was shown before."""
        texts = []
        for text, thread, said in self._joining.further():
            texts.append(self._stops.push(text))
            if self.is_over:
                self.end = self.end or (thread, said)
                break
        return self._counted("".join(texts))

    def news(self) -> dict[int, str]:
        """By thread, what text has come to it since the last time, wherever it will be read."""
        return self._joining.news()

    def flush(self) -> str:
        """What was held back, once all threads have ended."""
        return self._counted(self._stops.flush())

    def _counted(self, shown: str) -> str:
        self._shown += len(shown)
        return shown

    @property
    def annotated(self) -> str:
        """All that was said so far, with its tags; once a stop string has ended it, what was shown, with its tags."""
        return print_pasta(self._joining.answer_of(self._shown) if self.is_over else self._joining.answer)

    @property
    def counts(self) -> TagCounts:
        """How its tags went."""
        return self._joining.counts
