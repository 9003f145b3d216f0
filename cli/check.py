"""`specplan check`: the mistakes in a plan, found without loading what would run it."""

from __future__ import annotations

import click

from ..grammar import has_errors, to_json
from ..planner import check
from .exits import Exit, exit_for
from .files import plan_argument, read_input
from .output import Output, speaks


@click.command()
@plan_argument
@speaks("text", "json")
def command(plan: str, output: Output) -> Exit:
    """Find the mistakes in PLAN: names, types, vocabularies, memory. `-` reads standard input.

    With --format json the diagnostics are the result, on standard output.
    """
    source = read_input(plan)
    checked = check(source.data, source.name, source.folder)
    if output.format == "json":
        output.json(to_json(checked.diagnostics))
    else:
        output.diagnostics(checked.diagnostics)
        if not has_errors(checked.diagnostics):
            output.text(f"{source.name}: no mistakes found\n")
    return exit_for(checked.diagnostics)
