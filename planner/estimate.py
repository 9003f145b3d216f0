"""What each node of a graph costs on a device, and how many tokens a step is expected to give: from cards, not measured.

A pass reads the weights once and the cache once per row, whatever it is for; drafts are several passes. Sizes are those
of the largest case. The expectation is a formula of one number a: how likely a guess is right, given those before it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import cast

from .cards import DeviceProfile, ModelCard, Pair, PromptsCard
from .cost import Expectation, PassCost, chain, forked, pass_cost, pipeline, plain, sparse_states, static_tree, within
from .graph import (
    Advance,
    AnyNode,
    Branch,
    Chain,
    Choose,
    Draft,
    Dynamic,
    Fork,
    Graph,
    Grow,
    Guess,
    Hidden,
    Kv,
    Lookup,
    Merge,
    Model,
    Node,
    Prefill,
    Probe,
    Product,
    Prompts,
    Region,
    Repeat,
    Respell,
    Sparse,
    Spell,
    Spread,
    Static,
    Translate,
    Tree,
    Verify,
    dynamic_layers,
    static_layers,
)
from .trees import SparseStates, read_state

ASSUMED_ACCEPTANCE = 0.7
"""How likely a guess is taken to be right where nobody measured it."""
ASSUMED_FOUND = 0.3
"""In how many steps a lookup is taken to find the end of the text earlier on; it depends on the text, and is not measured."""

ASSUMED_SHARE = 0.5
"""How much of an answer is taken to be written in forks; it depends on the prompt and on the model, and is not measured."""


@dataclass(frozen=True, slots=True)
class Costs:
    """What estimates are made from: cards by the graph's names of models and prompts, the device, the cache's fill.

    `pairs` are what was counted of vocabularies, by the names of the drafter's and the target's.
    """

    cards: Mapping[str, ModelCard]
    prompts: Mapping[str, PromptsCard]
    device: DeviceProfile
    context: int
    acceptance: float = ASSUMED_ACCEPTANCE
    pairs: Mapping[tuple[str, str], Pair] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class NodeCost:
    """What one run of a node costs: how many passes over how many tokens in all, and what they read and compute."""

    passes: float
    tokens: float
    bytes: float
    operations: float
    seconds: float

    def __add__(self, other: NodeCost) -> NodeCost:
        return NodeCost(
            self.passes + other.passes,
            self.tokens + other.tokens,
            self.bytes + other.bytes,
            self.operations + other.operations,
            self.seconds + other.seconds,
        )

    def times(self, count: float) -> NodeCost:
        """So many runs."""
        return NodeCost(
            self.passes * count,
            self.tokens * count,
            self.bytes * count,
            self.operations * count,
            self.seconds * count,
        )


NOTHING = NodeCost(0, 0, 0, 0, 0.0)


def node_cost(node: Node, graph: Graph, costs: Costs) -> NodeCost:
    """The cost of one node, without that of the nodes around it; zero for nodes that run no model, or one without a card."""
    kind = cast(AnyNode, node)
    match kind:
        case Verify():
            return _verify(kind, graph, costs)
        case Draft():
            return _draft(kind, graph, costs)
        case Spell():
            return _pass(kind.by, graph, costs, 1).times(kind.lookahead)
        case Probe():
            prompts = graph.named(kind.by, Prompts)
            return _pass(prompts.rides, graph, costs, 1 + prompts.depth)
        case Prefill(cache=None):
            # A prompt that fills the cache as far as all estimates take it to be filled.
            return _pass(kind.by, graph, replace(costs, context=0), costs.context, heads=0)
        case Prefill():
            return _pass(kind.by, graph, costs, 1, heads=0)
        case Repeat():
            inner = region_cost(kind.regions[0], graph, costs)
            return inner.times(kind.until / expectation(kind.regions[0], graph, costs).evaluate(costs.acceptance))
        case Grow():
            assert isinstance(kind.cache.type, Kv), "a tree grows by a model's cache"
            return _pass(kind.cache.type.model, graph, costs, graph.named(kind.by, Dynamic).width)
        case Advance():
            return _timestep(kind, graph, costs)
        case Respell():
            return _respell(kind, graph, costs)
        case Choose():
            return max((region_cost(each, graph, costs) for each in kind.regions), key=lambda cost: cost.seconds)
        case _:
            return NOTHING


def region_cost(region: Region, graph: Graph, costs: Costs) -> NodeCost:
    """The cost of one run of a region."""
    return sum((node_cost(node, graph, costs) for node in region.nodes), NOTHING)


def _pass(model: str, graph: Graph, costs: Costs, tokens: int, rows: int = 1, heads: int | None = None) -> NodeCost:
    card = costs.cards.get(model)
    if card is None:
        return NOTHING
    dtype = str(graph.named(model, Model).dtype)
    made = pass_cost(card, costs.device, tokens=tokens, context=costs.context, rows=rows, head_rows=heads, dtype=dtype)
    return _of(made, tokens * rows)


def _of(made: PassCost, tokens: int) -> NodeCost:
    return NodeCost(1, tokens, made.bytes, made.operations, made.seconds)


def _verify(node: Verify, graph: Graph, costs: Costs) -> NodeCost:
    tree = node.tree.type
    assert isinstance(tree, Tree), "verify scores a tree"
    asked = next((value.type for value in node.results if isinstance(value.type, Hidden)), None)
    scored = 1 + tree.nodes.limit
    tokens = scored + (0 if asked is None else asked.size.limit)
    rows = tree.rows.limit
    if node.threads is not None:  # one sequence: its threads share the cache that is read
        return _pass(node.by, graph, costs, tokens * rows, heads=scored * rows)
    return _pass(node.by, graph, costs, tokens, rows, heads=scored * rows)


def _draft(node: Draft, graph: Graph, costs: Costs) -> NodeCost:
    rows = _rows(node)
    if node.masks is not None:
        # The tokens said last, then the masks: twice the guesses at most (PARD 2.3).
        return _pass(node.by, graph, costs, max(1, 2 * node.tokens), rows, heads=node.tokens * rows)
    shape = graph.declared.get(node.shape) if node.shape else None
    match shape:
        case Static(children=children):
            widths = [1, *static_layers(children)[:-1]]
        case Dynamic():
            widths = [1, *dynamic_layers(shape)[:-1]]
        case _:
            widths = [1] * max(1, node.tokens)
    return sum((_pass(node.by, graph, costs, width, rows) for width in widths), NOTHING)


def _rows(node: Draft) -> int:
    rows = getattr(node.source.type, "rows", None)
    return 1 if rows is None else rows.limit


def _respell(node: Respell, graph: Graph, costs: Costs) -> NodeCost:
    """Time of the host alone, as it was measured for the pair: of guesses, or of what was said."""
    source, words = (getattr(value.type, "vocab", None) for value in (node.words, node.results[0]))
    target = graph.target.vocab
    is_guess = isinstance(node.results[0].type, Guess)
    names = (graph.spelled(source), target) if is_guess else (graph.spelled(words), graph.spelled(source))
    pair = costs.pairs.get(names)
    if pair is None or pair.rehearsed is None:
        return NOTHING
    return replace(NOTHING, seconds=(pair.rehearsed.guess_us if is_guess else pair.rehearsed.text_us) / 1e6)


def _timestep(node: Advance, graph: Graph, costs: Costs) -> NodeCost:
    """The slowest stage, which all others wait for."""
    card, model = costs.cards.get(node.by), graph.named(node.by, Model)
    if card is None:
        return NOTHING
    stages = model.stages or 1
    layers = max(model.layers) if model.layers else -(-card.layers // stages)
    tokens = next((d.width for d in graph.all(Dynamic)), 1)
    made = pass_cost(
        card, costs.device, tokens=tokens, context=costs.context, head_rows=1, dtype=str(model.dtype), layers=layers
    )
    return _of(made, tokens)


def expectation(region: Region, graph: Graph, costs: Costs, fork_share: float = 0.0) -> Expectation:
    """Tokens per run of a region that decodes, per row: of all its threads, where a share is written in forks."""
    made = {value.name: node for node in region.nodes for value in node.results}
    advance = next((node for node in region.nodes if isinstance(node, Advance)), None)
    if advance is not None:
        shape = graph.all(Dynamic)[0]
        return pipeline(graph.named(advance.by, Model).stages or 1, min(shape.children, shape.width))
    verify = next((node for node in region.nodes if isinstance(node, Verify)), None)
    inner = plain() if verify is None else _of_tree(verify.tree.name, made, graph, costs)
    fork = next((node for node in region.nodes if isinstance(node, Fork)), None)
    return inner if fork is None else forked(inner, _forks(fork, graph), fork_share)


def _forks(fork: Fork, graph: Graph) -> int:
    forks = getattr(graph.declared[fork.by], "max_forks", 1)
    assert isinstance(forks, int), "tags count their forks"
    return forks


def _of_tree(name: str, made: Mapping[str, Node], graph: Graph, costs: Costs) -> Expectation:
    node = made.get(name)
    match node:
        case Spread():
            return _of_spread(node, graph, costs)
        case Chain() | Branch() if node.guess is not None:
            return _of_guess(node, made, graph, costs)
        case Merge(trees=trees):
            parts = [_of_tree(tree.name, made, graph, costs) for tree in trees]
            # Nobody knows how often two drafts are right together: at least as often as the better one.
            formula = f"at least max({', '.join(part.formula for part in parts)})"
            return Expectation(formula, lambda a: max(part.evaluate(a) for part in parts))
        case Choose(regions=regions):
            parts = [tree_expectation(region, graph, costs) for region in regions]
            formulas = [*dict.fromkeys(part.formula for part in parts)]
            formula = formulas[0] if len(formulas) == 1 else f"one of {'; '.join(formulas)}"
            return Expectation(formula, lambda a: max(part.evaluate(a) for part in parts))
        case _:
            return plain()


def tree_expectation(region: Region, graph: Graph, costs: Costs) -> Expectation:
    """Tokens per step if the tree that a region yields first is verified."""
    made = {value.name: node for node in region.nodes for value in node.results}
    return _of_tree(region.yielded[0].name, made, graph, costs)


def _of_spread(node: Spread, graph: Graph, costs: Costs) -> Expectation:
    shape = graph.declared[node.by]
    if isinstance(shape, Product):
        levels = getattr(node.guess.type, "size", None)
        return chain(0 if levels is None else levels.limit)
    assert isinstance(shape, Sparse), "ranked guesses are spread over sparse or product shapes"
    prompts = graph.named(shape.rides, Prompts)
    card = costs.prompts.get(shape.rides)
    # A graph written by hand may ask for more than was ever measured.
    if card is None or not card.accuracies or (card.depth, card.top) != (prompts.depth, prompts.top):
        return chain(prompts.depth)
    depth = card.depth
    return sparse_states(SparseStates(tuple(read_state(text, depth) for text in shape.states), card.accuracies))


def _of_guess(node: Chain | Branch, made: Mapping[str, Node], graph: Graph, costs: Costs) -> Expectation:
    tree = node.results[0].type
    assert isinstance(tree, Tree), "a chain or branch makes a tree"
    source = _source(node, made)
    expected = _of_shape(source, tree, graph)
    pair = None if source is None else costs.pairs.get((_vocabulary(source, graph), graph.spelled(tree.vocab)))
    share = None if pair is None else pair.weighted_of_target
    return expected if share is None else within(expected, share)


def _vocabulary(source: Node, graph: Graph) -> str:
    """What a draft's guesses are spelled in."""
    return graph.spelled(getattr(source.results[0].type, "vocab", None))


def _of_shape(source: Node | None, tree: Tree, graph: Graph) -> Expectation:
    shape = graph.declared.get(source.shape or "") if isinstance(source, Draft) else None
    match shape:
        case Static(children=children):
            return static_tree(children)
        case Dynamic():
            return static_tree((min(shape.children, shape.width),) * shape.depth)
        case _:
            return _of_line(source, tree.depth.limit)


def _of_line(source: Node | None, longest: int) -> Expectation:
    match source:
        case Lookup(tokens=tokens):
            found = chain(tokens)
            formula = f"{1 - ASSUMED_FOUND:g} + {ASSUMED_FOUND:g}·{found.formula}"
            return Expectation(formula, lambda a: 1 - ASSUMED_FOUND + ASSUMED_FOUND * found.evaluate(a))
        case Draft(tokens=tokens):
            return chain(min(tokens, longest))  # of however many tokens they are respelled to, so many are kept
        case Repeat(until=until):
            return chain(until)  # at least so many; what it gives beyond them is counted by nobody
        case _:
            return chain(longest)


def _source(node: Node, made: Mapping[str, Node]) -> Node | None:
    """What made the guesses of a tree, behind translations and respellings."""
    guess = getattr(node, "guess", None) or getattr(node, "words", None)
    source = None if guess is None else made.get(guess.name)
    return _source(source, made) if isinstance(source, Translate | Respell) else source
