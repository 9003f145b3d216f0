"""What a node makes of its operands' types: the arithmetic that a graph's text shows and that is checked line by line.

`infer(node, declared)` gives the types of the node's results. Two results are decisions and not arithmetic: the
longest prompt (`encode`) and the capacity of a new cache (`prefill`); for those the stated type is taken as it is.
"""

from __future__ import annotations

from functools import reduce
from typing import TypeVar, assert_never, cast

from .declarations import Dynamic, Model, Product, Prompts, Sampling, Sparse, Static, Table, Tags
from .declared import Declared, Mismatch, dynamic_layers, static_layers
from .join import join_types
from .nodes import (
    Accept,
    Advance,
    AnyNode,
    Branch,
    Chain,
    Choose,
    Commit,
    Cut,
    Draft,
    Encode,
    Fork,
    Grow,
    Join,
    Lookup,
    Merge,
    Node,
    Pack,
    Prefill,
    Probe,
    Prune,
    Read,
    Region,
    Repeat,
    Respell,
    Rule,
    Send,
    Spell,
    Spread,
    Stop,
    Translate,
    Verify,
    Watch,
)
from .types import (
    Certainty,
    Done,
    Flow,
    Guess,
    Hidden,
    Kv,
    Logits,
    Nothing,
    Path,
    Range,
    Size,
    Threads,
    Tokens,
    Tree,
    Trust,
    Type,
    Value,
)


def infer(node: Node, declared: Declared) -> tuple[Type, ...]:
    """The types of a node's results, from its operands and fields.

    Raises:
        Mismatch: if the operands or fields do not go together.
    """
    kind = cast(AnyNode, node)
    match kind:
        case Encode():
            return (_encode(kind, declared),)
        case Prefill():
            return _prefill(kind, declared)
        case Draft():
            return _draft(kind, declared)
        case Spell():
            return _spell(kind, declared)
        case Lookup():
            vocab = _reads(kind.source, _is(kind.cache, Kv).model, declared)
            return (_trusted(Guess(Size.of(0, kind.tokens), vocab=vocab, rows=_rows(kind.source)), kind.trust),)
        case Probe():
            prompts = declared.get(kind.by, Prompts)
            return (
                _trusted(
                    Guess(
                        Size.of(prompts.depth),
                        top=prompts.top,
                        rows=_rows(kind.source),
                        vocab=declared.vocab_of(prompts.rides),
                    ),
                    kind.trust,
                ),
            )
        case Read():
            return (_read(kind, declared),)
        case Repeat():
            return _repeat(kind, declared)
        case Translate():
            return (_translate(kind, declared),)
        case Respell():
            return (_respell(kind, declared),)
        case Chain() | Branch():
            return (_line(kind),)
        case Spread():
            return (_spread(kind, declared),)
        case Merge():
            return (reduce(_merge, [_is(tree, Tree) for tree in kind.trees]),)
        case Grow():
            return _grow(kind, declared)
        case Pack():
            return (_pack(kind),)
        case Verify():
            return _verify(kind, declared)
        case Advance():
            return _advance(kind)
        case Accept():
            return (_accept(kind, declared),)
        case Cut():
            declared.get(kind.after, Tags)
            return (_is(kind.path, Path),)
        case Stop():
            return (_is(kind.path, Path), Done())
        case Commit():
            return (_commit(kind, declared),)
        case Prune():
            return (_prune(kind, declared),)
        case Fork() | Join():
            return _threads(kind, declared)
        case Send():
            return tuple(value.type for value in kind.values)
        case Watch():
            if not isinstance(kind.trust.type, Trust | Nothing):
                raise Mismatch(f"`{kind.trust}` is {kind.trust.type}, not trust", kind.trust.name)
            _is(kind.path, Path)
            return (Trust(),)
        case Choose():
            return _choose(kind)
        case _:
            assert_never(kind)


T = TypeVar("T", bound=Type)


def _is(value: Value, kind: type[T]) -> T:
    if not isinstance(value.type, kind):
        raise Mismatch(f"`{value}` is {value.type}, and a {kind.__name__.lower()} is wanted here", value.name)
    return value.type


def _rows(value: Value) -> Size:
    if not isinstance(value.type, Path | Tokens):
        raise Mismatch(f"`{value}` is {value.type}, and a path or tokens are wanted here", value.name)
    return value.type.rows


def _reads(source: Value, model: str, declared: Declared) -> str | None:
    """The vocabulary of a model, which is that of what it reads: a token that a table translates is one of its source."""
    vocab = declared.vocab_of(model)
    given = source.type.vocab if isinstance(source.type, Path | Tokens) else vocab
    if declared.contains().get(given or "", given) != vocab:
        raise Mismatch(f"`{source}` is {source.type}: not in the vocabulary of `{model}`", source.name)
    return vocab


def _trusted(guess: Guess, trust: Value | None) -> Guess:
    """Rows without trust guess nothing."""
    if trust is None:
        return guess
    return Guess(guess.size.from_zero(), guess.certainty, guess.vocab, guess.top, guess.depth, guess.rows)


def _owner(cache: Value, by: str) -> Kv:
    kv = _is(cache, Kv)
    if kv.model != by:
        raise Mismatch(f"`{cache}` is the cache of `{kv.model}`, not of `{by}`", cache.name)
    return kv


def _push(kv: Kv, rows: Size) -> Kv:
    return Kv(kv.model, kv.capacity, (*kv.levels, rows.tops), kv.rows)


def _encode(node: Encode, declared: Declared) -> Type:
    stated = node.results[0].type if node.results else None
    if not isinstance(stated, Tokens) or stated.vocab != declared.vocab_of(node.by):
        raise Mismatch(f"encode gives tokens of `{node.by}`", node.by)
    if stated.size.high is None:
        raise Mismatch("the longest prompt has to be said: `tokens[1..N]`")
    return stated


def _prefill(node: Prefill, declared: Declared) -> tuple[Type, ...]:
    root = Path(Size.of(1), _reads(node.tokens, node.by, declared), _rows(node.tokens))
    if node.cache is not None:
        return root, _owner(node.cache, node.by)
    stated = node.results[1].type if len(node.results) == 2 else None
    if not isinstance(stated, Kv) or stated.model != node.by or stated.levels:
        raise Mismatch(f"a new cache of `{node.by}` has to state its capacity: `kv[{node.by}, N]`")
    longest = node.tokens.type.size.high if isinstance(node.tokens.type, Tokens) else None
    # A drafter whose cache is full falls silent; the target has to hold every prompt.
    if node.by == declared.target and longest is not None and longest > stated.capacity:
        raise Mismatch(
            f"`{node.tokens}` is up to {longest} tokens, and the cache holds {stated.capacity}", node.tokens.name
        )
    return root, stated


def _draft(node: Draft, declared: Declared) -> tuple[Type, ...]:
    model, kv = declared.get(node.by, Model), _owner(node.cache, node.by)
    _reads(node.source, node.by, declared)
    if node.masks is not None and node.masks != max(0, node.tokens - 1):
        raise Mismatch(f"{node.tokens} guesses in one pass take {max(0, node.tokens - 1)} masks", "masks")
    if node.masks and model.mask is None:
        raise Mismatch(f"`{node.by}` declares no `mask` token", "masks")
    if node.top is not None and (node.masks is None or node.sampling is not None):
        raise Mismatch("ranked guesses come from one pass over masks, without sampling", "top")
    if node.sampling is not None and node.shape is not None and isinstance(declared.maybe(node.shape), Dynamic):
        raise Mismatch("a dynamic tree keeps the likeliest guesses, and does not sample", "sampling")
    if node.within is not None and declared.get(node.within, Table).source != model.vocab:
        raise Mismatch(f"`{node.within}` does not translate the tokens of `{node.by}`", "within")
    size, depth, pending = _guessed(node, declared)
    sometimes = node.min_confidence is not None or isinstance(node.source.type, Tokens)
    certainty = Certainty.CERTAIN if node.sampling is None or _cold(node.sampling, declared) else Certainty.DRAWN
    vocab = node.within or declared.vocab_of(node.by)
    guess = Guess(size.from_zero() if sometimes else size, certainty, vocab, node.top, depth, _rows(node.source))
    if node.masks is not None:
        return _trusted(guess, node.trust), kv
    # Threads share one pool, so the rows of all of them await their verdicts in it.
    return _trusted(guess, node.trust), _push(kv, pending if node.threads is None else guess.rows.times(pending))


def _guessed(node: Draft, declared: Declared) -> tuple[Size, Size | None, Size]:
    """How many guesses, in how many layers if they are a bush, and how many rows of them await a verdict."""
    if node.shape is None:
        return Size.of(node.tokens), None, Size.of(max(0, node.tokens - 1))
    shape = declared.maybe(node.shape)
    match shape:
        case Static():
            layers = static_layers(shape.children)
            return Size.of(sum(layers)), Size.of(len(layers)), Size.of(sum(layers[:-1]))
        case Dynamic():
            layers = dynamic_layers(shape)
            return Size.of(0, sum(layers)), Size.of(0, len(layers)), Size.of(sum(layers[:-1]))
        case _:
            raise Mismatch(f"`{node.shape}` is not a shape that a model drafts: static or dynamic", "shape")


def _cold(sampling: str, declared: Declared) -> bool:
    return declared.get(sampling, Sampling).temperature == 0


def _spell(node: Spell, declared: Declared) -> tuple[Type, ...]:
    kv = _owner(node.cache, node.by)
    _reads(node.source, node.by, declared)
    image = declared.image(node.through)
    guess = Guess(Size.of(0, 1), Certainty.DRAWN, image, rows=_rows(node.source))
    pending = Size.of(node.lookahead - 1)
    return _trusted(guess, node.trust), _push(kv, pending if node.threads is None else guess.rows.times(pending))


def _read(node: Read, declared: Declared) -> Guess:
    answers, path, prompts = _is(node.answers, Hidden), _is(node.path, Path), declared.get(node.by, Prompts)
    if answers.model != prompts.rides:
        raise Mismatch(f"`{node.by}` rides `{prompts.rides}`, not `{answers.model}`", node.answers.name)
    in_cases = len(answers.size.cases) == prompts.depth + 1
    levels = Size.each(*range(prompts.depth + 1)) if in_cases else Size.of(0, prompts.depth)
    guess = Guess(levels, vocab=declared.vocab_of(prompts.rides), top=prompts.top, rows=path.rows)
    return guess if in_cases else _trusted(guess, node.trust)


def _repeat(node: Repeat, declared: Declared) -> tuple[Type, ...]:
    step = node.regions[0] if len(node.regions) == 1 else None
    if step is None or len(step.emitted) != 1:
        raise Mismatch("a repeat holds one region, and that emits one path")
    said = _is(step.emitted[0], Path)
    longest = node.until - 1 + said.size.limit
    size = Size.of(0 if node.trust else node.until, longest)
    guess = Guess(size, _emitted_certainty(step, declared), said.vocab, rows=said.rows)
    caches = [value.type for value in node.initial if isinstance(value.type, Kv)]
    return guess, *(_push(kv, Size.of(longest)) for kv in caches)


def _emitted_certainty(step: Region, declared: Declared) -> Certainty:
    """What the reader of a region knows of what it emits: the law of a typical path is lost."""
    accept = next((inner for inner in step.nodes if isinstance(inner, Accept)), None)
    if accept is None:
        raise Mismatch("a decoder has to accept what it emits")
    if accept.rule is Rule.TYPICAL:
        return Certainty.UNKNOWN
    return Certainty.CERTAIN if _cold(accept.sampling, declared) else Certainty.DRAWN


def _translate(node: Translate, declared: Declared) -> Guess:
    guess = _is(node.guess, Guess)
    if guess.vocab != node.by:
        raise Mismatch(f"`{node.guess}` is {guess}: not drafted within `{node.by}`", node.guess.name)
    return Guess(guess.size, guess.certainty, declared.image(node.by), guess.top, guess.depth, guess.rows)


def _respell(node: Respell, declared: Declared) -> Type:
    kv = _is(node.cache, Kv)
    vocab = declared.vocab_of(kv.model)
    match node.words.type:
        case Path(rows=rows):
            return Tokens(Size.of(0, None), vocab, rows)
        case Guess(rows=rows, depth=depth) if node.keep is not None:
            bush = None if depth is None else Size.of(0, node.keep)
            return Guess(Size.of(0, node.keep), Certainty.UNKNOWN, vocab, depth=bush, rows=rows)
        case Guess():
            raise Mismatch("respelling a guess needs `keep`, the most tokens to keep", "keep")
        case other:
            raise Mismatch(f"`{node.words}` is {other}, and a guess or a path is wanted here", node.words.name)


def _line(node: Chain | Branch) -> Tree:
    vocab = node.fresh.type.vocab if isinstance(node.fresh.type, Path | Tokens) else None
    rows = _rows(node.fresh)
    if node.guess is None:
        return Tree(Size.of(0), Size.of(0), vocab=vocab, rows=rows)
    guess = _is(node.guess, Guess)
    if guess.vocab != vocab:
        raise Mismatch(f"`{node.guess}` is {guess}: not in the vocabulary of its root", node.guess.name)
    if guess.top is not None:
        raise Mismatch(f"`{node.guess}` is ranked; `spread` makes a tree of it", node.guess.name)
    if (guess.depth is None) is isinstance(node, Branch):
        raise Mismatch(f"`{node.guess}` is {guess}: a line makes a chain, a bush a branch", node.guess.name)
    return Tree(guess.size, guess.depth or guess.size, guess.certainty, vocab, rows)


def _spread(node: Spread, declared: Declared) -> Tree:
    guess, rows, shape = _is(node.guess, Guess), _rows(node.fresh), declared.maybe(node.by)
    if guess.top is None:
        raise Mismatch(f"`{node.guess}` is not ranked; `chain` makes a tree of it", node.guess.name)
    vocab = node.fresh.type.vocab if isinstance(node.fresh.type, Path | Tokens) else None
    if guess.vocab != vocab:
        raise Mismatch(f"`{node.guess}` is {guess}: not in the vocabulary of its root", node.guess.name)
    match shape:
        case Sparse(nodes=nodes):
            pass
        case Product(nodes=count):
            nodes = Size.of(count)
        case _:
            raise Mismatch(f"`{node.by}` is not a shape of ranked guesses: sparse or product", "by")
    if len(guess.size.cases) == len(nodes.cases):
        return Tree(
            nodes if guess.size.low or len(nodes.cases) > 1 else nodes.from_zero(), guess.size, vocab=vocab, rows=rows
        )
    full = Size((nodes.cases[-1],)) if guess.size.low == guess.size.high else Size.of(0, nodes.high)
    return Tree(full, guess.size, vocab=vocab, rows=rows)


def _merge(left: Tree, right: Tree) -> Tree:
    if (left.vocab, left.rows) != (right.vocab, right.rows):
        raise Mismatch("merged trees have the same vocabulary and rows")
    deepest = Size.of(max(left.depth.low, right.depth.low), max(left.depth.limit, right.depth.limit))
    nodes = Size.of(max(left.nodes.low, right.nodes.low), left.nodes.limit + right.nodes.limit)
    return Tree(nodes, deepest, left.certainty.with_(right.certainty), left.vocab, left.rows)


def _grow(node: Grow, declared: Declared) -> tuple[Type, ...]:
    tree, kv, shape = _is(node.tree, Tree), _is(node.cache, Kv), declared.get(node.by, Dynamic)
    layers = [1, *dynamic_layers(shape)]
    if tree.depth.limit > shape.depth:
        raise Mismatch(f"`{node.tree}` is {tree}: deeper than the shape `{node.by}`", node.tree.name)
    deepest = min(tree.depth.limit + 1, shape.depth)
    grown = Tree(Size.of(0, sum(layers[1 : deepest + 1])), Size.of(0, deepest), tree.certainty, tree.vocab, tree.rows)
    return grown, _widen(kv, layers[tree.depth.limit])


def _widen(kv: Kv, rows: int) -> Kv:
    """The same cache with that many more rows in its level."""
    *outer, level = kv.levels or (Size.of(0),)
    return Kv(kv.model, kv.capacity, (*outer, level + rows), kv.rows)


def _pack(node: Pack) -> Path:
    path = _is(node.fresh, Path)
    if path.rows.limit > (node.cases.high or 0):
        raise Mismatch(f"{path.rows} rows do not fit in {node.cases}", "cases")
    return Path(path.size.at_least(1), path.vocab, node.cases)


def _verify(node: Verify, declared: Declared) -> tuple[Type, ...]:
    tree, kv = _is(node.tree, Tree), _owner(node.cache, node.by)
    if tree.vocab != declared.vocab_of(node.by):
        raise Mismatch(f"`{node.tree}` is {tree}: not in the vocabulary of `{node.by}`", node.tree.name)
    scored = tree.nodes + 1
    asked = None if node.asks is None else _asked(tree, declared.get(node.asks, Sparse))
    passed = scored if asked is None else scored.tops + asked.tops
    level = passed if node.threads is None else tree.rows.times(passed)
    results: tuple[Type, ...] = (Logits(scored, tree.rows), _push(kv, level))
    return results if asked is None else (*results, Hidden(node.by, asked, tree.rows))


def _asked(tree: Tree, shape: Sparse) -> Size:
    """Prompt rows per state: in cases if the tree is, else up to the largest."""
    return shape.asks if len(tree.nodes.cases) == len(shape.asks.cases) else Size.of(shape.asks.low, shape.asks.high)


def _advance(node: Advance) -> tuple[Type, ...]:
    tree, kv = _is(node.tree, Tree), _owner(node.cache, node.by)
    flow = _is(node.flow, Flow)
    if flow.model != node.by:
        raise Mismatch(f"`{node.flow}` flows through `{flow.model}`, not `{node.by}`", node.flow.name)
    return Logits(Size.of(0, 1), tree.rows), flow, _widen(kv, flow.size.limit)


def _accept(node: Accept, declared: Declared) -> Path:
    tree, logits = _is(node.tree, Tree), _is(node.logits, Logits)
    declared.get(node.sampling, Sampling)
    if node.rule is Rule.REJECTION and tree.certainty is Certainty.UNKNOWN:
        raise Mismatch(
            f"`{node.tree}` holds guesses whose law is not known, so rejection has nothing to test against", "rule"
        )
    if (node.rule is Rule.TYPICAL) is (node.epsilon is None or node.delta is None):
        raise Mismatch("`epsilon` and `delta` belong to rule=typical, and to nothing else", "rule")
    vocab = tree.vocab if node.within is None else node.within
    if logits.size.low == 0:
        return Path(logits.size, vocab, tree.rows)
    return Path(Size(tuple(Range(1, 1 + layers) for layers in _highs(tree.depth))), vocab, tree.rows)


def _highs(size: Size) -> list[int]:
    return [case.low for case in size.tops.cases]


def _commit(node: Commit, declared: Declared) -> Kv:
    kv = _is(node.cache, Kv)
    _is(node.path, Path)
    if not kv.levels:
        raise Mismatch(f"nothing awaits a verdict in `{node.cache}`", node.cache.name)
    if node.keep is None:
        return Kv(kv.model, kv.capacity, kv.levels[:-1], kv.rows)
    layers = [1, *dynamic_layers(declared.get(node.keep, Dynamic))]
    return Kv(kv.model, kv.capacity, (*kv.levels[:-1], Size.of(sum(layers[:-2]))), kv.rows)


def _prune(node: Prune, declared: Declared) -> Type:
    shape = declared.get(node.by, Dynamic)
    match node.what.type:
        case Flow() as flow:
            return flow
        case Tree() as tree:
            # Once the pipeline is full each step brings a verdict, so a tree never holds more than depth-1 layers here.
            layers = dynamic_layers(shape)[:-1]
            return Tree(Size.of(0, sum(layers)), Size.of(0, len(layers)), tree.certainty, tree.vocab, tree.rows)
        case other:
            raise Mismatch(f"`{node.what}` is {other}, and a tree or a flow is wanted here", node.what.name)


def _threads(node: Fork | Join, declared: Declared) -> tuple[Type, ...]:
    path, threads = _is(node.path, Path), _is(node.threads, Threads)
    tags = declared.get(node.by, Tags)
    if tags.max_forks != threads.forks:
        raise Mismatch(
            f"`{node.by}` has {tags.max_forks} forks and `{node.threads}` {threads.forks}", node.threads.name
        )
    rows = Size.of(threads.rows * (1 + threads.forks))
    return Path(Size.of(0, max(1, path.size.limit)), path.vocab, rows), threads


def _choose(node: Choose) -> tuple[Type, ...]:
    if not node.regions or (node.cases is not None and len(node.cases.cases) != len(node.regions)):
        raise Mismatch("a choose holds one region per case", "cases")
    counts = {len(region.yielded) for region in node.regions}
    if len(counts) != 1:
        raise Mismatch("the regions of a choose yield equally many values")
    columns = zip(*(region.yielded for region in node.regions), strict=True)
    return tuple(reduce(join_types, (value.type for value in column)) for column in columns)
