"""In which order contenders are measured: side by side on the same prompts, so that a busy machine slows them all.

A round gives one group of prompts to every contender, one after the other. Each round begins with another contender, and
so does each repeat of a group, so that none always comes first. Prompts that one contender refuses are left out for all.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import product

from ...grammar import Diagnostic
from ..models import Progress
from .cases import Group
from .contenders import Answer, Contender


@dataclass(frozen=True, slots=True)
class Round:
    """A group of prompts, and what every contender answered, by name."""

    group: Group
    answers: Mapping[str, Answer]


@dataclass(frozen=True, slots=True)
class LeftOut:
    """A prompt that a contender refused."""

    id: str | int
    contender: str
    diagnostics: tuple[Diagnostic, ...]


def rounds(
    contenders: Sequence[Contender], groups: Sequence[Group], *, repeats: int, warmup: int, progress: Progress
) -> Iterator[Round | LeftOut]:
    """Measure every contender on every group, `repeats` times; the first `warmup` groups are answered once before that.

    What is yielded is complete: whoever stops iterating loses at most the round that had begun.
    """
    refused: set[str | int] = set()
    warming = groups[:warmup]
    progress.stage("measuring answers", len(contenders) * (len(warming) + repeats * len(groups)))
    for group in warming:
        for contender in contenders:
            contender.answer(group.prompts)
            progress.step(f"{contender.name} warms up")
    for repeat, (number, group) in product(range(repeats), enumerate(groups)):
        order = _rotated(contenders, number + repeat)
        yield from _round(order, group.without(refused), refused, progress)


def _round(
    order: Sequence[Contender], group: Group, refused: set[str | int], progress: Progress
) -> Iterator[Round | LeftOut]:
    """One round, begun anew without the prompts that were refused in it: the rest of a group took their time too."""
    answers: dict[str, Answer] = {}
    for contender in order if group.cases else ():
        answers[contender.name] = answer = contender.answer(group.prompts)
        progress.step(contender.name)
        if answer.refused:
            refused.update(answer.refused)
            yield from (LeftOut(id, contender.name, found) for id, found in answer.refused.items())
            yield from _round(order, group.without(refused), refused, progress)
            return
    if answers:
        yield Round(group, answers)


def _rotated(contenders: Sequence[Contender], number: int) -> list[Contender]:
    """The contenders in their circle, begun at another one each time.

    >>> _rotated("abc", 4)
    ['b', 'c', 'a']
    """
    first = number % len(contenders)
    return [*contenders[first:], *contenders[:first]]
