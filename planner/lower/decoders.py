"""How a checked plan becomes a graph: one start, one step, and whatever its drafts put between fresh tokens and a tree."""

from __future__ import annotations

from dataclasses import replace

from ..checked import CheckedPlan
from ..graph import (
    NONE,
    Accept,
    Advance,
    Chain,
    Chat,
    Commit,
    Cut,
    Dynamic,
    Encode,
    Fork,
    Graph,
    Grow,
    Join,
    Kv,
    Law,
    Path,
    Prefill,
    Product,
    Prune,
    Ref,
    Region,
    Rule,
    Size,
    Sparse,
    Static,
    Stop,
    Threads,
    Tokens,
    Tree,
    Trust,
    Value,
    Verify,
    Watch,
    retype,
)
from ..strategy import (
    AcceptRule,
    Autoregressive,
    ChainTree,
    ChooseDraft,
    Decoder,
    Draft,
    DynamicTree,
    ForkJoin,
    MergeDrafts,
    ModelDraft,
    Ngram,
    NoDraft,
    Pard,
    Pipeline,
    Ppd,
    ProductTree,
    Rejection,
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
from ..trees import SparseState, build_sparse
from .combined_drafts import ChosenDrafter, MergedDrafter
from .declare import Declarations
from .drafter import Carried, Drafter, Scene
from .lines import Lines
from .model_drafts import Bridge, DecoderDrafter, ModelDrafter
from .plain_drafts import LookupDrafter, PromptsDrafter, Silent

RANKED = 8
"""How many guesses of each depth a product tree combines."""


def lower(plan: CheckedPlan) -> Graph:
    """The graph of a checked plan, before any pass."""
    declarations = Declarations(plan)
    lowering = _Lowering(plan, declarations)
    start, step = lowering.regions()
    # Types and law are worked out from the nodes; until then the law stands for itself.
    return retype(Graph(plan.name, Law(("definition",)), declarations.all(), start, step))


class _Lowering:
    def __init__(self, plan: CheckedPlan, declarations: Declarations) -> None:
        self.plan = plan
        self.declared = declarations
        self.target = declarations.model(decoded_model(plan.decoder).name)
        decoder = plan.decoder.decoder if isinstance(plan.decoder, Pipeline) else plan.decoder
        self.forks = decoder.forks.max_forks if isinstance(decoder, ForkJoin) else None
        self.decoder: Decoder = decoder.decoder if isinstance(decoder, ForkJoin) else decoder
        self.tags = declarations.tags(decoder.forks) if isinstance(decoder, ForkJoin) else None
        self.span = plan.decoder.span

    @property
    def rows(self) -> int:
        """Rows of a step: requests, or their threads."""
        return self.plan.batch * (1 + (self.forks or 0))

    def regions(self) -> tuple[Region, Region]:
        """Start and step of the whole graph."""
        decoder = self.decoder
        staged = isinstance(self.plan.decoder, Pipeline)
        match decoder:
            case Speculate(draft=ModelDraft(tree=DynamicTree() as tree) as draft) if staged:
                return self._pipelined(decoder, draft, tree)
            case Autoregressive():
                return self._verified(Silent(decoder.span), Rule.EXACT_MATCH, None)
            case Speculate():
                return self._verified(self.drafter(decoder.draft, decoder), rule_of(decoder.accept), decoder.accept)
            case _:
                raise AssertionError(f"checking lets no {type(decoder).__name__} through here")

    def _start(self) -> tuple[Lines, Value, Value, Value, Value]:
        """The lines that read the prompt with the target: prompt, ids, root and cache."""
        lines = Lines(self.span, ("prompt",))
        prompt = Value("prompt")
        ids = lines.add(
            Encode, "ids", prompt=prompt, by=self.target, template=Ref(self.plan.template), system=self.plan.system,
            types=(Tokens(Size.of(1, self.plan.longest_prompt)),),
        )  # fmt: skip
        kv = Kv(self.target, self.plan.context)
        fresh, cache = lines.add(Prefill, "fresh", "cache", tokens=ids, by=self.target, types=(Path(Size.of(1)), kv))
        return lines, prompt, ids, fresh, Value(cache.name, kv)

    def _verified(self, drafter: Drafter, rule: Rule, accept: AcceptRule | None) -> tuple[Region, Region]:
        """Start and step in which a whole tree is scored at once."""
        lines, prompt, ids, fresh, cache = self._start()
        carried = [
            Carried("fresh", fresh, Path(Size.of(1), rows=Size.of(self.rows))),
            Carried("cache", cache, Kv(self.target, self.plan.context, rows=self.plan.batch)),
        ]
        if self.forks is not None:
            carried.append(Carried("threads", NONE, Threads(self.forks, self.plan.batch)))
        if self.plan.guard is not None:
            carried.append(Carried("trust", NONE, Trust()))
        carried += drafter.begin(lines, prompt, ids, self.rows)
        start = _region("start", (_chat(prompt),), lines, tuple(each.initial for each in carried))
        return start, self._step(carried, drafter, rule, accept)

    def _step(self, carried: list[Carried], drafter: Drafter, rule: Rule, accept: AcceptRule | None) -> Region:
        lines = Lines(self.span)
        given = [Value(lines.name(each.name), each.type) for each in carried]
        fresh, cache, *rest = given
        threads = rest.pop(0) if self.forks is not None else None
        trust = rest.pop(0) if self.plan.guard is not None else None
        proposal = drafter.propose(lines, fresh, rest, Scene(cache, threads, trust))
        cache = proposal.scene.cache
        scores, held = lines.add(
            Verify, "scores", "held", tree=proposal.tree, cache=cache, threads=threads, by=self.target
        )
        said, done = self._accepted(lines, proposal.tree, scores, threads, rule, accept)
        kept = lines.add(Commit, "kept", cache=held, path=said)
        settled = drafter.settle(lines, said, proposal.pending)
        ready = said
        emitted: tuple[Value, ...] = (said,)
        yielded: list[Value] = []
        if threads is not None:
            forked, opened = lines.add(Fork, "forked", "opened", path=said, threads=threads, by=self.tags)
            ready, joined = lines.add(Join, "ready", "joined", path=forked, threads=opened, by=self.tags)
            emitted, yielded = (said, joined), [joined]
        if trust is not None:
            guard = self.plan.guard
            assert guard is not None, "there is trust only under a guard"
            watched = lines.add(
                Watch, "watched", trust=trust, path=said, window=guard.window, min_speedup=guard.min_speedup
            )
            yielded.append(watched)
        return _region("step", tuple(given), lines, (ready, kept, *yielded, *settled), emitted, done)

    def _accepted(self, lines: Lines, tree: Value, scores: Value, threads: Value | None, rule: Rule,
                  accept: AcceptRule | None) -> tuple[Value, Value]:  # fmt: skip
        typical = accept if isinstance(accept, Typical) else None
        path = lines.add(
            Accept, "path", tree=tree, logits=scores, rule=rule, sampling=self.declared.sampling(),
            epsilon=None if typical is None else typical.epsilon, delta=None if typical is None else typical.delta,
            span=None if accept is None else accept.span,
        )  # fmt: skip
        if threads is not None and accept is not None:
            path = lines.add(Cut, "heard", path=path, after=self.tags)
        ending = self.plan.ending
        said, done = lines.add(
            Stop, "said", "done", path=path, threads=threads, max_new_tokens=ending.max_new_tokens, strings=ending.strings,
            token_ids=ending.token_ids, ignore_eos=ending.ignore_eos,
        )  # fmt: skip
        return said, done

    def _pipelined(self, decoder: Speculate, draft: ModelDraft, tree: DynamicTree) -> tuple[Region, Region]:
        """Start and step of PipeDec: each step is a timestep, in which a layer of guesses enters the pipeline."""
        lines, prompt, ids, fresh, cache = self._start()
        (memory,) = self.drafter(replace(draft, tree=_chain(draft)), decoder).begin(lines, prompt, ids, 1)
        root = lines.add(Chain, "tree", fresh=fresh)
        start = _region("start", (_chat(prompt),), lines, (root, NONE, cache, memory.initial))
        shape = self.declared.shape(
            Dynamic(name="frontier", width=tree.width, children=tree.children, depth=tree.depth)
        )
        step = Lines(self.span)
        given = tuple(
            Value(step.name(name), kind)
            for name, kind in (
                ("tree", Tree(Size.of(0), Size.of(0))),
                ("flow", NONE.type),  # what flows follows from the stages, and is worked out with all other types
                ("cache", cache.type),
                ("memory", memory.type),
            )
        )
        tree_, flow, cache, recall = given
        grown, ahead = step.add(Grow, "grown", "ahead", tree=tree_, cache=recall, by=shape, span=draft.span)
        scores, moved, held = step.add(
            Advance, "scores", "moved", "held", tree=tree_, flow=flow, cache=cache, by=self.target
        )
        said, done = self._accepted(step, tree_, scores, None, rule_of(decoder.accept), decoder.accept)
        after = step.add(Prune, "next", what=grown, path=said, by=shape)
        live = step.add(Prune, "live", what=moved, path=said, by=shape)
        kept = step.add(Commit, "kept", cache=held, path=said, keep=shape)
        known = step.add(Commit, "recall", cache=ahead, path=said, keep=shape)
        return start, _region("step", given, step, (after, live, kept, known), (said,), done)

    def drafter(self, draft: Draft, decoder: Speculate, judge: str | None = None) -> Drafter:
        """The nodes of a draft for `decoder`; `judge` is the model that scores, the target unless this is an inner decoder."""
        target = judge or self.target
        match draft:
            case NoDraft(span=span):
                return Silent(span)
            case Ngram():
                return LookupDrafter(draft.span, self.declared.recent(draft.max_ngram), draft.num_speculative_tokens)
            case Ppd():
                prompts = self.declared.prompts(draft.prompts)
                return PromptsDrafter(draft.span, prompts, self._sparse(draft.tree, prompts))
            case Pard():
                return self._parallel(draft, decoder, target)
            case ModelDraft():
                return self._by_model(draft, decoder, target)
            case MergeDrafts(drafts=drafts):
                return MergedDrafter(draft.span, tuple(self.drafter(each, decoder, target) for each in drafts))
            case ChooseDraft(drafts=drafts):
                names = _distinct([_word_of(each) for each in drafts])
                per = None if draft.per is None else Ref(draft.per)
                alternatives = tuple(self.drafter(each, decoder, target) for each in drafts)
                return ChosenDrafter(draft.span, alternatives, names, per)

    def _parallel(self, draft: Pard, decoder: Speculate, target: str) -> Drafter:
        base = self._model(draft.model.name, draft, decoder, target, draft.vocab, draft.num_speculative_tokens)
        if not isinstance(draft.tree, ProductTree):
            return replace(base, parallel=True)
        ranked = self.declared.shape(Product(name="best", nodes=draft.tree.max_nodes))
        return replace(base, parallel=True, ranked=ranked, top=min(RANKED, draft.tree.max_nodes), sampling=None)

    def _by_model(self, draft: ModelDraft, decoder: Speculate, target: str) -> Drafter:
        inner = draft.drafter
        name = decoded_model(inner).name
        base = self._model(name, draft, decoder, target, draft.vocab, draft.num_speculative_tokens)
        base = replace(base, min_confidence=draft.min_confidence)
        if draft.temperature is not None:
            base = replace(base, sampling=self._tempered(draft.temperature, base.lookahead is not None))
        if isinstance(inner, Speculate) and not isinstance(inner.draft, NoDraft):
            typical = inner.accept if isinstance(inner.accept, Typical) else None
            return DecoderDrafter(
                base, self.drafter(inner.draft, inner, name), rule_of(inner.accept),
                base.sampling or self.declared.greedy(), None if typical is None else typical.epsilon,
                None if typical is None else typical.delta,
            )  # fmt: skip
        layers = self._layers(draft.tree)
        return replace(base, layers=layers, sampling=None if isinstance(draft.tree, DynamicTree) else base.sampling)

    def _tempered(self, temperature: float, one_token: bool) -> Ref | None:
        return self.declared.drafting(temperature) if temperature > 0 else self._drawing(False, one_token)

    def _model(self, name: str, draft: ModelDraft | Pard, decoder: Speculate, target: str, vocab: Vocabulary,
               tokens: int) -> ModelDrafter:  # fmt: skip
        model = self.declared.model(name)
        samples = isinstance(decoder.accept, Rejection) and self.plan.sampling.temperature > 0
        bridge = self._bridge(vocab, name, target, tokens)
        foreign = bridge is not None
        capacity = min(2 * self.plan.context, self.plan.models[name].positions) if foreign else self.plan.context
        one_token = isinstance(vocab, Slrs) and vocab.form == "one_token"
        return ModelDrafter(
            draft.span, model, tokens, capacity, bridge, self.declared.vocab(name),
            longest=max(1, capacity - self.plan.ending.max_new_tokens) if foreign else 0,
            lookahead=tokens if one_token else None,
            sampling=self._drawing(samples, one_token),
            template=Ref(self.plan.template), system=self.plan.system,
        )  # fmt: skip

    def _drawing(self, samples: bool, one_token: bool) -> Ref | None:
        """The law that guesses are drawn from, if they are; the one-token form sums over one even where it is greedy."""
        if samples:
            return self.declared.sampling()
        return self.declared.greedy() if one_token else None

    def _bridge(self, vocab: Vocabulary, drafter: str, target: str, tokens: int) -> Bridge | None:
        match vocab:
            case Slem(max_candidates=keep):
                # A draft token can spell several target tokens; more than half as many again are seldom accepted.
                return Bridge("slem", keep=keep or tokens + (tokens + 1) // 2)
            case Tli():
                return Bridge("tli", self.declared.table("shared", "tli", drafter, target, "mask"))
            case Slrs(empty=empty):
                return Bridge("slrs", self.declared.table("pieces", "slrs", drafter, target, empty))
            case _:
                return None

    def _layers(self, tree: TreeShape) -> Ref | None:
        match tree:
            case StaticTree(children=children):
                return self.declared.shape(Static(name="wide", children=children))
            case DynamicTree():
                return self.declared.shape(
                    Dynamic(name="frontier", width=tree.width, children=tree.children, depth=tree.depth)
                )
            case _:
                return None

    def _sparse(self, tree: TreeShape, prompts: Ref) -> Ref:
        assert isinstance(tree, SparseTree), "checking gives prompts a sparse tree"
        card = self.plan.prompts[prompts].card
        if tree.max_nodes is not None:
            states = build_sparse(card.accuracies, tree.max_nodes).states
        else:
            states = written_states(tree.paths, card.depth)
        return self.declared.shape(
            Sparse(
                name="trees",
                rides=prompts,
                nodes=Size.each(*(state.nodes for state in states)),
                asks=Size.each(*(state.asks for state in states)),
                states=tuple(map(str, states)),
            )
        )


def written_states(paths: tuple[tuple[int, ...], ...], depth: int) -> tuple[SparseState, ...]:
    """The states of a tree that was written out: each holds the paths that its levels reach, with all prompts behind them."""
    ordered = sorted(set(paths), key=lambda path: (len(path), path))
    cut = ([path for path in ordered if len(path) <= state] for state in range(depth + 1))
    return tuple(SparseState(tuple(kept), (depth,) * len(kept), depth) for kept in cut)


def rule_of(accept: AcceptRule) -> Rule:
    """The rule that an accept is lowered to."""
    match accept:
        case Rejection():
            return Rule.REJECTION
        case Typical():
            return Rule.TYPICAL
        case _:
            return Rule.EXACT_MATCH


def _chain(draft: ModelDraft) -> TreeShape:
    return ChainTree(span=draft.span)


def _chat(prompt: Value) -> Value:
    return Value(prompt.name, Chat())


def _region(name: str, parameters: tuple[Value, ...], lines: Lines, yielded: tuple[Value, ...],
            emitted: tuple[Value, ...] = (), until: Value | None = None) -> Region:  # fmt: skip
    return Region(
        name=name, parameters=parameters, nodes=tuple(lines.nodes), yielded=yielded, emitted=emitted, until=until,
        span=lines.span,
    )  # fmt: skip


def _word_of(draft: Draft) -> str:
    words = {
        NoDraft: "alone", Ngram: "ngram", ModelDraft: "draft_model", Pard: "pard", Ppd: "ppd", MergeDrafts: "merge",
        ChooseDraft: "choose",
    }  # fmt: skip
    return words[type(draft)]


def _distinct(names: list[str]) -> tuple[str, ...]:
    return tuple(
        name if (earlier := names[:index].count(name)) == 0 else f"{name}.{earlier + 1}"
        for index, name in enumerate(names)
    )
