"""What a strategy may nest, and how everything that was left to `auto` is decided.

`decide` gives the same strategy with every `auto` replaced, or says why it cannot be. The order matters once: whether a
draft keeps the law of its guesses decides how they may be accepted, and that decides whether drafters sample.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path

from ...grammar import Diagnostic, Span
from ..cards import ModelCard, find_pair
from ..checked import CheckedModel, CheckedPrompts
from ..plan_errors import (
    AutoVocabDecided,
    DoesNotNest,
    LargeDrafter,
    NeedlessBridge,
    NoAccuracies,
    NoLaw,
    NoMask,
    NoSilentChoice,
    NoTags,
    NotYet,
    OtherDepth,
    OtherVocabulary,
    RidesOther,
    TooManyPasses,
    WrittenTree,
    WrongKind,
    WrongStages,
    WrongTree,
)
from ..strategy import (
    AcceptRule,
    AutoAccept,
    Autoregressive,
    AutoVocab,
    ChainTree,
    ChooseDraft,
    Decoder,
    Draft,
    DynamicTree,
    ExactMatch,
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
    StaticTree,
    Tli,
    TreeShape,
    Typical,
    Vocabulary,
    decoded_model,
)
from ..trees import static_size

SMALL_VOCABULARY = 64
"""Up to so many tokens, the one-token form of SLRS may look ahead."""
MOST_NODES = 1024
"""As many nodes as a tree may have; `sparse` and `product` say so in their signatures."""
_NEARLY_ALL = 0.95
_POOR = 0.8


class _Refused(Exception):
    """A part that was answered with a diagnostic."""


@dataclass
class Decisions:
    """What strategies are decided from, and what was found on the way."""

    models: Mapping[str, CheckedModel]
    prompts: Mapping[str, CheckedPrompts]
    temperature: float
    batch: int
    guarded: bool
    pairs: Path | None = None
    found: list[Diagnostic] = field(default_factory=list)

    def refuse(self, diagnostic: Diagnostic) -> _Refused:
        """Note a mistake; raise what this returns."""
        self.found.append(diagnostic)
        return _Refused()


@dataclass(frozen=True, slots=True)
class _Around:
    """What stands around a draft: the decoder's model, its temperature, and where it is."""

    model: str
    temperature: float
    forks: bool = False
    stages: int | None = None
    staged: str | None = None


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
    except _Refused:
        return None


def _around(decoder: Decoder, decisions: Decisions, *, forks: bool = False, stages: int | None = None) -> _Around:
    model = decoded_model(decoder).name
    return _Around(model, decisions.temperature, forks, stages, None if stages is None else model)


def _pipeline(pipeline: Pipeline, decisions: Decisions) -> Decoder:
    inner = pipeline.decoder
    model = _model(decoded_model(inner), decisions)
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
    model = _model(decoded_model(inner), decisions)
    if not model.tagged:
        raise decisions.refuse(NoTags(decoded_model(inner).span, model.name))
    return replace(forks, decoder=_plain(inner, _around(inner, decisions, forks=True, stages=stages), decisions))


def _plain(decoder: Decoder, around: _Around, decisions: Decisions) -> Decoder:
    """A decoder of one thread and one stage."""
    match decoder:
        case Autoregressive(model=name):
            _model(name, decisions)
            return decoder
        case Speculate(model=name):
            _model(name, decisions)
            return _speculate(decoder, around, decisions)
        case ForkJoin():
            why = "a thread of a guess has nobody to join"
            raise decisions.refuse(DoesNotNest(decoder.span, "fork_join", "a draft", why))
        case Pipeline():
            why = "a drafter runs whole on one rank"
            raise decisions.refuse(DoesNotNest(decoder.span, "a pipeline", "a draft", why))


def _speculate(decoder: Speculate, around: _Around, decisions: Decisions) -> Speculate:
    draft = _vocabularies(decoder.draft, decoder.accept, around, decisions)
    accept = _accept(decoder.accept, draft, around, decisions)
    samples = around.temperature if isinstance(accept, Rejection) else 0.0
    decided = _draft(draft, replace(around, temperature=samples), decisions)
    if isinstance(accept, Typical) and _is_layered(decided, around):
        way = "use accept=exact_match"
        raise decisions.refuse(
            NotYet(accept.span, "a pipeline that a dynamic tree fills verifies one token at a time", way)
        )
    return replace(decoder, draft=decided, accept=accept)


def _is_layered(draft: Draft, around: _Around) -> bool:
    return around.stages is not None and isinstance(draft, ModelDraft) and isinstance(draft.tree, DynamicTree)


def _model(name: ModelName, decisions: Decisions) -> CheckedModel:
    if name.name in decisions.prompts:
        raise decisions.refuse(WrongKind(name.span, name.name, "prompt tokens", "a model"))
    if name.name not in decisions.models:
        raise _Refused  # its source was refused already
    return decisions.models[name.name]


# Vocabularies ------------------------------------------------------------------------------------------------------------


def _vocabularies(draft: Draft, accept: AcceptRule, around: _Around, decisions: Decisions) -> Draft:
    """The draft with every vocabulary rule decided."""
    match draft:
        case ModelDraft():
            name = decoded_model(draft.drafter)
            vocab = _vocabulary(draft.vocab, name, draft.span, accept, around, decisions)
            return replace(draft, vocab=vocab)
        case Pard():
            return replace(draft, vocab=_vocabulary(draft.vocab, draft.model, draft.span, accept, around, decisions))
        case MergeDrafts() | ChooseDraft():
            inner = tuple(_vocabularies(each, accept, around, decisions) for each in draft.drafts)
            return replace(draft, drafts=inner)
        case _:
            return draft


def _vocabulary(vocab: Vocabulary, name: ModelName, span: Span, accept: AcceptRule, around: _Around,
                decisions: Decisions) -> Vocabulary:  # fmt: skip
    drafter, target = _model(name, decisions).card, decisions.models[around.model].card
    if drafter.vocabulary == target.vocabulary:
        if not isinstance(vocab, Same | AutoVocab):
            decisions.found.append(NeedlessBridge(vocab.span, _called(vocab), target.vocabulary))
        return Same(span=vocab.span)
    match vocab:
        case Same():
            raise decisions.refuse(
                OtherVocabulary(name.span, name.name, around.model, drafter.vocabulary, target.vocabulary)
            )
        case AutoVocab():
            chosen, reason = _auto_vocabulary(vocab.span, drafter, target, accept, around, decisions)
            decisions.found.append(AutoVocabDecided(name.span, _called(chosen), reason))
            return chosen
        case _:
            return vocab


def _auto_vocabulary(span: Span, drafter: ModelCard, target: ModelCard, accept: AcceptRule, around: _Around,
                     decisions: Decisions) -> tuple[Vocabulary, str]:  # fmt: skip
    pair = find_pair(drafter.vocabulary, target.vocabulary)
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
    return Slrs(
        form="chain", empty="reject", span=span
    ), f"it samples, and only {share:.0%} of the target's text is shared"


def _called(vocab: Vocabulary) -> str:
    return {Slem: "slem", Tli: "tli", Slrs: "slrs", Same: "same", AutoVocab: "auto"}[type(vocab)]


# Accept rules ------------------------------------------------------------------------------------------------------------


def _accept(accept: AcceptRule, draft: Draft, around: _Around, decisions: Decisions) -> AcceptRule:
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


# Drafts ------------------------------------------------------------------------------------------------------------------


def _draft(draft: Draft, around: _Around, decisions: Decisions) -> Draft:
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
            return replace(draft, drafts=tuple(_draft(each, around, decisions) for each in draft.drafts))
        case ChooseDraft():
            return _choose(draft, around, decisions)


def _choose(draft: ChooseDraft, around: _Around, decisions: Decisions) -> ChooseDraft:
    if any(isinstance(each, ChooseDraft) for each in draft.drafts):
        way = "name all alternatives in one choose"
        raise decisions.refuse(NotYet(draft.span, "a choice among choices is one choice", way))
    if draft.per is not None and around.stages is not None:
        way = "choose without `per=rows`: then it is decided when compiling"
        raise decisions.refuse(NotYet(draft.span, "a pipeline cannot change its drafter from step to step", way))
    drafts = tuple(_draft(each, around, decisions) for each in draft.drafts)
    if not any(isinstance(each, NoDraft) for each in drafts):
        decisions.found.append(NoSilentChoice(draft.span))
        drafts = (*drafts, NoDraft(span=draft.span))
    return replace(draft, drafts=drafts)


def _ppd(draft: Ppd, around: _Around, decisions: Decisions) -> Ppd:
    name = draft.prompts.name
    if name in decisions.models:
        raise decisions.refuse(WrongKind(draft.prompts.span, name, "a model", "prompt tokens"))
    if name not in decisions.prompts:
        raise _Refused
    prompts = decisions.prompts[name]
    if prompts.rides != around.model:
        raise decisions.refuse(RidesOther(draft.prompts.span, name, f"`{prompts.rides}`", around.model))
    if not isinstance(draft.tree, SparseTree):
        raise decisions.refuse(
            WrongTree(draft.tree.span, "ppd", _shape(draft.tree), "sparse(max_nodes), or written out")
        )
    if draft.tree.max_nodes is not None and not prompts.card.accuracies:
        raise decisions.refuse(NoAccuracies(draft.span, name))
    if draft.tree.max_nodes is None:
        _written(draft.tree, prompts, decisions)
    return draft


def _written(tree: SparseTree, prompts: CheckedPrompts, decisions: Decisions) -> None:
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


def _pard(draft: Pard, around: _Around, decisions: Decisions) -> Pard:
    model = _model(draft.model, decisions)
    _whole(draft.model, around, decisions)
    if model.mask is None:
        raise decisions.refuse(NoMask(draft.model.span, model.name))
    if not isinstance(draft.tree, ChainTree | ProductTree):
        raise decisions.refuse(WrongTree(draft.tree.span, "pard", _shape(draft.tree), "chain or product(max_nodes)"))
    if isinstance(draft.tree, ProductTree) and isinstance(draft.vocab, Slem | Slrs):
        way = "use vocab=tli, or tree=chain"
        what = f"ranked guesses are no text, so `{_called(draft.vocab)}` cannot re-encode a product tree"
        raise decisions.refuse(NotYet(draft.tree.span, what, way))
    if isinstance(draft.vocab, Slrs) and draft.vocab.form == "one_token":
        way = "use vocab=slrs(form=chain)"
        raise decisions.refuse(NotYet(draft.vocab.span, "one token at a time leaves nothing to guess in parallel", way))
    _foreign_in_forks(draft.vocab, around, decisions)
    return draft


def _foreign_in_forks(vocab: Vocabulary, around: _Around, decisions: Decisions) -> None:
    if around.forks and not isinstance(vocab, Same):
        way = "draft with a model of the target's vocabulary, tags and all"
        what = "a drafter of another vocabulary has no tokens for the tags that open and close threads"
        raise decisions.refuse(NotYet(vocab.span, what, way))


def _model_draft(draft: ModelDraft, around: _Around, decisions: Decisions) -> ModelDraft:
    name = decoded_model(draft.drafter)
    model = _model(name, decisions)
    _whole(name, around, decisions)
    _large(model, around, name.span, decisions)
    _foreign_in_forks(draft.vocab, around, decisions)
    _tree(draft, decisions)
    _one_token(draft, model, decisions)
    if _is_layered(draft, around):
        _layered(draft, around, decisions)
    temperature = around.temperature if draft.temperature is None else draft.temperature
    inner = replace(around, model=name.name, temperature=temperature, stages=None)
    drafter = _plain(draft.drafter, inner, decisions)
    if isinstance(drafter, Speculate) and not isinstance(drafter.draft, NoDraft):
        _nested(draft, drafter, around, decisions)
    return replace(draft, drafter=drafter)


def _whole(name: ModelName, around: _Around, decisions: Decisions) -> None:
    if name.name == around.staged:
        why = "its layers are in stages, and a drafter runs whole on one rank"
        raise decisions.refuse(DoesNotNest(name.span, f"`{name.name}`", "a draft of its own pipeline", why))


def _large(model: CheckedModel, around: _Around, span: Span, decisions: Decisions) -> None:
    target = decisions.models[around.model]
    if model.name != target.name and model.card.parameters() > target.card.parameters():
        decisions.found.append(LargeDrafter(span, model.name, target.name))


def _tree(draft: ModelDraft, decisions: Decisions) -> None:
    decoder = isinstance(draft.drafter, Speculate)
    allowed = (ChainTree,) if decoder else (ChainTree, StaticTree, DynamicTree)
    if not isinstance(draft.tree, allowed):
        word = "a decoder that drafts" if decoder else "draft_model"
        known = "chain" if decoder else "chain, static([...]) or dynamic(...)"
        raise decisions.refuse(WrongTree(draft.tree.span, word, _shape(draft.tree), known))
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


def _one_token(draft: ModelDraft, model: CheckedModel, decisions: Decisions) -> None:
    if not isinstance(draft.vocab, Slrs) or draft.vocab.form != "one_token":
        return
    if draft.num_speculative_tokens > 1 and model.card.entries > SMALL_VOCABULARY:
        raise decisions.refuse(TooManyPasses(draft.vocab.span, draft.num_speculative_tokens, model.card.entries))
    if not isinstance(draft.tree, ChainTree):
        raise decisions.refuse(WrongTree(draft.tree.span, "slrs(form=one_token)", _shape(draft.tree), "chain"))
    if draft.min_confidence is not None:
        raise decisions.refuse(
            NotYet(draft.vocab.span, "one token has nothing to stop early", "leave `min_confidence` away")
        )


def _nested(draft: ModelDraft, drafter: Speculate, around: _Around, decisions: Decisions) -> None:
    """A decoder of its own as a drafter."""
    if around.forks:
        way = "draft with a plain model, pard, ppd or ngram inside fork_join"
        raise decisions.refuse(NotYet(draft.span, "a drafter inside threads does not speculate itself", way))
    if isinstance(draft.vocab, Slrs):
        way = "use vocab=tli or vocab=slem"
        what = "slrs goes on from each guess's image, which a decoder that runs ahead cannot"
        raise decisions.refuse(NotYet(draft.vocab.span, what, way))
    if not isinstance(draft.vocab, Same) and _keeps_cache(drafter.draft):
        way = "inside it draft with ngram or ppd, which keep no cache of their own"
        what = "a drafter of another vocabulary is told its own tokens alone, and its drafter's cache needs others"
        raise decisions.refuse(NotYet(drafter.span, what, way))
    if draft.min_confidence is not None:
        way = "leave `min_confidence` away"
        raise decisions.refuse(NotYet(draft.span, "a decoder that drafts stops only at its number of tokens", way))


def _keeps_cache(draft: Draft) -> bool:
    """Whether a draft of the same vocabulary as its decoder reads along in a cache; one of another is owed tokens."""
    match draft:
        case ModelDraft(vocab=Same()) | Pard(vocab=Same()):
            return True
        case MergeDrafts(drafts=drafts) | ChooseDraft(drafts=drafts):
            return any(map(_keeps_cache, drafts))
        case _:
            return False


def _layered(draft: ModelDraft, around: _Around, decisions: Decisions) -> None:
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


def _shape(tree: TreeShape) -> str:
    words = {
        ChainTree: "chain",
        StaticTree: "static",
        SparseTree: "sparse",
        ProductTree: "product",
        DynamicTree: "dynamic",
    }
    return words[type(tree)]
