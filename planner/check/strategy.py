"""What a strategy may nest, and how everything that was left to `auto` is decided.

`decide` gives the same strategy with every `auto` replaced, or says why it cannot be. The order matters once: whether a
draft keeps the law of its guesses decides how they may be accepted, and that decides whether drafters sample.
"""

from __future__ import annotations

from dataclasses import replace

from ...grammar import Span
from ..checked import CheckedModel
from ..plan_errors import (
    DoesNotNest,
    LargeDrafter,
    NoAccuracies,
    NoEffect,
    NoMask,
    NoSilentChoice,
    NoTags,
    NotYet,
    RidesOther,
    WrongKind,
    WrongStages,
    WrongTree,
)
from ..strategy import (
    Autoregressive,
    ChainTree,
    ChooseDraft,
    Decoder,
    Draft,
    DynamicTree,
    ForkJoin,
    MergeDrafts,
    ModelDraft,
    ModelName,
    Ngram,
    NoDraft,
    Pard,
    Pipeline,
    Ppd,
    ProductTree,
    Rejection,
    Same,
    Slem,
    Slrs,
    SparseTree,
    Speculate,
    Typical,
    Vocabulary,
    decoded_model,
    speculates,
)
from .accept_rules import decide_accept
from .around import Around, Decisions, Refused, model_of
from .draft_trees import check_one_token, check_tree, check_written, shape_word
from .vocabularies import called, decide_vocabularies


def decide(decoder: Decoder, decisions: Decisions) -> Decoder | None:
    """The strategy with nothing left to decide, or None if it was refused."""
    try:
        match decoder:
            case Pipeline():
                return _pipeline(decoder, decisions)
            case ForkJoin():
                return _fork_join(decoder, None, decisions)
            case _:
                return _plain(decoder, _around(decoder, decisions), decisions)
    except Refused:
        return None


def _around(decoder: Decoder, decisions: Decisions, *, forks: bool = False, stages: int | None = None) -> Around:
    model = decoded_model(decoder).name
    return Around(model, decisions.temperature, forks, stages, None if stages is None else model)


def _pipeline(pipeline: Pipeline, decisions: Decisions) -> Decoder:
    inner = pipeline.decoder
    model = model_of(decoded_model(inner), decisions)
    stages = pipeline.stages if isinstance(pipeline.stages, int) else len(pipeline.stages)
    layers = model.card.layers
    if isinstance(pipeline.stages, tuple) and sum(pipeline.stages) != layers:
        problem = f"the stages hold {sum(pipeline.stages)} layers, and `{model.name}` has {layers}"
        raise decisions.refuse(WrongStages(pipeline.span, problem))
    if stages > layers or stages < 2:
        raise decisions.refuse(
            WrongStages(pipeline.span, f"{stages} stages cannot share the {layers} layers of `{model.name}`")
        )
    match inner:
        case Pipeline():
            raise decisions.refuse(
                DoesNotNest(inner.span, "a pipeline", "a pipeline", "its layers are in stages already")
            )
        case ForkJoin():
            decided: Decoder = _fork_join(inner, stages, decisions)
        case _:
            decided = _plain(inner, _around(inner, decisions, stages=stages), decisions)
    return replace(pipeline, decoder=decided)


def _fork_join(forks: ForkJoin, stages: int | None, decisions: Decisions) -> ForkJoin:
    inner = forks.decoder
    if isinstance(inner, ForkJoin):
        why = "a fork cannot promise again"
        raise decisions.refuse(DoesNotNest(inner.span, "fork_join", "fork_join", why))
    if isinstance(inner, Pipeline):
        why = "all threads go through the stages together; write pipeline(fork_join(...), ...)"
        raise decisions.refuse(DoesNotNest(inner.span, "a pipeline", "fork_join", why))
    model = model_of(decoded_model(inner), decisions)
    if not model.tagged:
        raise decisions.refuse(NoTags(decoded_model(inner).span, model.name))
    return replace(forks, decoder=_plain(inner, _around(inner, decisions, forks=True, stages=stages), decisions))


def _plain(decoder: Decoder, around: Around, decisions: Decisions) -> Decoder:
    """A decoder of one thread and one stage."""
    match decoder:
        case Autoregressive(model=name):
            model_of(name, decisions)
            return decoder
        case Speculate(model=name):
            model_of(name, decisions)
            return _speculate(decoder, around, decisions)
        case ForkJoin():
            why = "a thread of a guess has nobody to join"
            raise decisions.refuse(DoesNotNest(decoder.span, "fork_join", "a draft", why))
        case Pipeline():
            why = "a drafter runs whole on one rank"
            raise decisions.refuse(DoesNotNest(decoder.span, "a pipeline", "a draft", why))


def _speculate(decoder: Speculate, around: Around, decisions: Decisions) -> Speculate:
    draft = decide_vocabularies(decoder.draft, decoder.accept, around, decisions)
    accept = decide_accept(decoder.accept, draft, around, decisions)
    samples = around.temperature if isinstance(accept, Rejection) else 0.0
    decided = _draft(draft, replace(around, temperature=samples), decisions)
    if isinstance(accept, Typical) and _is_layered(decided, around):
        way = "use accept=exact_match"
        raise decisions.refuse(
            NotYet(accept.span, "a pipeline that a dynamic tree fills verifies one token at a time", way)
        )
    return replace(decoder, draft=decided, accept=accept)


def _is_layered(draft: Draft, around: Around) -> bool:
    return around.stages is not None and isinstance(draft, ModelDraft) and isinstance(draft.tree, DynamicTree)


def _draft(draft: Draft, around: Around, decisions: Decisions) -> Draft:
    match draft:
        case NoDraft() | Ngram():
            return draft
        case Ppd():
            return _ppd(draft, around, decisions)
        case Pard():
            return _pard(draft, around, decisions)
        case ModelDraft():
            return _model_draft(draft, around, decisions)
        case MergeDrafts():
            return _merge(draft, around, decisions)
        case ChooseDraft():
            return _choose(draft, around, decisions)


def _merge(draft: MergeDrafts, around: Around, decisions: Decisions) -> Draft:
    """A merge of the drafts that guess; of one, or of none, there is nothing to merge."""
    drafts = tuple(_draft(each, around, decisions) for each in draft.drafts)
    guessing = tuple(each for each in drafts if speculates(each))
    if len(guessing) > 1 and len(guessing) == len(drafts):
        return replace(draft, drafts=drafts)
    what = "a merge of one draft is that draft" if len(drafts) == 1 else "`none` adds nothing to a merge"
    way = "write what is left without `merge`" if len(guessing) < 2 else "leave `none` away"
    decisions.found.append(NoEffect(draft.span, what, way))
    if len(guessing) < 2:
        return guessing[0] if guessing else NoDraft(span=draft.span)
    return replace(draft, drafts=guessing)


def _choose(draft: ChooseDraft, around: Around, decisions: Decisions) -> Draft:
    if any(isinstance(each, ChooseDraft) for each in draft.drafts):
        way = "name all alternatives in one choose"
        raise decisions.refuse(NotYet(draft.span, "a choice among choices is one choice", way))
    if draft.per is not None and around.stages is not None:
        way = "choose without `per=rows`: then it is decided when compiling"
        raise decisions.refuse(NotYet(draft.span, "a pipeline cannot change its drafter from step to step", way))
    drafts = tuple(_draft(each, around, decisions) for each in draft.drafts)
    if not any(map(speculates, drafts)):
        way = "write `autoregressive(...)`, or name a draft to choose"
        decisions.found.append(NoEffect(draft.span, "there is nothing but `none` to choose", way))
        return NoDraft(span=draft.span)
    if not any(isinstance(each, NoDraft) for each in drafts):
        decisions.found.append(NoSilentChoice(draft.span))
        drafts = (*drafts, NoDraft(span=draft.span))
    return replace(draft, drafts=drafts)


def _ppd(draft: Ppd, around: Around, decisions: Decisions) -> Ppd:
    name = draft.prompts.name
    if name in decisions.models:
        raise decisions.refuse(WrongKind(draft.prompts.span, name, "a model", "prompt tokens"))
    if name not in decisions.prompts:
        raise Refused
    prompts = decisions.prompts[name]
    if prompts.rides != around.model:
        raise decisions.refuse(RidesOther(draft.prompts.span, name, f"`{prompts.rides}`", around.model))
    if not isinstance(draft.tree, SparseTree):
        raise decisions.refuse(
            WrongTree(draft.tree.span, "ppd", shape_word(draft.tree), "sparse(max_nodes), or written out")
        )
    if draft.tree.max_nodes is not None and not prompts.card.accuracies:
        raise decisions.refuse(NoAccuracies(draft.span, name))
    if draft.tree.max_nodes is None:
        check_written(draft.tree, prompts, decisions)
    return draft


def _pard(draft: Pard, around: Around, decisions: Decisions) -> Pard:
    model = model_of(draft.model, decisions)
    _whole(draft.model, around, decisions)
    if model.mask is None:
        raise decisions.refuse(NoMask(draft.model.span, model.name))
    if not isinstance(draft.tree, ChainTree | ProductTree):
        raise decisions.refuse(
            WrongTree(draft.tree.span, "pard", shape_word(draft.tree), "chain or product(max_nodes)")
        )
    if isinstance(draft.tree, ProductTree) and isinstance(draft.vocab, Slem | Slrs):
        way = "use vocab=tli, or tree=chain"
        what = f"ranked guesses are no text, so `{called(draft.vocab)}` cannot re-encode a product tree"
        raise decisions.refuse(NotYet(draft.tree.span, what, way))
    if isinstance(draft.vocab, Slrs) and draft.vocab.form == "one_token":
        way = "use vocab=slrs(form=chain)"
        raise decisions.refuse(NotYet(draft.vocab.span, "one token at a time leaves nothing to guess in parallel", way))
    _foreign_in_forks(draft.vocab, around, decisions)
    return draft


def _foreign_in_forks(vocab: Vocabulary, around: Around, decisions: Decisions) -> None:
    if around.forks and not isinstance(vocab, Same):
        way = "draft with a model of the target's vocabulary, tags and all"
        what = "a drafter of another vocabulary has no tokens for the tags that open and close threads"
        raise decisions.refuse(NotYet(vocab.span, what, way))


def _model_draft(draft: ModelDraft, around: Around, decisions: Decisions) -> ModelDraft:
    name = decoded_model(draft.drafter)
    model = model_of(name, decisions)
    _whole(name, around, decisions)
    _large(model, around, name.span, decisions)
    _foreign_in_forks(draft.vocab, around, decisions)
    check_tree(draft, decisions)
    check_one_token(draft, model, decisions)
    if _is_layered(draft, around):
        _layered(draft, around, decisions)
    temperature = around.temperature if draft.temperature is None else draft.temperature
    inner = replace(around, model=name.name, temperature=temperature, stages=None)
    drafter = _plain(draft.drafter, inner, decisions)
    if isinstance(drafter, Speculate) and not isinstance(drafter.draft, NoDraft):
        _nested(draft, drafter, around, decisions)
    return replace(draft, drafter=drafter)


def _whole(name: ModelName, around: Around, decisions: Decisions) -> None:
    if name.name == around.staged:
        why = "its layers are in stages, and a drafter runs whole on one rank"
        raise decisions.refuse(DoesNotNest(name.span, f"`{name.name}`", "a draft of its own pipeline", why))


def _large(model: CheckedModel, around: Around, span: Span, decisions: Decisions) -> None:
    target = decisions.models[around.model]
    size, most = model.card.parameters(), target.card.parameters()
    if size > most or (size == most and model.dtype == target.dtype):
        decisions.found.append(LargeDrafter(span, model.name, target.name))


def _nested(draft: ModelDraft, drafter: Speculate, around: Around, decisions: Decisions) -> None:
    """A decoder of its own as a drafter."""
    if around.forks:
        way = "draft with a plain model, pard, ppd or ngram inside fork_join"
        raise decisions.refuse(NotYet(draft.span, "a drafter inside threads does not speculate itself", way))
    if isinstance(draft.vocab, Slrs):
        way = "use vocab=tli or vocab=slem"
        what = "slrs goes on from each guess's image, which a decoder that runs ahead cannot"
        raise decisions.refuse(NotYet(draft.vocab.span, what, way))
    if _is_foreign(drafter.draft):
        way = "give the decoder that drafts a drafter of its own vocabulary, or ngram"
        what = "a decoder that drafts says nothing yet, and a drafter of another vocabulary is told what was said"
        raise decisions.refuse(NotYet(drafter.span, what, way))
    if not isinstance(draft.vocab, Same) and _keeps_cache(drafter.draft):
        way = "inside it draft with ngram or ppd, which keep no cache of their own"
        what = "a drafter of another vocabulary is told its own tokens alone, and its drafter's cache needs others"
        raise decisions.refuse(NotYet(drafter.span, what, way))
    if draft.min_confidence is not None:
        way = "leave `min_confidence` away"
        raise decisions.refuse(NotYet(draft.span, "a decoder that drafts stops only at its number of tokens", way))


def _is_foreign(draft: Draft) -> bool:
    """Whether some of a draft is spelled in another vocabulary than its decoder's."""
    match draft:
        case ModelDraft(vocab=vocab) | Pard(vocab=vocab):
            return not isinstance(vocab, Same)
        case MergeDrafts(drafts=drafts) | ChooseDraft(drafts=drafts):
            return any(map(_is_foreign, drafts))
        case _:
            return False


def _keeps_cache(draft: Draft) -> bool:
    """Whether a draft reads along in a cache of its own."""
    match draft:
        case ModelDraft(vocab=Same()) | Pard(vocab=Same()):
            return True
        case MergeDrafts(drafts=drafts) | ChooseDraft(drafts=drafts):
            return any(map(_keeps_cache, drafts))
        case _:
            return False


def _layered(draft: ModelDraft, around: Around, decisions: Decisions) -> None:
    """A dynamic tree in a pipeline: PipeDec."""
    assert isinstance(draft.tree, DynamicTree) and around.stages is not None, "only PipeDec is layered"
    problems = (
        (
            not isinstance(draft.vocab, Same),
            "a pipeline is filled with guesses of the target's own vocabulary",
            "use a drafter of the target's family",
        ),
        (
            isinstance(draft.drafter, Speculate),
            "a layer is drafted every timestep by one pass of a model",
            "draft with a plain model",
        ),
        (
            decisions.batch > 1,
            "a pipeline that guesses fill decodes one row",
            "say `batch: 1`, or use a tree that is not dynamic",
        ),
        (around.forks, "threads fill a pipeline without guesses", "use a tree that is not dynamic, or no draft"),
        (
            decisions.guarded,
            "a pipeline that guesses fill has no steps to speculate or not",
            "leave `guard` away",
        ),
    )
    problem = next(((what, way) for wrong, what, way in problems if wrong), None)
    if problem is not None:
        raise decisions.refuse(NotYet(draft.span, *problem))
    if draft.tree.depth < around.stages:
        needed = f"{around.stages} stages hold as many layers, and the tree has {draft.tree.depth}"
        raise decisions.refuse(WrongStages(draft.tree.span, needed))
