"""The loop in which everything is trained: it can be stopped at any time, and goes on as if it had not been."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from math import isfinite
from pathlib import Path
from random import Random
from typing import TYPE_CHECKING, Any, Protocol, TextIO

from ...grammar import DiagnosticError
from ..models import Progress, Silent
from .checkpoint import CHECKPOINT, Checkpoint
from .errors import LossNotFinite
from .metrics import METRICS, metrics_behind

if TYPE_CHECKING:
    from torch import Tensor
    from transformers import PreTrainedModel

_MAX_NORM = 1.0


@dataclass(frozen=True, slots=True)
class Recipe:
    """How much is learned from how many examples at a time; epochs, examples of a step and the falling rate are PASTA's."""

    learning_rate: float
    """The rate of the first step; it falls to 0 in a straight line."""
    epochs: int = 4
    answers: int = 8
    """How many examples a step learns from."""
    width: int = 2048
    """Examples have at most so many tokens; on a GPU those of a step share rows of as many, which go through one by one."""
    seed: int = 0
    checkpoint_every: int = 20
    """Steps between two checkpoints; changes nothing of the result."""

    def rate(self, step: int, steps: int) -> float:
        """The learning rate of a step, counted from 0."""
        return self.learning_rate * (1 - step / steps)


class Task(Protocol):
    """What is learned."""

    @property
    def count(self) -> int:
        """How many examples there are."""

    def losses(self, model: PreTrainedModel, places: Sequence[int]) -> Iterator[Tensor]:
        """Parts of the loss of some examples, one after the other; each is let go before the next is made."""

    def measure(self, model: PreTrainedModel) -> Mapping[str, float]:
        """What is measured behind every epoch, without gradients; nothing, if there is nothing to measure on."""


def train(
    model: PreTrainedModel,
    task: Task,
    recipe: Recipe,
    folder: Path,
    *,
    about: Mapping[str, Any] | None = None,
    watch: Progress | None = None,
) -> None:
    """Train those parameters of a model that ask for gradients, and write a line of metrics a step into `folder`.

    `about` is what else decides the result: the model, the data, what of the model is trained.

    Where the folder has a checkpoint of the same recipe and as many examples, training goes on behind it, with the same
    result as if it had never stopped. Raises `DiagnosticError` where the checkpoint is of another recipe (SP0850), where files
    are damaged (SP0855, SP0859), and where the loss is no number (SP0852); the checkpoint is then deleted.
    """
    watch = watch or Silent()
    steps = [*batches(task.count, recipe)]
    learner = _Learner.of(model, recipe)
    checkpoint = learner.checkpoint(folder / CHECKPOINT, _made_by(recipe, task, about or {}))
    done = checkpoint.restore()
    watch.stage("steps", len(steps), done=done)
    with metrics_behind(folder / METRICS, done) as file:
        for number, places in enumerate(steps[done:], done + 1):
            rate = recipe.rate(number - 1, len(steps))
            loss, norm = learner.step(task.losses(learner.model, places), rate)
            if not (isfinite(loss) and isfinite(norm)):
                checkpoint.discard()
                raise DiagnosticError([LossNotFinite(None, number, rate)])
            line = {"step": number, "of": len(steps), "learning_rate": rate, "loss": loss, "gradient_norm": norm}
            file.write(json.dumps(line) + "\n")
            watch.step(f"loss {loss:.3f}")
            if number * recipe.epochs % len(steps) == 0:
                _measure(learner.model, task, number, file, watch)
            if number % recipe.checkpoint_every == 0 or number == len(steps):
                file.flush()
                checkpoint.save(number)


def _made_by(recipe: Recipe, task: Task, about: Mapping[str, Any]) -> dict[str, Any]:
    """All that decides the result."""
    settings = {name: value for name, value in asdict(recipe).items() if name != "checkpoint_every"}
    return {**about, **settings, "examples": task.count}


def batches(count: int, recipe: Recipe) -> Iterator[list[int]]:
    """Which of so many examples each step learns from: every epoch all of them, in an order of its own."""
    for epoch in range(recipe.epochs):
        order = [*range(count)]
        Random(f"{recipe.seed} {epoch}").shuffle(order)
        for start in range(0, count, recipe.answers):
            yield order[start : start + recipe.answers]


@dataclass(frozen=True, slots=True)
class _Learner:
    """A model, and what changes it."""

    model: PreTrainedModel
    trained: dict[str, Tensor]
    """Its parameters that ask for gradients."""
    optimizer: Any
    accelerator: Any

    @classmethod
    def of(cls, model: PreTrainedModel, recipe: Recipe) -> _Learner:
        """With AdamW; products are in 16 bits on a GPU, where weights and sums keep their own type."""
        import torch
        from accelerate import Accelerator

        on_cpu = model.device.type == "cpu"
        accelerator = Accelerator(cpu=on_cpu, mixed_precision="no" if on_cpu else "bf16", device_placement=False)
        trained = {name: each for name, each in model.named_parameters() if each.requires_grad}
        adam = torch.optim.AdamW(trained.values(), lr=recipe.learning_rate, weight_decay=0.0)
        prepared, optimizer = accelerator.prepare(model, adam)
        return cls(prepared, trained, optimizer, accelerator)

    def checkpoint(self, file: Path, made_by: dict[str, Any]) -> Checkpoint:
        """Where it is kept."""
        return Checkpoint(file, made_by, self.trained, self.optimizer)

    def step(self, losses: Iterator[Tensor], rate: float) -> tuple[float, float]:
        """One update: the loss, summed over its parts, and the norm of its gradient."""
        self.model.train()
        total = 0.0
        for loss in losses:
            self.accelerator.backward(loss)
            total += loss.item()
        for group in self.optimizer.param_groups:
            group["lr"] = rate
        parameters = [each for group in self.optimizer.param_groups for each in group["params"]]
        norm = self.accelerator.clip_grad_norm_(parameters, _MAX_NORM)
        self.optimizer.step()
        self.optimizer.zero_grad()
        return total, float(norm)


def _measure(model: PreTrainedModel, task: Task, step: int, file: TextIO, watch: Progress) -> None:
    import torch

    model.eval()
    with torch.no_grad():
        found = task.measure(model)
    if found:
        file.write(json.dumps({"measured_at": step, **found}) + "\n")
        figures = (f"{name.replace('_', ' ')} {value:.4f}" for name, value in found.items())
        watch.say(f"step {step}: {', '.join(figures)}")
