"""Work out every type of a graph anew from operands, fields and decisions.

Lowering and passes say what runs; this says how large it all is. A region that repeats feeds itself, so the types of its
parameters are the smallest that hold both what `start` (or the node around it) gives and what the region itself yields:
found by going round until nothing grows. Taken over from the graph as it stands are the decisions alone: the longest
prompt, the capacity of each cache and the rows of each parameter.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from .declarations import Dynamic, Model, Prompts, Sparse
from .declared import Declared, Mismatch
from .graph import Graph
from .infer import infer
from .join import join_types
from .law import law_of
from .nodes import Advance, Choose, Node, Region, Repeat, Spread
from .rewrite import with_types
from .types import NONE, Flow, Guess, Kv, Nothing, Path, Size, Threads, Tokens, Tree, Trust, Type, Value

MOST_ROUNDS = 40


def retype(graph: Graph) -> Graph:
    """The same graph with the types, and the law, that follow from its nodes.

    Raises:
        Mismatch: if operands or fields do not go together.
    """
    declared = Declared(graph.declarations)
    start = _once(graph.start, graph.start.parameters, declared)
    seeds = [
        _seed(graph, graph.step, parameter, given.type)
        for parameter, given in zip(graph.step.parameters, start.yielded, strict=True)
    ]
    step = _settled(graph.step, seeds, declared)
    return replace(graph, law=law_of(step), start=start, step=step)


def _settled(region: Region, seeds: list[Type], declared: Declared) -> Region:
    """The region with parameter types that hold the seeds and its own yields."""
    types = seeds
    for _ in range(MOST_ROUNDS):
        parameters = tuple(Value(old.name, kind) for old, kind in zip(region.parameters, types, strict=True))
        made = _once(region, parameters, declared)
        given = [_rowed(value.type, kind) for kind, value in zip(types, made.yielded, strict=True)]
        grown = [join_types(kind, more, declared) for kind, more in zip(types, given, strict=True)]
        if grown == types:
            return made
        types = grown
    raise Mismatch(f"the parameters of `{region.name}` grow with every step")


def _once(region: Region, parameters: tuple[Value, ...], declared: Declared) -> Region:
    """The region's types for given parameters."""
    known = {value.name: value.type for value in parameters}
    nodes = tuple(_node(node, known, declared) for node in region.nodes)
    until = None if region.until is None else _known(region.until, known)
    return replace(
        region,
        parameters=parameters,
        nodes=nodes,
        emitted=tuple(_known(value, known) for value in region.emitted),
        yielded=tuple(_known(value, known) for value in region.yielded),
        until=until,
    )


def _known(value: Value, known: Mapping[str, Type]) -> Value:
    return value if value.name == NONE.name else Value(value.name, known[value.name])


def _node(node: Node, known: dict[str, Type], declared: Declared) -> Node:
    """The node with its operands' types put in and its results' worked out; adds the results to `known`."""
    made = with_types(node, known)
    match made:
        case Repeat():
            made = _repeat(made, declared)
        case Choose():
            regions = (_once(region, _named(region, made.operands), declared) for region in made.regions)
            made = replace(made, regions=tuple(regions))
        case _:
            pass
    types = infer(made, declared)
    if len(types) != len(made.results):
        raise Mismatch(f"`{made.keyword}` has {len(types)} results, and {len(made.results)} are named")
    results = tuple(Value(old.name, kind) for old, kind in zip(made.results, types, strict=True))
    known |= {value.name: value.type for value in results}
    return replace(made, results=results)


def _named(region: Region, values: tuple[Value, ...]) -> tuple[Value, ...]:
    return tuple(Value(old.name, value.type) for old, value in zip(region.parameters, values, strict=True))


def _repeat(node: Repeat, declared: Declared) -> Repeat:
    """The level that stays pending for us is as deep as the longest that the region emits, which depends on it in turn."""
    region = node.regions[0]
    longest = node.until
    for _ in range(MOST_ROUNDS):
        seeds = [
            Kv(value.type.model, value.type.capacity, (*value.type.levels, Size.of(longest)), value.type.rows)
            if isinstance(value.type, Kv)
            else _inner_seed(region, parameter, value.type, declared)
            for parameter, value in zip(region.parameters, node.initial, strict=True)
        ]
        made = _settled(region, seeds, declared)
        said = made.emitted[0].type
        assert isinstance(said, Path), "a decoder emits a path"
        if longest == (longest := node.until - 1 + said.size.limit):
            return replace(node, regions=(made,))
    raise Mismatch("what a repeat leaves pending grows with every round")


def _rowed(given: Type, like: Type) -> Type:
    """The type with the rows of the other; rows that a packed value leaves out rest."""
    match given, like:
        case ((Path() | Guess() | Tokens()), (Path() | Guess() | Tokens())) if given.rows != like.rows:
            return replace(given, rows=like.rows, size=Size((given.size.one,)).from_zero())
        case Kv(), Kv():
            return replace(given, rows=like.rows)
        case _:
            return given


def _seed(graph: Graph, region: Region, parameter: Value, given: Type) -> Type:
    """What a parameter of `step` is to begin with: what `start` gives one row, in as many rows as the graph has decided."""
    declared = Declared(graph.declarations)
    rows = parameter.type.rows if isinstance(parameter.type, Path | Tokens | Guess | Tree) else Size.of(1)
    match given:
        case Path() | Tokens() if rows != given.rows:
            return replace(given, rows=rows, size=given.size.from_zero())
        case Tree():
            return replace(given, rows=rows)
        case Kv() if isinstance(parameter.type, Kv):
            return replace(given, rows=parameter.type.rows)
        case Threads() if isinstance(parameter.type, Threads):
            return replace(given, rows=parameter.type.rows)
        case Nothing():
            return _inner_seed(region, parameter, given, declared)
        case _:
            return given


def _inner_seed(region: Region, parameter: Value, given: Type, declared: Declared) -> Type:
    """What `none` stands for: the type of the parameter that it fills, at the sizes of those who use it."""
    if not isinstance(given, Nothing) or isinstance(parameter.type, Threads):
        return parameter.type if isinstance(given, Nothing) else given
    for node in region.nodes:
        match node:
            case Spread(guess=guess) if guess.name == parameter.name and isinstance(parameter.type, Guess):
                shape = declared.get(node.by, Sparse)
                prompts = declared.get(shape.rides, Prompts)
                rows = parameter.type.rows
                states = range(prompts.depth + 1)
                levels = Size.each(*states) if rows == Size.of(1) else Size.of(0, prompts.depth)
                return Guess(levels, vocab=declared.vocab_of(prompts.rides), top=prompts.top, rows=rows)
            case Advance(flow=flow) if flow.name == parameter.name:
                return Flow(_gaps(declared.get(node.by, Model)), Size.of(0, _width(region, declared)), node.by)
            case _:
                continue
    return Trust()


def _gaps(model: Model) -> int:
    stages = model.stages if model.ranks is None else model.ranks.last - model.ranks.first + 1
    if stages is None:
        raise Mismatch(f"`{model.name}` is not in stages, so nothing flows through it")
    return stages - 1


def _width(region: Region, declared: Declared) -> int:
    for node in region.nodes:
        shape = getattr(node, "by", None)
        if node.keyword == "grow" and shape is not None:
            return declared.get(shape, Dynamic).width
    return 1
