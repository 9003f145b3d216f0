"""The options that all training has in common, bundled, and what is refused before an hour is spent."""

from __future__ import annotations

import functools
import shlex
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, fields
from importlib.util import find_spec
from math import isnan
from typing import Any, TypeVar

import click
from click.core import ParameterSource

from ..backends.runtime import Prompt
from ..backends.training import CorpusRecipe
from ..grammar import DiagnosticError
from .errors import NotInstalled, OptionUnused
from .files import read_input
from .prompts import read_prompts

Command = TypeVar("Command", bound=Callable[..., Any])
_CORPUS = CorpusRecipe()


class Number(click.FloatRange):
    """A range of numbers without the one that is none: it is in every range, for nothing is beyond it."""

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> float:
        """The number. Raises click.BadParameter."""
        number: float = super().convert(value, param, ctx)
        if isnan(number):
            self.fail(f"{value!r} is not a number", param, ctx)
        return number


COUNT = click.IntRange(min=1)
RATE = Number(min=0, max=1, min_open=True)


def bundled(name: str, kind: type, *options: Callable[[Any], Any]) -> Callable[[Command], Command]:
    """Give a command some options as one argument, an object of a dataclass whose fields they are."""
    own = [each.name for each in fields(kind)]

    def decorate(command: Command) -> Command:
        @functools.wraps(command)
        def wrapped(**given: Any) -> Any:
            bundle = kind(**{each: given.pop(each) for each in own})
            return command(**{name: bundle}, **given)

        decorated: Any = wrapped
        for option in reversed(options):
            decorated = option(decorated)
        return decorated  # type: ignore[no-any-return]

    return decorate


@dataclass(frozen=True, slots=True)
class Run:
    """What is trained on what, where, and into which folder."""

    result: str
    model: str
    file: str | None
    count: int
    max_new_tokens: int
    batch: int
    seed: int
    device: str
    dtype: str

    @property
    def corpus(self) -> CorpusRecipe:
        """Whose answers are learned from."""
        return CorpusRecipe(
            self.model,
            self.count,
            max_new_tokens=self.max_new_tokens,
            dtype=self.dtype,
            batch=self.batch,
            seed=self.seed,
        )

    def prompts(self) -> list[Prompt] | None:
        """Those of the file, if there is one. Raises DiagnosticError for bad lines."""
        if self.file is None:
            return None
        source = read_input(self.file)
        return read_prompts(source.data, source.name)


run_options = bundled(
    "run",
    Run,
    click.option("-o", "--output", "result", metavar="FOLDER", required=True, help="The run's folder."),
    click.option("--model", default=_CORPUS.model, show_default=True, help="As under `source:` of a plan."),
    click.option(
        "--prompts", "file", metavar="FILE", help='{"prompt": ...} on each line; else the model makes them up.'
    ),
    click.option(
        "--count", type=click.IntRange(min=2), default=_CORPUS.count, show_default=True, help="Made-up prompts."
    ),
    click.option(
        "--max-new-tokens", type=COUNT, default=_CORPUS.max_new_tokens, show_default=True, help="Of an answer."
    ),
    click.option(
        "--batch", type=COUNT, default=_CORPUS.batch, show_default=True, help="Rows that are written together."
    ),
    click.option("--seed", type=click.IntRange(min=0), default=_CORPUS.seed, show_default=True),
    click.option("--device", default="cpu", show_default=True, help="As torch calls it, or `auto`."),
    click.option(
        "--dtype",
        type=click.Choice(["float32", "bfloat16", "float16"]),
        default=_CORPUS.dtype,
        show_default=True,
        help="Of the weights that answer, and that additions are trained for.",
    ),
)
"""Gives a command that trains a `run`."""


def refuse_unused(idle: Mapping[str, Sequence[str]]) -> None:
    """Raises DiagnosticError for options that were said and would be ignored; `idle` are these, by what makes them so."""
    context = click.get_current_context()
    found = [
        OptionUnused(None, f"--{name.replace('_', '-')}", other)
        for other, names in idle.items()
        for name in names
        if context.get_parameter_source(name) is not ParameterSource.DEFAULT
    ]
    if found:
        raise DiagnosticError(found)


def need(extra: str, *libraries: str) -> None:
    """Raises DiagnosticError for libraries of an extra that are not there: nobody waits an hour to hear of it."""
    missing = [NotInstalled(None, each, extra) for each in libraries if find_spec(each) is None]
    if missing:
        raise DiagnosticError(missing)


def typed() -> str:
    """The command, as it can be typed again."""
    return shlex.join(["specplan", *sys.argv[1:]])
