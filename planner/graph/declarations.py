"""What a graph declares before its regions: vocabularies, models, tables, shapes and laws of sampling.

Declarations were decided when the graph was made; values change every step. A declaration is written

    KIND NAME [= HEAD] [field=value, ...]

where the head is a string or a call on names or numbers; `parsing.py` reads and `printing.py` prints both from the fields
below, and `rules.py` holds every field against its limit.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import NewType

from ...grammar import ENGINES, Span
from ..trees import MOST_RANKED
from .limits import LARGEST, limited
from .types import Size

Ref = NewType("Ref", str)
"""The name of a declaration, or a bare word: printed without quotes."""


DTYPES = ("float64", "float32", "float16", "bfloat16", "int8", "int4")
"""The types that weights may have."""
MOST_NODES = 1024
"""No tree has more nodes in all, children of a node, or layers."""


@dataclass(frozen=True, slots=True)
class Ranks:
    """The processes of a pipeline that hold a model, first and last: `1..4`."""

    first: int
    last: int

    def __str__(self) -> str:
        return str(self.first) if self.first == self.last else f"{self.first}..{self.last}"

    def __iter__(self) -> Iterator[int]:
        return iter(range(self.first, self.last + 1))


@dataclass(frozen=True, slots=True, kw_only=True)
class Declaration:
    """A name that nodes refer to with `by=`, `sampling=`, `within=` and the like."""

    name: str
    span: Span | None = field(default=None, compare=False, repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class Vocab(Declaration):
    """A vocabulary: `size` rows of logits, of which the first `entries` are tokens (the rest is padding)."""

    size: int = limited(1)
    entries: int | None = limited(1, default=None)


@dataclass(frozen=True, slots=True, kw_only=True)
class Model(Declaration):
    """A model with weights. The first model of a graph is the target, and its vocabulary is the graph's own.

    `positions` is its longest context, `mask` the token that PARD repeats, `ranks` where a pipeline holds it,
    `layers` how many of its layers each stage holds. With `tags` its tokenizer is given those words, if it lacks them, before
    the adapter is put on its weights.
    """

    source: str
    vocab: Ref
    dtype: Ref = limited(words=DTYPES)
    positions: int = limited(1)
    mask: int | None = None
    adapter: str | None = None
    tags: Ref | None = limited(words=("pasta",), default=None)
    device: str | None = None
    chat_template: str | None = None
    stages: int | None = limited(1, default=None)
    layers: tuple[int, ...] = limited(1, default=())
    ranks: Ranks | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Table(Declaration):
    """A map from the tokens of `source` to those of `target`.

    `method` tli: tokens of the same bytes, one to one; slrs: the first target token of a draft token's bytes, many to one.
    `nulls` says what becomes of a draft token without an image: `mask` forbids it, `reject` proposes nothing.
    """

    method: Ref = limited(words=("tli", "slrs"))
    source: Ref
    target: Ref
    nulls: Ref = limited(words=("mask", "reject"), default=Ref("mask"))


@dataclass(frozen=True, slots=True, kw_only=True)
class Prompts(Declaration):
    """Trained prompt tokens that ride a model: `depth` of them, each read as its `top` likeliest guesses."""

    source: str
    rides: Ref
    depth: int = limited(1, MOST_NODES)
    top: int = limited(1, MOST_RANKED)


@dataclass(frozen=True, slots=True, kw_only=True)
class Sparse(Declaration):
    """Trees of ranked guesses, one per state (how many levels of guesses there are), and the prompts behind each node.

    A state is written as its nodes in order of depth, `0:3 1:2 00:1`: the rank at each depth, then how many prompt
    tokens are chained behind that node. The root always has `depth` of its own (PPD section 3.2).
    `nodes` and `asks` count the nodes and the prompt rows of each state.
    """

    rides: Ref
    nodes: Size
    asks: Size
    states: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Static(Declaration):
    """A tree in which every node of layer i has `children[i]` children."""

    children: tuple[int, ...] = limited(1, MOST_NODES)


@dataclass(frozen=True, slots=True, kw_only=True)
class Product(Declaration):
    """The `nodes` likeliest paths through levels of ranked guesses, found anew each step from the guesses' scores."""

    nodes: int = limited(1, MOST_NODES)


@dataclass(frozen=True, slots=True, kw_only=True)
class Dynamic(Declaration):
    """A tree grown layer by layer: at most `children` of a node, the `width` likeliest of a layer, `depth` layers."""

    width: int = limited(1, MOST_NODES)
    children: int = limited(1, MOST_NODES)
    depth: int = limited(1, MOST_NODES)


@dataclass(frozen=True, slots=True, kw_only=True)
class Recent(Declaration):
    """A lookup: what followed when the last `max_ngram` (or fewer) tokens last occurred in the text so far."""

    max_ngram: int = limited(1)


@dataclass(frozen=True, slots=True, kw_only=True)
class Tags(Declaration):
    """PASTA's tags: a promise forks a thread, at most `max_forks` at once, and a sync joins them.

    A fork says no tag but its end. With `grammar=strict` the main thread, too, says only what is in PASTA-LANG: what may not
    come next has no part in any law. With `free` it may say anything, and what is malformed is recovered from.
    """

    max_forks: int = limited(1)
    grammar: Ref = limited(words=("strict", "free"), default=Ref("strict"))


@dataclass(frozen=True, slots=True, kw_only=True)
class Sampling(Declaration):
    """A law over the next token from its scores; temperature 0 is the likeliest token."""

    temperature: float = limited(0, 100, default=0.0)
    top_k: int | None = limited(1, default=None)
    top_p: float | None = limited(above=0, high=1, default=None)
    min_p: float | None = limited(0, 1, default=None)
    seed: int = limited(0, LARGEST, default=0)


@dataclass(frozen=True, slots=True, kw_only=True)
class Engine(Declaration):
    """What emits and runs the graph unless the command line says otherwise: `engine eager device="cpu"`."""

    name: str = limited(words=ENGINES)
    device: str = "cpu"


Shape = Sparse | Static | Product | Dynamic

KEYWORDS: dict[str, type[Declaration]] = {
    "engine": Engine,
    "vocab": Vocab,
    "model": Model,
    "table": Table,
    "prompts": Prompts,
    "shape": Sparse,  # told apart by the head: sparse(...), static(...), product(), dynamic()
    "lookup": Recent,
    "tags": Tags,
    "sampling": Sampling,
}
