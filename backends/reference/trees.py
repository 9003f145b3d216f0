"""Trees from guesses: chain, branch, spread, merge; and trees that grow and are pruned while they are verified."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from ...planner.graph import Dynamic, Grow, Product, Prompts, Sparse, Spread
from ...planner.trees import most_probable, read_state
from . import caches
from .drafting import grown, guesses
from .setting import Setting, next_law
from .values import Bush, Cache, Guessed, Line, Name, Pending, Pool, Proposed, Ranked, Rooted, Trusted, bush_of


def root_of(line: Line | None) -> Line | None:
    """The last token of a line, which is in no cache yet."""
    return None if line is None else line.from_token(line.start + len(line.tokens) - 1)


def attach(fresh: Sequence[Line | None], guess: Sequence[Guessed | None] | None) -> tuple[Rooted | None, ...]:
    """The root and guesses below it, in a line or in a bush."""
    made: list[Rooted | None] = []
    for row, line in enumerate(fresh):
        root = root_of(line)
        below = None if guess is None else guess[row]
        made.append(None if root is None else Rooted(root, Bush() if below is None else below.bush))
    return tuple(made)


def spread(
    node: Spread, setting: Setting, fresh: Sequence[Line | None], guess: Sequence[Ranked | None]
) -> tuple[Rooted | None, ...]:
    """Ranked guesses in the tree of a sparse shape's state, or in the likeliest paths through their levels."""
    shape = setting.graph.declared[node.by]
    made: list[Rooted | None] = []
    for line, ranked in zip(fresh, guess, strict=True):
        root = root_of(line)
        if root is None:
            made.append(None)
            continue
        ranked = ranked or Ranked()
        match shape:
            case Sparse():
                made.append(_sparse(shape, setting.graph.named(shape.rides, Prompts).depth, root, ranked))
            case Product():
                levels = [[score for _, score in level] for level in ranked.levels]
                paths = most_probable(levels, shape.nodes).paths
                made.append(Rooted(root, _of_ranks(paths, ranked)))
            case _:
                raise AssertionError(f"{shape} is not a shape of ranked guesses")
    return tuple(made)


def _sparse(shape: Sparse, depth: int, root: Line, ranked: Ranked) -> Rooted:
    """The state's tree; behind the root are always `depth` prompt tokens (PPD section 3.2)."""
    state = read_state(shape.states[len(ranked.levels)], depth)
    bush = _of_ranks(state.paths, ranked)
    prompts = {_tokens(path, ranked): count for path, count in zip(state.paths, state.prompts, strict=True)}
    return Rooted(root, bush, (depth, *(prompts[name] for name in bush.nodes)))


def _of_ranks(paths: Sequence[tuple[int, ...]], ranked: Ranked) -> Bush:
    return bush_of(
        (name[:-1], Proposed(name[-1])) for name in (_tokens(ranks, ranked) for ranks in sorted(paths, key=len))
    )


def _tokens(ranks: tuple[int, ...], ranked: Ranked) -> Name:
    """A node's token depends on its depth and its last rank alone."""
    return tuple(ranked.levels[depth][rank][0] for depth, rank in enumerate(ranks))


def merge(trees: Sequence[Sequence[Rooted | None]]) -> tuple[Rooted | None, ...]:
    """One tree of several with the same root: equal tokens share a node, proposals keep their order and their laws."""
    made: list[Rooted | None] = []
    for row in zip(*trees, strict=True):
        there = [tree for tree in row if tree is not None]
        assert len(there) in (0, len(row)), "a row rests in all of its trees or in none"
        assert len({tree.root.stored() for tree in there}) <= 1, "merged trees have the same root"
        placed = [(name, proposed) for tree in there for name, below in tree.bush.items() for proposed in below]
        placed.sort(key=lambda each: len(each[0]))
        made.append(_with_prompts(Rooted(there[0].root, bush_of(placed)), there) if there else None)
    return tuple(made)


def _with_prompts(merged: Rooted, trees: Sequence[Rooted]) -> Rooted:
    """Nodes keep the prompt tokens that they had in any of the trees."""
    prompts: dict[Name, int] = {}
    for tree in trees:
        prompts |= dict(zip(((), *tree.bush.nodes), tree.prompts, strict=True)) if tree.prompts else {}
    names = ((), *merged.bush.nodes)
    return replace(merged, prompts=tuple(prompts.get(name, 0) for name in names) if prompts else ())


def grow(
    node: Grow, setting: Setting, tree: Sequence[Rooted | None], cache: Cache, trust: Sequence[Trusted] | None
) -> tuple[tuple[Rooted | None, ...], Cache]:
    """Read the deepest layer in one pass, and put one more below it."""
    shape = setting.graph.named(node.by, Dynamic)
    pools: list[Pool | None] = list(cache.pools)
    made: list[Rooted | None] = []
    for row, rooted in enumerate(tree):
        pool = pools[row]
        if rooted is None or pool is None:
            made.append(rooted)
            continue
        bush, pools[row] = _grown(setting, shape, rooted, pool, cache.model, guesses(trust, row))
        made.append(replace(rooted, bush=bush))
    return tuple(made), Cache(cache.model, tuple(pools))


def _grown(
    setting: Setting, shape: Dynamic, rooted: Rooted, pool: Pool, model: str, trusted: bool
) -> tuple[Bush, Pool]:
    bush, end = rooted.bush, setting.words(model).end
    layer = bush.layer(bush.depth)
    if bush.depth == shape.depth or all(name and name[-1] == end for name in layer):
        return bush, pool
    pool = pool if pool.levels else caches.push(pool)
    branch = caches.branch_of(pool, 0)
    if branch is not None and branch.holds(layer[0]):
        return bush, pool  # Without trust the root was read, and nothing grew below it.
    pool = caches.pend(pool, with_layer(branch, rooted.root, layer, stage=1))
    if not trusted:
        return bush, pool
    law_at = lambda name: next_law(setting, model, caches.context(pool, None, 0, name))  # noqa: E731
    return grown(bush, layer, shape, law_at, end), pool


def with_layer(branch: Pending | None, root: Line, layer: Sequence[Name], stage: int) -> Pending:
    """The rows with one more layer, read by the first stage."""
    if layer == ((),):
        assert branch is None, "a root is read once"
        return Pending(0, root.start, root.position, root.tokens[0], passed=(stage,))
    assert branch is not None, "a layer is read behind the layer above"
    assert all(branch.holds(name[:-1]) for name in layer), "every ancestor of a row was read before it"
    return replace(branch, nodes=(*branch.nodes, *layer), passed=(*branch.passed, *(stage for _ in layer)))


def prune_tree(tree: Sequence[Rooted | None], path: Sequence[Line | None]) -> tuple[Rooted | None, ...]:
    """Root the tree where the path landed; a token that the tree did not have is a new tree, alone."""
    return tuple(
        rooted if line is None or rooted is None else _pruned(rooted, line)
        for rooted, line in zip(tree, path, strict=True)
    )


def _pruned(rooted: Rooted, line: Line) -> Rooted:
    bush = rooted.bush
    steps = dict(zip(bush.nodes, bush.steps, strict=True))
    said = line.tokens
    placed = [
        (name[len(said) :], proposed) for name, below in bush.items() if name[: len(said)] == said for proposed in below
    ]
    moved = {name[len(said) :]: step for name, step in steps.items() if name[: len(said)] == said}
    root = root_of(line)
    assert root is not None, "the path has a last token"
    return Rooted(root.stored(), bush_of(placed, moved))


def prune_flow(flow: Sequence[tuple[Name, ...]], path: Sequence[Line | None]) -> tuple[tuple[Name, ...], ...]:
    """Keep the rows that hang below the path."""
    (line,) = path
    if line is None:
        return tuple(flow)
    said = line.tokens
    return tuple(tuple(name[len(said) :] for name in gap if name[: len(said)] == said) for gap in flow)
