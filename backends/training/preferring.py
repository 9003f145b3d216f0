"""Preference optimisation: a model learns to write more like the best of its own answers, and less like the worst."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ..models import Progress
from .batching import batch
from .bonbon import Pair, bonbon_loss
from .likelihood import log_likelihoods, logits_of
from .loop import Recipe, train
from .packing import Packed
from .rows import Rows, told

if TYPE_CHECKING:
    from torch import Tensor
    from transformers import PreTrainedModel


@dataclass(frozen=True)
class Preference:
    """The best and the worst of several answers to a prompt."""

    id: str
    best: Packed
    worst: Packed


def prefer(
    model: PreTrainedModel,
    pairs: Sequence[Preference],
    references: Sequence[Pair],
    candidates: int,
    recipe: Recipe,
    folder: Path,
    *,
    about: Mapping[str, Any] | None = None,
    watch: Progress | None = None,
) -> None:
    """Train a model by the BoNBoN loss of some pairs, each of so many candidates; `references` are the frozen model's.

    All that `train` says holds.
    """
    train(model, _Pairs(pairs, references, candidates), recipe, folder, about=about, watch=watch)


def reference_likelihoods(
    model: PreTrainedModel, pairs: Sequence[Preference], file: Path, made_by: Mapping[str, Any], watch: Progress
) -> list[Pair]:
    """What a frozen model gives each pair, in nats; worked out once, and kept in a file. Raises SP0850, SP0855."""
    import torch

    rows = Rows(file, made_by, lambda row: Pair(told(row, "best", float), told(row, "worst", float)))
    done = sum(rows.get(each.id) is not None for each in pairs)
    watch.stage("reference likelihoods", len(pairs), done=done)
    model.eval()
    for each in pairs:
        if rows.get(each.id) is None:
            with torch.inference_mode():
                found = likelihoods(model, each)
            rows.add(each.id, {"best": found.best.item(), "worst": found.worst.item()})
            watch.step()
    return [row for each in pairs if (row := rows.get(each.id)) is not None]


def likelihoods(model: PreTrainedModel, pair: Preference) -> Pair:
    """What a model gives a pair, in one pass."""
    together = batch([[pair.best], [pair.worst]])
    best, worst = log_likelihoods(logits_of(model, together), together)
    return Pair(best, worst)


@dataclass(frozen=True)
class _Pairs:
    """A `Task`: to prefer the best to the worst by as much as the best of n does."""

    pairs: Sequence[Preference]
    references: Sequence[Pair]
    candidates: int

    @property
    def count(self) -> int:
        return len(self.pairs)

    def losses(self, model: PreTrainedModel, places: Sequence[int]) -> Iterator[Tensor]:
        for place in places:
            found = likelihoods(model, self.pairs[place])
            yield bonbon_loss(found, self.references[place], self.candidates) / len(places)

    def measure(self, model: PreTrainedModel) -> Mapping[str, float]:
        return {}
