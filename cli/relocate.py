"""A compiled plan written elsewhere: the paths in it are counted from the folder that it is written into."""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

from ..planner import CompiledPlan
from ..planner.cards import is_path
from ..planner.graph import Declaration, Engine, Graph, Model, Prompts


def relocated(compiled: CompiledPlan, folder: str) -> CompiledPlan:
    """The same plan, every relative path in its graphs counted from `folder`, so that what is written there is found."""

    def move(path: str) -> str:
        return _moved(path, compiled.base, folder)

    return replace(
        compiled,
        graph=_with_paths(compiled.graph, move),
        stages=tuple((name, _with_paths(graph, move)) for name, graph in compiled.stages),
        device=move(compiled.device),
        base=Path(folder),
    )


def _with_paths(graph: Graph, move: Callable[[str], str]) -> Graph:
    return replace(graph, declarations=tuple(_declared(each, move) for each in graph.declarations))


def _declared(declared: Declaration, move: Callable[[str], str]) -> Declaration:
    match declared:
        case Model():
            adapter, device = (each and move(each) for each in (declared.adapter, declared.device))
            return replace(declared, source=move(declared.source), adapter=adapter, device=device)
        case Prompts():
            return replace(declared, source=move(declared.source))
        case Engine():
            return replace(declared, device=move(declared.device))
        case _:
            return declared


def _moved(path: str, base: Path, folder: str) -> str:
    if not is_path(path) or path.startswith("~") or os.path.isabs(path):
        return path
    # Folders by their true places, for `..` leaves a link behind it at its true place; the file keeps its own name.
    moved = Path(os.path.relpath(os.path.realpath(base) + os.sep + path, os.path.realpath(folder))).as_posix()
    return moved if moved.startswith(".") else f"./{moved}"
