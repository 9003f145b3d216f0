"""The program `specplan`: its commands by name, and what becomes of everything that can end one."""

from __future__ import annotations

import io
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from importlib import import_module
from typing import Any

import click

from .. import __version__
from ..grammar import did_you_mean
from .exits import Exit, ReaderLeft, report_bug

# Name, file and one line each: listing the commands loads none of them, and start-up time is part of the interface.
COMMANDS = {
    "check": ("check", "Find the mistakes in a plan: names, types, vocabularies, memory."),
    "compile": ("compile", "Turn a plan into its execution graph, and into what a backend runs."),
    "explain": ("explain", "Show a plan's graph as a tree: laws, shapes, memory, costs."),
    "run": ("run", "Decode prompts as a plan says."),
    "bench": ("bench", "Measure a plan side by side with baselines and other plans."),
    "train": ("train", "Train what plans refer to: a model that promises (PASTA)."),
    "calibrate": ("calibrate", "Count what plans are compiled with: what two vocabularies share."),
    "models": ("models", "List, fetch and find the models that need no hub."),
    "explain-code": ("explain_code", "Tell the rule behind a diagnostic's code, with examples."),
    "schema": ("schema", "Print the JSON Schema of plans, for editors."),
}


class LateCommands(click.Group):
    """A group that imports a command's file when the command is called."""

    def make_context(self, *arguments: Any, **options: Any) -> click.Context:
        """Read the command line, which may print help."""
        with _reader_may_leave():
            return super().make_context(*arguments, **options)

    def invoke(self, ctx: click.Context) -> Any:
        """Call the command."""
        with _reader_may_leave():
            return super().invoke(ctx)

    def list_commands(self, ctx: click.Context) -> list[str]:
        """Every name, in the order in which one would use them."""
        return [*COMMANDS]

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """The command of that name, loaded."""
        if cmd_name not in COMMANDS:
            return None
        command = import_module(f".{COMMANDS[cmd_name][0]}", __package__).command
        assert isinstance(command, click.Command), f"the file of `{cmd_name}` has no `command`"
        return command

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """The command that the first word names, or a usage error that says what was probably meant."""
        if args[0] not in COMMANDS and not args[0].startswith("-"):
            hint = "".join(f"\nhelp: {each}" for each in did_you_mean(args[0], COMMANDS))
            raise click.UsageError(f"`{args[0]}` is not a command.{hint}", ctx)
        return super().resolve_command(ctx, args)

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """The table above, as help."""
        with formatter.section("Commands"):
            formatter.write_dl([(name, line) for name, (_, line) in COMMANDS.items()])


@click.group(
    cls=LateCommands,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
    epilog="Results go to standard output, diagnostics to standard error; `-` is standard input or output. "
    "Exit codes: 0 done, 1 the input has errors, 2 usage or files, 3 something is not installed or not at hand, "
    "70 a bug of ours.",
)
@click.version_option(__version__, prog_name="specplan", message="%(prog)s %(version)s")
def program() -> None:
    """Compile plans for how a language model decodes."""


def run() -> Exit:
    """Run the program with the words of the command line."""
    _speak_utf8()
    try:
        code = _outcome()
    except BrokenPipeError:  # it was an error that nobody reads any more
        code = Exit.READER_LEFT
    for stream in (sys.stdout, sys.stderr):
        try:
            stream.flush()
        except (OSError, KeyboardInterrupt) as error:
            # The command has spoken of the first. What is still buffered must not be written again when Python ends.
            os.dup2(os.open(os.devnull, os.O_WRONLY), stream.fileno())
            if isinstance(error, KeyboardInterrupt):
                code = Exit.INTERRUPTED
    return code


@contextmanager
def _reader_may_leave() -> Iterator[None]:
    """Keep a closed pipe from click, which would end with 1."""
    try:
        yield
    except BrokenPipeError as error:
        raise ReaderLeft from error


def _outcome() -> Exit:
    try:
        outcome = program.main(prog_name="specplan", standalone_mode=False)
        return outcome if isinstance(outcome, Exit) else Exit.DONE
    except click.ClickException as error:
        error.show()
        return Exit.USAGE
    except click.Abort:  # click has ended the line
        return Exit.INTERRUPTED
    except ReaderLeft:
        return Exit.READER_LEFT
    except Exception as error:  # whatever a person can cause has been answered with a diagnostic before this
        report_bug(error)
        return Exit.BUG


def _speak_utf8() -> None:
    """Let the same plan give the same bytes under every locale."""
    if sys.stdout is None:  # it was closed by whoever started us
        sys.stdout = open(os.devnull, "w")  # noqa: SIM115 (it stays open)
    if sys.stderr is None:
        sys.stderr = open(os.devnull, "w")  # noqa: SIM115
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(encoding="utf-8", errors="backslashreplace", newline="\n")
