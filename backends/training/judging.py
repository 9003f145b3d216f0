"""How good answers are, as a model sees it: by how likely it finds them, or by which of two it prefers."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from ..models import ChatEncoder, LoadedModel, TokenizerWords
from .batching import batch, rows_on
from .likelihood import logits_of, losses
from .packing import IGNORED, Packed
from .scoring import WORST, Judge, Verdict, judged_quality, quality_of_likelihood
from .unfit import unfit

_FOLDER = Path(__file__).parent
_ROW = 4096


@dataclass(frozen=True)
class LikelihoodQuality:
    """A `Quality`: how likely a model that knows no tags finds an answer, beside a reference answer to the same prompt.

    What repeats itself is likely, and bad: it has the worst quality, and so has what its vocabulary cannot spell. Likelihood is
    blind to what was left out, and the fastest answer is the shortest: one with fewer words than the reference loses by BLEU's
    brevity penalty (Papineni et al., 2002).
    """

    model: LoadedModel
    references: Mapping[str, str]
    """The reference answer to each prompt."""
    template: str

    def __call__(self, prompt: str, answers: Sequence[str]) -> list[float]:
        """The quality of each answer."""
        nats = mean_nats(self.model, prompt, [self.references[prompt], *answers], self.template)
        reference = nats[0]
        assert reference is not None, "the reference is the model's own answer"
        return [
            WORST if found is None or unfit(answer) is not None else self._quality(prompt, answer, found - reference)
            for answer, found in zip(answers, nats[1:], strict=True)
        ]

    def _quality(self, prompt: str, answer: str, gained: float) -> float:
        return quality_of_likelihood(gained + log_brevity(answer, self.references[prompt]))


def log_brevity(answer: str, reference: str) -> float:
    """The logarithm of BLEU's brevity penalty: 0 for an answer that has as many words as the reference, or more.

    >>> log_brevity("one two", "one two three four"), log_brevity("one two three", "one two")
    (-1.0, 0.0)
    """
    return min(0.0, 1 - len(reference.split()) / max(1, len(answer.split())))


def mean_nats(loaded: LoadedModel, prompt: str, answers: Sequence[str], template: str) -> list[float | None]:
    """The mean log p of a token of each answer, its end included, in nats; None for what the vocabulary cannot spell."""
    import torch

    encoder = ChatEncoder(loaded.tokenizer, source=loaded.source, template="none" if template == "none" else "chat")
    words = TokenizerWords(loaded.tokenizer, loaded.vocab_size, source=loaded.source)
    asked = encoder.encode(prompt)
    spelled = [words.encode(answer.encode()) for answer in answers]
    rows = {at: plain_row(asked, (*ids, loaded.eos_ids[0])) for at, ids in enumerate(spelled) if ids is not None}
    found: list[float | None] = [None] * len(answers)
    places = {id(row): at for at, row in rows.items()}
    for together in rows_on(loaded.device.type, [*rows.values()], _ROW):
        made = batch([together])
        with torch.inference_mode():
            lost = losses(logits_of(loaded.model, made), made)[0]
        start = 0
        for row in together:
            said = row.predicted
            found[places[id(row)]] = -lost[start : start + len(row)].sum().item() / said
            start += len(row)
    return found


def plain_row(prompt: Sequence[int], answer: Sequence[int]) -> Packed:
    """A prompt and an answer that one thread says; the answer's last token is a label alone."""
    import numpy

    ids = numpy.array([*prompt, *answer[:-1]], dtype=numpy.int64)
    labels = numpy.full(len(ids), IGNORED, dtype=numpy.int64)
    labels[len(prompt) - 1 :] = answer
    nothing = numpy.zeros(len(ids), dtype=numpy.int64)
    return Packed(ids, numpy.arange(len(ids), dtype=numpy.int64), labels, nothing, nothing)


@dataclass(frozen=True)
class JudgedQuality:
    """A `Quality`: which a judge prefers, an answer or the reference answer; each pair is shown in both orders."""

    judge: Judge
    references: Mapping[str, str]

    def __call__(self, prompt: str, answers: Sequence[str]) -> list[float]:
        """The quality of each answer."""
        return [judged_quality(self.judge, prompt, answer, [self.references[prompt]]) for answer in answers]


@dataclass(frozen=True)
class ModelJudge:
    """A `Judge` that asks an instruct model with the shipped prompt, and hears how likely it finds either letter."""

    model: LoadedModel

    def __call__(self, prompt: str, first: str, second: str) -> Verdict:
        """The letter that is likelier, as sure as it is likelier."""
        import torch

        loaded = self.model
        asked = ChatEncoder(loaded.tokenizer, source=loaded.source).encode(judging_prompt(prompt, first, second))
        letters = [loaded.tokenizer(letter, add_special_tokens=False)["input_ids"][0] for letter in "AB"]
        row = plain_row(asked, letters[:1])
        with torch.inference_mode():
            logits = logits_of(loaded.model, batch([[row]]))[0, -1, letters]
        sure = float(torch.softmax(logits.float(), dim=0)[0])
        return Verdict(prefers_first=sure >= 0.5, confidence=max(sure, 1 - sure))


def judging_prompt(prompt: str, first: str, second: str) -> str:
    """What a judge is asked."""
    text: str = _template().render(prompt=prompt.strip(), first=first.strip(), second=second.strip())
    return text


@cache
def _template() -> Any:
    from jinja2 import Environment, FileSystemLoader, StrictUndefined  # late: only who asks a model needs it

    environment = Environment(
        loader=FileSystemLoader(_FOLDER), undefined=StrictUndefined, autoescape=False, keep_trailing_newline=True
    )
    return environment.get_template("judge.j2")
