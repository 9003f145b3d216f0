"""Rounds of preference optimisation: sample, score, train on the best and the worst, for several weights of quality."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from copy import deepcopy
from dataclasses import asdict, dataclass, field, replace
from hashlib import sha256
from math import exp, inf, isinf, log
from pathlib import Path
from statistics import fmean
from typing import TYPE_CHECKING, Any

from ...grammar import DiagnosticError
from ..models import LoadedModel, Progress
from ..runtime import Prompt
from .candidates import Candidate, Sampling, write_candidates
from .errors import NothingToMeasure
from .lessons import School
from .loop import Recipe
from .packing import pack
from .preferring import Preference, prefer, reference_likelihoods
from .rows import Rows, all_told
from .scoring import WORST, Quality, best_and_worst, score

if TYPE_CHECKING:
    from torch import Tensor


@dataclass(frozen=True, slots=True)
class PreferenceRecipe:
    """How much is sampled, and what is preferred."""

    rounds: int = 1
    """Each samples from the newest model; all are held against the supervised one."""
    candidates: int = 4
    """Answers to each prompt, of which the best and the worst are learned from."""
    prompts: int = 100
    weights: tuple[float, ...] = (4.0, 1.0, inf)
    """How much quality counts beside speed (the paper's lambda): a model is trained for each."""
    tuning: Recipe = field(default_factory=lambda: Recipe(5e-5, epochs=1))


@dataclass(frozen=True, slots=True)
class Asked:
    """A prompt, and the answer that those in threads are held against."""

    prompt: Prompt
    reference: str
    reference_tokens: int
    """As many as the sequential model says one after the other."""


@dataclass(frozen=True, slots=True)
class Point:
    """A model on the front of speed and quality, measured on prompts that no training saw."""

    name: str
    weight: float | None
    speedup: float
    """Theoretical, the geometric mean over prompts."""
    quality: float
    """The mean over prompts; 1 is the reference answers'."""
    forked: float
    """The share of ordinary tokens that forks say."""
    whole: float
    """The share of answers whose threads all ended by themselves."""

    def to_json(self) -> dict[str, Any]:
        """The object under `front`; an infinite weight is a text."""
        weight = "inf" if self.weight is not None and isinf(self.weight) else self.weight
        return {**asdict(self), "weight": weight}


@dataclass
class Preferring:
    """What all weights have in common: the model that is trained, what is asked of it, and how answers are judged."""

    model: Any
    """The supervised model, with what is trained of it."""
    tagged: LoadedModel
    school: School
    quality: Quality
    sampling: Sampling
    recipe: PreferenceRecipe
    folder: Path
    about: Mapping[str, Any]
    watch: Progress

    def __post_init__(self) -> None:
        """Remember the supervised weights."""
        self._trained = {name: each for name, each in self.model.named_parameters() if each.requires_grad}
        self._supervised = self._weights()

    def run(self, asked: Sequence[Asked], held_out: Sequence[Asked], publish: Callable[[str], None]) -> list[Point]:
        """Train a model for each weight and publish it under its name; where they and the supervised one stand."""
        points = [self._point("supervised", None, held_out)]
        for weight in self.recipe.weights:
            name = name_of_weight(weight)
            self._restore(self._supervised)
            for number in range(1, self.recipe.rounds + 1):
                self._round(asked, weight, number, self.folder / name / f"round-{number}")
            publish(name)
            points.append(self._point(name, weight, held_out))
        return points

    def _round(self, asked: Sequence[Asked], weight: float, number: int, folder: Path) -> None:
        # All weights sample the first round from the supervised model.
        sampled = self.folder / "supervised" if number == 1 else folder
        policy = {**self.about, "policy": self._digest(), "candidates": self.recipe.candidates}
        sampling = replace(self.sampling, count=self.recipe.candidates, seed=self.sampling.seed + number)
        found = self._sample(asked, sampling, policy, sampled / "candidates.jsonl")
        qualities = self._qualities(asked, found, policy, sampled / "qualities.jsonl")
        pairs = [*self._pairs(asked, found, qualities, weight)]
        self.watch.say(
            f"{name_of_weight(weight)}, round {number}: {len(pairs)} of {len(asked)} prompts have a best answer"
        )
        if not pairs:
            return
        about = {**policy, "weight": str(weight), "pairs": len(pairs)}
        with self._as_supervised():
            references = reference_likelihoods(self.model, pairs, folder / "references.jsonl", about, self.watch)
        prefer(
            self.model,
            pairs,
            references,
            self.recipe.candidates,
            self.recipe.tuning,
            folder,
            about=about,
            watch=self.watch,
        )

    def _sample(
        self, asked: Sequence[Asked], sampling: Sampling, made_by: Mapping[str, Any], file: Path
    ) -> list[list[Candidate]]:
        prompts = [each.prompt for each in asked]
        return write_candidates(prompts, self._policy, sampling, self.school.machine, file, made_by, self.watch)

    def _qualities(
        self, asked: Sequence[Asked], found: Sequence[Sequence[Candidate]], made_by: Mapping[str, Any], file: Path
    ) -> list[list[float]]:
        """The quality of all answers, kept in a file; what a limit cut off is as bad as can be."""
        rows = Rows(file, made_by, lambda row: [*all_told(row, "qualities", float)])
        judged = {each.prompt.id: rows.get(each.prompt.id) for each in asked}
        self.watch.stage("judgements", len(asked), done=sum(each is not None for each in judged.values()))
        for each, candidates in zip(asked, found, strict=True):
            if len(judged[each.prompt.id] or ()) != len(candidates):
                judged[each.prompt.id] = qualities = self._judged(each, candidates)
                rows.add(each.prompt.id, {"qualities": qualities})
                self.watch.step()
        return [judged[each.prompt.id] or [] for each in asked]

    def _judged(self, asked: Asked, candidates: Sequence[Candidate]) -> list[float]:
        found = self.quality(asked.prompt.text, [candidate.text for candidate in candidates])
        return [quality if each.whole else WORST for quality, each in zip(found, candidates, strict=True)]

    def _pairs(
        self,
        asked: Sequence[Asked],
        found: Sequence[Sequence[Candidate]],
        qualities: Sequence[Sequence[float]],
        weight: float,
    ) -> Iterator[Preference]:
        for each, candidates, judged in zip(asked, found, qualities, strict=True):
            scores = [
                score(each.reference_tokens / candidate.steps, quality, weight)
                for candidate, quality in zip(candidates, judged, strict=True)
            ]
            chosen = best_and_worst(scores)
            if chosen is not None:
                prompt = self.school.encoder.encode(each.prompt.text)
                best, worst = (pack(prompt, candidates[place].threads, self.school.machine) for place in chosen)
                if max(len(best), len(worst)) <= self.school.width:
                    yield Preference(str(each.prompt.id), best, worst)

    def _point(self, name: str, weight: float | None, held_out: Sequence[Asked]) -> Point:
        sampling = replace(self.sampling, count=1, temperature=0.0)
        made_by = {**self.about, "policy": self._digest()}
        found = self._sample(held_out, sampling, made_by, self.folder / name / "held_out.jsonl")
        both = [(each, answers[0]) for each, answers in zip(held_out, found, strict=True) if answers]
        if not both:
            raise DiagnosticError([NothingToMeasure(None, len(held_out), sampling.room(self.tagged.context))])
        quality = [self.quality(each.prompt.text, [answer.text])[0] for each, answer in both]
        point = Point(
            name,
            weight,
            speedup=exp(fmean(log(each.reference_tokens / answer.steps) for each, answer in both)),
            quality=fmean(quality),
            forked=sum(answer.forked for _, answer in both) / max(1, sum(answer.spoken for _, answer in both)),
            whole=fmean(answer.whole for _, answer in both),
        )
        self.watch.say(f"held out, {name}: {json.dumps(point.to_json())}")
        return point

    def _policy(self) -> LoadedModel:
        """A copy of the model as it is now, for decoding."""
        import torch

        copy = deepcopy(self.model)
        merged = copy.merge_and_unload() if hasattr(copy, "merge_and_unload") else copy
        dtype = getattr(torch, self.sampling.dtype)
        return replace(self.tagged, model=merged.to(dtype).eval().requires_grad_(False), dtype=dtype)

    def _digest(self) -> str:
        """Names the trained weights as they are now: what was sampled from others is not used."""
        import torch

        digest = sha256()
        for name, each in sorted(self._trained.items()):
            digest.update(name.encode())
            digest.update(each.detach().cpu().contiguous().view(torch.uint8).numpy().tobytes())
        return digest.hexdigest()[:16]

    def _weights(self) -> dict[str, Tensor]:
        return {name: each.detach().clone() for name, each in self._trained.items()}

    def _restore(self, weights: Mapping[str, Tensor]) -> None:
        import torch

        with torch.no_grad():
            for name, each in self._trained.items():
                each.copy_(weights[name])

    @contextmanager
    def _as_supervised(self) -> Iterator[None]:
        """The model with its supervised weights for a while."""
        now = self._weights()
        self._restore(self._supervised)
        try:
            yield
        finally:
            self._restore(now)


def name_of_weight(weight: float) -> str:
    """What the model of a weight is called.

    >>> name_of_weight(4.0), name_of_weight(0.5), name_of_weight(inf)
    ('weight-4', 'weight-0.5', 'weight-inf')
    """
    return f"weight-{weight:g}"
