"""Measure a plan against others: load all contenders, put them side by side, say what came of it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from ...grammar import Diagnostic
from ...planner import CompiledPlan
from ..models import Progress, Silent
from ..runtime import Prompt
from .baselines import BASELINES, Skipped, baseline
from .cases import Case, Group, cases_of, groups, rows_of, spread
from .comparison import Comparison, summarise
from .contenders import Contender
from .counts import check_count
from .decoding import Decoding, contender_of
from .pairing import LeftOut, Round, rounds
from .setting import Setting, setting_of
from .weights import Weights, WeightSets


@dataclass(frozen=True, slots=True)
class Match:
    """Contenders with their models loaded, the plan first, and what they are going to be measured on."""

    setting: Setting
    contenders: tuple[Contender, ...]
    skipped: tuple[Skipped, ...]
    notes: tuple[Diagnostic, ...]
    """What a person should know: suggestions of a checkpoint that are not followed."""
    groups: tuple[Group, ...]

    def play(self, progress: Progress) -> Iterator[Round | LeftOut]:
        """Measure; whoever stops iterating keeps what was complete."""
        plan = self.setting
        return rounds(self.contenders, self.groups, repeats=plan.repeats, warmup=plan.warmup, progress=progress)

    def summary(self, events: Sequence[Round | LeftOut], *, partial: bool = False) -> Comparison:
        """What was measured; `partial` if measuring ended before its time."""
        names = [each.name for each in self.contenders]
        return summarise(self.setting, names, events, skipped=self.skipped, partial=partial)


def compare(
    plan: CompiledPlan,
    against: Sequence[str | CompiledPlan] = tuple(BASELINES),
    *,
    cases: Sequence[Case | Prompt | str] | None = None,
    limit: int | None = None,
    repeats: int = 1,
    warmup: int = 1,
) -> Comparison:
    """Measure a plan against baselines, by name, and other plans.

    `cases` are what to answer, by default the prompts that come with specplan; `limit` takes so many of them at even
    distances. Each contender answers every case `repeats` times, and the first `warmup` groups once before that.

    Raises:
        DiagnosticError: if an engine cannot run a plan, or a model is not to be had.
        ModuleNotFoundError: if the engine's libraries are not installed.
        KeyError: for a name that is no baseline's; nothing loads before.
        TypeError, ValueError: for cases that are none or share an id, and counts that are too small; nothing loads before.
    """
    match = prepare(plan, against, cases=cases, limit=limit, repeats=repeats, warmup=warmup)
    return match.summary(list(match.play(Silent())))


def prepare(
    plan: CompiledPlan,
    against: Sequence[str | CompiledPlan],
    *,
    cases: Sequence[Case | Prompt | str] | None = None,
    limit: int | None = None,
    repeats: int = 1,
    warmup: int = 1,
    command: str | None = None,
    progress: Progress | None = None,
) -> Match:
    """The match of `compare`, before it is played: this is what loads the models, and raises."""
    check_count("repeats", repeats, least=1)
    check_count("warmup", warmup, least=0)
    sets = WeightSets(Weights(progress), Weights(progress))
    chosen = spread(cases_of(cases), limit)
    taken = {each for each in against if isinstance(each, str)}
    if unknown := sorted(taken - BASELINES.keys()):
        raise KeyError(f"no baseline is called {unknown[0]!r}; there are {', '.join(BASELINES)}")
    ours = contender_of(_free_name(plan.name, taken), plan, sets.ours)
    rivals = [_rival(each, plan, taken, sets) for each in _once(against)]
    contenders = (ours, *(each for each in rivals if not isinstance(each, Skipped)))
    return Match(
        setting=setting_of(plan, repeats=repeats, warmup=warmup, command=command),
        contenders=contenders,
        skipped=tuple(each for each in rivals if isinstance(each, Skipped)),
        notes=_notes(contenders),
        groups=groups(chosen, rows_of(plan.graph)),
    )


def _once(against: Sequence[str | CompiledPlan]) -> list[str | CompiledPlan]:
    """Each baseline once, however often it was named."""
    return [each for place, each in enumerate(against) if not isinstance(each, str) or each not in against[:place]]


def _rival(said: str | CompiledPlan, plan: CompiledPlan, taken: set[str], sets: WeightSets) -> Contender | Skipped:
    if isinstance(said, str):
        return baseline(said, plan, sets)
    return contender_of(_free_name(said.name, taken), said, sets.ours)


def _free_name(name: str, taken: set[str]) -> str:
    """The name, or `name.2`, `name.3`, ... where another contender has it; it is taken from now on."""
    free, count = name, 1
    while free in taken:
        count += 1
        free = f"{name}.{count}"
    taken.add(free)
    return free


def _notes(contenders: Sequence[Contender]) -> tuple[Diagnostic, ...]:
    """What our own decoders have to say, each thing once."""
    said = [note for each in contenders if isinstance(each, Decoding) for note in each.notes]
    return tuple(note for place, note in enumerate(said) if note not in said[:place])
