"""Supervised fine-tuning on packed answers."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ..models import Progress
from .batching import batch, rows_on
from .likelihood import logits_of, losses
from .loop import Recipe, train
from .packing import Packed

if TYPE_CHECKING:
    from torch import Tensor
    from transformers import PreTrainedModel


def finetune(
    model: PreTrainedModel,
    answers: Sequence[Packed],
    recipe: Recipe,
    folder: Path,
    *,
    held_out: Sequence[Packed] = (),
    about: Mapping[str, Any] | None = None,
    watch: Progress | None = None,
) -> None:
    """Train a model to say some answers; behind every epoch the loss of those `held_out` is measured.

    All that `train` says holds.
    """
    train(model, _Answers(answers, held_out, recipe.width), recipe, folder, about=about, watch=watch)


def mean_loss(model: PreTrainedModel, answers: Sequence[Packed], width: int) -> float:
    """Minus log p of a token that the answers predict, in nats: the mean over all of them."""
    return float(sum(each.item() for each in _parts(model, answers, width)))


def _parts(model: PreTrainedModel, answers: Sequence[Packed], width: int) -> Iterator[Tensor]:
    """Row by row, what it adds to the mean loss of all tokens that the answers predict."""
    tokens = sum(each.predicted for each in answers)
    for row in rows_on(model.device.type, answers, width):
        together = batch([row])
        yield losses(logits_of(model, together), together).sum() / tokens


@dataclass(frozen=True)
class _Answers:
    """A `Task`: to say these."""

    answers: Sequence[Packed]
    held_out: Sequence[Packed]
    width: int

    @property
    def count(self) -> int:
        return len(self.answers)

    def losses(self, model: PreTrainedModel, places: Sequence[int]) -> Iterator[Tensor]:
        return _parts(model, [self.answers[place] for place in places], self.width)

    def measure(self, model: PreTrainedModel) -> Mapping[str, float]:
        return {"held_out_loss": mean_loss(model, self.held_out, self.width)} if self.held_out else {}
