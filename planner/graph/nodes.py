"""The nodes of a graph: what each means when it runs, in one or a few sentences.

A node is a line of a region: `results = node(operands) field=value, ... : types`. Operands change every step, fields
were decided once. Every value holds one entry per *row* (a request, or a thread of one); a row whose path is empty rests,
and nodes leave it alone.

Words used below. The *root* of a tree is the last token that was emitted, whose row is in no cache yet. A cache of a model
has *committed* rows, in order, and on top of them *levels* of rows that await a verdict; it is taken exactly once by each
step (`Cache` operands), other nodes only look at it (`Look`). *Owed* tokens are those committed tokens, up to and with the
root, that a cache does not hold yet; a node that reads a path or tokens reads what is owed first.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field, fields
from enum import Enum
from typing import Annotated, ClassVar

from ...grammar import Span
from .declarations import Ranks, Ref
from .limits import limited
from .types import Size, Value

Look = Value
"""A cache that is read and not taken."""
Cache = Annotated[Value, "taken"]
"""A cache that is taken: it may not be used again."""


class Rule(Enum):
    """How a path through the tree is chosen (methods: section 3 of each paper's verification)."""

    EXACT_MATCH = "exact_match"
    REJECTION = "rejection"
    TYPICAL = "typical"

    def __str__(self) -> str:
        return self.value


@dataclass(frozen=True, slots=True, kw_only=True)
class Node:
    """One line of a region. `span` says which part of a plan, or of a graph's text, it came from."""

    keyword: ClassVar[str]
    results: tuple[Value, ...]
    span: Span | None = field(default=None, compare=False, repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class Region:
    """Nodes that run in order and see only the region's parameters.

    `emitted` values are shown to the reader: a person, or the graph around a `repeat`. `yielded` values are the parameters
    of the next step, in order; the step repeats until every row is in `until`.
    """

    name: str
    parameters: tuple[Value, ...]
    nodes: tuple[Node, ...]
    yielded: tuple[Value, ...]
    emitted: tuple[Value, ...] = ()
    until: Value | None = None
    span: Span | None = field(default=None, compare=False, repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class Encode(Node):
    """The conversation in a model's own template and tokens; what looks like a tag in a person's text stays text.

    The longest prompt is a decision that the result's type carries: `tokens[1..1792]`.
    """

    keyword = "encode"
    prompt: Value
    by: Ref
    template: Ref = limited(words=("chat", "none"), default=Ref("chat"))
    system: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Prefill(Node):
    """Read all of the tokens but the last, which is left to be a root: `path[1], kv`.

    Without a cache a new one is made; its capacity is a decision that the result's type carries. With a cache, what is
    owed is read, but for the last token.
    """

    keyword = "prefill"
    tokens: Value
    by: Ref
    cache: Cache | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Draft(Node):
    """Read what is owed, then guess `tokens` tokens with a model: `guess, kv`.

    - Plainly, one after the other: the rows of all guesses but the last await a verdict in a new level.
    - `masks`: all in one pass, over as many mask tokens as there are guesses but one, whose rows the pass itself drops
      (PARD section 2.2); nothing awaits a verdict and no level is pushed. Guess j+1 is read at mask j.
    - `shape` (static or dynamic): a bush of guesses, as many passes as it has layers; `tokens` is its depth.
    - `top` (with masks): `top` ranked guesses with their scores on each level instead of one.
    - `sampling`: guesses are drawn from that law, which is kept; siblings are drawn without replacement. Without it
      they are the likeliest tokens.
    - `within`: only tokens with an image in that table (a mask before the law of sampling); for a many-to-one table the
      model reads, after each guess, the bytes of the guess's image (heterogeneous vocabularies 3.4). With `nulls=reject`
      a draw without an image ends the guess as a proposal of nothing.
    - `min_confidence`: stop before a guess whose likeliest token is less likely than this.
    - Rows without trust are read and nothing is guessed; `tokens=0` likewise for all rows.
    Guesses behind an end token are idle, for `stop` cuts there; a dynamic tree does not continue one. The mask is never
    guessed. A line whose images are read in more tokens than its level has rows ends early.
    """

    keyword = "draft"
    source: Value
    cache: Cache
    threads: Look | None = None
    trust: Look | None = None
    by: Ref
    tokens: int = limited(0)
    masks: int | None = limited(0, default=None)
    top: int | None = limited(1, default=None)
    shape: Ref | None = None
    within: Ref | None = None
    sampling: Ref | None = None
    min_confidence: float | None = limited(0, 1, default=None)


@dataclass(frozen=True, slots=True, kw_only=True)
class Spell(Node):
    """Draw `lookahead` draft tokens and propose the one target token that their text begins with: `guess[0..1], kv`.

    Its law is exact: the sum over all draws of as many draft tokens (heterogeneous vocabularies 3.4, the paper's
    one-token form). The rows of the draft tokens but the last await a verdict. A text that begins with no target token is
    a proposal of nothing, or is left out of the law, as the table's `nulls` says.
    """

    keyword = "spell"
    source: Value
    cache: Cache
    threads: Look | None = None
    trust: Look | None = None
    by: Ref
    lookahead: int = limited(1)
    through: Ref
    sampling: Ref


@dataclass(frozen=True, slots=True, kw_only=True)
class Lookup(Node):
    """Continue as the text did when its end last occurred: the longest of `max_ngram` tokens or fewer, latest match.

    The text is what the cache holds, then the path. In a thread, what the thread sees.
    """

    keyword = "lookup"
    source: Value
    cache: Look
    threads: Look | None = None
    trust: Look | None = None
    by: Ref
    tokens: int = limited(1)


@dataclass(frozen=True, slots=True, kw_only=True)
class Probe(Node):
    """Run the ridden model on the root and its prompt tokens, and read their answers: `guess[depth, top=r]`.

    A pass of its own whose rows are dropped; `fuse_prompts` folds it into the verification.
    """

    keyword = "probe"
    source: Value
    cache: Look
    threads: Look | None = None
    trust: Look | None = None
    by: Ref


@dataclass(frozen=True, slots=True, kw_only=True)
class Read(Node):
    """Read the answers of the prompt tokens behind the node where the path stopped: as many levels as it had prompts."""

    keyword = "read"
    answers: Value
    path: Value
    trust: Look | None = None
    by: Ref


@dataclass(frozen=True, slots=True, kw_only=True)
class Repeat(Node):
    """Run a decoder until it has emitted `until` tokens per row: what it emits are our guesses.

    Its operands are the parameters of its one region, `step`. What it commits stays pending for us: each cache comes back
    with one more level. Guesses carry the laws they were accepted under (its model's own, on the accepted path).
    """

    keyword = "repeat"
    initial: tuple[Cache, ...]
    trust: Look | None = None
    until: int = limited(1)
    regions: tuple[Region, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Translate(Node):
    """Rename guesses through a table; their laws go along (the laws of tokens with one image are added)."""

    keyword = "translate"
    guess: Value
    by: Ref


@dataclass(frozen=True, slots=True, kw_only=True)
class Respell(Node):
    """The same bytes in the tokens of the cache's model, whole characters only.

    A guess: at most `keep` tokens, encoded as a continuation of what the cache holds and its root; branches that come to
    start alike share nodes; laws are lost. A path, with the other model's cache: the tokens that cache now owes, root and
    all, re-encoded from the first that its committed rows do not spell.
    """

    keyword = "respell"
    words: Value
    cache: Look
    keep: int | None = limited(1, default=None)


@dataclass(frozen=True, slots=True, kw_only=True)
class Chain(Node):
    """The root and guesses in a line behind it."""

    keyword = "chain"
    fresh: Value
    guess: Value | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Spread(Node):
    """Ranked guesses in the tree of a sparse shape's state, or the likeliest paths of a product shape (PPD 3.2)."""

    keyword = "spread"
    fresh: Value
    guess: Value
    by: Ref


@dataclass(frozen=True, slots=True, kw_only=True)
class Branch(Node):
    """The root and a bush of guesses below it."""

    keyword = "branch"
    fresh: Value
    guess: Value


@dataclass(frozen=True, slots=True, kw_only=True)
class Merge(Node):
    """One tree of several with the same root: equal tokens share a node, proposals keep their order and their laws."""

    keyword = "merge"
    trees: tuple[Value, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Grow(Node):
    """One more layer below the deepest of a tree, drafted by the cache's model in one pass over that layer: `tree, kv`.

    The layer's best by cumulative log-probability (PipeDec 3.2). A tree of full depth, or one whose deepest layer ended,
    is left as it is. The rows of the layer that was read join the cache's level.
    """

    keyword = "grow"
    tree: Value
    cache: Cache
    trust: Look | None = None
    by: Ref


@dataclass(frozen=True, slots=True, kw_only=True)
class Pack(Node):
    """The rows that do not rest, side by side, in the smallest of `cases` that holds them."""

    keyword = "pack"
    fresh: Value
    cases: Size = limited(1)


@dataclass(frozen=True, slots=True, kw_only=True)
class Verify(Node):
    """Score the root and every node in one pass, each seeing its ancestors only: `logits, kv[, hidden]`.

    The rows await a verdict in a new level. In threads, tokens that the tags do not let come next are impossible. With
    `asks`, a sparse shape, the prompt rows of the tree's state ride along and are kept as hidden states.
    """

    keyword = "verify"
    tree: Value
    cache: Cache
    threads: Look | None = None
    by: Ref
    asks: Ref | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Advance(Node):
    """One timestep of a pipeline: every stage reads the layer in front of it and hands it on: `logits[0..1], flow, kv`.

    The tree's deepest layer enters, unless it has entered before. Scores of the root leave with its layer.
    """

    keyword = "advance"
    tree: Value
    flow: Value
    cache: Cache
    by: Ref


@dataclass(frozen=True, slots=True, kw_only=True)
class Accept(Node):
    """Walk the tree as the target would, and end with its own token: `path[1..depth+1]`; empty where there are no scores.

    `exact_match`: draw from the target's law at each node and follow the child that carries the draw. `rejection`: test
    each proposal against the law it was drawn from, in order, with the residual after each (siblings too). `typical`:
    children that are likely enough, the longest such path (Medusa; approximate). `within` masks the laws to a table.
    """

    keyword = "accept"
    tree: Value
    logits: Value
    rule: Rule
    sampling: Ref
    within: Ref | None = None
    epsilon: float | None = limited(0, 1, default=None)
    delta: float | None = limited(0, 1, default=None)


@dataclass(frozen=True, slots=True, kw_only=True)
class Cut(Node):
    """End a path behind its first tag: the end of a promise or of a fork, a sync, the end token.

    Guesses behind a tag were made at positions, and with a view, that the tag changes. A prefix of an accepted path is one
    too, and the tag itself is kept, so cutting is exact; to drop the tag and draw it again would not be.
    """

    keyword = "cut"
    path: Value
    after: Ref


@dataclass(frozen=True, slots=True, kw_only=True)
class Stop(Node):
    """End a path at an end token, a stop string or token, or the limit, and say which rows have ended: `path, done`.

    With threads a row has ended when all of its threads have; a fork's end tag ends the fork. The limit is then of all
    threads together, shared out so that no thread's text depends on when others run: a promise gives its fork twice the
    promised length, but at most half of what is left, and takes as much from the main thread until the fork is joined.
    A fork that reaches its share ends with its end tag, whatever it drew there.
    """

    keyword = "stop"
    path: Value
    threads: Look | None = None
    max_new_tokens: int = limited(1)
    strings: tuple[str, ...] = ()
    token_ids: tuple[int, ...] = ()
    ignore_eos: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Commit(Node):
    """Keep the rows of the path, its last token unread, and drop the level.

    For a model of another vocabulary: the rows whose bytes the path has. `keep`: drop only the rows that can no longer come
    true, and leave the others pending.
    """

    keyword = "commit"
    cache: Cache
    path: Value
    keep: Ref | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Prune(Node):
    """Root a tree where the path landed and keep what hangs below; of a flow, keep the rows that the tree still has."""

    keyword = "prune"
    what: Value
    path: Value
    by: Ref


@dataclass(frozen=True, slots=True, kw_only=True)
class Fork(Node):
    """Open a thread for each promise that the path finished: `path, threads`; all rows again, the resting ones empty.

    A fork's first token is its opening tag. The main thread jumps over the promised length (PASTA 3.4), as far as the model
    has positions for all that it may still say. Promises beyond the limit wait, with the view they had; one that has no
    share of the limit left opens none.
    """

    keyword = "fork"
    path: Value
    threads: Value
    by: Ref


@dataclass(frozen=True, slots=True, kw_only=True)
class Join(Node):
    """At a sync the main thread rests until all forks have ended, then goes on with its path and sees them: `path, threads`.

    From the sync on it sees all of a fork but its end tag, which no pass reads.
    """

    keyword = "join"
    path: Value
    threads: Value
    by: Ref


@dataclass(frozen=True, slots=True, kw_only=True)
class Send(Node):
    """The same values on more ranks."""

    keyword = "send"
    values: tuple[Value, ...]
    source: int
    to: Ranks


@dataclass(frozen=True, slots=True, kw_only=True)
class Watch(Node):
    """Count what each row gained lately; withdraw or return trust: `trust`.

    A row whose tokens per step over the last `window` steps stay below `min_speedup` is not speculated for during as many
    steps, then tried again. Looks at nothing but how many tokens were accepted earlier, so laws are untouched.
    """

    keyword = "watch"
    trust: Value
    path: Value
    window: int = limited(1)
    min_speedup: float = limited(above=0)


@dataclass(frozen=True, slots=True, kw_only=True)
class Choose(Node):
    """Run one of several regions on the operands, all of which keep the law; a pass decides which.

    Undecided, the first is run. With `per=rows` a pass turns the regions into cases: `cases` are row counts, as many as
    regions, and the first region whose count holds the active rows of the first operand is run.
    """

    keyword = "choose"
    operands: tuple[Cache, ...]
    per: Ref | None = limited(words=("rows",), default=None)
    cases: Size | None = limited(1, default=None)
    regions: tuple[Region, ...] = ()


NODES: dict[str, type[Node]] = {
    kind.keyword: kind
    for kind in (
        Encode,
        Prefill,
        Draft,
        Spell,
        Lookup,
        Probe,
        Read,
        Repeat,
        Translate,
        Respell,
        Chain,
        Spread,
        Branch,
        Merge,
        Grow,
        Pack,
        Verify,
        Advance,
        Accept,
        Cut,
        Stop,
        Commit,
        Prune,
        Fork,
        Join,
        Send,
        Watch,
        Choose,
    )
}
"""Every kind of node by its keyword."""

AnyNode = (
    Encode
    | Prefill
    | Draft
    | Spell
    | Lookup
    | Probe
    | Read
    | Repeat
    | Translate
    | Respell
    | Chain
    | Spread
    | Branch
    | Merge
    | Grow
    | Pack
    | Verify
    | Advance
    | Accept
    | Cut
    | Stop
    | Commit
    | Prune
    | Fork
    | Join
    | Send
    | Watch
    | Choose
)
"""What `match` takes apart, so that a new kind lights up every place that must learn about it."""


def operands(node: Node) -> Iterator[Value]:
    """The values that a node takes or looks at, in the order in which they are written."""
    for part in fields(node):
        if part.name in ("results", "span"):
            continue
        value = getattr(node, part.name)
        if isinstance(value, Value):
            yield value
        elif isinstance(value, tuple):
            yield from (item for item in value if isinstance(item, Value))


def takes(node: Node) -> Iterator[Value]:
    """The caches that a node takes, in the order in which they are written."""
    for part in fields(node):
        if part.name in _TAKING.get(node.keyword, ()):
            value = getattr(node, part.name)
            yield from (value,) if isinstance(value, Value) else (value or ())


_TAKING: dict[str, tuple[str, ...]] = {
    keyword: tuple(part.name for part in fields(kind) if "Cache" in str(part.type)) for keyword, kind in NODES.items()
}
