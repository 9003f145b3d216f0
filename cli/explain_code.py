"""`specplan explain-code`: the rule behind a diagnostic, with an example that is wrong and one that is right."""

from __future__ import annotations

from textwrap import fill, indent

import click

from .. import planner
from ..backends import bench, models, runtime, training
from ..grammar import Diagnostic, DiagnosticError, catalogue, visible
from .errors import NoSuchCode
from .output import Output, speaks

FORMAT_VERSION = 1
ROOMS = (planner, models, runtime, bench, training)
"""A room's mistakes are in the catalogue once it is imported; those of grammar and of the command line are."""


@click.command()
@click.argument("code", required=False)
@speaks("text", "json")
def command(code: str | None, output: Output) -> None:
    """Tell the rule behind CODE, as in `specplan explain-code SP0203`; without a CODE, list them all."""
    known = catalogue()
    if code is None:
        chosen = known
    elif code.upper() in known:
        chosen = {code.upper(): known[code.upper()]}
    else:
        raise DiagnosticError([NoSuchCode(None, code, tuple(known))])
    if output.format == "json":
        output.json({"format_version": FORMAT_VERSION, "codes": [_facts(kind) for kind in chosen.values()]})
    elif code is None:
        output.text("".join(f"{each}  {kind.title}\n" for each, kind in chosen.items()))
    else:
        output.text(_page(*chosen.values()))


def _page(kind: type[Diagnostic]) -> str:
    wrong, right = ("\n".join(map(visible, each.strip("\n").split("\n"))) for each in (kind.wrong, kind.right))
    return (
        f"{kind.code} ({kind.severity.value}): {kind.title}\n\n"
        f"{fill(kind.rule, 100)}\n\nWrong:\n\n{indent(wrong, '    ')}\n\nRight:\n\n{indent(right, '    ')}\n"
    )


def _facts(kind: type[Diagnostic]) -> dict[str, str]:
    return {
        "code": kind.code,
        "severity": kind.severity.value,
        "title": kind.title,
        "rule": kind.rule,
        "wrong": kind.wrong,
        "right": kind.right,
    }
