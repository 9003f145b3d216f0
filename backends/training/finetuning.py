"""Supervised fine-tuning on packed answers: a plain loop that can be stopped at any time and goes on as if it had not been."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from random import Random
from typing import TYPE_CHECKING, Any, TextIO

import numpy

from .batching import batch, fill_rows
from .likelihood import logits_of, losses
from .packing import IGNORED, Packed

if TYPE_CHECKING:
    from torch import Tensor
    from torch.optim import Optimizer
    from transformers import PreTrainedModel

METRICS = "metrics.jsonl"
CHECKPOINT = "checkpoint.pt"
_MAX_NORM = 1.0


@dataclass(frozen=True, slots=True)
class Recipe:
    """How much is learned from how many answers at a time; epochs, answers of a step and the falling rate are the paper's."""

    learning_rate: float
    """The rate of the first step; it falls to 0 in a straight line."""
    epochs: int = 4
    answers: int = 8
    """How many answers a step learns from."""
    width: int = 2048
    """Answers of a step share rows of up to so many tokens; the rows of a step go through the model one by one."""
    seed: int = 0
    checkpoint_every: int = 100
    """Steps between two checkpoints."""


def finetune(model: PreTrainedModel, answers: Sequence[Packed], recipe: Recipe, folder: Path) -> None:
    """Train those parameters of a model that ask for gradients, and write a line of metrics a step into `folder`.

    Where the folder has a checkpoint of the same recipe and as many answers, training goes on behind it, with the same
    result as if it had never stopped. Raises ValueError where the checkpoint is of another recipe.
    """
    import torch

    steps = [*batches(len(answers), recipe)]
    trained = {name: each for name, each in model.named_parameters() if each.requires_grad}
    optimizer = torch.optim.AdamW(trained.values(), lr=recipe.learning_rate, weight_decay=0.0)
    checkpoint = _Checkpoint(folder / CHECKPOINT, {**asdict(recipe), "of": len(answers)}, trained, optimizer)
    done = checkpoint.restore()
    model.train()
    with _metrics(folder / METRICS, done) as file:
        for step in range(done, len(steps)):
            rate = recipe.learning_rate * (1 - step / len(steps))
            _set_rate(optimizer, rate)
            measured = _step(model, [answers[place] for place in steps[step]], recipe.width, optimizer)
            file.write(json.dumps({"step": step + 1, "of": len(steps), "learning_rate": rate, **measured}) + "\n")
            if (step + 1) % recipe.checkpoint_every == 0 or step + 1 == len(steps):
                file.flush()
                checkpoint.save(step + 1)


def batches(count: int, recipe: Recipe) -> Iterator[list[int]]:
    """Which of so many answers each step learns from: every epoch all of them, in an order of its own."""
    for epoch in range(recipe.epochs):
        order = [*range(count)]
        Random(f"{recipe.seed} {epoch}").shuffle(order)
        for start in range(0, count, recipe.answers):
            yield order[start : start + recipe.answers]


def _step(model: PreTrainedModel, answers: Sequence[Packed], width: int, optimizer: Optimizer) -> dict[str, float]:
    """One update, by the mean loss of all tokens that the answers predict; what it was like."""
    import torch

    tokens = sum(int(numpy.count_nonzero(each.labels != IGNORED)) for each in answers)
    total = 0.0
    for row in fill_rows(answers, width):
        together = batch([row])
        loss = losses(logits_of(model, together), together).sum() / tokens
        loss.backward()
        total += loss.item()
    trained = [each for group in optimizer.param_groups for each in group["params"]]
    norm = torch.nn.utils.clip_grad_norm_(trained, _MAX_NORM)
    optimizer.step()
    optimizer.zero_grad()
    return {"loss": total, "tokens": tokens, "gradient_norm": norm.item()}


def _set_rate(optimizer: Optimizer, rate: float) -> None:
    for group in optimizer.param_groups:
        group["lr"] = rate


def _metrics(file: Path, done: int) -> TextIO:
    """The file of metrics, open behind those of the steps that are done; what came later is trained again."""
    lines = file.read_text(encoding="utf-8").splitlines(keepends=True)[:done] if file.exists() else []
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text("".join(lines), encoding="utf-8")
    return file.open("a", encoding="utf-8")


@dataclass(frozen=True, slots=True)
class _Checkpoint:
    """What training needs to go on: what was trained so far, and the optimizer's memory."""

    file: Path
    recipe: dict[str, Any]
    trained: dict[str, Tensor]
    optimizer: Optimizer

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
        if state["recipe"] != self.recipe:
            raise ValueError(f"{self.file.name} is of another recipe: {state['recipe']}, and not {self.recipe}")
        with torch.no_grad():
            for name, each in self.trained.items():
                each.copy_(state["trained"][name])
        self.optimizer.load_state_dict(state["optimizer"])
        return int(state["done"])
