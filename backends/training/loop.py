"""The loop in which everything is trained: it can be stopped at any time, and goes on as if it had not been."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from math import isfinite
from pathlib import Path
from random import Random
from typing import TYPE_CHECKING, Any, Protocol, TextIO

from ...grammar import DiagnosticError
from .errors import LossNotFinite
from .rows import refuse_other_run
from .watching import Unwatched, Watch

if TYPE_CHECKING:
    from torch import Tensor
    from transformers import PreTrainedModel

METRICS = "metrics.jsonl"
CHECKPOINT = "checkpoint.pt"
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
    watch: Watch | None = None,
) -> None:
    """Train those parameters of a model that ask for gradients, and write a line of metrics a step into `folder`.

    `about` is what else decides the result: the model, the data, what of the model is trained.

    Where the folder has a checkpoint of the same recipe and as many examples, training goes on behind it, with the same
    result as if it had never stopped. Raises `DiagnosticError` where the checkpoint is of another recipe (SP0850), and where
    the loss is no number (SP0852); the checkpoint is then deleted.
    """
    import torch

    watch = watch or Unwatched()
    steps = [*batches(task.count, recipe)]
    trained = {name: each for name, each in model.named_parameters() if each.requires_grad}
    accelerator = _accelerator(model)
    adam = torch.optim.AdamW(trained.values(), lr=recipe.learning_rate, weight_decay=0.0)
    model, optimizer = accelerator.prepare(model, adam)
    made_by = {**(about or {}), **asdict(recipe), "examples": task.count}
    del made_by["checkpoint_every"]
    checkpoint = _Checkpoint(folder / CHECKPOINT, made_by, trained, optimizer)
    done = checkpoint.restore()
    watch.stage("steps", len(steps), done)
    with _metrics(folder / METRICS, done) as file:
        for step in range(done, len(steps)):
            rate = recipe.rate(step, len(steps))
            loss, norm = _step(model, task.losses(model, steps[step]), optimizer, accelerator, rate)
            if not (isfinite(loss) and isfinite(norm)):
                checkpoint.file.unlink(missing_ok=True)
                raise DiagnosticError([LossNotFinite(None, step + 1, rate)])
            line = {"step": step + 1, "of": len(steps), "learning_rate": rate, "loss": loss, "gradient_norm": norm}
            file.write(json.dumps(line) + "\n")
            watch.step(f"loss {loss:.3f}")
            if (step + 1) * recipe.epochs % len(steps) == 0:
                _measured(model, task, step + 1, file, watch)
            if (step + 1) % recipe.checkpoint_every == 0 or step + 1 == len(steps):
                file.flush()
                checkpoint.save(step + 1)


def batches(count: int, recipe: Recipe) -> Iterator[list[int]]:
    """Which of so many examples each step learns from: every epoch all of them, in an order of its own."""
    for epoch in range(recipe.epochs):
        order = [*range(count)]
        Random(f"{recipe.seed} {epoch}").shuffle(order)
        for start in range(0, count, recipe.answers):
            yield order[start : start + recipe.answers]


def _accelerator(model: PreTrainedModel) -> Any:
    """Products in 16 bits on a GPU, where weights and sums keep their own type; a CPU computes as it is told."""
    from accelerate import Accelerator

    on_cpu = model.device.type == "cpu"
    return Accelerator(cpu=on_cpu, mixed_precision="no" if on_cpu else "bf16", device_placement=False)


def _step(
    model: PreTrainedModel, losses: Iterator[Tensor], optimizer: Any, accelerator: Any, rate: float
) -> tuple[float, float]:
    """One update: the loss, summed over its parts, and the norm of its gradient."""
    model.train()
    total = 0.0
    for loss in losses:
        accelerator.backward(loss)
        total += loss.item()
    for group in optimizer.param_groups:
        group["lr"] = rate
    norm = accelerator.clip_grad_norm_(
        [each for group in optimizer.param_groups for each in group["params"]], _MAX_NORM
    )
    optimizer.step()
    optimizer.zero_grad()
    return total, float(norm)


def _measured(model: PreTrainedModel, task: Task, step: int, file: TextIO, watch: Watch) -> None:
    import torch

    model.eval()
    with torch.no_grad():
        found = task.measure(model)
    if found:
        file.write(json.dumps({"measured_at": step, **found}) + "\n")
        watch.say(
            f"step {step}: " + ", ".join(f"{name.replace('_', ' ')} {value:.4f}" for name, value in found.items())
        )


def _metrics(file: Path, done: int) -> TextIO:
    """The file of metrics, open behind those of the steps that are done; what came later is trained again."""
    lines = file.read_text(encoding="utf-8").splitlines(keepends=True) if file.exists() else []
    kept = [line for line in lines if line.endswith("\n") and _step_of(line) <= done]
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text("".join(kept), encoding="utf-8")
    return file.open("a", encoding="utf-8")


def _step_of(line: str) -> int:
    found = json.loads(line)
    return int(found["step"] if "step" in found else found["measured_at"])


@dataclass(frozen=True, slots=True)
class _Checkpoint:
    """What training needs to go on: what was trained so far, and the optimizer's memory."""

    file: Path
    recipe: dict[str, Any]
    trained: dict[str, Tensor]
    optimizer: Any

    def save(self, done: int) -> None:
        """Write all of it, or, if that is interrupted, nothing."""
        import torch

        held = {name: each.detach() for name, each in self.trained.items()}
        state = {"done": done, "recipe": self.recipe, "trained": held, "optimizer": self.optimizer.state_dict()}
        fresh = self.file.with_suffix(".new")
        torch.save(state, fresh)
        os.replace(fresh, self.file)

    def restore(self) -> int:
        """Put back what was saved; how many steps are done."""
        import torch

        if not self.file.exists():
            return 0
        state = torch.load(self.file, map_location="cpu", weights_only=True)
        refuse_other_run(self.file, state["recipe"], self.recipe)
        with torch.no_grad():
            for name, each in self.trained.items():
                each.copy_(state["trained"][name])
        self.optimizer.load_state_dict(state["optimizer"])
        return int(state["done"])
