"""The same graph at toy size, and a world for it: so that what a plan compiles to can be enumerated.

Every number that only says how much is made small; every number that says which, and every node, stays. All types are
worked out anew, so a graph whose sizes do not follow from its nodes cannot hide behind its own text.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from hashlib import blake2b

from ...grammar import Tag
from ...planner.graph import (
    Choose,
    Declaration,
    Draft,
    Dynamic,
    Encode,
    Fork,
    Graph,
    Kv,
    Lookup,
    Model,
    Node,
    Pack,
    Path,
    Prefill,
    Product,
    Prompts,
    Ranks,
    Recent,
    Region,
    Repeat,
    Respell,
    Sampling,
    Send,
    Size,
    Sparse,
    Spell,
    Static,
    Stop,
    Tags,
    Threads,
    Tokens,
    Tree,
    Value,
    Vocab,
    Watch,
    check_graph,
    retype,
)
from ...planner.graph import Guess as GuessType
from .tables import Context, TableModel, TableVocabulary, World, blended, random_table


@dataclass(frozen=True, slots=True)
class Toy:
    """How small."""

    guesses: int = 2
    new_tokens: int = 3
    stages: int = 3
    rows: int = 2
    forks: int = 2
    prompt: int = 2
    keep: int = 3
    temperature: float | None = 1.0
    """Of every law that is not greedy already; None leaves the greedy ones greedy, too."""
    order: int | None = 3
    """How many tokens a table looks back."""
    patience: int = 1
    """How many times less likely the end token is than a table has it."""


TOY = Toy()

PLAIN = TableVocabulary((b"a", b"b", None), end=2)
"""Of a target that shares its vocabulary with all of its drafters."""
OTHER_TARGET = TableVocabulary((b"a", b"b", b"ab", None), end=3)
"""Of a target with a drafter of another vocabulary: `ab` is no token of the drafter's."""
OTHER_DRAFT = TableVocabulary((b"b", b"a", b"ba", None), end=3)
"""Of that drafter: other ids for the same bytes, and `ba` has no twin; to the target it begins with `b`."""
TAGGED = TableVocabulary(
    (b"a", None, None, None, None, None),
    end=5,
    tags={Tag.END: 1, Tag.ASYNC: 2, Tag.ENDASYNC: 3, Tag.SYNC: 4},
)
"""Of a target that promises: one token stands for a whole promise of ten tokens."""


def shrink(graph: Graph, toy: Toy = TOY) -> tuple[Graph, World]:
    """The same graph at toy size, well formed, and a world of tables for it."""
    vocabularies = _vocabularies(graph)
    declared = tuple(_declaration(each, graph, vocabularies, toy) for each in graph.declarations)
    small = replace(
        graph,
        declarations=declared,
        start=_region(graph.start, graph, toy),
        step=_region(_fewer_rows(graph.step, graph, toy), graph, toy),
    )
    small = retype(small)
    wrong = check_graph(small)
    assert not wrong, f"the shrunk graph is not well formed: {wrong[0].message()}\n{small}"
    return small, World(_models(graph, vocabularies, toy), vocabularies)


def _vocabularies(graph: Graph) -> dict[str, TableVocabulary]:
    names = [vocab.name for vocab in graph.all(Vocab)]
    mine = graph.target.vocab
    if graph.all(Tags):
        return {name: TAGGED for name in names}
    if len(names) == 1:
        return {mine: PLAIN}
    return {name: OTHER_TARGET if name == mine else OTHER_DRAFT for name in names}


def _models(graph: Graph, vocabularies: dict[str, TableVocabulary], toy: Toy) -> dict[str, TableModel]:
    """Tables of their own for every model; those that share the target's vocabulary are a little like it."""
    target = graph.target
    forks = bool(graph.all(Tags))
    tables: dict[str, TableModel] = {}
    for model in graph.all(Model):
        size = vocabularies[model.vocab].size
        own = promising_table(model.name) if forks else random_table(model.name, size, order=toy.order)
        own = _patient(own, vocabularies[model.vocab], toy.patience)
        tables[model.name] = own
        if model is not target and model.vocab == target.vocab:
            tables[model.name] = blended(own, tables[target.name], 0.5)
    return tables


def _patient(table: TableModel, words: TableVocabulary, patience: int) -> TableModel:
    if patience == 1:
        return table
    return TableModel(
        table.size,
        lambda seen: [p / patience if token == words.end else p for token, p in enumerate(table.law(seen))],
    )


def promising_table(seed: str) -> TableModel:
    """A table over TAGGED that goes on with `a` and three more tokens: promises, syncs, ends of forks and of all."""

    def rule(seen: Context) -> list[int]:
        digest = blake2b(repr((seed, seen)).encode(), digest_size=12).digest()
        weights = [4 + digest[0] % 8, 4 + digest[1] % 8, 0, 2 + digest[2] % 8, 2 + digest[3] % 6, digest[4] % 3]
        dropped = sorted(range(1, 6), key=lambda token: digest[6 + token])[:2]
        return [0 if token in dropped else weight for token, weight in enumerate(weights)]

    return TableModel(TAGGED.size, rule)


def _declaration(each: Declaration, graph: Graph, vocabularies: dict[str, TableVocabulary], toy: Toy) -> Declaration:
    match each:
        case Vocab():
            return replace(each, size=vocabularies[each.name].size, entries=None)
        case Model():
            stages = None if each.stages is None else min(each.stages, toy.stages)
            ranks = None if each.ranks is None else _ranks(each.ranks, graph, toy)
            mask = None if each.mask is None else vocabularies[each.vocab].size
            layers = (1,) * (stages or 1) if each.layers else ()
            return replace(each, mask=mask, stages=stages, layers=layers, ranks=ranks, positions=10_000)
        case Prompts():
            return replace(each, depth=min(each.depth, 2), top=min(each.top, 2))
        case Sparse():
            return _sparse(each)
        case Static():
            return Static(name=each.name, children=tuple(min(count, 2) for count in each.children[: toy.guesses]))
        case Product():
            return Product(name=each.name, nodes=min(each.nodes, 3))
        case Dynamic():
            depth = min(each.depth, toy.stages)
            return replace(each, width=min(each.width, 2), children=min(each.children, 2), depth=depth)
        case Recent():
            return replace(each, max_ngram=min(each.max_ngram, 2))
        case Tags():
            return replace(each, max_forks=min(each.max_forks, toy.forks))
        case Sampling():
            if toy.temperature is None:
                return replace(each, temperature=min(each.temperature, 1.0), top_k=None, top_p=None, min_p=None)
            return replace(each, temperature=toy.temperature, top_k=None, top_p=None, min_p=None)
        case _:
            return each


def _sparse(shape: Sparse) -> Sparse:
    """States of none, one and two levels; nodes with two, one and no prompts behind them."""
    states = ("", "0:2 1:1", "0:2 1:0 00:1")[: len(shape.states)]
    if len(states) == 2:
        states = ("", "0:1 1:0")
    root = len(states) - 1
    nodes = [text.split() for text in states]
    asks = (root + sum(int(node.split(":")[1]) for node in state) for state in nodes)
    return replace(shape, states=states, nodes=Size.each(*map(len, nodes)), asks=Size.each(*asks))


def _ranks(ranks: Ranks, graph: Graph, toy: Toy) -> Ranks:
    return Ranks(_rank(ranks.first, graph, toy), _rank(ranks.last, graph, toy))


def _rank(rank: int, graph: Graph, toy: Toy) -> int:
    """The same rank among fewer: the last stays the last, and those in the middle fall away."""
    last = max(model.ranks.last for model in graph.all(Model) if model.ranks is not None)
    widest = max(model.ranks.last - model.ranks.first for model in graph.all(Model) if model.ranks is not None) + 1
    gone = max(0, widest - toy.stages)
    return last - gone if rank == last else min(rank, last - gone - 1)


def _region(region: Region, graph: Graph, toy: Toy) -> Region:
    return replace(region, nodes=tuple(_node(node, graph, toy) for node in region.nodes))


def _node(node: Node, graph: Graph, toy: Toy) -> Node:
    match node:
        case Encode():
            return replace(node, results=_typed(node, Tokens(Size.of(1, _prompt(node, graph, toy)), _vocab(node))))
        case Prefill() if node.cache is None:
            kv = node.results[1].type
            assert isinstance(kv, Kv), "a new cache states its capacity"
            return replace(
                node, results=(node.results[0], Value(node.results[1].name, replace(kv, capacity=_capacity(toy))))
            )
        case Draft():
            tokens = _guesses(node, graph, toy)
            top = None if node.top is None else min(node.top, 2)
            return replace(node, tokens=tokens, masks=None if node.masks is None else max(0, tokens - 1), top=top)
        case Lookup():
            return replace(node, tokens=min(node.tokens, toy.guesses))
        case Spell():
            return replace(node, lookahead=min(node.lookahead, 2))
        case Respell():
            return replace(node, keep=None if node.keep is None else min(node.keep, toy.keep))
        case Stop():
            return replace(node, max_new_tokens=min(node.max_new_tokens, toy.new_tokens))
        case Watch():
            return replace(node, window=min(node.window, 2))
        case Send():
            to = Ranks(_rank(node.to.first, graph, toy), _to_last(node, graph, toy))
            return replace(node, source=_rank(node.source, graph, toy), to=to)
        case Pack():
            return replace(node, cases=_cases(node.cases, _rows(graph, toy)))
        case Choose():
            cases = None if node.cases is None else Size.each(*range(1, 1 + len(node.regions)))
            return replace(node, cases=cases, regions=tuple(_region(each, graph, toy) for each in node.regions))
        case Repeat():
            regions = tuple(_region(each, graph, toy) for each in node.regions)
            return replace(node, until=min(node.until, toy.guesses), regions=regions)
        case _:
            return node


def _capacity(toy: Toy) -> int:
    """Room for the prompt and the answer, in words of half the length too."""
    return 2 * (toy.prompt + toy.new_tokens)


def _to_last(node: Send, graph: Graph, toy: Toy) -> int:
    """What goes to all ranks before the last still does."""
    last = max(model.ranks.last for model in graph.all(Model) if model.ranks is not None)
    small = _rank(last, graph, toy)
    return small if node.to.last == last else min(node.to.last, small - 1)


def _typed(node: Node, kind: Tokens) -> tuple[Value, ...]:
    return (Value(node.results[0].name, kind),)


def _vocab(node: Encode) -> str | None:
    kind = node.results[0].type
    assert isinstance(kind, Tokens), "encode gives tokens"
    return kind.vocab


def _prompt(node: Encode, graph: Graph, toy: Toy) -> int:
    """The target's prompt; in other words the same bytes may be twice as many tokens."""
    return toy.prompt if node.by == graph.target.name else 2 * toy.prompt


def _guesses(node: Draft, graph: Graph, toy: Toy) -> int:
    shape = None if node.shape is None else graph.declared[node.shape]
    match shape:
        case Static():
            return min(len(shape.children), toy.guesses)
        case Dynamic():
            return min(shape.depth, toy.stages)
        case _:
            return min(node.tokens, toy.guesses)


def _requests(graph: Graph) -> int:
    return max(p.type.rows for p in graph.step.parameters if isinstance(p.type, Kv))


def _small_requests(graph: Graph, toy: Toy) -> int:
    """As few rows as can be, but as many as a choice by rows can tell apart."""
    cases = [len(node.regions) for node in graph.nodes() if isinstance(node, Choose) and node.cases is not None]
    return min(_requests(graph), max([toy.rows, *cases]))


def _rows(graph: Graph, toy: Toy) -> int:
    forks = [min(tags.max_forks, toy.forks) for tags in graph.all(Tags)]
    return _small_requests(graph, toy) * (1 + sum(forks))


def _cases(cases: Size, rows: int) -> Size:
    counts = sorted({min(case.high or rows, rows) for case in cases.cases} | {rows})
    return Size.each(*counts)


def _fewer_rows(step: Region, graph: Graph, toy: Toy) -> Region:
    """The region with fewer rows in its parameters: rows are a decision, which types only hand on."""
    threaded = any(isinstance(node, Fork) for node in step.nodes)
    rows = Size.of(_rows(graph, toy))
    requests = _small_requests(graph, toy)
    wide = threaded or _requests(graph) > 1

    def smaller(value: Value) -> Value:
        match value.type:
            case Path() | Tokens() | GuessType() | Tree() if wide and value.type.rows != Size.of(1):
                return Value(value.name, replace(value.type, rows=rows))
            case Kv():
                return Value(value.name, replace(value.type, rows=requests))
            case Threads():
                forks = next(min(tags.max_forks, toy.forks) for tags in graph.all(Tags))
                return Value(value.name, Threads(forks, requests))
            case _:
                return value

    return replace(step, parameters=tuple(map(smaller, step.parameters)))


def regions_of(graph: Graph) -> Iterator[Graph]:
    """A graph that chooses, once for each region, with that region alone."""
    for place, node in enumerate(graph.step.nodes):
        if isinstance(node, Choose):
            for region in node.regions:
                alone = replace(node, cases=None, per=None, regions=(region,))
                nodes = (*graph.step.nodes[:place], alone, *graph.step.nodes[place + 1 :])
                yield retype(replace(graph, step=replace(graph.step, nodes=nodes)))
