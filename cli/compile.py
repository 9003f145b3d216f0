"""`specplan compile`: a plan becomes its execution graph, and a folder of what a backend runs."""

from __future__ import annotations

import hashlib
from pathlib import Path, PurePath

import click

from .. import backends
from ..grammar import DiagnosticError
from ..planner import CannotRun, CompiledPlan, legalise, stage_names
from ..planner.draw import graph_to_dot, graph_to_mermaid, graph_to_svg
from ..planner.graph import graph_to_json
from .errors import EngineCannotRun, NoSuchPass, OneFolderTwice
from .files import Input, read_input
from .folder import write_folder
from .output import Output, as_json, speaks
from .plans import compile_input, plan_argument
from .relocate import relocated

_PRINTED = "eager"
FORMS = ("graph", "json", "dot", "mermaid", "svg", "python")


@click.command()
@plan_argument
@click.option("--emit", type=click.Choice(FORMS), help="What to print: the graph, a drawing of it, or its program.")
@click.option("--stop-after", "last", metavar="PASS", help="Leave out the passes behind this one; `lower` for all.")
@click.option("--dump-passes", "passes", metavar="DIR", help="Write the graph before the passes and after each.")
@click.option("-o", "--output", "folder", metavar="DIR", help="Write the graph, the backend's files and a manifest.")
@click.option("--force", is_flag=True, help="Write into a folder with other things in it; they stay.")
@speaks("text", "json")
def command(
    plan: str,
    emit: str | None,
    last: str | None,
    passes: str | None,
    folder: str | None,
    force: bool,
    output: Output,
) -> None:
    """Turn PLAN, a plan or the text of a graph, into an execution graph, and print it.

    With -o it goes into a folder instead, as graph.txt and graph.json, with the files that the backend runs and
    manifest.json. The folder appears whole or not at all. graph.txt can be compiled, explained and run like a plan.
    """
    if last is not None and last not in stage_names():
        raise DiagnosticError([NoSuchPass(None, last, stage_names())])
    if folder == "-":
        folder = None
    if folder and passes and Path(folder).resolve() == Path(passes).resolve():
        raise DiagnosticError([OneFolderTwice(None, folder)])
    source = read_input(plan)
    compiled = compile_input(source, None, last)
    # What the engine cannot run yet is of interest where the files that it would run are asked for.
    output.diagnostics(each for each in compiled.diagnostics if folder is not None or not isinstance(each, CannotRun))
    result = _form(compiled, emit or ("graph" if output.format == "text" else "json"), output)
    if passes is not None:
        there = relocated(compiled, passes)
        write_folder(passes, _stages(there), _about(there, source), force=force)
    if folder is not None:
        there = relocated(compiled, folder)
        write_folder(folder, _files(there), _about(there, source), force=force)
    if folder is None or emit is not None:
        output.text(result)


def _form(compiled: CompiledPlan, form: str, output: Output) -> str:
    match form:
        case "graph":
            return str(compiled.graph)
        case "json":
            return as_json(graph_to_json(compiled.graph))
        case "dot":
            return graph_to_dot(compiled.graph)
        case "mermaid":
            return graph_to_mermaid(compiled.graph)
        case "svg":
            return graph_to_svg(compiled.graph)
        case _:
            # The program that is printed is the eager engine's, whatever the plan names.
            cannot = legalise(compiled.graph, _PRINTED, backends.CAPABILITIES)
            if cannot:
                output.diagnostics(cannot)
                raise DiagnosticError([EngineCannotRun(None, _PRINTED)])
            (program,) = backends.emit(compiled.graph, _PRINTED).values()
            return program


def _runs(compiled: CompiledPlan) -> bool:
    return not any(isinstance(each, CannotRun) for each in compiled.diagnostics)


def _files(compiled: CompiledPlan) -> dict[str, str]:
    artifacts = backends.emit(compiled.graph, compiled.engine) if _runs(compiled) else {}
    graph = compiled.graph
    return {"graph.txt": str(graph), "graph.json": as_json(graph_to_json(graph)), **artifacts}


def _stages(compiled: CompiledPlan) -> dict[str, str]:
    order = stage_names()
    return {f"{order.index(name)}_{name}.txt": str(graph) for name, graph in compiled.stages}


def _about(compiled: CompiledPlan, source: Input) -> dict[str, object]:
    """What a manifest says beside its files: no path and no time, so that the same plan gives the same bytes."""
    return {
        "graph": compiled.name,
        "law": str(compiled.graph.law),
        "engine": compiled.engine,
        "device": compiled.device,
        "source": {"name": PurePath(source.name).name, "sha256": hashlib.sha256(source.data).hexdigest()},
    }
