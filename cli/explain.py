"""`specplan explain`: what a plan is expected to do, without doing it."""

from __future__ import annotations

import click

from ..grammar import Severity
from ..planner.explain import (
    Explanation,
    explain,
    explanation_mermaid,
    explanation_svg,
    explanation_text,
    explanation_to_json,
)
from .files import read_input, write_result
from .output import Output, as_json, speaks
from .plans import compile_input, plan_argument


@click.command()
@plan_argument
@click.option("-o", "--output", "file", metavar="FILE", default="-", help="Write into a file.")
@speaks("text", "json", "mermaid", "svg")
def command(plan: str, file: str, output: Output) -> None:
    """Show what PLAN, a plan or the text of a graph, is expected to do: every node with its memory and cost.

    Costs are computed from cards and a device's profile; nothing is run, and nothing is measured.
    """
    compiled = compile_input(read_input(plan))
    # Notes, on what `auto` decided, are a part of the explanation.
    output.diagnostics(each for each in compiled.diagnostics if each.severity is not Severity.NOTE)
    write_result(file, _form(explain(compiled), output.format))


def _form(explained: Explanation, form: str) -> str:
    match form:
        case "json":
            return as_json(explanation_to_json(explained))
        case "mermaid":
            return explanation_mermaid(explained)
        case "svg":
            return explanation_svg(explained)
        case _:
            return explanation_text(explained)
