"""Which trees a draft can make, and of what size."""

from __future__ import annotations

from ..checked import CheckedModel, CheckedPrompts
from ..plan_errors import NotYet, OtherDepth, TooManyPasses, WrittenTree, WrongTree
from ..strategy import (
    ChainTree,
    DynamicTree,
    ModelDraft,
    ProductTree,
    Slrs,
    SparseTree,
    Speculate,
    StaticTree,
    TreeShape,
)
from ..trees import static_size
from .around import Decisions

SMALL_VOCABULARY = 64
"""Up to so many tokens, the one-token form of SLRS may look ahead."""
MOST_NODES = 1024
"""As many nodes as a tree may have; `sparse` and `product` say so in their signatures."""


def check_tree(draft: ModelDraft, decisions: Decisions) -> None:
    """The tree is one that a model, or a decoder of its own, can draft."""
    decoder = isinstance(draft.drafter, Speculate)
    allowed = (ChainTree,) if decoder else (ChainTree, StaticTree, DynamicTree)
    if not isinstance(draft.tree, allowed):
        word = "a decoder that drafts" if decoder else "draft_model"
        known = "chain" if decoder else "chain, static([...]) or dynamic(...)"
        raise decisions.refuse(WrongTree(draft.tree.span, word, shape_word(draft.tree), known))
    _sized(draft.tree, decisions)
    layers = _layers(draft.tree)
    if layers is not None and layers != draft.num_speculative_tokens:
        raise decisions.refuse(OtherDepth(draft.tree.span, draft.num_speculative_tokens, layers))
    if draft.min_confidence is not None and not isinstance(draft.tree, ChainTree):
        way = "leave `min_confidence` away, or draft a chain"
        raise decisions.refuse(NotYet(draft.tree.span, "only a chain can stop early for want of confidence", way))
    if isinstance(draft.tree, DynamicTree) and draft.temperature:
        way = "leave `temperature` away"
        raise decisions.refuse(
            NotYet(draft.tree.span, "a dynamic tree keeps the likeliest nodes, so nothing is drawn", way)
        )


def _sized(tree: TreeShape, decisions: Decisions) -> None:
    """A tree whose nodes multiply is no larger than one whose nodes are counted."""
    match tree:
        case StaticTree(children=children):
            nodes = static_size(children)
        case DynamicTree(width=width, children=wide, depth=depth):
            nodes = sum(min(width, wide ** min(layer, 10)) for layer in range(1, depth + 1))
        case _:
            return
    if nodes > MOST_NODES:
        raise decisions.refuse(WrittenTree(tree.span, f"has {nodes} nodes, and the largest has {MOST_NODES}"))


def _layers(tree: TreeShape) -> int | None:
    match tree:
        case StaticTree(children=children):
            return len(children)
        case DynamicTree(depth=depth):
            return depth
        case _:
            return None


def check_one_token(draft: ModelDraft, model: CheckedModel, decisions: Decisions) -> None:
    """The one-token form of SLRS makes one guess, from no more draft tokens than can be summed over."""
    if not isinstance(draft.vocab, Slrs) or draft.vocab.form != "one_token":
        return
    if draft.num_speculative_tokens > 1 and model.card.entries > SMALL_VOCABULARY:
        raise decisions.refuse(TooManyPasses(draft.vocab.span, draft.num_speculative_tokens, model.card.entries))
    if not isinstance(draft.tree, ChainTree):
        raise decisions.refuse(WrongTree(draft.tree.span, "slrs(form=one_token)", shape_word(draft.tree), "chain"))
    if draft.min_confidence is not None:
        raise decisions.refuse(
            NotYet(draft.vocab.span, "one token has nothing to stop early", "leave `min_confidence` away")
        )


def check_written(tree: SparseTree, prompts: CheckedPrompts, decisions: Decisions) -> None:
    """The written paths are a tree of the prompts' depth and ranks."""
    paths = set(tree.paths)
    if not paths:
        raise decisions.refuse(WrittenTree(tree.span, "has no nodes"))
    for path in tree.paths:
        spelled = list(path)
        if len(path) > prompts.card.depth:
            raise decisions.refuse(
                WrittenTree(tree.span, f"is deeper at {spelled} than the {prompts.card.depth} prompts")
            )
        if len(path) > 1 and path[:-1] not in paths:
            raise decisions.refuse(WrittenTree(tree.span, f"has {spelled} without {spelled[:-1]}"))
        if max(path) >= prompts.card.top:
            raise decisions.refuse(
                WrittenTree(tree.span, f"has rank {max(path)} of {prompts.card.top} ranks, counted from 0")
            )


def shape_word(tree: TreeShape) -> str:
    """The word that a plan has for a tree."""
    words = {
        ChainTree: "chain",
        StaticTree: "static",
        SparseTree: "sparse",
        ProductTree: "product",
        DynamicTree: "dynamic",
    }
    return words[type(tree)]
