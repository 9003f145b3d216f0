"""`specplan train`: what plans refer to and nobody has yet is trained, each with one command."""

from __future__ import annotations

import shlex
import sys
from collections.abc import Mapping
from dataclasses import replace
from importlib.util import find_spec
from math import isnan
from typing import Any

import click
from click.core import ParameterSource

from ..backends.runtime import Prompt
from ..backends.training import (
    CorpusRecipe,
    Lora,
    PastaRecipe,
    PreferenceRecipe,
    name_of_weight,
    train_pasta,
    watched_on,
)
from ..grammar import DiagnosticError
from .engines import libraries_of
from .errors import NotInstalled, OptionUnused
from .files import make_folder, read_input, telling
from .output import Output, speaks
from .prompts import read_prompts

_CORPUS, _PASTA = CorpusRecipe(), PastaRecipe()
_LORA, _PREFERENCES = Lora(), PreferenceRecipe()
_OF_ROUNDS = ("candidates", "preference_prompts", "weight", "preference_rate", "judge")
_LIBRARIES = ("torch", "transformers", "accelerate", "peft")


class _Number(click.FloatRange):
    """A range of numbers without the one that is none: it is in every range, for nothing is beyond it."""

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> float:
        number: float = super().convert(value, param, ctx)
        if isnan(number):
            self.fail(f"{value!r} is not a number", param, ctx)
        return number


_RATE = _Number(min=0, max=1, min_open=True)


def _different(ctx: click.Context, param: click.Parameter, weights: tuple[float, ...]) -> tuple[float, ...]:
    names = [name_of_weight(each) for each in weights]
    if len({*names}) < len(names):
        raise click.BadParameter("two of them would be trained into one folder", ctx, param)
    return weights


@click.group()
def command() -> None:
    """Train what a plan refers to, into a folder; a run that was stopped goes on when it is started again."""


@command.command("pasta")
@click.option("-o", "--output", "result", metavar="FOLDER", required=True, help="The run's folder.")
@click.option("--model", default=_CORPUS.model, show_default=True, help="As under `source:` of a plan.")
@click.option("--prompts", "file", metavar="FILE", help='{"prompt": ...} on each line; else the model makes them up.')
@click.option("--count", type=click.IntRange(min=2), default=_CORPUS.count, show_default=True, help="Made-up prompts.")
@click.option(
    "--annotator", default=_PASTA.annotator, show_default=True, metavar="rules|MODEL", help="Who puts tags in."
)
@click.option("--epochs", type=click.IntRange(min=1), default=_PASTA.tuning.epochs, show_default=True)
@click.option(
    "--learning-rate",
    type=_RATE,
    default=_PASTA.tuning.learning_rate,
    show_default=True,
)
@click.option(
    "--rank", type=click.IntRange(min=1), default=_LORA.rank, show_default=True, help="Of the LoRA additions."
)
@click.option("--full", is_flag=True, help="Train all weights, and write a whole model.")
@click.option(
    "--rounds",
    type=click.IntRange(min=0),
    default=_PREFERENCES.rounds,
    show_default=True,
    help="Of preference optimisation.",
)
@click.option(
    "--candidates",
    type=click.IntRange(min=2),
    default=_PREFERENCES.candidates,
    show_default=True,
    help="Answers to a prompt, of which the best and the worst are learned from.",
)
@click.option(
    "--preference-prompts",
    type=click.IntRange(min=1),
    default=_PREFERENCES.prompts,
    show_default=True,
    help="Prompts that a round samples answers to.",
)
@click.option(
    "--weight",
    type=_Number(min=0),
    multiple=True,
    callback=_different,
    default=_PREFERENCES.weights,
    show_default=True,
    metavar="LAMBDA",
    help="What quality counts beside speed, `inf` too; a model for each, the first of them into FOLDER itself.",
)
@click.option(
    "--preference-rate",
    type=_RATE,
    default=_PREFERENCES.tuning.learning_rate,
    show_default=True,
    help="The learning rate of preference optimisation.",
)
@click.option(
    "--judge", default=_PASTA.judge, show_default=True, metavar="likelihood|MODEL", help="Who says what is good."
)
@click.option("--sequential", is_flag=True, help="Train the same answers without tags too, to measure against.")
@click.option(
    "--batch",
    type=click.IntRange(min=1),
    default=_CORPUS.batch,
    show_default=True,
    help="Rows that are written together.",
)
@click.option(
    "--max-new-tokens",
    type=click.IntRange(min=1),
    default=_CORPUS.max_new_tokens,
    show_default=True,
    help="Of an answer.",
)
@click.option("--seed", type=click.IntRange(min=0), default=0, show_default=True)
@click.option("--device", default="cpu", show_default=True, help="As torch calls it, or `auto`.")
@click.option(
    "--dtype",
    type=click.Choice(["float32", "bfloat16", "float16"]),
    default=_CORPUS.dtype,
    show_default=True,
    help="Of the weights that answer, and that additions are trained for.",
)
@speaks("text", "json")
def pasta_command(
    result: str,
    model: str,
    file: str | None,
    count: int,
    annotator: str,
    epochs: int,
    learning_rate: float,
    rank: int,
    full: bool,
    rounds: int,
    candidates: int,
    preference_prompts: int,
    weight: tuple[float, ...],
    preference_rate: float,
    judge: str,
    sequential: bool,
    batch: int,
    max_new_tokens: int,
    seed: int,
    device: str,
    dtype: str,
    output: Output,
) -> None:
    """Train a model to promise (PASTA): its own answers, annotated, teach it which parts can be written together.

    Without --prompts an instruct model makes up prompts, by the seed; it answers them, parts that stand side by side are
    annotated, and low-rank additions with the rows of the six tags are trained on that.
    """
    _refuse_unused(given=file is not None, full=full, rounds=rounds)
    _need("train", *_LIBRARIES)
    if rounds:
        _need("bench", "matplotlib")
    tuning = replace(_PREFERENCES.tuning, learning_rate=preference_rate, seed=seed)
    preferences = PreferenceRecipe(rounds, candidates, preference_prompts, weight, tuning)
    recipe = PastaRecipe(
        corpus=CorpusRecipe(model, count, max_new_tokens=max_new_tokens, dtype=dtype, batch=batch, seed=seed),
        annotator=annotator,
        tuning=replace(_PASTA.tuning, learning_rate=learning_rate, epochs=epochs, seed=seed),
        lora=None if full else Lora(rank, 2 * rank, seed),
        preferences=preferences if rounds else None,
        judge=judge,
        sequential=sequential,
        device=device,
    )
    prompts = None if file is None else _prompts(file)
    folder = make_folder(result)
    with telling(result), libraries_of("train"), watched_on(sys.stderr) as watch:
        summary = train_pasta(recipe, folder, prompts, command=_typed(), watch=watch)
    if output.format == "json":
        output.json({"format_version": 1, **summary})
    else:
        output.text(_told(result, summary))


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


def _refuse_unused(*, given: bool, full: bool, rounds: int) -> None:
    """Raises DiagnosticError for options that were said and would be ignored."""
    context = click.get_current_context()
    idle: dict[str, tuple[str, ...]] = {"--prompts": ("count",) if given else (), "--full": ("rank",) if full else ()}
    idle["--rounds 0"] = () if rounds else _OF_ROUNDS
    found = [
        OptionUnused(None, f"--{name.replace('_', '-')}", other)
        for other, names in idle.items()
        for name in names
        if context.get_parameter_source(name) is not ParameterSource.DEFAULT
    ]
    if found:
        raise DiagnosticError(found)


def _need(extra: str, *libraries: str) -> None:
    """Raises DiagnosticError for libraries of an extra that are not there: nobody waits an hour to hear of it."""
    missing = [NotInstalled(None, each, extra) for each in libraries if find_spec(each) is None]
    if missing:
        raise DiagnosticError(missing)


def _typed() -> str:
    """The command, as it can be typed again."""
    return shlex.join(["specplan", *sys.argv[1:]])


def _prompts(file: str) -> list[Prompt]:
    source = read_input(file)
    return read_prompts(source.data, source.name)
