"""`specplan schema`: the JSON Schema of a plan's YAML, for completion and checking in editors."""

from __future__ import annotations

import click

from ..grammar import plan_schema
from .output import Output, speaks


@click.command()
@speaks("json")
def command(output: Output) -> None:
    """Print the JSON Schema of plans. Editors that know YAML schemas complete and check with it."""
    output.json(plan_schema())
