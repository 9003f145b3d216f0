"""What is said of many measurements: quartiles, paired ratios, acceptance, and where two outputs part."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from dataclasses import asdict, dataclass
from itertools import zip_longest
from statistics import median, quantiles
from typing import Any

from ..runtime import Stats, Translation
from .contenders import Answer
from .pairing import Round


@dataclass(frozen=True, slots=True)
class Quartiles:
    """The middle of `count` values, and the values that a quarter of them stay below and above."""

    count: int
    low: float
    median: float
    high: float

    def to_json(self) -> dict[str, Any]:
        """The object of a figure."""
        return {"count": self.count, "low": self.low, "median": self.median, "high": self.high}


def quartiles(values: Sequence[float]) -> Quartiles | None:
    """The quartiles of values, linear between them; None where there are none.

    >>> quartiles([4.0, 1.0, 2.0, 3.0, 5.0])
    Quartiles(count=5, low=2.0, median=3.0, high=4.0)
    """
    if not values:
        return None
    low, middle, high = quantiles(values, n=4, method="inclusive") if len(values) > 1 else [values[0]] * 3
    return Quartiles(len(values), low, middle, high)


def per_prompt(rounds: Iterable[Round], figure: Callable[[Round], float | None]) -> list[float]:
    """A figure of every group of prompts: its median over the group's rounds, less those that have none."""
    found: dict[tuple[str | int, ...], list[float]] = defaultdict(list)
    for each in rounds:
        value = figure(each)
        if value is not None:
            found[tuple(prompt.id for prompt in each.group.prompts)].append(value)
    return [median(values) for values in found.values()]


def speed(rounds: Iterable[Round], name: str) -> Quartiles | None:
    """Tokens per second of whole answers, prompts included."""

    def figure(each: Round) -> float | None:
        answer = each.answers[name]
        return answer.generated / answer.seconds

    return quartiles(per_prompt(rounds, figure))


def decode_speed(rounds: Iterable[Round], name: str) -> Quartiles | None:
    """Tokens per second of the steps alone; None where a contender tells no steps."""

    def figure(each: Round) -> float | None:
        answer = each.answers[name]
        return answer.generated / answer.decode_s if answer.decode_s else None

    return quartiles(per_prompt(rounds, figure))


def speedup(rounds: Iterable[Round], name: str, against: str) -> Quartiles | None:
    """How many times as fast: the other's seconds per token over ours, on the same prompts in the same round."""

    def figure(each: Round) -> float | None:
        ours, theirs = each.answers[name], each.answers[against]
        if not ours.generated or not theirs.generated:
            return None
        return (theirs.seconds / theirs.generated) / (ours.seconds / ours.generated)

    return quartiles(per_prompt(rounds, figure))


def outside_passes(answers: Iterable[Answer]) -> float | None:
    """The share of the steps' time that no model's pass took; None where passes were not told."""
    told = [(each.decode_s, each.passes_s) for each in answers if each.decode_s and each.passes_s]
    return 1 - sum(passes for _, passes in told) / sum(steps for steps, _ in told) if told else None


@dataclass(frozen=True, slots=True)
class Acceptance:
    """What became of drafts, over all rows; counts are kept beside the rates that follow from them."""

    generated: int
    steps: int
    drafted: int
    accepted: int
    histogram: tuple[int, ...]
    """Entry k counts the steps that kept k drafts."""
    rested: int = 0
    """Steps without guesses, for which a guard let a row rest."""
    translation: Translation | None = None
    """What crossed between vocabularies; None where there is one."""
    translation_share: float | None = None
    """Of the time of the steps: spelling text in other words."""

    @property
    def tokens_per_step(self) -> float:
        """Generated tokens per target pass."""
        return self.generated / self.steps

    @property
    def mean_acceptance_length(self) -> float:
        """One and the mean number of drafts kept per step."""
        return 1 + self.accepted / self.steps

    @property
    def draft_acceptance_rate(self) -> float | None:
        """The share of drafted tokens that were accepted; None where nothing was drafted."""
        return self.accepted / self.drafted if self.drafted else None

    @property
    def reached(self) -> tuple[float, ...]:
        """By depth from 1: the share of steps that kept at least so many drafts.

        >>> Acceptance(7, 4, 8, 3, (2, 1, 1)).reached
        (0.5, 0.25)
        """
        return tuple(sum(self.histogram[depth:]) / self.steps for depth in range(1, len(self.histogram)))

    def to_json(self) -> dict[str, Any]:
        """The object under `acceptance`."""
        return {
            "generated": self.generated,
            "steps": self.steps,
            "drafted": self.drafted,
            "accepted": self.accepted,
            "tokens_per_step": self.tokens_per_step,
            "mean_acceptance_length": self.mean_acceptance_length,
            "draft_acceptance_rate": self.draft_acceptance_rate,
            "acceptance_histogram": list(self.histogram),
            "acceptance_by_depth": list(self.reached),
            "rested": self.rested,
            "translation": self.translation and {**asdict(self.translation), "share": self.translation_share},
        }


def acceptance(rows: Sequence[Stats]) -> Acceptance | None:
    """The sum over rows; None where there are none, or none that went a step."""
    steps = sum(each.steps for each in rows)
    if not steps:
        return None
    crossed = [each.translation for each in rows if each.translation is not None]
    seconds = sum(each.decode_s for each in rows)
    columns = zip_longest(*(each.acceptance_histogram for each in rows), fillvalue=0)
    return Acceptance(
        generated=sum(each.generated for each in rows),
        steps=steps,
        drafted=sum(each.drafted for each in rows),
        accepted=sum(each.accepted for each in rows),
        histogram=tuple(map(sum, columns)),
        rested=sum(each.rested for each in rows),
        translation=sum(crossed, Translation()) if crossed else None,
        translation_share=sum(each.translation_s for each in rows) / seconds if crossed and seconds else None,
    )


@dataclass(frozen=True, slots=True)
class Difference:
    """A prompt whose answers are not the same tokens, and the first position at which they part, from 0."""

    id: str | int
    position: int


def differences(rounds: Iterable[Round], name: str, against: str) -> tuple[Difference, ...]:
    """The prompts that two contenders answered differently, in order, each told once."""
    found: dict[str | int, Difference] = {}
    for each in rounds:
        theirs = each.answers[against].tokens
        for id, tokens in each.answers[name].tokens.items():
            if tokens != theirs[id]:
                found.setdefault(id, Difference(id, _parting(tokens, theirs[id])))
    return tuple(found.values())


def _parting(left: Sequence[int], right: Sequence[int]) -> int:
    """The first position at which two sequences differ, the end of the shorter one included."""
    return next(place for place, (a, b) in enumerate(zip_longest(left, right)) if a != b)
