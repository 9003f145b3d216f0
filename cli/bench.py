"""`specplan bench`: how fast a plan is beside others, and whether it says the same; `--certify` proves that it does."""

from __future__ import annotations

import os
import shlex
import sys
from collections.abc import Sequence
from importlib.util import find_spec
from pathlib import Path

import click
from click.core import ParameterSource

from ..backends.bench import (
    BASELINES,
    REDRAWS,
    Case,
    Certificate,
    Comparison,
    LeftOut,
    Match,
    Round,
    certificate_text,
    comparison_text,
    examine,
    is_greedy,
    picture,
    prepare,
)
from ..backends.models import shown_on
from ..grammar import DiagnosticError
from ..planner import CompiledPlan
from .engines import libraries_of, refuse_unknown_nodes
from .errors import NoSuchBaseline, NotInstalled, NotTogether, StdinTwice, ToyTables
from .exits import Exit, exit_for
from .files import read_input, refuse_unwritable, write_result
from .output import Output, speaks
from .plans import compile_input, engine_option, plan_argument
from .prompts import read_cases

MEASURING, CERTIFYING = ("against", "repeats", "warmup", "plot"), ("redraws",)
"""The options that only measuring, or only certifying, has a use for."""
TWO = "measure and certify by two commands, one with --certify and one without"


@click.command()
@plan_argument
@engine_option
@click.option("--against", multiple=True, metavar="NAME|PLAN", help="A baseline's name or a plan; may be said again.")
@click.option("--prompts", "file", metavar="FILE", help='An object per line: {"id", "prompt", "category"}.')
@click.option("--limit", type=click.IntRange(min=1), help="So many of the prompts, at even distances.")
@click.option("--repeats", type=click.IntRange(min=1), default=1, show_default=True, help="Answers to each prompt.")
@click.option("--warmup", type=click.IntRange(min=0), default=1, show_default=True, help="Uncounted answers before.")
@click.option("--plot", metavar="FILE", help="Draw the ratios into an SVG.")
@click.option("--certify", is_flag=True, help="Nothing is timed: does the plan say what its target alone would say?")
@click.option(
    "--redraws", type=click.IntRange(min=1), default=REDRAWS, show_default=True, help="Of a round, to certify."
)
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
    certify: bool,
    redraws: int,
    output: Output,
) -> Exit:
    """Measure PLAN, a plan or the text of a graph, side by side with baselines and other plans.

    Baselines are `autoregressive` (the plan's target alone, on its engine), `transformers`, `transformers-assisted` and
    `transformers-assisted-default` (`generate` on the same weights); without --against, all of them. Every contender
    answers the same prompts, by default the sixty that come with specplan, in turn. Ctrl-C ends it and shows what was
    measured until then.

    With --certify the plan is held against its target instead: greedy answers token by token, and one that samples by
    redrawing a round behind a few prompts (three, without --limit). Exit code 1 means that nothing was certified.
    """
    _refuse_unused(certify)
    if plot is not None:
        _refuse_plot(plot)
    # Before anything is measured: nobody waits an hour to hear that it cannot be shown.
    _need(*(["rich"] if output.format == "text" else []), *(["matplotlib"] if plot is not None else []))
    if plan == file == "-":
        raise DiagnosticError([StdinTwice(None)])
    compiled = _compiled(plan, engine, output)
    cases = None if file is None else _cases(file)
    if certify:
        return _certified(compiled, cases, limit, redraws, output)
    rivals = [each if each in BASELINES else _rival(each, engine, output) for each in against or BASELINES]
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


def _refuse_unused(certify: bool) -> None:
    """Raises DiagnosticError for the first option that was said and would be ignored."""
    context = click.get_current_context()
    for name in MEASURING if certify else CERTIFYING:
        if context.get_parameter_source(name) is not ParameterSource.DEFAULT:
            raise DiagnosticError(
                [NotTogether(None, f"--{name}", f"{'with' if certify else 'without'} `--certify`", TWO)]
            )


def _refuse_plot(plot: str) -> None:
    """Raises DiagnosticError for a picture that nobody could have in the end."""
    if plot == "-":
        instead = "name a file for the picture"
        raise DiagnosticError([NotTogether(None, "--plot -", "with a result that is on standard output", instead)])
    refuse_unwritable(plot)


def _refuse_redraws(compiled: CompiledPlan) -> None:
    """Raises DiagnosticError where redraws were asked for and the plan draws nothing."""
    said = click.get_current_context().get_parameter_source("redraws") is not ParameterSource.DEFAULT
    if said and is_greedy(compiled.graph):
        instead = "leave it out, or certify the plan at a temperature above 0"
        raise DiagnosticError([NotTogether(None, "--redraws", "with a greedy plan", instead)])


def _certified(
    compiled: CompiledPlan, cases: Sequence[Case] | None, limit: int | None, redraws: int, output: Output
) -> Exit:
    """Examine a plan, and show its certificate."""
    _refuse_redraws(compiled)
    with libraries_of(compiled.engine), shown_on(sys.stderr) as progress:
        examination = examine(compiled, cases=cases, limit=limit, redraws=redraws, command=_typed(), progress=progress)
    output.diagnostics(examination.notes)
    with shown_on(sys.stderr) as progress:
        certificate: Certificate = examination.certificate(progress)
    refused = [found for each in certificate.left_out for found in each.diagnostics]
    output.diagnostics(refused)
    if output.format == "json":
        output.json(certificate.to_json())
    else:
        output.text(certificate_text(certificate))
    return max(exit_for(refused), Exit.DONE if certificate.verdict.certified else Exit.DIAGNOSTICS)


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
        with shown_on(sys.stderr) as progress:
            for event in match.play(progress):
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
