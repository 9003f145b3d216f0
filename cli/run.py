"""`specplan run`: decode prompts as a plan, or a graph, says."""

from __future__ import annotations

import sys
from typing import Any

import click

from .. import backends
from ..backends.models import shown_on
from ..planner import CompiledPlan
from .answers import show_answers
from .engines import libraries_of, refuse_unknown_nodes
from .errors import ToyTables
from .exits import Exit, exit_for
from .files import read_input
from .output import Output, speaks
from .plans import compile_input, engine_option, plan_argument
from .prompts import gather_prompts, refuse_stdin_twice


@click.command()
@plan_argument
@engine_option
@click.option("--prompt", "texts", multiple=True, metavar="TEXT", help="What to answer; may be said again.")
@click.option("--prompts", "file", metavar="FILE", help='An object per line: {"id": ..., "prompt": ...}.')
@click.option("--stats", is_flag=True, help="Tell on standard error how it went: steps, acceptance, time per node.")
@click.option("--show", type=click.Choice(["rounds"]), help="Tell on standard error what each step did.")
@speaks("text", "json")
def command(
    plan: str,
    engine: str | None,
    texts: tuple[str, ...],
    file: str | None,
    stats: bool,
    show: str | None,
    output: Output,
) -> Exit:
    """Decode prompts as PLAN says, a plan or the text of a graph; the answers stream as they are written.

    Without --prompt and --prompts, standard input is the prompt. With --format json each answer is a line: an object
    with id, text, token_ids, prompt_tokens and stats (and rounds, where they are shown).
    """
    refuse_stdin_twice(plan, texts, file)
    compiled = compile_input(read_input(plan), engine)
    output.diagnostics(compiled.diagnostics)
    if compiled.engine == "reference":
        output.diagnostics([ToyTables(None)])
    prompts = gather_prompts(texts, file)
    decoder = _decoder(compiled)
    output.diagnostics(decoder.notes)
    refused = show_answers(
        decoder.stream(prompts), output, headed=len(prompts) > 1, stats=stats, rounds=show == "rounds"
    )
    return exit_for(refused)


def _decoder(compiled: CompiledPlan) -> Any:
    refuse_unknown_nodes(compiled)
    with libraries_of(compiled.engine), shown_on(sys.stderr) as progress:
        return backends.decoder(compiled, progress=progress)
