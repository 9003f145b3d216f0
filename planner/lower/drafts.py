"""How each kind of draft becomes nodes: what it keeps between steps, how it proposes, and how it learns what was said.

A drafter is written three times into a graph: `begin` in the start region makes what it carries from step to step,
`propose` makes a tree of its guesses, `settle` brings what it carries up to date once the target has spoken. `idle` is
`propose` without guesses, for steps in which another drafter was chosen: what was said still has to be read.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Protocol

from ...grammar import Span
from ..graph import (
    NONE,
    Accept,
    Branch,
    Chain,
    Choose,
    Commit,
    Draft,
    Encode,
    Kv,
    Lookup,
    Merge,
    Path,
    Prefill,
    Probe,
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
from .lines import Lines


@dataclass(frozen=True, slots=True)
class Scene:
    """What a proposal may look at: the cache of the model that will judge it, the threads, and who is trusted."""

    cache: Value
    threads: Value | None = None
    trust: Value | None = None


@dataclass(frozen=True, slots=True)
class Carried:
    """A value that goes from step to step: its name as a parameter, what it starts as, and its rows and decisions."""

    name: str
    initial: Value
    type: Type


@dataclass(frozen=True, slots=True)
class Proposal:
    """A tree of guesses, and the drafter's values that await the verdict; `scene` is what may be looked at from here on."""

    tree: Value
    scene: Scene
    pending: tuple[Value, ...] = ()


class Drafter(Protocol):
    """One kind of draft, in nodes."""

    def begin(self, start: Lines, prompt: Value, ids: Value, rows: int) -> tuple[Carried, ...]:
        """Read the prompt; say what is carried from step to step."""

    def propose(self, lines: Lines, fresh: Value, carried: Sequence[Value], scene: Scene) -> Proposal:
        """Guess."""

    def idle(self, lines: Lines, fresh: Value, carried: Sequence[Value], scene: Scene) -> tuple[Value, ...]:
        """Read what is fresh and guess nothing; gives what `propose` leaves pending."""

    def settle(self, lines: Lines, said: Value, pending: Sequence[Value]) -> tuple[Value, ...]:
        """What was said is known: the values to carry on, in the order of `begin`."""


@dataclass(frozen=True, slots=True)
class Silent:
    """No draft."""

    span: Span

    def begin(self, start: Lines, prompt: Value, ids: Value, rows: int) -> tuple[Carried, ...]:
        """Nothing is carried."""
        return ()

    def propose(self, lines: Lines, fresh: Value, carried: Sequence[Value], scene: Scene) -> Proposal:
        """A tree that is a root alone."""
        return Proposal(lines.add(Chain, "tree", fresh=fresh, span=self.span), scene)

    def idle(self, lines: Lines, fresh: Value, carried: Sequence[Value], scene: Scene) -> tuple[Value, ...]:
        """Nothing to read."""
        return ()

    def settle(self, lines: Lines, said: Value, pending: Sequence[Value]) -> tuple[Value, ...]:
        """Nothing to learn."""
        return ()


@dataclass(frozen=True, slots=True)
class LookupDrafter(Silent):
    """N-grams of the text so far."""

    recent: Ref
    tokens: int

    def propose(self, lines: Lines, fresh: Value, carried: Sequence[Value], scene: Scene) -> Proposal:
        """Look the end of the text up."""
        guess = lines.add(
            Lookup, "guess", source=fresh, cache=scene.cache, threads=scene.threads, trust=scene.trust, by=self.recent,
            tokens=self.tokens, span=self.span,
        )  # fmt: skip
        return Proposal(lines.add(Chain, "tree", fresh=fresh, guess=guess, span=self.span), scene)


@dataclass(frozen=True, slots=True)
class PromptsDrafter(Silent):
    """Prompt tokens that ride the judging model."""

    prompts: Ref
    trees: Ref

    def propose(self, lines: Lines, fresh: Value, carried: Sequence[Value], scene: Scene) -> Proposal:
        """Ask the prompts in a pass of their own, and spread their ranked answers over the shape."""
        hints = lines.add(
            Probe, "hints", source=fresh, cache=scene.cache, threads=scene.threads, trust=scene.trust, by=self.prompts,
            span=self.span,
        )  # fmt: skip
        return Proposal(lines.add(Spread, "tree", fresh=fresh, guess=hints, by=self.trees, span=self.span), scene)


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
        opened = tuple(self._opened(lines, fresh, value) for value in inner)
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

    def _opened(self, lines: Lines, fresh: Value, value: Value) -> Value:
        """An inner drafter's cache of our vocabulary has to read what is fresh; another's is owed it in tokens."""
        if not isinstance(value.type, Kv):
            return value
        _, opened = lines.add(Prefill, "last", "open", tokens=fresh, cache=value, by=Ref(value.type.model))
        return Value(opened.name, value.type)

    def _region(self, opened: tuple[Value, ...]) -> Region:
        span = self.outer.span
        lines = Lines(span, ("fresh", "memory"))
        fresh = Value("fresh", Path(Size.of(1), self.outer.vocab))
        memory = Value("memory", Kv(self.outer.model, self.outer.capacity))
        parameters = tuple(Value(lines.name(value.name.split(".")[0]), value.type) for value in opened)
        proposal = self.inner.propose(lines, fresh, parameters, Scene(memory))
        scores, held = lines.add(Verify, "scores", "held", tree=proposal.tree, cache=memory, by=self.outer.model)
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
        mine = 1 if self.outer.bridge is None else 2
        inner = _with_level(self.inner)
        return *self.outer.idle(lines, fresh, carried[:mine], scene), *inner.idle(lines, fresh, carried[mine:], scene)

    def settle(self, lines: Lines, said: Value, pending: Sequence[Value]) -> tuple[Value, ...]:
        """Every cache keeps what was said."""
        mine = self.outer.settle(lines, said, pending[:1])
        return *mine, *_with_level(self.inner).settle(lines, said, pending[1:])


def _with_level(drafter: Drafter) -> Drafter:
    """A drafter whose cache came out of a repeat: even one whose pass leaves nothing pending has a level there."""
    return replace(drafter, parallel=False) if isinstance(drafter, ModelDrafter) else drafter


@dataclass(frozen=True, slots=True)
class MergedDrafter:
    """Several drafters, their guesses in one tree."""

    span: Span
    drafters: tuple[Drafter, ...]

    def begin(self, start: Lines, prompt: Value, ids: Value, rows: int) -> tuple[Carried, ...]:
        """What each carries, one after the other."""
        return tuple(item for drafter in self.drafters for item in drafter.begin(start, prompt, ids, rows))

    def propose(self, lines: Lines, fresh: Value, carried: Sequence[Value], scene: Scene) -> Proposal:
        """A tree of each, merged."""
        made: list[Proposal] = []
        for drafter, mine in self.shared(carried):
            made.append(drafter.propose(lines, fresh, mine, scene))
            scene = made[-1].scene
        tree = lines.add(Merge, "tree", trees=tuple(each.tree for each in made), span=self.span)
        return Proposal(tree, scene, tuple(value for each in made for value in each.pending))

    def idle(self, lines: Lines, fresh: Value, carried: Sequence[Value], scene: Scene) -> tuple[Value, ...]:
        """Each reads."""
        return tuple(v for drafter, mine in self.shared(carried) for v in drafter.idle(lines, fresh, mine, scene))

    def settle(self, lines: Lines, said: Value, pending: Sequence[Value]) -> tuple[Value, ...]:
        """Each learns what was said."""
        settled: list[Value] = []
        rest = list(pending)
        for drafter in self.drafters:
            mine = [rest.pop(0) for _ in range(pending_count(drafter))]
            settled += drafter.settle(lines, said, mine)
        return tuple(settled)

    def shared(self, carried: Sequence[Value]) -> list[tuple[Drafter, list[Value]]]:
        """Each drafter with its own share of what is carried."""
        rest = list(carried)
        return [(drafter, [rest.pop(0) for _ in range(carried_count(drafter))]) for drafter in self.drafters]


@dataclass(frozen=True, slots=True)
class ChosenDrafter:
    """One of several drafters each step; the others read what was said, so that none falls behind.

    Alternatives that keep the same model's cache share it: `keepers` holds one drafter for each cache, and `slots` says
    whose cache each alternative uses.
    """

    span: Span
    alternatives: tuple[Drafter, ...]
    names: tuple[str, ...]
    per: Ref | None

    @property
    def slots(self) -> tuple[int, ...]:
        """For each alternative, the index of its keeper."""
        keys = [_keeps(drafter) or index for index, drafter in enumerate(self.alternatives)]
        first = list(dict.fromkeys(keys))
        return tuple(first.index(key) for key in keys)

    @property
    def keepers(self) -> MergedDrafter:
        """One drafter for each cache."""
        slots = self.slots
        return MergedDrafter(self.span, tuple(self.alternatives[slots.index(slot)] for slot in range(max(slots) + 1)))

    def begin(self, start: Lines, prompt: Value, ids: Value, rows: int) -> tuple[Carried, ...]:
        """What each keeper carries."""
        return self.keepers.begin(start, prompt, ids, rows)

    def propose(self, lines: Lines, fresh: Value, carried: Sequence[Value], scene: Scene) -> Proposal:
        """A region per drafter; the cache that they may look at goes in and comes out."""
        given = [fresh, scene.cache, *(v for v in (scene.threads, scene.trust) if v is not None), *carried]
        regions = tuple(self._region(index, given, scene) for index in range(len(self.names)))
        pending = pending_count(self.keepers)
        tree, cache, *left = lines.add(
            Choose, "tree", scene.cache.name, *["ahead"] * pending, operands=tuple(given), per=self.per, regions=regions,
            span=self.span,
        )  # fmt: skip
        return Proposal(tree, replace(scene, cache=Value(cache.name, scene.cache.type)), tuple(left))

    def _region(self, chosen: int, given: list[Value], scene: Scene) -> Region:
        lines = Lines(self.span, tuple(value.name for value in given))
        fresh, cache, *rest = given
        threads = rest.pop(0) if scene.threads is not None else None
        trust = rest.pop(0) if scene.trust is not None else None
        inner = Scene(cache, threads, trust)
        tree, pending = NONE, []
        for slot, (keeper, mine) in enumerate(self.keepers.shared(rest)):
            if slot == self.slots[chosen]:
                proposal = self.alternatives[chosen].propose(lines, fresh, mine, inner)
                tree, cache = proposal.tree, proposal.scene.cache
                pending += proposal.pending
            else:
                pending += keeper.idle(lines, fresh, mine, inner)
        return Region(
            name=self.names[chosen], parameters=tuple(given), nodes=tuple(lines.nodes), yielded=(tree, cache, *pending),
            span=self.span,
        )  # fmt: skip

    def idle(self, lines: Lines, fresh: Value, carried: Sequence[Value], scene: Scene) -> tuple[Value, ...]:
        """Each keeper reads."""
        return self.keepers.idle(lines, fresh, carried, scene)

    def settle(self, lines: Lines, said: Value, pending: Sequence[Value]) -> tuple[Value, ...]:
        """Each keeper learns what was said."""
        return self.keepers.settle(lines, said, pending)


def _keeps(drafter: Drafter) -> tuple[str, bool, bool] | None:
    """What makes two alternatives keep one cache: the same model, read and committed in the same way."""
    if not isinstance(drafter, ModelDrafter):
        return None
    return drafter.model, drafter.bridge is None, drafter.parallel


def carried_count(drafter: Drafter) -> int:
    """How many values a drafter carries from step to step."""
    match drafter:
        case ModelDrafter(bridge=bridge):
            return 1 if bridge is None else 2
        case DecoderDrafter(outer=outer, inner=inner):
            return carried_count(outer) + carried_count(inner)
        case MergedDrafter(drafters=drafters):
            return sum(map(carried_count, drafters))
        case ChosenDrafter(keepers=keepers):
            return carried_count(keepers)
        case _:
            return 0


def pending_count(drafter: Drafter) -> int:
    """How many of its values await the verdict: its caches."""
    match drafter:
        case ModelDrafter():
            return 1
        case DecoderDrafter(inner=inner):
            return 1 + pending_count(inner)
        case MergedDrafter(drafters=drafters):
            return sum(map(pending_count, drafters))
        case ChosenDrafter(keepers=keepers):
            return pending_count(keepers)
        case _:
            return 0
