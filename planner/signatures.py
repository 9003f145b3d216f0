"""The words of the strategy language: what each is written like, takes and means. The README's tables are made of this."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from enum import Enum
from typing import Any

from .strategy import (
    AutoAccept,
    Autoregressive,
    AutoVocab,
    ChainTree,
    ChooseDraft,
    DynamicTree,
    ExactMatch,
    ForkJoin,
    MergeDrafts,
    ModelDraft,
    Ngram,
    NoDraft,
    Pard,
    Pasta,
    Pipeline,
    Ppd,
    ProductTree,
    Rejection,
    Same,
    Slem,
    Slrs,
    SparseTree,
    Speculate,
    StaticTree,
    Tli,
    Typical,
)
from .trees import MOST_RANKED


class Sort(Enum):
    """What kind of thing an argument is."""

    DECODER = "a decoder"
    DRAFT = "a draft"
    TREE = "a tree"
    ACCEPT = "an accept rule"
    VOCAB = "a vocabulary rule"
    TAGS = "tags"
    MODEL = "a model of the plan"
    INTEGER = "a whole number"
    NUMBER = "a number"
    INTEGERS = "a list of whole numbers"
    WORD = "a word"


NEEDED: Any = object()
"""The default of a parameter that has none."""


@dataclass(frozen=True, slots=True)
class Parameter:
    """An argument that a word takes: by place in this order, or by name.

    `default` is what is taken instead: a plain value, or the text of a strategy. `low` and `high` bound numbers, both
    included, and the lengths of lists, whose items `items` bounds; `words` are the words that a WORD may be. Of a parameter
    that takes `many` arguments, `high` bounds their number.
    """

    name: str
    sorts: tuple[Sort, ...]
    doc: str
    default: Any = NEEDED
    low: float | None = None
    high: float | None = None
    words: tuple[str, ...] = ()
    many: bool = False
    items: tuple[int, int] | None = None


@dataclass(frozen=True, slots=True)
class Signature:
    """A word, the sort of thing it makes, what it takes, and what it means."""

    word: str
    sort: Sort
    parameters: tuple[Parameter, ...]
    doc: str
    build: Callable[..., Any]

    def __str__(self) -> str:
        if not self.parameters:
            return self.word
        return f"{self.word}({', '.join(map(_shown, self.parameters))})"


def _shown(parameter: Parameter) -> str:
    if parameter.many:
        return f"{parameter.name}, ..."
    if parameter.default is NEEDED:
        return parameter.name
    return f"{parameter.name}={'none' if parameter.default is None else parameter.default}"


_K = Parameter(
    "num_speculative_tokens", (Sort.INTEGER,), "how many tokens are guessed ahead of the target", low=1, high=64
)
_WITH_DEFAULT_K = Parameter(_K.name, _K.sorts, _K.doc, 5, 1, 64)


def _tree(doc: str, default: str = "chain") -> Parameter:
    # The ranks of a tree that is written out; how many there are is on the card of the prompts.
    return Parameter("tree", (Sort.TREE,), doc, default, items=(0, MOST_RANKED - 1))


def _drafts(doc: str) -> Parameter:
    return Parameter("drafts", (Sort.DRAFT,), doc, high=16, many=True)


SIGNATURES: tuple[Signature, ...] = (
    Signature(
        "autoregressive",
        Sort.DECODER,
        (Parameter("model", (Sort.MODEL,), "the model that decodes"),),
        "One token a step, drawn from the model's law.",
        Autoregressive,
    ),
    Signature(
        "speculate",
        Sort.DECODER,
        (
            Parameter("model", (Sort.MODEL,), "the target, whose law the output follows"),
            Parameter("draft", (Sort.DRAFT,), "where guesses come from"),
            Parameter("accept", (Sort.ACCEPT,), "how guesses are accepted", "auto"),
        ),
        "Guess ahead, score all guesses in one pass of the model, keep what it would have said.",
        Speculate,
    ),
    Signature(
        "pipeline",
        Sort.DECODER,
        (
            Parameter("decoder", (Sort.DECODER,), "what decodes"),
            Parameter(
                "stages",
                (Sort.INTEGER, Sort.INTEGERS),
                "how many stages, or the layers of each",
                low=2,
                high=128,
                items=(1, 1024),
            ),
        ),
        "The target's layers in stages; with a dynamic tree, a layer of guesses enters every timestep (PipeDec).",
        Pipeline,
    ),
    Signature(
        "fork_join",
        Sort.DECODER,
        (
            Parameter("forks", (Sort.TAGS,), "which tags fork"),
            Parameter("decoder", (Sort.DECODER,), "what decodes in every thread"),
        ),
        "Decode what the model promises to be independent in threads of one sequence (PASTA).",
        ForkJoin,
    ),
    Signature(
        "pasta",
        Sort.TAGS,
        (
            Parameter("max_forks", (Sort.INTEGER,), "threads at once beside the main one", 8, 1, 64),
            Parameter(
                "grammar",
                (Sort.WORD,),
                "whether the model can say malformed tags, to be recovered from",
                "strict",
                words=("strict", "free"),
            ),
        ),
        "PASTA-LANG's promise, async and sync tags.",
        Pasta,
    ),
    Signature("none", Sort.DRAFT, (), "No guesses: one token a step.", NoDraft),
    Signature(
        "ngram",
        Sort.DRAFT,
        (
            Parameter("max_ngram", (Sort.INTEGER,), "the longest end of the text to look for", 3, 1, 32),
            _WITH_DEFAULT_K,
        ),
        "Continue as the text did when its end last occurred.",
        Ngram,
    ),
    Signature(
        "draft_model",
        Sort.DRAFT,
        (
            Parameter("drafter", (Sort.MODEL, Sort.DECODER), "a model, or a decoder of its own"),
            _K,
            _tree("chain, static([...]) or dynamic(...)"),
            Parameter("vocab", (Sort.VOCAB,), "how to draft for a target of another vocabulary", "auto"),
            Parameter("temperature", (Sort.NUMBER,), "the drafter's own temperature", None, 0.0, 10.0),
            Parameter("min_confidence", (Sort.NUMBER,), "stop before a guess less likely than this", None, 0.0, 1.0),
        ),
        "A smaller model guesses token by token.",
        ModelDraft,
    ),
    Signature(
        "pard",
        Sort.DRAFT,
        (
            Parameter("model", (Sort.MODEL,), "a model trained for parallel drafting, with a mask token"),
            _K,
            _tree("chain or product(...)"),
            Parameter("vocab", (Sort.VOCAB,), "how to draft for a target of another vocabulary", "same"),
        ),
        "All guesses in one pass over mask tokens (PARD).",
        Pard,
    ),
    Signature(
        "ppd",
        Sort.DRAFT,
        (
            Parameter("prompts", (Sort.MODEL,), "trained prompt tokens that ride the model"),
            _tree("sparse(max_nodes), or rank paths written out", "sparse(max_nodes=60)"),
        ),
        "Prompt tokens behind the verified ones let the model itself guess ahead (PPD).",
        Ppd,
    ),
    Signature(
        "merge",
        Sort.DRAFT,
        (_drafts("drafts whose guesses share one tree"),),
        "Several drafts in one tree.",
        MergeDrafts,
    ),
    Signature(
        "choose",
        Sort.DRAFT,
        (
            _drafts("drafts to choose from; `none` is always worth offering"),
            Parameter("per", (Sort.WORD,), "decide per number of active rows", None, words=("rows",)),
        ),
        "Let the cost model decide: when compiling, or per number of active rows.",
        ChooseDraft,
    ),
    Signature("chain", Sort.TREE, (), "Guesses in a line.", ChainTree),
    Signature(
        "static",
        Sort.TREE,
        (
            Parameter(
                "children", (Sort.INTEGERS,), "children of every node, layer by layer", low=1, high=64, items=(1, 64)
            ),
        ),
        "A fixed tree.",
        StaticTree,
    ),
    Signature(
        "sparse",
        Sort.TREE,
        (Parameter("max_nodes", (Sort.INTEGER,), "nodes and prompts together, at most", low=1, high=1024),),
        "Trees built from how often each ranked guess is right, one per state (PPD).",
        SparseTree,
    ),
    Signature(
        "product",
        Sort.TREE,
        (Parameter("max_nodes", (Sort.INTEGER,), "nodes at most", low=1, high=1024),),
        "The likeliest combinations of ranked guesses.",
        ProductTree,
    ),
    Signature(
        "dynamic",
        Sort.TREE,
        (
            Parameter("width", (Sort.INTEGER,), "nodes of a layer at most", 8, 1, 256),
            Parameter("children", (Sort.INTEGER,), "children of a node at most", 4, 1, 256),
            Parameter("depth", (Sort.INTEGER,), "layers at most", 4, 1, 64),
        ),
        "Grown layer by layer, the likeliest nodes of each.",
        DynamicTree,
    ),
    Signature("auto", Sort.ACCEPT, (), "rejection where guesses are drawn, else exact_match.", AutoAccept),
    Signature("exact_match", Sort.ACCEPT, (), "Accept what equals the target's own draw.", ExactMatch),
    Signature(
        "rejection", Sort.ACCEPT, (), "Accept by the ratio of the two laws, else draw from the residual.", Rejection
    ),
    Signature(
        "typical",
        Sort.ACCEPT,
        (
            Parameter("epsilon", (Sort.NUMBER,), "likely enough in any case", 0.09, 0.0, 1.0),
            Parameter("delta", (Sort.NUMBER,), "likely enough for how uncertain the target is", 0.3, 0.0, 1.0),
        ),
        "Accept what the target finds typical; approximate.",
        Typical,
    ),
    Signature("same", Sort.VOCAB, (), "Both models have one vocabulary.", Same),
    Signature("auto", Sort.VOCAB, (), "From the vocabularies, the sampling and what is known of the pair.", AutoVocab),
    Signature(
        "slem",
        Sort.VOCAB,
        (Parameter("max_candidates", (Sort.INTEGER,), "target tokens to keep of a draft's text", None, 1, 256),),
        "Re-encode the draft's text and match it exactly (string-level exact match).",
        Slem,
    ),
    Signature("tli", Sort.VOCAB, (), "Draft within the tokens that both have (token-level intersection).", Tli),
    Signature(
        "slrs",
        Sort.VOCAB,
        (
            Parameter(
                "form",
                (Sort.WORD,),
                "a chain of first tokens, or the paper's single token",
                "chain",
                words=("chain", "one_token"),
            ),
            Parameter("empty", (Sort.WORD,), "a draft token without an image", "reject", words=("reject", "mask")),
        ),
        "Reject against the law that the draft induces on target tokens (string-level rejection sampling).",
        Slrs,
    ),
)


def signature(word: str, sort: Sort) -> Signature | None:
    """The signature of a word where that sort of thing is wanted."""
    return next((each for each in SIGNATURES if each.word == word and each.sort is sort), None)


def words_of(sort: Sort) -> tuple[str, ...]:
    """The words that make that sort of thing."""
    return tuple(each.word for each in SIGNATURES if each.sort is sort)
