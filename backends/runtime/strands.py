"""What the threads of a row have said, and how far they are: told step by step, and in the end as one text."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from .events import ThreadStep
from .forks import Fork, Phase
from .pasta import Block


class Strands:
    """The record of a row's threads; the main one is 0."""

    def __init__(self) -> None:
        self._said: dict[int, list[int]] = {0: []}
        self._told: dict[int, int] = {}
        self._forks: tuple[Fork, ...] = ()
        self._told_forks: tuple[Fork, ...] = ()
        self._main: Phase | None = None

    def of(self, thread: int) -> list[int]:
        """All that a thread has said."""
        return self._said.setdefault(thread, [])

    @property
    def count(self) -> int:
        """How many tokens all threads have said."""
        return sum(map(len, self._said.values()))

    @property
    def forks(self) -> tuple[Fork, ...]:
        """How far the forks are."""
        return self._forks

    def weave(self, forks: Sequence[Fork], main: Phase) -> None:
        """How far the forks are, and the main thread."""
        self._forks, self._main = tuple(forks), main

    def step(self, texts: Mapping[int, str]) -> tuple[tuple[int, ...], tuple[ThreadStep, ...]]:
        """What was said since the last step, thread by thread; and which thread did what, if the row's threads may fork.

        `texts` are what the tokens of threads have come to read as.
        """
        new = {thread: tuple(said[self._told.get(thread, 0) :]) for thread, said in sorted(self._said.items())}
        self._told = {thread: len(said) for thread, said in self._said.items()}
        before, self._told_forks = self._told_forks, self._forks
        threads = []
        if self._main is not None:
            threads.append(ThreadStep(0, new[0], self._main, text=texts.get(0, "")))
        for number, fork in enumerate(self._forks, start=1):
            if number > len(before) or not before[number - 1].has_ended or before[number - 1].phase is not fork.phase:
                said, text = new.get(number, ()), texts.get(number, "")
                threads.append(ThreadStep(number, said, fork.phase, fork, text))
        return tuple(token for tokens in new.values() for token in tokens), tuple(threads)

    def blocks(self, prompt_tokens: int) -> list[Block]:
        """What the forks said, in numbers of tokens that the main thread has said."""
        return [
            Block(each.end - prompt_tokens, each.made, None if each.joined is None else each.joined - prompt_tokens)
            for each in self._forks
        ]

    def joined(self, prompt_tokens: int, opening: int | None, last: tuple[int, int] | None = None) -> tuple[int, ...]:
        """All that was said as a person reads it: each fork behind its promise, behind its opening tag.

        `last` is a thread, and how many of its tokens are read: what comes behind these in reading is left out.
        """
        tokens: list[int] = []
        for thread, first, said in self._in_reading_order(prompt_tokens):
            is_last = last is not None and last[0] == thread and last[1] <= first + len(said)
            read = said[: last[1] - first] if last is not None and is_last else said
            if thread and read:
                assert opening is not None, "threads that fork have a tag that opens them"
                tokens.append(opening)
            tokens += read
            if is_last:
                break
        return tuple(tokens)

    def _in_reading_order(self, prompt_tokens: int) -> Iterator[tuple[int, int, Sequence[int]]]:
        """What threads have said, part by part: the thread, the number of the part's first token in it, and its tokens."""
        main, first = self.of(0), 0
        for number, fork in enumerate(self._forks, start=1):
            end = fork.end + 1 - prompt_tokens
            yield 0, first, main[first:end]
            yield number, 0, self.of(number)
            first = end
        yield 0, first, main[first:]
