"""`specplan bench`: how fast a plan is beside others, and whether it says the same."""

from __future__ import annotations

import os
import shlex
import sys
from importlib.util import find_spec
from pathlib import Path

import click

from ..backends.bench import (
    BASELINES,
    Case,
    Comparison,
    LeftOut,
    Match,
    Round,
    comparison_text,
    counted_on,
    picture,
    prepare,
)
from ..backends.models import shown_on
from ..grammar import DiagnosticError
from ..planner import CompiledPlan
from .engines import libraries_of, refuse_unknown_nodes
from .errors import NoSuchBaseline, NotInstalled, StdinTwice, ToyTables
from .exits import Exit, exit_for
from .files import read_input, write_result
from .output import Output, speaks
from .plans import compile_input, engine_option, plan_argument
from .prompts import read_cases


@click.command()
@plan_argument
@engine_option
@click.option("--against", multiple=True, metavar="NAME|PLAN", help="A baseline's name or a plan; may be said again.")
@click.option("--prompts", "file", metavar="FILE", help='An object per line: {"id", "prompt", "category"}.')
@click.option("--limit", type=click.IntRange(min=1), help="So many of the prompts, at even distances.")
@click.option("--repeats", type=click.IntRange(min=1), default=1, show_default=True, help="Answers to each prompt.")
@click.option("--warmup", type=click.IntRange(min=0), default=1, show_default=True, help="Uncounted answers before.")
@click.option("--plot", metavar="FILE", help="Draw the ratios into an SVG.")
@speaks("text", "json")
def command(
    plan: str,
    engine: str | None,
    against: tuple[str, ...],
    file: str | None,
    limit: int | None,
    repeats: int,
    warmup: int,
    plot: str | None,
    output: Output,
) -> Exit:
    """Measure PLAN, a plan or the text of a graph, side by side with baselines and other plans.

    Baselines are `autoregressive` (the plan's target alone, on its engine), `transformers` and `transformers-assisted`
    (`generate` on the same weights); without --against, all of them. Every contender answers the same prompts, by default
    the sixty that come with specplan, in turn. Ctrl-C ends it and shows what was measured until then.
    """
    # Before anything is measured: nobody waits an hour to hear that it cannot be shown.
    _need(*(["rich"] if output.format == "text" else []), *(["matplotlib"] if plot is not None else []))
    if plan == file == "-":
        raise DiagnosticError([StdinTwice(None)])
    compiled = _compiled(plan, engine, output)
    rivals = [each if each in BASELINES else _rival(each, engine, output) for each in against or BASELINES]
    cases = None if file is None else _cases(file)
    with libraries_of(compiled.engine), shown_on(sys.stderr) as progress:
        match = prepare(
            compiled,
            rivals,
            cases=cases,
            limit=limit,
            repeats=repeats,
            warmup=warmup,
            command=_typed(),
            progress=progress,
        )
    output.diagnostics(match.notes)
    return _shown(_played(match), plot, output)


def _need(*libraries: str) -> None:
    """Raises DiagnosticError for a library of the extra `bench` that is not there."""
    missing = [NotInstalled(None, each, "bench") for each in libraries if find_spec(each) is None]
    if missing:
        raise DiagnosticError(missing)


def _compiled(plan: str, engine: str | None, output: Output) -> CompiledPlan:
    """A plan that can run. Raises DiagnosticError for one that cannot."""
    compiled = compile_input(read_input(plan), engine)
    output.diagnostics(compiled.diagnostics)
    refuse_unknown_nodes(compiled)
    if compiled.engine == "reference":
        output.diagnostics([ToyTables(None)])
    return compiled


def _rival(word: str, engine: str | None, output: Output) -> CompiledPlan:
    """A plan to measure against. Raises DiagnosticError for a word that is neither a baseline nor a path."""
    if not Path(word).exists() and not {"/", os.sep, "."} & set(word):
        raise DiagnosticError([NoSuchBaseline(None, word, tuple(BASELINES))])
    return _compiled(word, engine, output)


def _cases(file: str) -> list[Case]:
    source = read_input(file)
    return read_cases(source.data, source.name)


def _typed() -> str:
    """The command, as it can be typed again."""
    return shlex.join(["specplan", *sys.argv[1:]])


def _played(match: Match) -> Comparison:
    """What was measured, all of it or until somebody pressed Ctrl-C; before anything was, that ends the command."""
    events: list[Round | LeftOut] = []
    try:
        with counted_on(sys.stderr) as counting:
            for event in match.play(counting):
                events.append(event)
    except KeyboardInterrupt:
        if not any(isinstance(each, Round) for each in events):
            raise
        return match.summary(events, partial=True)
    return match.summary(events)


def _shown(comparison: Comparison, plot: str | None, output: Output) -> Exit:
    refused = [found for each in comparison.left_out for found in each.diagnostics]
    output.diagnostics(refused)
    if output.format == "json":
        output.json(comparison.to_json())
    elif comparison.measured:
        output.text(comparison_text(comparison))
    if plot is not None and comparison.measured:
        write_result(plot, picture(comparison))
    return Exit.INTERRUPTED if comparison.partial else exit_for(refused)
