"""Certify that a plan loses nothing: greedy answers token by token, sampled ones by redrawing rounds against laws."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from importlib import import_module
from typing import Protocol

from ....grammar import Diagnostic, DiagnosticError
from ....planner import CompiledPlan
from ....planner.graph import Graph, Tags
from ...models import LoadedModel, Progress, Silent
from ...runtime import Prompt
from ..baselines import DTYPES
from ..cases import Case, Group, cases_of, groups, rows_of, spread
from ..counts import check_count
from ..decoding import Decoding, contender_of
from ..generate import encoder_of
from ..pairing import LeftOut
from ..setting import Setting, setting_of
from ..weights import Weights, WeightSets
from .certificate import Certificate, GreedyCertificate
from .errors import NoCertificate
from .greedy import Identity, identity

REDRAWS = 5000
"""Of each prefix, unless it is said otherwise."""
PREFIXES = 3
"""That are redrawn, unless it is said otherwise."""


class Examination(Protocol):
    """A plan with its models loaded, and what it is going to be asked."""

    @property
    def notes(self) -> tuple[Diagnostic, ...]:
        """What a person should know: suggestions of a checkpoint that are not followed."""

    def certificate(self, progress: Progress) -> Certificate:
        """Examine."""


@dataclass(frozen=True, slots=True)
class GreedyExamination:
    """A greedy plan with its models loaded, and the prompts that it is going to answer."""

    setting: Setting
    graph: Graph
    plan: Decoding
    target: LoadedModel
    groups: tuple[Group, ...]

    @property
    def notes(self) -> tuple[Diagnostic, ...]:
        """Of the plan's decoder."""
        return self.plan.notes

    def certificate(self, progress: Progress) -> GreedyCertificate:
        """Answer, and hold the answers against the target."""
        found = [*self._found(progress)]
        return GreedyCertificate(
            self.setting,
            str(self.graph.law),
            approximate=bool(self.graph.law.approximate),
            answers=tuple(each for each in found if isinstance(each, Identity)),
            left_out=tuple(each for each in found if isinstance(each, LeftOut)),
        )

    def _found(self, progress: Progress) -> Iterator[Identity | LeftOut]:
        progress.stage(
            "measuring groups of answers" if self.setting.batch > 1 else "measuring answers", len(self.groups)
        )
        encoder = encoder_of(self.graph, self.target)
        for group in self.groups:
            answer = self.plan.answer(group.prompts)
            progress.step()
            for prompt in group.prompts:
                if prompt.id in answer.refused:
                    yield LeftOut(prompt.id, self.plan.name, answer.refused[prompt.id])
                else:
                    yield identity(prompt.id, encoder.encode(prompt.text), answer.tokens[prompt.id], self.target)


def certify(
    plan: CompiledPlan,
    *,
    cases: Sequence[Case | Prompt | str] | None = None,
    limit: int | None = None,
    redraws: int = REDRAWS,
) -> Certificate:
    """Hold a plan against its target: a greedy one token by token, one that samples by `redraws` of a round.

    `cases` are what to answer, by default the prompts that come with specplan; `limit` takes so many of them at even
    distances, by default all if the plan is greedy, and three to redraw behind if it samples.

    Raises:
        DiagnosticError: if there is nothing to hold the plan against (SP0820), its engine cannot run it, or a model is
            not to be had.
        ModuleNotFoundError: if the engine's libraries are not installed.
        TypeError, ValueError: for cases that are none or share an id, and counts that are too small; nothing loads before.
    """
    return examine(plan, cases=cases, limit=limit, redraws=redraws).certificate(Silent())


def examine(
    plan: CompiledPlan,
    *,
    cases: Sequence[Case | Prompt | str] | None = None,
    limit: int | None = None,
    redraws: int = REDRAWS,
    command: str | None = None,
    progress: Progress | None = None,
) -> Examination:
    """The examination of `certify`, before it begins: this is what loads the models, and raises."""
    check_count("redraws", redraws, least=1)
    _refuse(plan)
    sets = WeightSets(Weights(progress), Weights(progress))
    setting = setting_of(plan, repeats=1, warmup=0, command=command)
    if setting.greedy:
        chosen = spread(cases_of(cases), limit)
        ours = contender_of(plan.name, plan, sets.ours)
        target = sets.untouched(plan.graph.target, plan)
        return GreedyExamination(setting, plan.graph, ours, target, groups(chosen, rows_of(plan.graph)))
    # Laws are arrays, and what arrays need comes with an engine's extra.
    sampled = import_module(".sampled", __package__)
    prompts = [each.prompt for each in spread(cases_of(cases), PREFIXES if limit is None else limit)]
    examination: Examination = sampled.examination_of(plan, setting, prompts, redraws, sets)
    return examination


def _refuse(plan: CompiledPlan) -> None:
    """Raises DiagnosticError for a plan whose target transformers cannot be asked about."""
    target = plan.graph.target
    reason = None
    if plan.engine == "reference":
        reason = "the reference engine runs toy tables in the place of models"
    elif target.dtype not in DTYPES:
        reason = f"transformers does not run `{target.name}` with {target.dtype} weights"
    elif plan.graph.all(Tags):
        reason = "threads that fork are not one text, which a single pass could judge"
    if reason is not None:
        raise DiagnosticError([NoCertificate(target.span, reason)])
