"""What is said of answers that were written in threads (PASTA section 3.5), and of what they are compared with.

Where one of two contenders forks, tokens cannot be paired: tags are tokens, too, and a model that writes them says something
else. So seconds are those of whole answers, however long; how long they are is told beside.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import reduce
from operator import add
from statistics import geometric_mean
from typing import Any

from ..runtime import Stats, ThreadStats
from ..runtime.pasta import TagCounts
from .pairing import Round
from .statistics import Quartiles, per_prompt, quartiles


@dataclass(frozen=True, slots=True)
class Times:
    """How many times as much, over prompts."""

    geometric_mean: float
    quartiles: Quartiles

    def to_json(self) -> dict[str, Any]:
        """The object of a figure."""
        return {"geometric_mean": self.geometric_mean, **self.quartiles.to_json()}


@dataclass(frozen=True, slots=True)
class WholeAnswers:
    """Our answers beside those of another contender to the same prompts."""

    realised: Times
    """Their seconds over ours."""
    theoretical: Times
    """Their critical path over ours, which of an answer without forks is all of its tokens: if a pass cost nothing more."""
    length: Times
    """Our tokens of text over theirs."""

    def to_json(self) -> dict[str, Any]:
        """The object under `whole_answers`."""
        return {
            "realised": self.realised.to_json(),
            "theoretical": self.theoretical.to_json(),
            "length": self.length.to_json(),
        }


def whole_answers(rounds: Sequence[Round], name: str, against: str) -> WholeAnswers | None:
    """What there is to compare where one of two contenders forks; None where neither does, or where nothing was said."""
    if not any(each.answers[who].forks for each in rounds for who in (name, against)):
        return None
    realised = _times(rounds, lambda each: each.answers[against].seconds, lambda each: each.answers[name].seconds)
    theoretical = _times(
        rounds, lambda each: each.answers[against].critical_path, lambda each: each.answers[name].critical_path
    )
    length = _times(rounds, lambda each: each.answers[name].generated, lambda each: each.answers[against].generated)
    return WholeAnswers(realised, theoretical, length) if realised and theoretical and length else None


def _times(rounds: Sequence[Round], over: Callable[[Round], float], under: Callable[[Round], float]) -> Times | None:
    def figure(each: Round) -> float | None:
        return over(each) / under(each) if over(each) and under(each) else None

    values = per_prompt(rounds, figure)
    spread = quartiles(values)
    return None if spread is None else Times(geometric_mean(values), spread)


@dataclass(frozen=True, slots=True)
class Threads:
    """How the answers of a contender went that may fork, added up; counts are kept beside what follows from them."""

    answers: int
    forks: int
    said: int
    """Tokens, tags and all."""
    forked: int
    """Those of them that forks said."""
    spoken: int
    """Tokens of text."""
    critical_path: int
    tags: TagCounts

    @property
    def parallelism(self) -> float:
        """Theoretical parallelism: tokens of text over the critical path."""
        return self.spoken / self.critical_path if self.critical_path else 0.0

    @property
    def share(self) -> float:
        """Of all tokens, those that forks said."""
        return self.forked / self.said if self.said else 0.0

    @property
    def tags_per_answer(self) -> float:
        """Promises and syncs."""
        return self.tags.tags / self.answers

    def to_json(self) -> dict[str, Any]:
        """The object under `threads`."""
        return {
            "answers": self.answers,
            "forks": self.forks,
            "said": self.said,
            "forked": self.forked,
            "share": self.share,
            "spoken": self.spoken,
            "critical_path": self.critical_path,
            "parallelism": self.parallelism,
            "tags": self.tags.to_json(),
            "tags_per_answer": self.tags_per_answer,
            "malformed": self.tags.malformed,
        }


def threads(rows: Sequence[Stats]) -> Threads | None:
    """The sum over rows; None where none may fork."""
    found = [each.threads for each in rows if each.threads is not None]
    if not found:
        return None

    def total(count: Callable[[ThreadStats], int]) -> int:
        return sum(map(count, found))

    return Threads(
        answers=len(found),
        forks=total(lambda each: each.forks),
        said=total(lambda each: each.said),
        forked=total(lambda each: each.forked),
        spoken=total(lambda each: each.spoken),
        critical_path=total(lambda each: each.critical_path),
        tags=reduce(add, (each.tags for each in found)),
    )
