"""How a plan decodes, as a tree of what may be written: decoders, drafts, trees, accept rules and vocabularies.

Each class is one word of the expression language; `signatures.py` says how it is written and builds these.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field, fields

from ..grammar import Span


@dataclass(frozen=True, slots=True, kw_only=True)
class Strategy:
    """A part of a strategy and where it was written."""

    span: Span = field(compare=False, repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelName(Strategy):
    """A model of the plan, by name."""

    name: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Same(Strategy):
    """Both models have one vocabulary."""


@dataclass(frozen=True, slots=True, kw_only=True)
class AutoVocab(Strategy):
    """Decide from the vocabularies, the sampling and what is known of the pair."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Slem(Strategy):
    """String-level exact match: re-encode the draft's text, accept what equals the target's own choices."""

    max_candidates: int | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Tli(Strategy):
    """Token-level intersection: draft within the tokens that both vocabularies have."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Slrs(Strategy):
    """String-level rejection sampling against the law that the draft induces on target tokens."""

    form: str
    empty: str


Vocabulary = Same | AutoVocab | Slem | Tli | Slrs


@dataclass(frozen=True, slots=True, kw_only=True)
class ChainTree(Strategy):
    """Guesses in a line."""


@dataclass(frozen=True, slots=True, kw_only=True)
class StaticTree(Strategy):
    """Every node of layer i has `children[i]` children."""

    children: tuple[int, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class SparseTree(Strategy):
    """PPD's trees: built for a budget of tree inputs, or written out as rank paths."""

    max_nodes: int | None
    paths: tuple[tuple[int, ...], ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class ProductTree(Strategy):
    """The likeliest paths through ranked guesses of every depth."""

    max_nodes: int


@dataclass(frozen=True, slots=True, kw_only=True)
class DynamicTree(Strategy):
    """Grown layer by layer, the likeliest `width` nodes of each, `children` of a node at most."""

    width: int
    children: int
    depth: int


TreeShape = ChainTree | StaticTree | SparseTree | ProductTree | DynamicTree


@dataclass(frozen=True, slots=True, kw_only=True)
class AutoAccept(Strategy):
    """Rejection where guesses are drawn from a law that is kept, else exact match."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ExactMatch(Strategy):
    """Accept what equals the target's own draw."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Rejection(Strategy):
    """Accept by the ratio of laws, else draw from the residual."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Typical(Strategy):
    """Accept what the target finds likely enough: not exact."""

    epsilon: float
    delta: float


AcceptRule = AutoAccept | ExactMatch | Rejection | Typical


@dataclass(frozen=True, slots=True, kw_only=True)
class NoDraft(Strategy):
    """No speculation."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Ngram(Strategy):
    """Continue as the text did when its end last occurred."""

    max_ngram: int
    num_speculative_tokens: int


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelDraft(Strategy):
    """A model, or a decoder of its own, guesses token by token."""

    drafter: Decoder
    num_speculative_tokens: int
    tree: TreeShape
    vocab: Vocabulary
    temperature: float | None
    min_confidence: float | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Pard(Strategy):
    """A model trained for it guesses all tokens in one pass over mask tokens."""

    model: ModelName
    num_speculative_tokens: int
    tree: TreeShape
    vocab: Vocabulary


@dataclass(frozen=True, slots=True, kw_only=True)
class Ppd(Strategy):
    """Trained prompt tokens let the model itself guess ahead."""

    prompts: ModelName
    tree: TreeShape


@dataclass(frozen=True, slots=True, kw_only=True)
class MergeDrafts(Strategy):
    """Several drafts in one tree."""

    drafts: tuple[Draft, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class ChooseDraft(Strategy):
    """One of several drafts: by the cost model when compiling, or per number of active rows."""

    drafts: tuple[Draft, ...]
    per: str | None


Draft = NoDraft | Ngram | ModelDraft | Pard | Ppd | MergeDrafts | ChooseDraft


@dataclass(frozen=True, slots=True, kw_only=True)
class Autoregressive(Strategy):
    """One token a step."""

    model: ModelName


@dataclass(frozen=True, slots=True, kw_only=True)
class Speculate(Strategy):
    """Draft, then verify with the model."""

    model: ModelName
    draft: Draft
    accept: AcceptRule


@dataclass(frozen=True, slots=True, kw_only=True)
class Pipeline(Strategy):
    """The model's layers in stages, one after the other."""

    decoder: Decoder
    stages: tuple[int, ...] | int


@dataclass(frozen=True, slots=True, kw_only=True)
class Pasta(Strategy):
    """Promises open at most so many threads; `grammar` says whether a model is held to well-formed tags."""

    max_forks: int
    grammar: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ForkJoin(Strategy):
    """Decode what the model promises to be independent in threads of one sequence."""

    forks: Pasta
    decoder: Decoder


Decoder = Autoregressive | Speculate | Pipeline | ForkJoin


def named_models(part: object) -> Iterator[ModelName]:
    """Every model that a part of a strategy names, in the order of its text."""
    match part:
        case ModelName():
            yield part
        case tuple():
            for each in part:
                yield from named_models(each)
        case Strategy():
            for each in fields(part):
                yield from named_models(getattr(part, each.name))
        case _:
            return


def speculates(part: Decoder | Draft) -> bool:
    """Whether anything is ever guessed."""
    match part:
        case Autoregressive() | NoDraft():
            return False
        case Speculate(draft=draft):
            return speculates(draft)
        case Pipeline(decoder=inner) | ForkJoin(decoder=inner):
            return speculates(inner)
        case MergeDrafts(drafts=drafts) | ChooseDraft(drafts=drafts):
            return any(map(speculates, drafts))
        case _:
            return True


def decoded_model(decoder: Decoder) -> ModelName:
    """The model whose tokens a decoder emits."""
    match decoder:
        case Autoregressive(model=model) | Speculate(model=model):
            return model
        case Pipeline(decoder=inner) | ForkJoin(decoder=inner):
            return decoded_model(inner)
