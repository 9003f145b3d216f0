"""Run an emitted program on real models: load the models that it declares, and hand its two functions to the loop."""

from __future__ import annotations

import linecache
from collections.abc import Callable, Collection, Mapping, Sequence
from pathlib import Path
from types import ModuleType
from typing import Any, cast

import torch

from ...grammar import Diagnostic, DiagnosticError, SourceFile, Span
from ...planner import ModelMemory
from ...planner.graph import Graph, Kv, Model, Table, Tags
from ..models import LoadedModel, Progress, load_declared
from ..runtime import LoopDecoder, Network, NotAProgram, OfRow, Row, State, WeightsDiffer
from ..runtime.nodes import Machine
from .emit import PROGRAM, emit
from .memory import UNPLANNED, PlannedMemory
from .network import TorchNetwork

Load = Callable[[Model], LoadedModel]
Around = Callable[[Model, Network], Network]


def decoder(
    graph: Graph,
    *,
    device: str = "cpu",
    base: Path | None = None,
    program: Path | None = None,
    progress: Progress | None = None,
    load: Load | None = None,
    around: Around = lambda _, network: network,
    memory: Sequence[ModelMemory] = (),
) -> LoopDecoder:
    """A graph, ready to run.

    `device` is what torch calls it, `auto`, or a profile's name; `base` is the folder from which relative sources start.
    `program` is an emitted program that was changed: it runs instead of what the graph emits. `load` brings models from
    elsewhere, and `around` may put something between a model and the program. `memory` is what the plan was estimated to
    need. The graph is one that this engine can run. Raises `DiagnosticError`: SP0701 to SP0743 from loading, SP0804 for a
    program that is none, SP0805 and SP0806 for weights that do not go with the graph, SP0807 where memory is refused,
    SP0745 and SP0808 for vocabularies between which nothing can be said.
    """
    code = _code(graph, program)
    models = _models(code)
    fetch = load or (
        lambda model: load_declared(model, device, base=base, progress=progress, span=_place_of(model, graph))
    )
    planned = PlannedMemory(memory)
    loaded = _loaded(models, graph, fetch, planned)
    with planned.needed_for("laying out the weights"):
        networks = {model.name: around(model, TorchNetwork(loaded[model.name], model.positions)) for model in models}
    machine = _machine(code, models, networks, graph)
    notes = [note for each in loaded.values() for note in each.notes]
    return LoopDecoder(EmittedProgram(code, machine, rows_of(graph), planned), notes)


def _loaded(models: Sequence[Model], graph: Graph, fetch: Load, planned: PlannedMemory) -> dict[str, LoadedModel]:
    """The models by name, which are those that the graph was made for."""
    loaded = {}
    for model in models:
        with planned.needed_for(f"the weights of `{model.name}`"):
            loaded[model.name] = fetch(model)
    problems = [problem for model in models for problem in _differences(model, loaded[model.name], graph)]
    if problems:
        raise DiagnosticError(problems)
    return loaded


def _machine(code: ModuleType, models: Sequence[Model], networks: Mapping[str, Network], graph: Graph) -> Machine:
    """What the program runs on; it knows the vocabularies, tables and tags that the program declares."""
    machine = Machine(networks, graph.target.name, {model.vocab: model.name for model in models})
    machine.learn_words([each for each in vars(code).values() if isinstance(each, Table)])
    for tags in (each for each in vars(code).values() if isinstance(each, Tags)):
        machine.learn_tags(models, tags)
    return machine


class EmittedProgram:
    """The functions of an emitted module on one machine."""

    def __init__(self, code: ModuleType, machine: Machine, rows: int = 1, planned: PlannedMemory = UNPLANNED) -> None:
        """`rows` is how many step together; `planned` tells what memory was estimated."""
        self._start, self._step, self._machine = code.start, code.step, machine
        self.rows, self.clock, self._planned = rows, machine.clock, planned

    def start(self, row: Row) -> State:
        """Read a row's prompt."""
        what = f"the caches of prompt `{row.prompt.id}`, and to read it"
        with self._planned.needed_for(what), torch.inference_mode():
            return cast(State, self._start(self._machine, (row,)))

    def join(self, state: State, started: State) -> State:
        """Put the entries of another row behind those of a state; what is None stands for rows without entries."""
        return tuple(new if old is None else (*old, *(new or ())) for old, new in zip(state, started, strict=True))

    def step(self, state: State) -> tuple[State, Collection[Row]]:
        """Go one step."""
        with self._planned.needed_for("a step"), torch.inference_mode():
            values, ended = self._step(self._machine, *state)
        return tuple(_without(value, ended) for value in values), ended

    def release(self, row: Row) -> None:
        """Give the row's caches back."""
        self._machine.release(row)


def _without(value: tuple[OfRow, ...] | None, ended: Collection[Row]) -> tuple[OfRow, ...] | None:
    return None if value is None else tuple(entry for entry in value if entry.row not in ended)


def load_program(text: str, name: str) -> ModuleType:
    """Execute an emitted program as a module whose lines tracebacks and debuggers can show.

    Raises `DiagnosticError` (SP0804), at the line, where the text is not Python, cannot be executed, or lacks a function.
    """
    source = SourceFile(name, text)
    linecache.cache[name] = (len(text), None, text.splitlines(keepends=True), name)
    module = ModuleType("specplan_program")
    module.__file__ = name
    try:
        exec(compile(text, name, "exec"), vars(module))
    except SyntaxError as error:
        raise DiagnosticError([_at_line(source, error.lineno, error.msg)]) from error
    except Exception as error:
        line = _line_of(error, name)
        raise DiagnosticError([_at_line(source, line, f"{type(error).__name__}: {error}")]) from error
    for function in ("start", "step"):
        if not callable(getattr(module, function, None)):
            raise DiagnosticError([_at_line(source, None, f"it has no function `{function}`")])
    return module


def _code(graph: Graph, program: Path | None) -> ModuleType:
    if program is None:
        return load_program(emit(graph)[PROGRAM], f"<{PROGRAM} of graph {graph.name}>")
    try:
        return load_program(program.read_text(encoding="utf-8"), str(program))
    except (OSError, UnicodeDecodeError) as error:
        raise DiagnosticError([NotAProgram(None, str(program), str(error))]) from error


def rows_of(graph: Graph) -> int:
    """How many rows a graph's step takes."""
    return max((value.type.rows for value in graph.step.parameters if isinstance(value.type, Kv)), default=1)


def _models(code: ModuleType) -> tuple[Model, ...]:
    """The models that a program declares; each is loaded once."""
    found = tuple(value for value in vars(code).values() if isinstance(value, Model))
    if not found:
        raise DiagnosticError([NotAProgram(None, str(code.__file__), "it declares no `Model`")])
    return found


def _differences(model: Model, loaded: LoadedModel, graph: Graph) -> list[Diagnostic]:
    """Where weights are not those that the graph was made for."""
    found: list[Diagnostic] = []
    vocab, span = graph.declared.get(model.vocab), _place_of(model, graph)
    size = getattr(vocab, "size", loaded.vocab_size)
    if loaded.vocab_size != size:
        found.append(WeightsDiffer(span, model.source, "tokens", loaded.vocab_size, size))
    if loaded.context is not None and loaded.context < model.positions:
        found.append(WeightsDiffer(span, model.source, "positions", loaded.context, model.positions))
    return found


def _place_of(model: Model, graph: Graph) -> Span | None:
    """Where the plan or the graph declares a model of the program."""
    declared = graph.declared.get(model.name)
    return None if declared is None else declared.span


def _at_line(source: SourceFile, line: int | None, reason: str) -> NotAProgram:
    if line is None or not 1 <= line <= source.line_count:
        return NotAProgram(None, source.name, reason)
    start = source.line_start(line)
    return NotAProgram(source.span(start, start + max(1, len(source.line_text(line)))), source.name, reason)


def _line_of(error: BaseException, name: str) -> int | None:
    """The line of a program at which an exception left it."""
    trace: Any = error.__traceback__
    found = None
    while trace is not None:
        if trace.tb_frame.f_code.co_filename == name:
            found = trace.tb_lineno
        trace = trace.tb_next
    return found
