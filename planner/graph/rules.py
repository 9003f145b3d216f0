"""When a graph is well formed: types as computed, caches taken once, cuts before commits, values on their ranks, a true law.

Checked after every pass, and on every graph that a person writes.
"""

from __future__ import annotations

from collections.abc import Iterator

from ...grammar import Diagnostic, Span
from ..trees import read_state
from .declarations import Declaration, Model, Prompts, Ranks, Sparse, Table, Vocab
from .declared import Declared, Mismatch
from .errors import (
    BeyondLimits,
    CacheUse,
    DoesNotFit,
    DoesNotGo,
    NoSuchToken,
    UncutPath,
    WrongLaw,
    WrongPlace,
    WrongRegion,
    WrongType,
)
from .graph import Graph
from .infer import infer
from .law import law_of
from .limits import beyond_limits
from .nodes import (
    Accept,
    Choose,
    Commit,
    Cut,
    Fork,
    Node,
    Region,
    Repeat,
    Stop,
    operands,
    takes,
)
from .places import all_ranks, needed_ranks, parameter_ranks, result_ranks
from .printing import parts
from .rewrite import with_types
from .types import Done, Flow, Kv, Nothing, Path, Size, Type, Value, fits


def check_graph(graph: Graph) -> tuple[Diagnostic, ...]:
    """Everything that is wrong with a graph, in the order of its text; empty if it is well formed."""
    declared = Declared(graph.declarations)
    found = [*_declarations(graph, declared)]
    for node in graph.nodes():
        found += _limits(node, node.span, node.keyword)
    if found:
        return tuple(found)
    found += _ends(graph)
    for region in graph.regions():
        found += _types(region, declared)
        found += _caches(region)
    if found:
        return tuple(found)
    found += [*_handed(graph.start, graph.step, declared), *_handed(graph.step, graph.step, declared)]
    for node in graph.nodes():
        if isinstance(node, Repeat):
            found += [*_enters(node, declared), *_handed(node.regions[0], node.regions[0], declared)]
        if isinstance(node, Choose):
            found += [problem for region in node.regions for problem in _given(node, node.operands, region, declared)]
    found += _cuts(graph.step)
    found += _places(graph)
    if (law := law_of(graph.step)) != graph.law:
        place = graph.source if isinstance(graph.source, Span) else None
        found.append(WrongLaw(place, str(graph.law), str(law)))
    return tuple(found)


def _declarations(graph: Graph, declared: Declared) -> Iterator[Diagnostic]:
    """Declarations refer to declarations, there is a target, and sparse shapes count what they hold."""
    if not graph.all(Model):
        yield WrongRegion(graph.start.span, "a graph declares at least one model, the target first")
        return
    known = graph.declared
    for each in graph.declarations:
        for part in parts(type(each)):
            value = getattr(each, part.name)
            wanted = _REFERENCES.get((type(each), part.name))
            if wanted is not None and not isinstance(known.get(value), wanted):
                kind = f" as {wanted.__name__.lower()}" if value in known else ""
                yield DoesNotGo(each.span, each.name, f"`{value}` is not declared{kind}")
        yield from _limits(each, each.span, each.name)
        match each:
            case Sparse(rides=rides):
                yield from _sparse(each, known.get(rides))
            case Vocab(size=size, entries=entries) if entries is not None and entries > size:
                yield DoesNotGo(each.span, each.name, f"of {size} rows {entries} cannot be tokens")
            case _:
                continue


def _limits(item: Declaration | Node, place: Span | None, called: str) -> Iterator[Diagnostic]:
    """Every field is within the limit that stands on it."""
    words = {part.name: part.word for part in parts(type(item))}
    for name, value, limit in beyond_limits(item):
        shown = f"`{value}`" if limit.words else str(list(value) if isinstance(value, tuple) else value)
        yield BeyondLimits(place, called, words.get(name, name), shown, str(limit))


_REFERENCES: dict[tuple[type[Declaration], str], type[Declaration]] = {
    (Model, "vocab"): Vocab,
    (Table, "source"): Vocab,
    (Table, "target"): Vocab,
    (Prompts, "rides"): Model,
    (Sparse, "rides"): Prompts,
}


def _sparse(shape: Sparse, prompts: Declaration | None) -> Iterator[Diagnostic]:
    if not isinstance(prompts, Prompts):
        return  # which is said already
    if len(shape.states) != prompts.depth + 1:
        problem = f"{prompts.depth} prompts make {prompts.depth + 1} states, and it has {len(shape.states)}"
        yield DoesNotGo(shape.span, shape.name, problem)
        return
    try:
        states = [read_state(text, prompts.depth) for text in shape.states]
    except ValueError as error:
        yield DoesNotGo(shape.span, shape.name, str(error))
        return
    for levels, state in enumerate(states):
        if any(len(path) > levels or max(path) >= prompts.top for path in state.paths):
            problem = f"state {levels} has {levels} levels of {prompts.top} ranked guesses, and `{state}` needs more"
            yield DoesNotGo(shape.span, shape.name, problem)
    nodes = Size.each(*(state.nodes for state in states))
    asks = Size.each(*(state.asks for state in states))
    if (shape.nodes, shape.asks) != (nodes, asks):
        yield DoesNotGo(shape.span, shape.name, f"its states make nodes={nodes}, asks={asks}")


def _ends(graph: Graph) -> Iterator[Diagnostic]:
    """A step says what it emits, and until when; a start does neither, nor does a region that is chosen."""
    yield from _silent(graph.start)
    if not graph.step.emitted:
        yield WrongRegion(graph.step.span, "`step` emits nothing, so nobody would see what it decodes")
    elif not isinstance(graph.step.emitted[0].type, Path):
        first = graph.step.emitted[0]
        yield WrongRegion(graph.step.span, f"`step` emits a path, and `{first}` is {first.type}")
    until = graph.step.until
    assert until is not None, "a step that goes on for ever is no text of a graph"
    if not isinstance(until.type, Done):
        yield WrongRegion(graph.step.span, f"`step` goes on until a `done`, and `{until}` is {until.type}")
    for node in graph.nodes():
        match node:
            case Stop(token_ids=tokens):
                vocab = graph.named(graph.target.vocab, Vocab)
                yield from (
                    NoSuchToken(node.span, each, vocab.name, vocab.size) for each in tokens if each >= vocab.size
                )
            case Choose(regions=regions):
                for region in regions:
                    yield from _silent(region)
            case Repeat(regions=regions):
                yield from (
                    WrongRegion(
                        region.span,
                        f"`{region.name}` goes on until its `repeat` has enough, not until `{region.until}`",
                    )
                    for region in regions
                    if region.until is not None
                )
            case _:
                continue


def _silent(region: Region) -> Iterator[Diagnostic]:
    if region.emitted:
        yield WrongRegion(region.span, f"`{region.name}` emits nothing: only a step does")
    if region.until is not None:
        yield WrongRegion(region.span, f"`{region.name}` runs once, so it goes on until nothing")


def _types(region: Region, declared: Declared) -> Iterator[Diagnostic]:
    """Every type is what the node makes of its operands.

    A line that was stated wrong is one mistake, not one for every line that builds on it: what follows may go with the
    type that was stated, or with the one that is right.
    """
    right: dict[str, Type] = {}
    for node in region.nodes:
        found = [*_compared(node, declared)]
        if found and any(value.name in right for value in operands(node)):
            found = [*_compared(with_types(node, right), declared)] and found
        if any(isinstance(problem, WrongType) for problem in found):
            computed = infer(node, declared)
            right |= {value.name: kind for value, kind in zip(node.results, computed, strict=True)}
        yield from found


_BY = ("by", "within", "asks", "sampling", "shape", "through", "after", "keep")


def _compared(node: Node, declared: Declared) -> Iterator[Diagnostic]:
    fields = (getattr(node, part.name) for part in parts(type(node)) if part.name in _BY)
    undeclared = [name for name in fields if isinstance(name, str) and name not in declared]
    if undeclared:
        yield DoesNotGo(node.span, node.keyword, f"`{undeclared[0]}` is not declared")
        return
    try:
        computed = infer(node, declared)
    except (Mismatch, AssertionError, ValueError) as problem:
        yield DoesNotGo(node.span, node.keyword, str(problem))
        return
    if len(computed) != len(node.results):
        stated = ", ".join(str(kind) for kind in computed)
        yield DoesNotGo(node.span, node.keyword, f"it has {len(computed)} results: {stated}")
        return
    for value, kind in zip(node.results, computed, strict=True):
        if value.type != kind:
            yield WrongType(node.span, value.name, str(value.type), str(kind))


def _caches(region: Region) -> Iterator[Diagnostic]:
    """Every cache is taken exactly once."""
    taken: dict[str, Span | None] = {}
    given = {value.name: region.span for value in region.parameters if isinstance(value.type, Kv)}
    for node in region.nodes:
        given |= {value.name: node.span for value in node.results if isinstance(value.type, Kv)}
        for value in takes(node):
            yield from _take(value, node.span, taken)
        for value in operands(node):
            if isinstance(value.type, Kv) and value.name in taken and not any(value is other for other in takes(node)):
                yield CacheUse(node.span, value.name, "is looked at after it was taken", taken[value.name])
    for value in region.yielded:
        yield from _take(value, region.span, taken)
    for name, span in given.items():
        if name not in taken:
            yield CacheUse(span, name, "is never taken", None)


def _take(value: Value, place: Span | None, taken: dict[str, Span | None]) -> Iterator[Diagnostic]:
    if not isinstance(value.type, Kv):
        return
    if value.name in taken:
        yield CacheUse(place, value.name, "is taken twice", taken[value.name])
    taken[value.name] = place


def _handed(giver: Region, taker: Region, declared: Declared) -> Iterator[Diagnostic]:
    """What one region yields fits the parameters of the next."""
    if len(giver.yielded) != len(taker.parameters):
        wants = len(taker.parameters)
        yield WrongRegion(
            giver.span, f"`{giver.name}` yields {len(giver.yielded)} values, and `{taker.name}` takes {wants}"
        )
        return
    for value, parameter in zip(giver.yielded, taker.parameters, strict=True):
        if not fits(value.type, parameter.type, declared.contains()):
            yield DoesNotFit(giver.span, value.name, str(value.type), parameter.name, str(parameter.type))


def _given(node: Node, values: tuple[Value, ...], region: Region, declared: Declared) -> Iterator[Diagnostic]:
    if len(values) != len(region.parameters):
        wants = len(region.parameters)
        yield WrongRegion(node.span, f"`{node.keyword}` gives {len(values)} values, and `{region.name}` takes {wants}")
        return
    for value, parameter in zip(values, region.parameters, strict=True):
        if not fits(value.type, parameter.type, declared.contains()):
            yield DoesNotFit(node.span, value.name, str(value.type), parameter.name, str(parameter.type))


def _enters(node: Repeat, declared: Declared) -> Iterator[Diagnostic]:
    """The operands of a repeat fit its step, whose caches have the level that stays pending for us."""
    pending = {value.type.model: value.type for value in node.results if isinstance(value.type, Kv)}
    opened = tuple(
        Value(value.name, pending[value.type.model])
        if isinstance(value.type, Kv) and value.type.model in pending
        else value
        for value in node.initial
    )
    yield from _given(node, opened, node.regions[0], declared)


def _cuts(step: Region) -> Iterator[Diagnostic]:
    """Where threads fork, what is committed was cut, unless it is one token long."""
    if not any(isinstance(node, Fork) for node in step.nodes):
        return
    short: dict[str, bool] = {}
    for node in step.nodes:
        match node:
            case Accept():
                short[node.results[0].name] = (
                    isinstance(node.results[0].type, Path) and node.results[0].type.size.limit == 1
                )
            case Cut():
                short[node.results[0].name] = True
            case Stop():
                short[node.results[0].name] = short.get(node.path.name, True)
            case Commit() if not short.get(node.path.name, True):
                yield UncutPath(node.span, node.path.name)
            case _:
                continue


def _places(graph: Graph) -> Iterator[Diagnostic]:
    """In a pipeline every operand stands on the ranks where its node runs, and what is handed on stands everywhere."""
    ranks = {model.name: model.ranks for model in graph.all(Model) if model.ranks is not None}
    if not ranks:
        return
    everywhere = all_ranks(ranks)
    for region in (graph.start, graph.step):
        places = {value.name: parameter_ranks(value, ranks, everywhere) for value in region.parameters}
        for node in region.nodes:
            yield from _placed(node, ranks, places, everywhere)
            places |= result_ranks(node, ranks, places, everywhere)
        for value in (*region.yielded, *((region.until,) if region.until else ())):
            if not isinstance(value.type, Kv | Flow | Nothing) and (missing := everywhere - places[value.name]):
                yield WrongPlace(region.span, value.name, min(missing), "yield")


def _placed(
    node: Node, ranks: dict[str, Ranks], places: dict[str, frozenset[int]], everywhere: frozenset[int]
) -> Iterator[Diagnostic]:
    shared = everywhere
    for value in operands(node):
        if isinstance(value.type, Nothing):
            continue
        if missing := needed_ranks(node, value, ranks, everywhere) - places[value.name]:
            yield WrongPlace(node.span, value.name, min(missing), node.keyword)
            continue
        if not shared & places[value.name]:
            yield WrongPlace(node.span, value.name, min(shared), node.keyword)
            return
        shared &= places[value.name]
