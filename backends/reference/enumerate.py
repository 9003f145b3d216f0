"""The law of what a graph says, exactly: every outcome of every draw, step by step, and equal states counted together."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TypeAlias

from ...planner.graph import Graph, Repeat
from ..decoding import Draws, Repeats, enumerate_outcomes
from .machine import Machine, Said, State, Stepped
from .tables import World

Text: TypeAlias = tuple[int, ...]
"""What one request said; the forks of a threaded one follow the main thread, each behind FORK."""

FORK = -1
MOST_STEPS = 200


def output_law(
    graph: Graph, world: World, prompt: bytes, watch: Callable[[State, Stepped], None] | None = None
) -> dict[Text, float]:
    """The law of all that the graph says to a prompt.

    `watch` is shown every state with each step that can follow it, to check what must hold between steps.
    """
    return {texts[0]: weight for texts, weight in joint_law(graph, world, (prompt,), watch).items()}


def joint_law(
    graph: Graph, world: World, prompts: Sequence[bytes], watch: Callable[[State, Stepped], None] | None = None
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
                for _, stepped in followed[state] if watch is not None else ():
                    watch(state, stepped)  # type: ignore[misc]
            for weight, stepped in followed[state]:
                heard = _appended(said, stepped.said)
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
    """Every way that a step can turn out, and its probability; equal ways are counted together."""
    # A decoder inside drafts a position again after it was rejected there: with the same number, as counters would.
    nested = any(isinstance(node, Repeat) for node in machine.graph.nodes())
    repeats = Repeats.SHARED if nested else Repeats.REFUSED

    def run(draws: Draws) -> Stepped:
        return machine.with_draws(lambda seed: draws).step(state)

    found: dict[tuple[State, Said, tuple[bool, ...]], tuple[float, Stepped]] = {}
    for weight, stepped in enumerate_outcomes(run, repeats=repeats):
        key = (stepped.state, stepped.said, stepped.done)
        found[key] = (found[key][0] + weight if key in found else weight, stepped)
    return list(found.values())


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
