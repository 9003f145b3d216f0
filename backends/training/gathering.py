"""From answers to training data: each is annotated, held against the rules of training text, and counted."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, replace
from enum import Enum
from random import Random

from ...grammar import MIN_BLOCK_WORDS, Answer, AnswerText, print_pasta, strip_pasta
from ..runtime.pasta import Encode, TagVocabulary, threads_of
from .annotating import Annotator, with_estimates


class Drop(Enum):
    """Why an answer is no annotated example; the value says it in words."""

    UNREADABLE = "the annotation is not in the language"
    CHANGED = "the annotator changed the text"
    NOTHING = "there is nothing to promise"
    BROKEN = "a promise has no block"
    SHORT = "a block has too few words to be worth a fork"
    UNSPELLED = "the vocabulary cannot spell it"


@dataclass(frozen=True, slots=True)
class Example:
    """A prompt and its answer, annotated or, so that the model learns not to fork everything, plain."""

    prompt: str
    answer: Answer

    @property
    def sequential(self) -> Example:
        """The same without annotations: what the sequential model is trained on."""
        return Example(self.prompt, _plain(strip_pasta(self.answer)))

    def to_json(self) -> str:
        """One line of JSON."""
        return json.dumps({"prompt": self.prompt, "answer": print_pasta(self.answer)}, ensure_ascii=False)


@dataclass(frozen=True, slots=True)
class Gathered:
    """Training data, and what became of all answers: `seen = annotated + sum(dropped)`, and `plain` of the dropped are kept."""

    examples: tuple[Example, ...]
    annotated: int
    plain: int
    dropped: Counter[Drop]

    def to_json(self) -> dict[str, int]:
        """The counts; of the reasons those that occurred."""
        reasons = {f"dropped_{drop.name.lower()}": self.dropped[drop] for drop in Drop if self.dropped[drop]}
        return {
            "seen": self.annotated + self.dropped.total(),
            "annotated": self.annotated,
            "plain": self.plain,
            **reasons,
        }


def gather(
    answers: Iterable[tuple[str, str]],
    annotator: Annotator,
    words: TagVocabulary,
    encode: Encode,
    *,
    plain: float = 0.1,
    seed: int = 0,
) -> Gathered:
    """Annotated examples of pairs of prompt and answer, in their order, and as many plain ones as make up a share of all.

    The plain ones are drawn, by the seed, from answers in which nothing was promised; there may be too few of them.
    """
    assert 0 <= plain < 1, f"a share of all examples: {plain}"
    judged = [(Example(prompt, _plain(text)), annotated(text, annotator, words, encode)) for prompt, text in answers]
    spare = [place for place, (_, found) in enumerate(judged) if found is Drop.NOTHING]
    count = sum(isinstance(found, Answer) for _, found in judged)
    kept = frozenset(Random(seed).sample(spare, min(len(spare), round(count * plain / (1 - plain)))))
    examples: list[Example] = []
    for place, (example, found) in enumerate(judged):
        if isinstance(found, Answer):
            examples.append(replace(example, answer=found))
        elif place in kept:
            examples.append(example)
    dropped = Counter(found for _, found in judged if isinstance(found, Drop))
    return Gathered(tuple(examples), count, len(kept), dropped)


def _plain(text: str) -> Answer:
    return Answer((AnswerText(text),) if text else ())


def annotated(text: str, annotator: Annotator, words: TagVocabulary, encode: Encode) -> Answer | Drop:
    """The answer with promises that fit the vocabulary, or why there is none."""
    found = annotator(text)
    if found is None:
        return Drop.UNREADABLE
    if strip_pasta(found) != text:
        return Drop.CHANGED
    if not found.promises:
        return Drop.NOTHING
    if any(promise.block is None for promise in found.promises):
        return Drop.BROKEN
    if any(len(promise.block.text.split()) < MIN_BLOCK_WORDS for promise in found.promises if promise.block):
        return Drop.SHORT
    estimated = with_estimates(found, encode)
    if estimated is None or threads_of(estimated, words, encode) is None:
        return Drop.UNSPELLED
    return estimated
