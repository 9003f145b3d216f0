"""Drafts by a model with a cache of its own, and by a whole decoder."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

from ...grammar import Span
from ..graph import (
    Accept,
    Branch,
    Chain,
    Commit,
    Draft,
    Encode,
    Kv,
    Path,
    Prefill,
    Ref,
    Region,
    Repeat,
    Respell,
    Rule,
    Size,
    Spell,
    Spread,
    Tokens,
    Translate,
    Type,
    Value,
    Verify,
)
from .drafter import Carried, Drafter, Proposal, Scene
from .lines import Lines


@dataclass(frozen=True, slots=True)
class Bridge:
    """How a draft in another vocabulary becomes one in the target's."""

    method: str
    table: Ref | None = None
    keep: int | None = None

    def carry_over(self, lines: Lines, guess: Value, scene: Scene, span: Span) -> Value:
        """The guess in the target's vocabulary."""
        if self.method == "slem":
            found: Value = lines.add(Respell, "words", words=guess, cache=scene.cache, keep=self.keep, span=span)
            return found
        renamed: Value = lines.add(Translate, "words", guess=guess, by=self.table, span=span)
        return renamed


@dataclass(frozen=True, slots=True)
class ModelDrafter:
    """A model with a cache of its own, in the target's vocabulary or across a bridge.

    `layers` names the shape of a bush, `ranked` the shape that ranked guesses are spread over; `parallel` guesses in one
    pass over masks; `lookahead` spells one target token from that many draft tokens.
    """

    span: Span
    model: Ref
    tokens: int
    capacity: int
    bridge: Bridge | None = None
    vocab: str | None = None
    longest: int = 0
    parallel: bool = False
    layers: Ref | None = None
    ranked: Ref | None = None
    top: int | None = None
    lookahead: int | None = None
    sampling: Ref | None = None
    min_confidence: float | None = None
    template: Ref = Ref("chat")
    system: str | None = None

    @property
    def carries(self) -> int:
        """Its cache, and what that owes in words of its own."""
        return 1 if self.bridge is None else 2

    @property
    def awaits(self) -> int:
        """Its cache."""
        return 1

    def begin(self, start: Lines, prompt: Value, ids: Value, rows: int) -> tuple[Carried, ...]:
        """Read the prompt in the model's own template and tokens, if they are its own."""
        kv = Kv(self.model, self.capacity)
        memory_type = replace(kv, rows=rows)
        if self.bridge is None:
            _, memory = start.add(Prefill, "last", "memory", tokens=ids, by=self.model, types=(Path(Size.of(1)), kv))
            return (Carried("memory", memory, memory_type),)
        own = start.add(
            Encode, "own", prompt=prompt, by=self.model, template=self.template, system=self.system,
            types=(Tokens(Size.of(1, self.longest), self.vocab),),
        )  # fmt: skip
        owed, memory = start.add(
            Prefill, "owed", "memory", tokens=own, by=self.model, types=(Path(Size.of(1), self.vocab), kv)
        )
        owed_type = Tokens(Size.of(0, None), self.vocab, Size.of(rows))
        return Carried("owed", owed, owed_type), Carried("memory", memory, memory_type)

    def propose(self, lines: Lines, fresh: Value, carried: Sequence[Value], scene: Scene) -> Proposal:
        """Read what is owed, guess, and bring the guess over."""
        if self.lookahead is not None:
            words, ahead = self._spell(lines, carried, scene)
            return Proposal(lines.add(Chain, "tree", fresh=fresh, guess=words, span=self.span), scene, (ahead,))
        guess, ahead = self._draft(lines, fresh, carried, scene, self.tokens)
        if self.bridge is not None:
            guess = self.bridge.carry_over(lines, guess, scene, self.span)
        return Proposal(self._tree(lines, fresh, guess), scene, (ahead,))

    def _tree(self, lines: Lines, fresh: Value, guess: Value) -> Value:
        if self.ranked is not None:
            spread: Value = lines.add(Spread, "tree", fresh=fresh, guess=guess, by=self.ranked, span=self.span)
            return spread
        kind = Chain if self.layers is None else Branch
        tree: Value = lines.add(kind, "tree", fresh=fresh, guess=guess, span=self.span)
        return tree

    def _draft(
        self, lines: Lines, fresh: Value, carried: Sequence[Value], scene: Scene, tokens: int
    ) -> tuple[Value, Value]:
        source, memory = (fresh, carried[0]) if self.bridge is None else (carried[0], carried[1])
        guesses = tokens > 0
        made: tuple[Value, Value] = lines.add(
            Draft, "guess", "learned" if self.parallel else "ahead", source=source, cache=memory, threads=scene.threads,
            trust=scene.trust, by=self.model, tokens=tokens, masks=max(0, tokens - 1) if self.parallel else None,
            top=self.top if guesses else None, shape=self.layers if guesses else None,
            within=None if self.bridge is None or not guesses else self.bridge.table,
            sampling=self.sampling if guesses else None, min_confidence=self.min_confidence if guesses else None,
            span=self.span,
        )  # fmt: skip
        return made

    def _spell(self, lines: Lines, carried: Sequence[Value], scene: Scene) -> tuple[Value, Value]:
        assert self.bridge is not None, "only another vocabulary is spelled"
        made: tuple[Value, Value] = lines.add(
            Spell, "words", "ahead", source=carried[0], cache=carried[1], threads=scene.threads, trust=scene.trust,
            by=self.model, lookahead=self.lookahead, through=self.bridge.table, sampling=self.sampling, span=self.span,
        )  # fmt: skip
        return made

    def idle(self, lines: Lines, fresh: Value, carried: Sequence[Value], scene: Scene) -> tuple[Value, ...]:
        """Read what is owed."""
        return (self._draft(lines, fresh, carried, scene, 0)[1],)

    def settle(self, lines: Lines, said: Value, pending: Sequence[Value]) -> tuple[Value, ...]:
        """Keep the rows of guesses that were said; re-encode the rest if it was said in other words."""
        (ahead,) = pending
        recall = ahead if self.parallel else lines.add(Commit, "recall", cache=ahead, path=said, span=self.span)
        if self.bridge is None:
            return (recall,)
        return lines.add(Respell, "rest", words=said, cache=recall, span=self.span), recall

    def leveled(self) -> ModelDrafter:
        """Behind a repeat even a pass that leaves nothing pending has a level to commit."""
        return replace(self, parallel=False)


@dataclass(frozen=True, slots=True)
class DecoderDrafter:
    """A decoder of its own as a drafter: what it emits are the guesses.

    `outer` keeps the caches and tokens of the decoding model between steps, `inner` drafts for it.
    """

    outer: ModelDrafter
    inner: Drafter
    rule: Rule
    sampling: Ref
    epsilon: float | None = None
    delta: float | None = None

    @property
    def carries(self) -> int:
        """What the decoding model and its own drafter carry."""
        return self.outer.carries + self.inner.carries

    @property
    def awaits(self) -> int:
        """The caches of both."""
        return 1 + self.inner.awaits

    def begin(self, start: Lines, prompt: Value, ids: Value, rows: int) -> tuple[Carried, ...]:
        """Read the prompt with the decoding model and with its own drafters."""
        mine = self.outer.begin(start, prompt, ids, rows)
        own = ids if self.outer.bridge is None else start.nodes[-2].results[0]
        return *mine, *self.inner.begin(start, prompt, own, rows)

    def propose(self, lines: Lines, fresh: Value, carried: Sequence[Value], scene: Scene) -> Proposal:
        """Repeat the inner decoder until it has emitted enough."""
        source, memory, *inner = carried if self.outer.bridge is not None else (fresh, *carried)
        span = self.outer.span
        root, memory = lines.add(Prefill, "root", "open", tokens=source, cache=memory, by=self.outer.model, span=span)
        opened = tuple(self._opened(lines, fresh, inner))
        region = self._region(opened)
        caches = 1 + sum(isinstance(value.type, Kv) for value in opened)
        guess, *pending = lines.add(
            Repeat, "guess", *["ahead"] * caches, initial=(root, memory, *opened), until=self.outer.tokens,
            trust=scene.trust, regions=(region,), span=span,
        )  # fmt: skip
        if self.outer.bridge is not None:
            guess = self.outer.bridge.carry_over(lines, guess, scene, span)
        tree = lines.add(Chain, "tree", fresh=fresh, guess=guess, span=span)
        return Proposal(tree, scene, tuple(pending))

    def _opened(self, lines: Lines, fresh: Value, inner: Sequence[Value]) -> Iterator[Value]:
        """An inner drafter's cache of our vocabulary has to read what is fresh; another's stands behind what it is owed."""
        before: Type | None = None
        for value in inner:
            if isinstance(value.type, Kv) and not isinstance(before, Tokens):
                _, opened = lines.add(Prefill, "last", "open", tokens=fresh, cache=value, by=Ref(value.type.model))
                yield Value(opened.name, value.type)
            else:
                yield value
            before = value.type

    def _region(self, opened: tuple[Value, ...]) -> Region:
        span = self.outer.span
        lines = Lines(span, ("fresh", "memory"))
        fresh = Value("fresh", Path(Size.of(1), self.outer.vocab))
        memory = Value("memory", Kv(self.outer.model, self.outer.capacity))
        parameters = tuple(Value(lines.name(value.name.split(".")[0]), value.type) for value in opened)
        proposal = self.inner.propose(lines, fresh, parameters, Scene(memory))
        judged = proposal.scene.cache
        scores, held = lines.add(Verify, "scores", "held", tree=proposal.tree, cache=judged, by=self.outer.model)
        table = None if self.outer.bridge is None else self.outer.bridge.table
        path = lines.add(
            Accept, "path", tree=proposal.tree, logits=scores, rule=self.rule, sampling=self.sampling, within=table,
            epsilon=self.epsilon, delta=self.delta,
        )  # fmt: skip
        kept = lines.add(Commit, "kept", cache=held, path=path)
        settled = self.inner.settle(lines, path, proposal.pending)
        return Region(
            name="step", parameters=(fresh, memory, *parameters), nodes=tuple(lines.nodes), emitted=(path,),
            yielded=(path, kept, *settled), span=span,
        )  # fmt: skip

    def idle(self, lines: Lines, fresh: Value, carried: Sequence[Value], scene: Scene) -> tuple[Value, ...]:
        """Read what is owed with every model, and leave levels without rows."""
        mine = self.outer.carries
        inner = self.inner.leveled()
        return *self.outer.idle(lines, fresh, carried[:mine], scene), *inner.idle(lines, fresh, carried[mine:], scene)

    def settle(self, lines: Lines, said: Value, pending: Sequence[Value]) -> tuple[Value, ...]:
        """Every cache keeps what was said."""
        mine = self.outer.settle(lines, said, pending[:1])
        return *mine, *self.inner.leveled().settle(lines, said, pending[1:])

    def leveled(self) -> DecoderDrafter:
        """Its caches have come out of its own repeat already."""
        return self
