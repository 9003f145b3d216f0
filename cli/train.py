"""`specplan train`: what plans refer to and nobody has yet is trained, each with one command."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

import click

from ..backends.models import shown_on
from ..backends.training import (
    Lora,
    PastaRecipe,
    PreferenceRecipe,
    Recipe,
    name_of_weight,
    train_pasta,
)
from .engines import libraries_of
from .files import make_folder, telling
from .output import Output, speaks
from .train_options import COUNT, RATE, Number, Run, bundled, need, refuse_unused, run_options, typed

_PASTA, _LORA, _PREFERENCES = PastaRecipe(), Lora(), PreferenceRecipe()
_OF_ROUNDS = ("candidates", "preference_prompts", "weight", "preference_rate", "judge")
_LIBRARIES = ("torch", "transformers", "accelerate", "peft")


@click.group()
def command() -> None:
    """Train what a plan refers to, into a folder; a run that was stopped goes on when it is started again."""


@dataclass(frozen=True, slots=True)
class _Tuning:
    """What of the model is trained, and how."""

    epochs: int
    learning_rate: float
    rank: int
    full: bool

    def recipe(self, seed: int) -> Recipe:
        return replace(_PASTA.tuning, learning_rate=self.learning_rate, epochs=self.epochs, seed=seed)

    def lora(self, seed: int) -> Lora | None:
        return None if self.full else Lora(self.rank, 2 * self.rank, seed)


_tuning_options = bundled(
    "tuning",
    _Tuning,
    click.option("--epochs", type=COUNT, default=_PASTA.tuning.epochs, show_default=True),
    click.option("--learning-rate", type=RATE, default=_PASTA.tuning.learning_rate, show_default=True),
    click.option("--rank", type=COUNT, default=_LORA.rank, show_default=True, help="Of the LoRA additions."),
    click.option("--full", is_flag=True, help="Train all weights, and write a whole model."),
)


@dataclass(frozen=True, slots=True)
class _Preferring:
    """What is sampled, and what of it is preferred."""

    rounds: int
    candidates: int
    preference_prompts: int
    weight: tuple[float, ...]
    preference_rate: float
    judge: str

    def recipe(self, seed: int) -> PreferenceRecipe | None:
        if not self.rounds:
            return None
        tuning = replace(_PREFERENCES.tuning, learning_rate=self.preference_rate, seed=seed)
        return PreferenceRecipe(self.rounds, self.candidates, self.preference_prompts, self.weight, tuning)


def _different(ctx: click.Context, param: click.Parameter, weights: tuple[float, ...]) -> tuple[float, ...]:
    names = [name_of_weight(each) for each in weights]
    if len({*names}) < len(names):
        raise click.BadParameter("two of them would be trained into one folder", ctx, param)
    return weights


_preference_options = bundled(
    "preferring",
    _Preferring,
    click.option(
        "--rounds",
        type=click.IntRange(min=0),
        default=_PREFERENCES.rounds,
        show_default=True,
        help="Of preference optimisation.",
    ),
    click.option(
        "--candidates",
        type=click.IntRange(min=2),
        default=_PREFERENCES.candidates,
        show_default=True,
        help="Answers to a prompt, of which the best and the worst are learned from.",
    ),
    click.option(
        "--preference-prompts",
        type=COUNT,
        default=_PREFERENCES.prompts,
        show_default=True,
        help="Prompts that a round samples answers to.",
    ),
    click.option(
        "--weight",
        type=Number(min=0),
        multiple=True,
        callback=_different,
        default=_PREFERENCES.weights,
        show_default=True,
        metavar="LAMBDA",
        help="What quality counts beside speed, `inf` too; a model for each, the first of them into FOLDER itself.",
    ),
    click.option(
        "--preference-rate",
        type=RATE,
        default=_PREFERENCES.tuning.learning_rate,
        show_default=True,
        help="The learning rate of preference optimisation.",
    ),
    click.option(
        "--judge", default=_PASTA.judge, show_default=True, metavar="likelihood|MODEL", help="Who says what is good."
    ),
)


@command.command("pasta")
@run_options
@click.option(
    "--annotator", default=_PASTA.annotator, show_default=True, metavar="rules|MODEL", help="Who puts tags in."
)
@_tuning_options
@_preference_options
@click.option("--sequential", is_flag=True, help="Train the same answers without tags too, to measure against.")
@speaks("text", "json")
def pasta_command(
    run: Run, annotator: str, tuning: _Tuning, preferring: _Preferring, sequential: bool, output: Output
) -> None:
    """Train a model to promise (PASTA): its own answers, annotated, teach it which parts can be written together.

    Without --prompts an instruct model makes up prompts, by the seed; it answers them, parts that stand side by side are
    annotated, and low-rank additions with the rows of the six tags are trained on that.
    """
    _refuse(run, tuning, preferring)
    recipe = PastaRecipe(
        corpus=run.corpus,
        annotator=annotator,
        tuning=tuning.recipe(run.seed),
        lora=tuning.lora(run.seed),
        preferences=preferring.recipe(run.seed),
        judge=preferring.judge,
        sequential=sequential,
        device=run.device,
    )
    prompts, folder = run.prompts(), make_folder(run.result)
    with telling(run.result), libraries_of("train"), shown_on(sys.stderr) as watch:
        summary = train_pasta(recipe, folder, prompts, command=typed(), watch=watch)
    if output.format == "json":
        output.json({"format_version": 1, **summary})
    else:
        output.text(_told(run.result, summary))


def _refuse(run: Run, tuning: _Tuning, preferring: _Preferring) -> None:
    """Raises DiagnosticError for options that would be ignored, and for libraries that are not there."""
    refuse_unused(
        {
            "--prompts": () if run.file is None else ("count",),
            "--full": ("rank",) if tuning.full else (),
            "--rounds 0": () if preferring.rounds else _OF_ROUNDS,
        }
    )
    need("train", *_LIBRARIES)
    if preferring.rounds:
        need("bench", "matplotlib")


def _told(folder: str, summary: Mapping[str, Any]) -> str:
    """What there is now, in lines."""
    counts = summary["counts"]
    lines = [
        f"{folder}: {counts['learned']} examples learned, {counts['held_out']} held out; README.md there tells more"
    ]
    lines += [
        f"  {each['name']}: {each['speedup']:.2f} times fewer steps, quality {each['quality']:.2f}, "
        f"{each['forked']:.0%} of the tokens in forks"
        for each in summary["front"]
    ]
    return "\n".join(lines) + "\n"
