"""Several drafts together: in one tree, or one of them at a time."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from ...grammar import Span
from ..graph import NONE, Choose, Merge, Ref, Region, Value
from .drafter import Carried, Drafter, Proposal, Scene
from .lines import Lines
from .model_drafts import ModelDrafter


@dataclass(frozen=True, slots=True)
class MergedDrafter:
    """Several drafters, their guesses in one tree."""

    span: Span
    drafters: tuple[Drafter, ...]

    @property
    def carries(self) -> int:
        """What all of them carry."""
        return sum(drafter.carries for drafter in self.drafters)

    @property
    def awaits(self) -> int:
        """What of all of them awaits the verdict."""
        return sum(drafter.awaits for drafter in self.drafters)

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
            mine = [rest.pop(0) for _ in range(drafter.awaits)]
            settled += drafter.settle(lines, said, mine)
        return tuple(settled)

    def leveled(self) -> MergedDrafter:
        """Each is."""
        return replace(self, drafters=tuple(drafter.leveled() for drafter in self.drafters))

    def shared(self, carried: Sequence[Value]) -> list[tuple[Drafter, list[Value]]]:
        """Each drafter with its own share of what is carried."""
        rest = list(carried)
        return [(drafter, [rest.pop(0) for _ in range(drafter.carries)]) for drafter in self.drafters]


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
    def carries(self) -> int:
        """What the keepers carry."""
        return self.keepers.carries

    @property
    def awaits(self) -> int:
        """What of the keepers awaits the verdict."""
        return self.keepers.awaits

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
        pending = self.awaits
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
        tree = NONE
        pending: list[Value] = []
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

    def leveled(self) -> MergedDrafter:
        """Each keeper is."""
        return self.keepers.leveled()


def _keeps(drafter: Drafter) -> tuple[str, bool, bool] | None:
    """What makes two alternatives keep one cache: the same model, read and committed in the same way."""
    if not isinstance(drafter, ModelDrafter):
        return None
    return drafter.model, drafter.bridge is None, drafter.parallel
