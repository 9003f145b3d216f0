"""`specplan check`: the mistakes in a plan, found without loading what would run it."""

from __future__ import annotations

import click

from ..grammar import Diagnostic, DiagnosticError, has_errors, to_json, visible
from .exits import Exit, exit_for
from .files import Input, read_input
from .output import Output, speaks
from .plans import compile_input, engine_option, plan_argument


@click.command()
@plan_argument
@engine_option
@speaks("text", "json")
def command(plan: str, engine: str | None, output: Output) -> Exit:
    """Find the mistakes in PLAN: names, types, vocabularies, memory. `-` reads standard input.

    With --format json the diagnostics are the result, on standard output.
    """
    source = read_input(plan)
    found = _diagnostics(source, engine)
    if output.format == "json":
        output.json(to_json(found))
    else:
        output.diagnostics(found)
        if not has_errors(found):
            output.text(f"{visible(source.name)}: no mistakes found\n")
    return exit_for(found)


def _diagnostics(source: Input, engine: str | None) -> tuple[Diagnostic, ...]:
    # Checking is compiling: what does not fit shows in the graph, and a graph takes milliseconds.
    try:
        return compile_input(source, engine).diagnostics
    except DiagnosticError as error:
        return error.diagnostics
