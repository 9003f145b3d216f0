"""Where a command speaks: results on standard output, diagnostics on standard error, both as text or as JSON."""

from __future__ import annotations

import functools
import json
import os
import sys
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any, TextIO

import click

from ..grammar import Diagnostic, DiagnosticError, render, to_json
from .exits import Exit, exit_for
from .files import print_result


@dataclass(frozen=True, slots=True)
class Output:
    """A result's format, and whether diagnostics are coloured."""

    format: str
    colour: bool

    def text(self, text: str) -> None:
        """Write a result as it stands, and let it be seen at once."""
        print_result(text)

    def json(self, value: object) -> None:
        """Write a result on a line of its own (an array or object with lines in it for people who look)."""
        self.text(as_json(value))

    def diagnostics(self, diagnostics: Iterable[Diagnostic]) -> None:
        """Show what is wrong, or say nothing."""
        shown = [*diagnostics]
        if shown:
            sys.stderr.write(as_json(to_json(shown)) if self.format == "json" else render(shown, colour=self.colour))


def as_json(value: object) -> str:
    """The one way in which we write JSON files and results."""
    return json.dumps(value, indent=2, ensure_ascii=False) + "\n"


def speaks(*formats: str) -> Callable[[Callable[..., Exit | None]], Callable[..., Exit]]:
    """Give a command `--format` and `--color` as one `output`, and turn its diagnostics into an exit code."""

    def decorate(command: Callable[..., Exit | None]) -> Callable[..., Exit]:
        @click.option(
            "--format",
            type=click.Choice(formats),
            default=formats[0],
            show_default=True,
            help="How to write the result.",
        )
        @click.option(
            "--color",
            type=click.Choice(["auto", "always", "never"]),
            default="auto",
            show_default=True,
            help="Colour diagnostics; auto: on a terminal, unless NO_COLOR is set.",
        )
        @functools.wraps(command)
        def wrapped(*, format: str, color: str, **arguments: Any) -> Exit:
            output = Output(format, wants_colour(color, sys.stderr))
            try:
                return command(output=output, **arguments) or Exit.DONE
            except DiagnosticError as error:
                output.diagnostics(error.diagnostics)
                return exit_for(error.diagnostics)

        return wrapped

    return decorate


def wants_colour(choice: str, stream: TextIO) -> bool:
    """Whether to colour what goes to a stream: as told, or as the stream and the environment suggest."""
    if choice != "auto":
        return choice == "always"
    return stream.isatty() and not os.environ.get("NO_COLOR") and os.environ.get("TERM") != "dumb"
