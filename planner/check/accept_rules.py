"""How guesses are accepted: by the ratio of laws where somebody knows them, else by equality."""

from __future__ import annotations

from ..plan_errors import NoLaw
from ..strategy import (
    AcceptRule,
    AutoAccept,
    ChooseDraft,
    Draft,
    DynamicTree,
    ExactMatch,
    MergeDrafts,
    ModelDraft,
    Pard,
    ProductTree,
    Rejection,
    Slem,
    Speculate,
    Typical,
)
from .around import Around, Decisions


def decide_accept(accept: AcceptRule, draft: Draft, around: Around, decisions: Decisions) -> AcceptRule:
    """The rule that a draft's guesses are accepted by; the draft's vocabularies are decided."""
    lost = _lost_law(draft)
    match accept:
        case AutoAccept(span=span):
            samples = around.temperature > 0 and lost is None and _draws(draft)
            return Rejection(span=span) if samples else ExactMatch(span=span)
        case Rejection() if lost is not None:
            raise decisions.refuse(NoLaw(accept.span, lost))
        case _:
            return accept


def _lost_law(draft: Draft) -> str | None:
    """Why nobody knows the law of a draft's guesses, or None if somebody does."""
    match draft:
        case ModelDraft(vocab=Slem()) | Pard(vocab=Slem()):
            return "slem re-encodes text, which loses it"
        case ModelDraft(drafter=Speculate(accept=Typical())):
            return "the drafter accepts by typicality, which follows no law"
        case MergeDrafts(drafts=drafts) | ChooseDraft(drafts=drafts):
            return next((reason for each in drafts if (reason := _lost_law(each)) is not None), None)
        case _:
            return None


def _draws(draft: Draft) -> bool:
    """Whether any of a draft's guesses would be drawn from a law if it may sample."""
    match draft:
        case ModelDraft(temperature=0.0) | ModelDraft(tree=DynamicTree()):
            return False
        case ModelDraft():
            return True
        case Pard(tree=ProductTree()):
            return False
        case Pard():
            return True
        case MergeDrafts(drafts=drafts) | ChooseDraft(drafts=drafts):
            return any(map(_draws, drafts))
        case _:
            return False
