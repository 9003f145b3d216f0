"""Annotated answers over a toy vocabulary, as hypothesis draws them, and how threads write them, step by step, slot by slot.

Written from the rules of "Learning to Keep a Promise" in the order in which the paper has them (its section 3: threads,
steps, the cache, positions), and from nothing of ours: what packs rows and counts steps is compared with it.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TypeAlias

from hypothesis import strategies as st

from specplan.backends.runtime.pasta import TagVocabulary, Threads, TokenMachine
from specplan.grammar import Tag

TAGS = dict(zip(Tag, range(6), strict=True))
END, ZERO, SPACE = 6, 7, 17
LETTERS = range(18, 30)
SPELLED = (*(None,) * 7, *(str(digit).encode() for digit in range(10)), b" ", *(bytes([97 + n]) for n in range(12)))
VOCABULARY = TagVocabulary(TAGS, SPELLED, frozenset([END]))
MACHINE = TokenMachine(VOCABULARY)
NUMBERS = {piece: number for number, piece in enumerate(SPELLED) if piece}


def encode(text: bytes) -> tuple[int, ...] | None:
    """A token for each character; None for what the vocabulary has no token for."""
    ids = [NUMBERS.get(bytes([byte])) for byte in text]
    return None if None in ids else tuple(each for each in ids if each is not None)


@dataclass(frozen=True)
class Words:
    tokens: tuple[int, ...]


@dataclass(frozen=True)
class Vow:
    topic: tuple[int, ...]
    tens: int
    block: tuple[int, ...] | None
    closing: int | None
    """What the fork says last: ENDASYNC, the end of text, or, at a limit, nothing of its own."""


@dataclass(frozen=True)
class Wait:
    pass


Item: TypeAlias = Words | Vow | Wait


@dataclass(frozen=True)
class Script:
    prompt: tuple[int, ...]
    items: tuple[Item, ...]
    ends: bool

    @property
    def threads(self) -> Threads:
        main: list[int] = []
        for item in self.items:
            match item:
                case Words(tokens=tokens):
                    main += tokens
                case Wait():
                    main.append(TAGS[Tag.SYNC])
                case Vow(topic=topic, tens=tens):
                    digits = [ZERO + int(digit) for digit in str(tens)]
                    main += [TAGS[Tag.PROMISE], *topic, TAGS[Tag.TOKENS], *digits, TAGS[Tag.END]]
        return Threads((*main, *([END] if self.ends else [])), tuple(map(self.block, self.vows)))

    @property
    def vows(self) -> list[Vow]:
        return [item for item in self.items if isinstance(item, Vow)]

    @staticmethod
    def block(vow: Vow) -> tuple[int, ...] | None:
        return None if vow.block is None else (*vow.block, *([] if vow.closing is None else [vow.closing]))


letters = st.sampled_from(LETTERS)
texts = st.lists(letters, max_size=4).map(tuple)
vows = st.builds(
    Vow,
    st.lists(letters, min_size=1, max_size=3).map(tuple),
    st.sampled_from([1, 2, 9, 10, 99]),
    st.none() | texts | texts | st.lists(letters, min_size=12, max_size=12).map(tuple),
    st.sampled_from([TAGS[Tag.ENDASYNC], TAGS[Tag.ENDASYNC], END, None]),
)
scripts = st.builds(
    Script,
    st.lists(letters, min_size=1, max_size=3).map(tuple),
    st.lists(st.one_of(vows, vows, texts.map(Words), st.just(Wait())), max_size=8).map(tuple),
    st.booleans(),
)

Slot: TypeAlias = tuple[int, int]
"""A thread and the number of the token in it; the prompt is the main thread's beginning."""


@dataclass(frozen=True)
class Fed:
    """A token that a step reads."""

    slot: Slot
    token: int
    position: int
    sees: frozenset[Slot]
    says: int | None
    """What the thread says then, of its own."""


@dataclass
class Thread:
    number: int
    tokens: list[int]
    """All that it reads and says; what ends it is never read."""
    position: int
    promise: int = 0
    """Which token of the main thread opened it."""
    joined_before: frozenset[int] = frozenset()
    read: int = 0

    def token(self, further: int = 0) -> int | None:
        place = self.read + further
        return self.tokens[place] if place < len(self.tokens) else None

    @property
    def is_over(self) -> bool:
        """Has it said its end, or come to where a limit puts one?"""
        return self.token() in (None, TAGS[Tag.ENDASYNC], END)


class Interpreter:
    """Writes a script: one token for each running thread in each step. `max_forks` run at a time, the others queue."""

    def __init__(self, script: Script, max_forks: int = 1000) -> None:
        self.script, self.max_forks = script, max_forks
        self.main = Thread(0, [*script.prompt, *script.threads.main], 0)
        self.vows = iter(script.vows)
        self.jump = self.opened = 0
        self.pool: list[Slot] = []
        self.joined: set[int] = set()
        self.running: list[Thread] = []
        self.queue: list[Thread] = []

    def run(self) -> list[list[Fed]]:
        """What each step reads; the first reads the whole prompt."""
        steps = [
            [self.feed(self.main, place == len(self.script.prompt)) for place in range(1, len(self.script.prompt) + 1)]
        ]
        self.hear()
        while not self.main.is_over or self.running:
            forks, step = [*self.running], []
            if not self.main.is_over and not (self.main.token() == TAGS[Tag.SYNC] and forks):
                if self.main.token() == TAGS[Tag.SYNC]:
                    self.joined |= set(range(1, self.opened + 1))
                step.append(self.feed(self.main))
            step += map(self.feed, forks)
            self.running = [fork for fork in self.running if not fork.is_over]
            if step[0].slot[0] == 0:
                self.hear()
            self.promote()
            steps.append(step)
        return steps

    def hear(self) -> None:
        """The main thread has said a token; the END of a promise opens a fork, which sees what there is now."""
        if self.main.token() != TAGS[Tag.END]:
            return
        vow = next(self.vows)
        block = self.script.block(vow)
        self.jump = 10 * vow.tens
        if block is not None:
            self.opened += 1
            tokens = [TAGS[Tag.ASYNC], *block]
            joined = frozenset(self.joined)
            self.queue.append(Thread(self.opened, tokens, self.main.position + 1, self.main.read, joined))
            self.promote()

    def promote(self) -> None:
        while self.queue and len(self.running) < self.max_forks:
            self.running.append(self.queue.pop(0))

    def feed(self, thread: Thread, speaks: bool = True) -> Fed:
        slot, token, position = (thread.number, thread.read), thread.token(), thread.position
        assert token is not None
        self.pool.append(slot)
        seen = frozenset(other for other in self.pool if self.visible(thread, other))
        thread.read += 1
        thread.position += 1 + (self.jump if slot[0] == 0 and token == TAGS[Tag.END] else 0)
        return Fed(slot, token, position, seen, thread.token() if speaks else None)

    def visible(self, thread: Thread, slot: Slot) -> bool:
        other, number = slot
        if thread.number == 0:
            return other == 0 or other in self.joined
        if other == 0:
            return number <= thread.promise
        return other == thread.number or other in thread.joined_before
