"""What the results of `bench` look like: lines of heading, tables under their titles, and notes."""

from __future__ import annotations

from collections.abc import Iterable
from io import StringIO
from typing import TYPE_CHECKING

from .setting import Setting

if TYPE_CHECKING:
    from rich.table import Table


def page(heading: Iterable[str], tables: Iterable[tuple[str, Table]], notes: Iterable[str], width: int) -> str:
    """All of it as text, at most `width` columns wide where it can be broken."""
    from rich.console import Console

    stream = StringIO()
    console = Console(file=stream, width=width, color_system=None, highlight=False, markup=False, emoji=False)
    console.print("\n".join((*heading, "")), soft_wrap=True)
    for title, each in tables:
        console.print(title, soft_wrap=True)
        console.print(each)
    for note in notes:
        console.print(note)
    return "\n".join(line.rstrip() for line in stream.getvalue().splitlines()) + "\n"


def table(first: str, *columns: str) -> Table:
    """A table without rows yet: names in the first column, figures in the others."""
    from rich import box
    from rich.table import Table

    found = Table(box=box.SIMPLE_HEAD)
    found.add_column(first, no_wrap=True)
    for each in columns:
        found.add_column(each, justify="right")
    return found


def circumstances(setting: Setting) -> str:
    """On what something was found."""
    threads = f", {setting.threads} threads" if setting.threads else ""
    versions = ", ".join(f"{name} {version}" for name, version in setting.versions.items())
    return f"{setting.target} in {setting.dtype} on {setting.device} ({setting.hardware}{threads}); {versions}"


def rows(setting: Setting) -> str:
    """How many prompts are answered together."""
    return f"{setting.batch} row{'s' * (setting.batch != 1)} at a time"
