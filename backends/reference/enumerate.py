"""The law of what a graph says, exactly: every outcome of every draw, step by step, and equal states counted together."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import TypeAlias

from ...planner.graph import Choose, Graph, Node, Repeat
from ..decoding import Array, Draws, Key, Repeats, enumerate_outcomes
from .machine import Known, Machine, Said, State, Stepped
from .tables import World

Text: TypeAlias = tuple[int, ...]
"""What one request said; the forks of a threaded one follow the main thread, each behind FORK."""

Watcher: TypeAlias = Callable[[Said, State], None]

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
    finished: dict[Said, float] = {}
    waiting: dict[tuple[State, Said], float] = {(machine.start(prompts), ()): 1.0}
    followed: dict[State, list[tuple[float, Stepped]]] = {}
    for _ in range(MOST_STEPS):
        if not waiting:
            break
        following: dict[tuple[State, Said], float] = {}
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

    Node by node, so that what comes before a draw is run once and not once for every outcome.
    """
    ways: list[tuple[float, Known, frozenset[Key]]] = [(1.0, machine.enter(state), frozenset())]
    for node in machine.graph.step.nodes:
        ways = [
            (reached * weight, after, keys | drawn)
            for reached, known, keys in ways
            for weight, after, drawn in _outcomes(machine, node, known)
            if _apart(keys, drawn)
        ]
    found: dict[tuple[State, Said, tuple[bool, ...]], tuple[float, Stepped]] = {}
    for weight, known, _ in ways:
        stepped = machine.leave(state, known)
        key = (stepped.state, stepped.said, stepped.done)
        found[key] = (found[key][0] + weight if key in found else weight, stepped)
    return list(found.values())


def _apart(keys: frozenset[Key], drawn: frozenset[Key]) -> bool:
    shared = keys & drawn
    assert not shared, f"two nodes of one step make the same draw: {next(iter(shared))}"
    return True


def _outcomes(machine: Machine, node: Node, known: Known) -> Iterator[tuple[float, Known, frozenset[Key]]]:
    """Every way that a node can turn out, and the draws that it made on that way."""
    # A decoder inside drafts a position again after it was rejected there: with the same number, as counters would.
    repeats = Repeats.SHARED if isinstance(node, Repeat | Choose) else Repeats.REFUSED

    def run(draws: Draws) -> tuple[Known, frozenset[Key]]:
        noted = _Noted(draws, set())
        return machine.with_draws(lambda seed: noted).run(node, known), frozenset(noted.keys)

    for weight, (after, keys) in enumerate_outcomes(run, repeats=repeats):
        yield weight, after, keys


@dataclass(frozen=True)
class _Noted:
    """Draws that note their keys."""

    draws: Draws
    keys: set[Key]

    def pick(self, law: Array, key: Key) -> int:
        self.keys.add(key)
        return self.draws.pick(law, key)

    def accept(self, probability: float, key: Key) -> bool:
        self.keys.add(key)
        return self.draws.accept(probability, key)


def _appended(said: Said, more: Said) -> Said:
    known = dict(said)
    for place, tokens in more:
        known[place] = known.get(place, ()) + tokens
    return tuple(sorted(known.items()))


def text_of(said: Said, request: int) -> Text:
    """What one request said, in one line."""
    text: Text = ()
    for (row, thread), tokens in said:
        if row == request:
            text += ((FORK,) if thread else ()) + tokens
    return text
