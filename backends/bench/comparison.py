"""What a measurement says: frozen results by contender, made from rounds, and their JSON."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from .baselines import AUTOREGRESSIVE, Skipped
from .forking import Threads, WholeAnswers, threads, whole_answers
from .pairing import LeftOut, Round
from .setting import Setting
from .statistics import (
    Acceptance,
    Difference,
    Quartiles,
    acceptance,
    decode_speed,
    differences,
    outside_passes,
    speed,
    speedup,
)

FORMAT_VERSION = 1


@dataclass(frozen=True, slots=True)
class Ratio:
    """How many times as fast as another contender, over all prompts and by their categories.

    Seconds are those per token or, where one of both forks, those of whole answers.
    """

    against: str
    overall: Quartiles
    categories: tuple[tuple[str, Quartiles], ...]
    whole: WholeAnswers | None = None

    def to_json(self) -> dict[str, Any]:
        """An object of the list under `ratios`."""
        categories = {name: each.to_json() for name, each in self.categories}
        whole = self.whole and self.whole.to_json()
        return {"against": self.against, **self.overall.to_json(), "categories": categories, "whole_answers": whole}


@dataclass(frozen=True, slots=True)
class Measured:
    """How one contender did. Speeds are tokens per second per group of prompts, ratios above 1 are faster."""

    name: str
    tokens_per_s: Quartiles
    decode_tokens_per_s: Quartiles | None
    ratios: tuple[Ratio, ...]
    acceptance: Acceptance | None
    threads: Threads | None
    """None where none may fork."""
    outside_passes: float | None
    differing: tuple[Difference, ...] | None
    """Prompts whose greedy answers are not those of `autoregressive`; None where that is no question."""

    def ratio(self, against: str) -> Ratio | None:
        """The ratio against another contender; None against itself."""
        return next((each for each in self.ratios if each.against == against), None)

    def to_json(self) -> dict[str, Any]:
        """An object of the list under `contenders`."""
        return {
            "name": self.name,
            "tokens_per_s": self.tokens_per_s.to_json(),
            "decode_tokens_per_s": self.decode_tokens_per_s and self.decode_tokens_per_s.to_json(),
            "ratios": [each.to_json() for each in self.ratios],
            "acceptance": self.acceptance and self.acceptance.to_json(),
            "threads": self.threads and self.threads.to_json(),
            "outside_passes": self.outside_passes,
            "differing": None if self.differing is None else [asdict(each) for each in self.differing],
        }


@dataclass(frozen=True, slots=True)
class Comparison:
    """A plan beside its rivals. The plan is the first of `measured`."""

    setting: Setting
    prompts: int
    """That were answered by everybody."""
    measured: tuple[Measured, ...]
    skipped: tuple[Skipped, ...]
    left_out: tuple[LeftOut, ...]
    partial: bool
    """Whether measuring ended before its time."""

    def to_json(self) -> dict[str, Any]:
        """What `specplan bench --format json` prints."""
        return {
            "format_version": FORMAT_VERSION,
            "setting": asdict(self.setting),
            "partial": self.partial,
            "prompts": self.prompts,
            "contenders": [each.to_json() for each in self.measured],
            "skipped": [asdict(each) for each in self.skipped],
            "left_out": [
                {"id": each.id, "contender": each.contender, "reasons": [why.message() for why in each.diagnostics]}
                for each in self.left_out
            ],
        }


def summarise(
    setting: Setting,
    names: Sequence[str],
    events: Iterable[Round | LeftOut],
    *,
    skipped: Sequence[Skipped] = (),
    partial: bool = False,
) -> Comparison:
    """Everything that rounds of the contenders `names`, the plan first, say."""
    found = list(events)
    rounds = [each for each in found if isinstance(each, Round)]
    return Comparison(
        setting=setting,
        prompts=len({prompt.id for each in rounds for prompt in each.group.prompts}),
        measured=tuple(_measured(name, names, rounds, setting.greedy) for name in names) if rounds else (),
        skipped=tuple(skipped),
        left_out=tuple(each for each in found if isinstance(each, LeftOut)),
        partial=partial,
    )


def _measured(name: str, names: Sequence[str], rounds: Sequence[Round], greedy: bool) -> Measured:
    answers = [each.answers[name] for each in rounds]
    tokens_per_s = speed(rounds, name)
    assert tokens_per_s is not None, "there is a round"
    forks = any(each.forks for each in answers)
    comparable = greedy and AUTOREGRESSIVE in names and name != AUTOREGRESSIVE and not forks
    ratios = (_ratio(name, against, rounds) for against in names[1:] if against != name)
    stats = [row for each in answers for row in each.stats]
    return Measured(
        name=name,
        tokens_per_s=tokens_per_s,
        decode_tokens_per_s=decode_speed(rounds, name),
        ratios=tuple(each for each in ratios if each is not None),
        acceptance=acceptance(stats),
        threads=threads(stats),
        outside_passes=outside_passes(answers),
        differing=differences(rounds, name, AUTOREGRESSIVE) if comparable else None,
    )


def _ratio(name: str, against: str, rounds: Sequence[Round]) -> Ratio | None:
    overall = _times_as_fast(rounds, name, against)
    if overall is None:
        return None
    named = {each.group.category: None for each in rounds}
    by_category = {
        category: _times_as_fast([each for each in rounds if each.group.category == category], name, against)
        for category in named
        if category is not None
    }
    categories = tuple((name, each) for name, each in by_category.items() if each is not None)
    return Ratio(against, overall, categories, whole_answers(rounds, name, against))


def _times_as_fast(rounds: Sequence[Round], name: str, against: str) -> Quartiles | None:
    whole = whole_answers(rounds, name, against)
    return speedup(rounds, name, against) if whole is None else whole.realised.quartiles
