"""What graphs are compared with: the target alone, typical acceptance, forks without speculation; no machine runs here."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from math import exp, log

from ...grammar import Tag
from ..decoding import Sampling, total_variation
from .caches import GAP
from .enumerate import FORK, Text
from .setting import shaped
from .tables import Context, Law, TableModel, TableVocabulary


def autoregressive_law(
    model: TableModel, words: TableVocabulary, prompt: bytes, sampling: Sampling, max_new_tokens: int
) -> dict[Text, float]:
    """The law of plain decoding: draw from the model's law until its end token or the limit."""
    ids = words.encode(prompt)
    finished: dict[Text, float] = {}
    waiting: list[tuple[Text, float]] = [((), 1.0)]
    while waiting:
        said, reached = waiting.pop()
        if len(said) == max_new_tokens or said[-1:] == (words.end,):
            finished[said] = reached
            continue
        law = shaped(model.law(ids + said), sampling, None)
        waiting += [((*said, token), reached * p) for token, p in enumerate(law) if p > 0]
    return finished


def typical_law(
    model: TableModel,
    words: TableVocabulary,
    prompt: bytes,
    sampling: Sampling,
    max_new_tokens: int,
    *,
    epsilon: float,
    delta: float,
    guesses: Callable[[Context], Sequence[Text]],
) -> dict[Text, float]:
    """What typical acceptance says (Medusa, section 2.3.1) where `guesses`, branches, are a function of the text: one text.

    A branch is accepted as far as each of its tokens has p(c) > min(epsilon, delta * exp(-H(p))) behind those before it.
    The longest accepted one counts, of equals the likeliest, and the likeliest token follows.
    """
    ids = words.encode(prompt)
    said: Text = ()
    while len(said) < max_new_tokens and words.end not in said:
        best: tuple[int, float, Text] = (0, 1.0, ())
        for branch in guesses(ids + said):
            likelihood, taken = 1.0, 0
            for token in branch:
                law = shaped(model.law(ids + said + branch[:taken]), sampling, None)
                spread = -sum(p * log(p) for p in law if p > 0)
                if not law[token] > min(epsilon, delta * exp(-spread)):
                    break
                likelihood, taken = likelihood * law[token], taken + 1
            best = max(best, (taken, likelihood, branch[:taken]), key=lambda each: each[:2])
        said += best[2]
        law = model.law(ids + said)
        said += (law.index(max(law)),)
    ends = said.index(words.end) + 1 if words.end in said else len(said)
    return {said[: min(ends, max_new_tokens)]: 1.0}


def law_distance(left: Mapping[Text, float], right: Mapping[Text, float]) -> float:
    """Total variation of two laws of texts."""
    return total_variation(left, right)


_LETTERS = {Tag.PROMISE: "P", Tag.TOKENS: "T", Tag.END: "E", Tag.ASYNC: "A", Tag.ENDASYNC: "Z", Tag.SYNC: "S"}
_MAIN = re.compile("(?:[^PTEAZ]|P[a-z0-9]+T[1-9][0-9]?E)*(?:P(?:[a-z0-9]+(?:T(?:[1-9][0-9]?)?)?)?)?")
"""How what a main thread says may begin, a letter for each tag; tables spell small letters and digits."""
_MAIN_OF_WHOLE_PROMISES = re.compile("[^PTAZ]*")
_FORK = re.compile("[^PTEAS]*")


@dataclass(frozen=True)
class Block:
    """A fork that has said all it says, though nobody may see it before a sync."""

    end: int
    position: int
    said: Text
    budget: int
    joined: bool = False


@dataclass(frozen=True)
class Threaded:
    """A main thread, as tokens with their positions, and its forks."""

    main: tuple[tuple[int, int], ...]
    blocks: tuple[Block, ...] = ()

    def text(self, prompt: int) -> Text:
        """What was said, without the prompt, the forks behind the main thread."""
        main = tuple(token for token, _ in self.main[prompt:])
        return main + tuple(token for block in self.blocks for token in (FORK, *block.said))


@dataclass(frozen=True)
class ForkedDecoding:
    """PASTA's interpreter (sections 3.1 to 3.4), thread after thread: no thread's law depends on when others run.

    A promise gives its fork twice the promised length, but at most half of what is left; that is the main thread's
    again, as far as it was not used, after the sync. A fork sees the main thread up to its promise, and what was joined
    by then; the main thread sees forks, without their closing tags, from a sync on.
    """

    model: TableModel
    words: TableVocabulary
    sampling: Sampling
    max_new_tokens: int
    strict: bool = True
    """Does the main thread say only what is in the language? Else promises have to be whole ones."""

    def __post_init__(self) -> None:
        assert self.strict or Tag.PROMISE not in self.words.tags, "what is malformed is recovered from elsewhere"

    def law(self, prompt: bytes) -> dict[Text, float]:
        """The law of all that is said."""
        ids = self.words.encode(prompt)
        finished: dict[Text, float] = {}
        waiting = [(Threaded(tuple((token, place) for place, token in enumerate(ids))), 1.0)]
        while waiting:
            threads, reached = waiting.pop()
            if self._is_over(threads, len(ids)):
                text = threads.text(len(ids))
                finished[text] = finished.get(text, 0.0) + reached
            else:
                waiting += [(more, reached * p) for more, p in self._continued(threads, len(ids))]
        return finished

    def _left(self, threads: Threaded, prompt: int) -> int:
        forks = sum(len(block.said) if block.joined else block.budget for block in threads.blocks)
        return self.max_new_tokens - (len(threads.main) - prompt) - forks

    def _is_over(self, threads: Threaded, prompt: int) -> bool:
        said = threads.main[prompt:]
        return self._left(threads, prompt) <= 0 or (bool(said) and said[-1][0] == self.words.end)

    def _continued(self, threads: Threaded, prompt: int) -> Iterator[tuple[Threaded, float]]:
        last, position = threads.main[-1]
        promised = len(threads.main) > prompt and self.words.is_tag(last, Tag.END)
        following = position + 1 + (10 * self._tens(threads) if promised else 0)
        law = shaped(self._in_main(threads), self.sampling, None)
        for token, p in enumerate(law):
            if p > 0:
                said = replace(threads, main=(*threads.main, (token, following)))
                yield from ((more, p * q) for more, q in self._heard(said, prompt))

    def _heard(self, threads: Threaded, prompt: int) -> Iterator[tuple[Threaded, float]]:
        """What the last token of the main thread brings about."""
        token, position = threads.main[-1]
        promised = self.words.is_tag(token, Tag.END)
        budget = self._lent(10 * self._tens(threads), self._left(threads, prompt)) if promised else 0
        if budget > 0:
            for said, p in self._fork(self._context(threads), budget).items():
                block = Block(len(threads.main) - 1, position, said, budget)
                yield replace(threads, blocks=(*threads.blocks, block)), p
        elif self.words.is_tag(token, Tag.SYNC) and not self._is_over(threads, prompt):
            yield replace(threads, blocks=tuple(replace(block, joined=True) for block in threads.blocks)), 1.0
        else:
            yield threads, 1.0

    @staticmethod
    def _lent(promised: int, left: int) -> int:
        """How much a fork may say: twice what was promised; more, up to four times, if that is an eighth of what is left."""
        lent = 4 * promised if 4 * promised <= left // 8 else max(2 * promised, left // 8)
        return lent if lent <= left // 2 else left // 2

    def _fork(self, seen: Context, budget: int) -> dict[Text, float]:
        """What a fork says; its first token is forced, and its last, if it has not ended by then."""
        opened = (*seen, self.words.tags[Tag.ASYNC])
        close = self.words.tags[Tag.ENDASYNC]
        finished: dict[Text, float] = {}
        waiting: list[tuple[Text, float]] = [((), 1.0)]
        while waiting:
            said, reached = waiting.pop()
            if len(said) == budget - 1:
                finished[*said, close] = finished.get((*said, close), 0.0) + reached
                continue
            law = shaped(self._in_fork(self.model.law(opened + said)), self.sampling, None)
            for token, p in enumerate(law):
                if p > 0 and token in (close, self.words.end):
                    finished[*said, token] = reached * p
                elif p > 0:
                    waiting.append(((*said, token), reached * p))
        return finished

    def _in_main(self, threads: Threaded) -> Law:
        law = self.model.law(self._context(threads))
        if not self.strict:
            return law
        said = self._letters(token for token, _ in threads.main)
        speech = _MAIN if Tag.PROMISE in self.words.tags else _MAIN_OF_WHOLE_PROMISES
        return tuple(p if speech.fullmatch(said + self._letters((token,))) else 0.0 for token, p in enumerate(law))

    def _in_fork(self, law: Law) -> Law:
        return tuple(p if _FORK.fullmatch(self._letters((token,))) else 0.0 for token, p in enumerate(law))

    def _letters(self, tokens: Iterable[int]) -> str:
        tags = {number: _LETTERS[tag] for tag, number in self.words.tags.items()}
        return "".join(tags.get(token) or self.words.bytes_of(token).decode() or "." for token in tokens)

    def _tens(self, threads: Threaded) -> int:
        """What the promise that ends the main thread promises."""
        number = re.search("T([0-9]+)E$", self._letters(token for token, _ in threads.main))
        return self.words.whole if number is None else int(number[1])

    def _context(self, threads: Threaded) -> Context:
        """The main thread in reading order: each joined block behind its promise; gaps between positions are marked."""
        seen: list[tuple[int, int]] = []
        for index, (token, position) in enumerate(threads.main):
            seen.append((token, position))
            for block in threads.blocks:
                if block.joined and block.end == index:
                    read = (self.words.tags[Tag.ASYNC], *block.said[:-1])
                    seen += [(each, block.position + ahead) for ahead, each in enumerate(read, start=1)]
        marked: list[int] = []
        expected = 0
        for token, position in seen:
            marked += [token] if position == expected else [GAP - (position - expected), token]
            expected = position + 1
        return tuple(marked)


def forked_law(
    model: TableModel,
    words: TableVocabulary,
    prompt: bytes,
    sampling: Sampling,
    max_new_tokens: int,
    *,
    strict: bool = True,
) -> dict[Text, float]:
    """The law of forked decoding without speculation."""
    return ForkedDecoding(model, words, sampling, max_new_tokens, strict).law(prompt)
