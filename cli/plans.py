"""What every command about a plan takes, and how it is compiled: for the plan's engine or for another."""

from __future__ import annotations

import click

from ..backends import CAPABILITIES
from ..planner import CompiledPlan, compile_source
from .files import Input

plan_argument = click.argument("plan", metavar="PLAN")
engine_option = click.option("--engine", type=click.Choice([*CAPABILITIES]), help="In place of the plan's own engine.")


def compile_input(source: Input, engine: str | None = None, last: str | None = None) -> CompiledPlan:
    """Compile what was read, up to the stage `last`.

    Raises DiagnosticError if it is refused.
    """
    return compile_source(
        source.data, source.name, source.folder, stop_after=last, engine=engine, backends=CAPABILITIES
    )
