"""`specplan run`: decode prompts as a plan, or a graph, says."""

from __future__ import annotations

import click

from .. import backends
from ..planner import compile_source
from .answers import show_answers
from .exits import Exit, exit_for
from .files import plan_argument, read_input
from .output import Output, speaks
from .prompts import gather_prompts


@click.command()
@plan_argument
@click.option("--prompt", "texts", multiple=True, metavar="TEXT", help="What to answer; may be said again.")
@click.option(
    "--prompts",
    "file",
    metavar="FILE",
    help='A file with an object per line: {"id": ..., "prompt": ...}.',
)
@click.option("--stats", is_flag=True, help="Tell on standard error how it went: steps, acceptance, time per node.")
@speaks("text", "json")
def command(plan: str, texts: tuple[str, ...], file: str | None, stats: bool, output: Output) -> Exit:
    """Decode prompts as PLAN says, a plan or the text of a graph; the answers stream as they are written.

    Without --prompt and --prompts, standard input is the prompt. With --format json each answer is a line: an object
    with id, text, token_ids, prompt_tokens and stats.
    """
    source = read_input(plan)
    compiled = compile_source(source.data, source.name, source.folder)
    output.diagnostics(compiled.diagnostics)
    prompts = gather_prompts(plan, texts, file)
    decoder = backends.load(compiled.engine).decoder(compiled)
    output.diagnostics(decoder.notes)
    refused = show_answers(decoder.stream(prompts), output, headed=len(prompts) > 1, stats=stats)
    return exit_for(refused)
