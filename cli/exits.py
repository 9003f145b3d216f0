"""How the program ends: the exit codes, and what is said when the fault is ours."""

from __future__ import annotations

import sys
import traceback
from collections.abc import Iterable

from .. import __version__
from ..grammar import Diagnostic, Severity
from .exit_codes import Exit

__all__ = ["Exit", "ReaderLeft", "exit_for", "report_bug"]


class ReaderLeft(Exception):
    """Whoever read our output has closed the pipe, as `head` does: a reason to stop, not an error."""


def exit_for(diagnostics: Iterable[Diagnostic]) -> Exit:
    """The code that the gravest of these asks for."""
    codes = [Exit(each.exit_code) for each in diagnostics if each.severity is Severity.ERROR]
    return max(codes, default=Exit.DONE)


def report_bug(error: BaseException) -> None:
    """Say that this is our mistake, and what a report of it should contain."""
    trace = "".join(traceback.format_exception(error))
    python = ".".join(map(str, sys.version_info[:3]))
    print(
        f"{trace}\n"
        f"This is a bug in specplan {__version__} (Python {python}, {sys.platform}), not a mistake of yours.\n"
        "Please report it with the lines above, the command, and the plan or graph that it read.",
        file=sys.stderr,
    )
