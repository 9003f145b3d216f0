"""The law of what a graph says, exactly: every outcome of every draw, step by step, and equal states counted together."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import TypeAlias

from ...planner.graph import Graph, Node, Region, Repeat, inner_regions, operands
from ..decoding import Array, Draws, Key, Repeats, enumerate_outcomes
from .machine import Known, Machine, State, Stepped, Transcript
from .tables import World

Text: TypeAlias = tuple[int, ...]
"""What one request said; the forks of a threaded one follow the main thread, each behind FORK."""

Watcher: TypeAlias = Callable[[Transcript, State], None]

FORK = -1
MOST_STEPS = 200


def output_law(graph: Graph, world: World, prompt: bytes, watch: Watcher | None = None) -> dict[Text, float]:
    """The law of all that the graph says to a prompt.

    `watch` is shown all that was said so far and the state after it, to check what must hold between steps.
    """
    return {texts[0]: weight for texts, weight in joint_law(graph, world, (prompt,), watch).items()}


def joint_law(
    graph: Graph, world: World, prompts: Sequence[bytes], watch: Watcher | None = None
) -> dict[tuple[Text, ...], float]:
    """The law of what the graph says to several prompts in one batch."""
    machine = Machine(graph, world)
    finished: dict[Transcript, float] = {}
    waiting: dict[tuple[State, Transcript], float] = {(machine.start(prompts), ()): 1.0}
    followed: dict[State, list[tuple[float, Stepped]]] = {}
    for _ in range(MOST_STEPS):
        if not waiting:
            break
        following: dict[tuple[State, Transcript], float] = {}
        for (state, said), reached in waiting.items():
            if state not in followed:
                followed[state] = steps_from(machine, state)
            for weight, stepped in followed[state]:
                heard = _appended(said, stepped.said)
                if watch is not None:
                    watch(heard, stepped.state)
                if all(stepped.done):
                    finished[heard] = finished.get(heard, 0.0) + reached * weight
                else:
                    place = (stepped.state, heard)
                    following[place] = following.get(place, 0.0) + reached * weight
        waiting = following
    assert not waiting, f"the graph has not ended after {MOST_STEPS} steps"
    law: dict[tuple[Text, ...], float] = {}
    for heard, weight in finished.items():
        texts = tuple(text_of(heard, request) for request in range(len(prompts)))
        law[texts] = law.get(texts, 0.0) + weight
    return law


def steps_from(machine: Machine, state: State) -> list[tuple[float, Stepped]]:
    """Every way that a step can turn out, and its probability; equal ways are counted together.

    Node by node, so that what comes before a draw is run once and not once for every outcome; and what no later node
    asks for is forgotten, so that ways meet again as soon as they can.
    """
    step = machine.graph.step
    ways: list[_Way] = [(1.0, machine.enter(state), frozenset())]
    for place, node in enumerate(step.nodes):
        further = (
            (reached * weight, after, keys | drawn)
            for reached, known, keys in ways
            for weight, after, drawn in _outcomes(machine, node, known)
            if _apart(keys, drawn)
        )
        ways = _met(further, _asked_for(step, place + 1))
    found: dict[Stepped, float] = {}
    for weight, known, _ in ways:
        stepped = machine.leave(state, known)
        found[stepped] = found.get(stepped, 0.0) + weight
    return [(weight, stepped) for stepped, weight in found.items()]


_Way: TypeAlias = tuple[float, Known, frozenset[Key]]
"""A way through the nodes so far: its probability, what is known, and which draws were made."""


def _asked_for(step: Region, place: int) -> frozenset[str]:
    """The names that the nodes from `place` on, and the end of the step, ask for."""
    ends = (*step.yielded, *step.emitted, *(() if step.until is None else (step.until,)))
    asked = (*ends, *(value for node in step.nodes[place:] for value in operands(node)))
    return frozenset(value.name for value in asked)


def _met(ways: Iterable[_Way], names: frozenset[str]) -> list[_Way]:
    """Ways that know the same of `names`, as one."""
    met: dict[tuple[object, ...], _Way] = {}
    for weight, known, keys in ways:
        kept = {name: held for name, held in known.items() if name in names}
        place = tuple(_hashable(held) for held in kept.values())
        before = met.get(place)
        met[place] = (weight, kept, keys) if before is None else (before[0] + weight, kept, before[2] | keys)
    return list(met.values())


def _hashable(held: object) -> object:
    """The value, or what tells it apart: hidden states are kept by node."""
    if isinstance(held, tuple):
        return tuple(frozenset(each.items()) if isinstance(each, dict) else each for each in held)
    return held


def _apart(keys: frozenset[Key], drawn: frozenset[Key]) -> bool:
    shared = keys & drawn
    assert not shared, f"two nodes of one step make the same draw: {next(iter(shared))}"
    return True


def _outcomes(machine: Machine, node: Node, known: Known) -> Iterator[tuple[float, Known, frozenset[Key]]]:
    """Every way that a node can turn out, and the draws that it made on that way."""
    # A decoder inside drafts a position again after it was rejected there: with the same number, as counters would.
    repeats = Repeats.SHARED if _holds_a_decoder(node) else Repeats.REFUSED

    def run(draws: Draws) -> tuple[Known, frozenset[Key]]:
        noted = _Noted(draws, set())
        return machine.with_draws(lambda seed: noted).run(node, known), frozenset(noted.keys)

    for weight, (after, keys) in enumerate_outcomes(run, repeats=repeats):
        yield weight, after, keys


def _holds_a_decoder(node: Node) -> bool:
    inside = (inner for region in inner_regions(node) for inner in region.nodes)
    return isinstance(node, Repeat) or any(map(_holds_a_decoder, inside))


@dataclass(frozen=True)
class _Noted:
    """Draws that note their keys."""

    draws: Draws
    keys: set[Key]

    def pick(self, law: Array, key: Key) -> int:
        self.keys.add(key)
        return self.draws.pick(law, key)

    def pick_rows(self, laws: Array, keys: Sequence[Key]) -> Array:
        self.keys.update(keys)
        return self.draws.pick_rows(laws, keys)

    def accept(self, probability: float, key: Key) -> bool:
        self.keys.add(key)
        return self.draws.accept(probability, key)


def _appended(said: Transcript, more: Transcript) -> Transcript:
    known = dict(said)
    for place, tokens in more:
        known[place] = known.get(place, ()) + tokens
    return tuple(sorted(known.items()))


def text_of(said: Transcript, request: int) -> Text:
    """What one request said, in one line."""
    text: Text = ()
    for (row, thread), tokens in said:
        if row == request:
            text += ((FORK,) if thread else ()) + tokens
    return text
