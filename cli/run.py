"""`specplan run`: decode prompts as a plan, or a graph, says."""

from __future__ import annotations

import sys
from typing import Any

import click

from .. import backends
from ..backends.models import shown_on
from ..grammar import DiagnosticError
from ..planner import CompiledPlan
from ..planner.graph import Fork
from .answers import Shown, show_answers
from .engines import libraries_of, refuse_unknown_nodes
from .errors import NeverForks, NotTogether, ToyTables
from .exits import Exit, exit_for
from .files import read_input, refuse_unwritable, write_result
from .forks import Timelines
from .forks_picture import forks_svg
from .output import Output, speaks
from .plans import compile_input, engine_option, plan_argument
from .prompts import gather_prompts, refuse_stdin_twice


@click.command()
@plan_argument
@engine_option
@click.option("--prompt", "texts", multiple=True, metavar="TEXT", help="What to answer; may be said again.")
@click.option("--prompts", "file", metavar="FILE", help='An object per line: {"id": ..., "prompt": ...}.')
@click.option("--stats", is_flag=True, help="Tell on standard error how it went: steps, acceptance, time per node.")
@click.option(
    "--show",
    type=click.Choice(["rounds", "forks"]),
    multiple=True,
    help="Tell on standard error what each step, or each thread over time, did; may be said again.",
)
@click.option("--svg", metavar="FILE", help="Draw what `--show forks` shows, all answers in one picture.")
@click.option("--keep-annotations", is_flag=True, help="Print the text with its tags, when all of it is there.")
@speaks("text", "json")
def command(
    plan: str,
    engine: str | None,
    texts: tuple[str, ...],
    file: str | None,
    stats: bool,
    show: tuple[str, ...],
    svg: str | None,
    keep_annotations: bool,
    output: Output,
) -> Exit:
    """Decode prompts as PLAN says, a plan or the text of a graph; the answers stream as they are written.

    Without --prompt and --prompts, standard input is the prompt. With --format json each answer is a line: an object
    with id, text, annotated (the text with its tags, where threads may fork), token_ids, prompt_tokens and stats (and
    rounds and forks, where they are shown).
    """
    refuse_stdin_twice(plan, texts, file)
    if svg is not None:
        _refuse_picture(svg, show)
    if keep_annotations:
        _refuse_json(output)
    compiled = compile_input(read_input(plan), engine)
    output.diagnostics(compiled.diagnostics)
    _refuse_idle(compiled, {"--show forks": "forks" in show, "--keep-annotations": keep_annotations})
    if compiled.engine == "reference":
        output.diagnostics([ToyTables(None)])
    prompts = gather_prompts(texts, file)
    decoder = _decoder(compiled)
    output.diagnostics(decoder.notes)
    timelines = Timelines()
    shown = Shown(
        headed=len(prompts) > 1,
        stats=stats,
        rounds="rounds" in show,
        forks=timelines if "forks" in show else None,
        annotations=keep_annotations,
    )
    refused = show_answers(decoder.stream(prompts), output, shown)
    if svg is not None and timelines.rows:
        write_result(svg, forks_svg(timelines.rows))
    return exit_for(refused)


def _refuse_picture(svg: str, show: tuple[str, ...]) -> None:
    """Raises DiagnosticError for a picture that nobody could have in the end."""
    if "forks" not in show:
        raise DiagnosticError([NotTogether(None, "--svg", "without `--show forks`", "add `--show forks`")])
    if svg == "-":
        instead = "name a file for the picture"
        raise DiagnosticError([NotTogether(None, "--svg -", "with answers that are on standard output", instead)])
    refuse_unwritable(svg)


def _refuse_json(output: Output) -> None:
    """Raises DiagnosticError for a choice between what is there anyway."""
    if output.format == "json":
        instead = "leave it out: `annotated` of each answer is the text with its tags"
        raise DiagnosticError([NotTogether(None, "--keep-annotations", "with `--format json`", instead)])


def _refuse_idle(compiled: CompiledPlan, options: dict[str, bool]) -> None:
    """Raises DiagnosticError for options about forks that were said of a plan without any."""
    said = [option for option, is_said in options.items() if is_said]
    if said and not any(isinstance(node, Fork) for node in compiled.graph.step.nodes):
        raise DiagnosticError([NeverForks(None, option, compiled.name) for option in said])


def _decoder(compiled: CompiledPlan) -> Any:
    refuse_unknown_nodes(compiled)
    with libraries_of(compiled.engine), shown_on(sys.stderr) as progress:
        return backends.decoder(compiled, progress=progress)
