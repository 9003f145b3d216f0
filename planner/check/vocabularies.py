"""Which vocabulary rule each draft follows: what was said, or what `auto` makes of the vocabularies and the sampling."""

from __future__ import annotations

from dataclasses import replace

from ...grammar import Span
from ..cards import ModelCard
from ..plan_errors import AutoVocabDecided, NeedlessBridge, NoEndToken, NoTokenizer, OtherVocabulary, SharesNothing
from ..strategy import (
    AcceptRule,
    AutoVocab,
    ChooseDraft,
    Draft,
    DynamicTree,
    ExactMatch,
    MergeDrafts,
    ModelDraft,
    ModelName,
    Pard,
    Same,
    Slem,
    Slrs,
    Speculate,
    StaticTree,
    Tli,
    Vocabulary,
    decoded_model,
)
from .around import Around, Decisions, model_of

_NEARLY_ALL = 0.95
"""Shares of tokens from which on masking the others costs greedy guesses hardly anything, and spares encoding text."""
_POOR = 0.8
"""Shares of a text below which laws that are cut down to shared tokens are thought to miss too much of it."""


def decide_vocabularies(draft: Draft, accept: AcceptRule, around: Around, decisions: Decisions) -> Draft:
    """The draft with every vocabulary rule decided."""
    match draft:
        case ModelDraft():
            name = decoded_model(draft.drafter)
            alone = not isinstance(draft.drafter, Speculate) and not isinstance(draft.tree, StaticTree | DynamicTree)
            vocab = _vocabulary(draft.vocab, name, draft.span, accept, around, decisions, is_line=alone)
            return replace(draft, vocab=vocab)
        case Pard():
            return replace(draft, vocab=_vocabulary(draft.vocab, draft.model, draft.span, accept, around, decisions))
        case MergeDrafts() | ChooseDraft():
            inner = tuple(decide_vocabularies(each, accept, around, decisions) for each in draft.drafts)
            return replace(draft, drafts=inner)
        case _:
            return draft


def _vocabulary(vocab: Vocabulary, name: ModelName, span: Span, accept: AcceptRule, around: Around,
                decisions: Decisions, *, is_line: bool = True) -> Vocabulary:  # fmt: skip
    drafter, target = model_of(name, decisions).card, decisions.models[around.model].card
    if drafter.vocabulary == target.vocabulary:
        if not isinstance(vocab, Same | AutoVocab):
            decisions.found.append(NeedlessBridge(vocab.span, called(vocab), target.vocabulary))
        return Same(span=vocab.span)
    match vocab:
        case Same():
            raise decisions.refuse(
                OtherVocabulary(name.span, name.name, around.model, drafter.vocabulary, target.vocabulary)
            )
        case AutoVocab():
            _check_bridge(name, around.model, decisions)
            chosen, reason = _auto_vocabulary(vocab.span, drafter, target, accept, around, decisions, is_line)
            decisions.found.append(AutoVocabDecided(name.span, called(chosen), reason))
            return chosen
        case Tli():
            _check_bridge(name, around.model, decisions)
            pair = decisions.pair(drafter.vocabulary, target.vocabulary)
            if pair is not None and pair.shared == 0:
                raise decisions.refuse(SharesNothing(vocab.span, name.name, drafter.vocabulary, target.vocabulary))
            return vocab
        case _:
            _check_bridge(name, around.model, decisions)
            return vocab


def _check_bridge(drafter: ModelName, target: str, decisions: Decisions) -> None:
    """Is there what it takes to carry text between two models?"""
    for name in (drafter.name, target):
        model = decisions.models[name]
        if model.card.tokenizer == "none":
            raise decisions.refuse(NoTokenizer(drafter.span, name, model.source))
        if not model.card.eos:
            decisions.found.append(NoEndToken(drafter.span, name))


def _auto_vocabulary(span: Span, drafter: ModelCard, target: ModelCard, accept: AcceptRule, around: Around,
                     decisions: Decisions, is_line: bool) -> tuple[Vocabulary, str]:  # fmt: skip
    pair = decisions.pair(drafter.vocabulary, target.vocabulary)
    samples = around.temperature > 0 and not isinstance(accept, ExactMatch)
    if not samples:
        if pair is not None and pair.jaccard >= _NEARLY_ALL:
            return Tli(span=span), f"{pair.jaccard:.0%} of the tokens are shared, which saves re-encoding"
        known = "" if pair is None else f", and {pair.jaccard:.0%} of the tokens are shared"
        return Slem(max_candidates=None, span=span), f"nothing is sampled{known}"
    if pair is None or pair.weighted_of_target is None:
        return Tli(span=span), "it samples, and nobody has counted how much these vocabularies share"
    share = pair.weighted_of_target
    if share >= _POOR:
        return Tli(span=span), f"it samples, and {share:.0%} of the target's text is in shared tokens"
    if not is_line and pair.shared:
        only = f"it samples, only {share:.0%} of the target's text is shared, and slrs draws one plain model's guesses in a line"
        return Tli(span=span), only
    return Slrs(
        form="chain", empty="reject", span=span
    ), f"it samples, and only {share:.0%} of the target's text is shared"


def called(vocab: Vocabulary) -> str:
    """The word that a plan has for a vocabulary rule."""
    return {Slem: "slem", Tli: "tli", Slrs: "slrs", Same: "same", AutoVocab: "auto"}[type(vocab)]
