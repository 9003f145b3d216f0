"""Run a graph on tables: its start for each request, then its step, every kind of node as its docstring says.

A step is a function of the state and of its draws. States are tuples of immutable values, so that equal ones can be found.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, TypeAlias, assert_never, cast

from ...planner.graph import (
    Accept,
    Advance,
    AnyNode,
    Branch,
    Certainty,
    Chain,
    Choose,
    Commit,
    Cut,
    Draft,
    Encode,
    Flow,
    Fork,
    Graph,
    Grow,
    Guess,
    Join,
    Kv,
    Lookup,
    Merge,
    Node,
    Pack,
    Path,
    Prefill,
    Probe,
    Prune,
    Read,
    Region,
    Repeat,
    Respell,
    Send,
    Spell,
    Spread,
    Stop,
    Tokens,
    Translate,
    Value,
    Verify,
    Watch,
    inner_regions,
)
from ..decoding import Counter, Draws
from . import asking, caches, drafting, judging, spelling, threads, trees, words
from .checks import check_value
from .language import language_of
from .places import check_places
from .rows import alive, handed_on, rows_of, side_by_side, something, stored
from .setting import Setting
from .tables import TableVocabulary, World
from .values import Bush, Cache, Guessed, Line, Proposed, Trusted, line_bush

Known: TypeAlias = Mapping[str, Any]
"""The values of a region by name, as far as it has run."""
State: TypeAlias = tuple[Any, ...]
"""What one step hands to the next: the values of the step's parameters."""
Transcript: TypeAlias = tuple[tuple[tuple[int, int], tuple[int, ...]], ...]
"""Tokens by request and thread."""


@dataclass(frozen=True, slots=True)
class Stepped:
    """What a step leaves behind."""

    state: State
    said: Transcript
    done: tuple[bool, ...]
    """Per request: has it ended?"""


class Machine:
    """A graph in a world, ready to run."""

    def __init__(self, graph: Graph, world: World, draws: Callable[[int], Draws] = Counter) -> None:
        self.graph = graph
        rows, requests = rows_of(graph.step)
        self.setting = Setting(graph, world, draws, rows, requests, language_of(graph, world))
        self._numbers = _numbered(graph)
        for region in graph.regions():
            check_places(graph, region)

    def with_draws(self, draws: Callable[[int], Draws]) -> Machine:
        """The same machine with other draws."""
        other = object.__new__(Machine)
        other.graph, other._numbers = self.graph, self._numbers
        other.setting = replace(self.setting, draws=draws)
        return other

    def start(self, prompts: Sequence[bytes], first: int = 0) -> State:
        """Run `start` once for each prompt, and put what it yields side by side; requests count from `first`."""
        setting = self.setting
        assert len(prompts) <= setting.requests, f"{len(prompts)} prompts do not fit in {setting.requests} rows"
        alone = replace(setting, rows=1, requests=1)
        started = []
        for number, prompt in enumerate(prompts, start=first):
            region = self.graph.start
            known = self._region(region, [((number, prompt),)], alone)
            started.append([known.get(value.name) for value in region.yielded])
        columns = zip(*started, strict=True)
        return tuple(
            side_by_side(parameter, list(column), setting)
            for parameter, column in zip(self.graph.step.parameters, columns, strict=True)
        )

    def step(self, state: State) -> Stepped:
        """Run `step` once."""
        known = self.enter(state)
        for node in self.graph.step.nodes:
            known = self.run(node, known)
        return self.leave(state, known)

    def enter(self, state: State) -> Known:
        """What is known when a step begins."""
        region = self.graph.step
        return _entered(region, state, self.setting)

    def run(self, node: Node, known: Known, setting: Setting | None = None) -> Known:
        """What is known once a node has run."""
        results = self._node(cast(AnyNode, node), known, setting or self.setting)
        assert len(results) == len(node.results), f"{node.keyword} has {len(results)} results"
        for value, held in zip(node.results, results, strict=True):
            check_value(value, held)
        return {**known, **{value.name: held for value, held in zip(node.results, results, strict=True)}}

    def leave(self, state: State, known: Known) -> Stepped:
        """What the step that began in `state` leaves behind."""
        region, setting = self.graph.step, self.setting
        assert region.until is not None, "a step says when it is done"
        ended = known[region.until.name]
        done = tuple(not here or ended[place] is True for place, here in enumerate(alive(state, region)))
        said = tuple(
            ((line.row, line.thread), line.tokens)
            for value in region.emitted
            if isinstance(value.type, Path)
            for line in known[value.name]
            if line is not None
        )
        handed = [handed_on(known[value.name], done, setting) for value in region.yielded]
        for parameter, held in zip(region.parameters, handed, strict=True):
            check_value(parameter, held)
        return Stepped(tuple(handed), said, done)

    def _region(self, region: Region, given: Sequence[Any], setting: Setting) -> Known:
        known = _entered(region, given, setting)
        for node in region.nodes:
            known = self.run(node, known, setting)
        return known

    def _node(self, node: AnyNode, known: Known, setting: Setting) -> tuple[Any, ...]:
        def of(value: Value | None) -> Any:
            return None if value is None else known.get(value.name)

        match node:
            case Encode():
                return (words.encode(node, setting, of(node.prompt)),)
            case Prefill():
                given_tokens = _readable(node.tokens, node.cache, known, setting)
                return words.prefill(node, setting, given_tokens, of(node.cache))
            case Draft():
                owed = _readable(node.source, node.cache, known, setting)
                given = owed, of(node.cache), of(node.threads), of(node.trust)
                return drafting.draft(node, setting, *given, self._numbers[id(node)])
            case Spell():
                owed = _readable(node.source, node.cache, known, setting)
                given = owed, of(node.cache), of(node.threads), of(node.trust)
                return spelling.spell(node, setting, *given, self._numbers[id(node)])
            case Lookup():
                return (
                    asking.lookup(node, setting, of(node.source), of(node.cache), of(node.threads), of(node.trust)),
                )
            case Probe():
                return (asking.probe(node, setting, of(node.source), of(node.cache), of(node.threads), of(node.trust)),)
            case Read():
                return (asking.read(node, setting, of(node.answers), of(node.path), of(node.trust)),)
            case Repeat():
                return self._repeat(node, [of(value) for value in node.initial], of(node.trust), setting)
            case Translate():
                return (words.translate(node, setting, of(node.guess)),)
            case Respell():
                return (_respell(node, setting, of(node.words), of(node.cache)),)
            case Chain() | Branch():
                return (trees.attach(of(node.fresh), of(node.guess)),)
            case Spread():
                return (trees.spread(node, setting, of(node.fresh), of(node.guess)),)
            case Merge():
                return (trees.merge([of(tree) for tree in node.trees]),)
            case Grow():
                return trees.grow(node, setting, of(node.tree), of(node.cache), of(node.trust))
            case Pack():
                return (of(node.fresh),)
            case Verify():
                scored = judging.verify(node, setting, of(node.tree), of(node.cache), of(node.threads))
                return scored if node.asks is not None else scored[:2]
            case Advance():
                return judging.advance(node, setting, of(node.tree), of(node.flow), of(node.cache))
            case Accept():
                return (
                    judging.accept(node, setting, of(node.tree), of(node.logits), _spoken(node.results[0], setting)),
                )
            case Cut():
                return (judging.cut(node, of(node.path), _spoken(node.path, setting)),)
            case Stop():
                return judging.stop(node, setting, of(node.path), of(node.threads), _spoken(node.path, setting))
            case Commit():
                both = setting.words(of(node.cache).model), _spoken(node.path, setting)
                return (judging.commit(node, setting, of(node.cache), of(node.path), both),)
            case Prune():
                what = of(node.what)
                if isinstance(node.what.type, Flow):
                    return (trees.prune_flow(what, of(node.path)),)
                return (trees.prune_tree(what, of(node.path)),)
            case Fork():
                return threads.fork(node, setting, of(node.path), of(node.threads), _spoken(node.path, setting))
            case Join():
                return threads.join(node, setting, of(node.path), of(node.threads), _spoken(node.path, setting))
            case Send():
                return tuple(of(value) for value in node.values)
            case Watch():
                return (threads.watch(node, of(node.trust), of(node.path)),)
            case Choose():
                return self._choose(node, [of(value) for value in node.operands], setting)
            case _:
                assert_never(node)

    def _choose(self, node: Choose, given: Sequence[Any], setting: Setting) -> tuple[Any, ...]:
        region = node.regions[0]
        if node.cases is not None:
            first = next(place for place, value in enumerate(node.operands) if isinstance(value.type, Path | Tokens))
            active = sum(row is not None for row in given[first])
            fitting = (place for place, case in enumerate(node.cases.cases) if active <= (case.high or 0))
            region = node.regions[next(fitting)]
        known = self._region(region, given, setting)
        return tuple(known[value.name] for value in region.yielded)

    def _repeat(
        self, node: Repeat, given: Sequence[Any], trust: Sequence[Trusted] | None, setting: Setting
    ) -> tuple[Any, ...]:
        """Run the decoder inside until every row that speculates has emitted enough; done rows rest meanwhile.

        A row that does not speculate reads its root all the same: the next step's path does not begin with it.
        """
        region = node.regions[0]
        inner = setting.inside(self._numbers[id(node)], _shifts(given[0], given[1], setting))
        values: list[Any] = [_opened(each) if isinstance(each, Cache) else each for each in given]
        values = [something(p.type, held, inner) for p, held in zip(region.parameters, values, strict=True)]
        path, fresh = next(
            (p, held) for p, held in zip(region.parameters, values, strict=True) if isinstance(p.type, Path | Tokens)
        )
        emitted: list[Line | None] = [None] * len(fresh)
        active = [
            line is not None and bool(line.tokens) and drafting.guesses(trust, row) for row, line in enumerate(fresh)
        ]
        roots = [None if here else line for line, here in zip(fresh, active, strict=True)]
        values = [
            _read_along(held, roots, inner)
            if isinstance(held, Cache) and inner.words(held.model) is _spoken(path, inner)
            else held
            for held in values
        ]
        while any(active):
            values = [_resting(held, p, active) for held, p in zip(values, region.parameters, strict=True)]
            known = self._region(region, values, inner)
            for row, line in enumerate(known[region.emitted[0].name]):
                emitted[row] = _longer(emitted[row], line)
                made = emitted[row]
                active[row] = active[row] and (made is None or len(made.tokens) < node.until)
            values = [stored(known[value.name]) for value in region.yielded]
        guess = node.results[0].type
        assert isinstance(guess, Guess), "what a repeat emits is a guess"
        pools = [held for held, p in zip(values, region.parameters, strict=True) if isinstance(p.type, Kv)]
        return tuple(_guessed(line, root, guess) for line, root in zip(emitted, fresh, strict=True)), *pools


def _entered(region: Region, given: Sequence[Any], setting: Setting) -> Known:
    known: dict[str, Any] = {}
    for parameter, held in zip(region.parameters, given, strict=True):
        known[parameter.name] = something(parameter.type, held, setting)
        check_value(parameter, known[parameter.name])
    return known


def _numbered(graph: Graph) -> dict[int, int]:
    """Numbers that keep draws apart: which of a step's drafts a node is, and for a repeat its level."""
    numbers: dict[int, int] = {}
    levels = iter(range(1, 256))

    def visit(region: Region, count: int) -> int:
        for node in region.nodes:
            match node:
                case Draft() | Spell():
                    numbers[id(node)] = count
                    count += 1
                case Repeat():
                    numbers[id(node)] = next(levels)
                    visit(node.regions[0], 0)
                case _:
                    for inner in inner_regions(node):
                        count = visit(inner, count)
        return count

    visit(graph.start, 0)
    visit(graph.step, 0)
    return numbers


def _readable(source: Value, cache: Value | None, known: Known, setting: Setting) -> tuple[Line | None, ...]:
    """What a model is given to read, as far as its cache has room. The target's always has: checking saw to that."""
    lines: tuple[Line | None, ...] = known[source.name]
    if cache is None or not isinstance(source.type, Tokens):
        return lines
    assert isinstance(cache.type, Kv), "a model reads into its cache"
    return drafting.that_fit(lines, known[cache.name], cache.type.capacity, setting)


def _spoken(path: Value, setting: Setting) -> TableVocabulary:
    """The vocabulary of a path."""
    kind = path.type
    assert isinstance(kind, Path | Tokens), f"{path} is not made of tokens"
    return setting.words_of(kind.vocab)


def _respell(node: Respell, setting: Setting, given: Sequence[Any], cache: Cache) -> tuple[Any, ...]:
    mine = setting.words(cache.model)
    if isinstance(node.words.type, Guess):
        theirs = setting.words_of(node.words.type.vocab)
        return words.respell_guess(node, setting, given, (theirs, mine))
    return words.respell_path(node, setting, given, cache, mine)


def _shifts(roots: Sequence[Line | None], cache: Cache, setting: Setting) -> dict[int, int]:
    """From each root's next position in a decoder of another vocabulary to what the draws there are keyed by."""
    if setting.words(cache.model) is setting.words(setting.graph.target.name) or setting.level:
        return {}
    held = zip(roots, (cache.pools[row // setting.threads] for row in range(len(roots))), strict=True)
    return {line.row: pool.prompt + line.made - line.next_position for line, pool in held if line and pool}


def _opened(cache: Cache) -> Cache:
    """A cache with a level for what a decoder inside commits."""
    return Cache(cache.model, tuple(None if pool is None else caches.push(pool) for pool in cache.pools))


def _read_along(cache: Cache, lines: Sequence[Line | None], setting: Setting) -> Cache:
    return Cache(cache.model, tuple(drafting.read_all(lines, cache, setting)))


def _resting(held: Any, parameter: Value, active: Sequence[bool]) -> Any:
    if not isinstance(parameter.type, Path | Tokens):
        return held
    return tuple(line if here else None for line, here in zip(held, active, strict=True))


def _longer(said: Line | None, more: Line | None) -> Line | None:
    if said is None or more is None:
        return more if said is None else said
    return replace(
        more, tokens=said.tokens + more.tokens, start=said.start, position=said.position, laws=said.laws + more.laws
    )


def _guessed(line: Line | None, root: Line | None, kind: Guess) -> Guessed | None:
    """What a decoder inside said, as guesses under the laws that it was accepted under."""
    if line is None:
        return None if root is None else Guessed(Bush(), root.text)
    drawn = kind.certainty is Certainty.DRAWN
    pairs = zip(line.tokens, line.laws, strict=True)
    return Guessed(
        line_bush([Proposed(token, law if drawn else None) for token, law in pairs]), root.text if root else b""
    )
