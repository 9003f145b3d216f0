"""Expected tokens per step, as a formula of acceptance: in words for a person, and to be evaluated.

Throughout, a is the chance that a guess is accepted, given that all before it on its path were. Formulas treat guesses
as independent of each other, as the papers do.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from ..trees import SparseStates, Topology


@dataclass(frozen=True, slots=True)
class Expectation:
    """Tokens per step. `formula` is what a person reads; `evaluate` gives its value at an acceptance from 0 to 1."""

    formula: str
    _of: Callable[[float], float] = field(repr=False, compare=False)

    def evaluate(self, acceptance: float) -> float:
        """The formula's value."""
        assert 0 <= acceptance <= 1, "an acceptance is a probability"
        return self._of(acceptance)


def plain() -> Expectation:
    """No guesses: every step gives the target's own token."""
    return Expectation("1", lambda a: 1.0)


def chain(length: int) -> Expectation:
    """Guesses in a line, and the target's own token behind the last accepted one.

    >>> chain(3).evaluate(0.5)
    1.875
    """
    if length == 0:
        return plain()
    return Expectation(f"(1 - a^{length + 1}) / (1 - a)", lambda a: sum(a**k for k in range(length + 1)))


def static_tree(children: Sequence[int]) -> Expectation:
    """A tree whose layer i has c_i children under each node.

    The guess of rank r is taken to be right with a (1-a)^r: as likely as the first, among what is left. So one of c
    siblings is right with h = 1 - (1-a)^c, and the path gets one deeper with each layer's h.
    """

    def value(a: float) -> float:
        total = reached = 1.0
        for count in children:
            reached *= 1 - (1 - a) ** count
            total += reached
        return total

    hits = [f"h{count}" for count in children]
    terms = ["1", *("·".join(hits[: depth + 1]) for depth in range(len(hits)))]
    return Expectation(f"{' + '.join(terms)}, where hc = 1 - (1-a)^c", value)


def tree(topology: Topology) -> Expectation:
    """Any tree: the sum over its nodes of the chance that their path is right, with ranks as in `static_tree`.

    >>> from specplan.planner.trees import written_out
    >>> tree(written_out([[0], [1], [0, 0]])).formula
    '1 + a + a(1-a) + a^2'
    """
    terms = Counter((len(path), sum(path)) for path in topology.paths)

    def value(a: float) -> float:
        return 1 + sum(count * a**depth * (1 - a) ** skipped for (depth, skipped), count in terms.items())

    if len(terms) > 8:
        return Expectation(f"1 + the sum over {topology.nodes} nodes of a^depth (1-a)^(sum of ranks)", value)
    return Expectation(" + ".join(["1", *(_term(*key, terms[key]) for key in sorted(terms))]), value)


def sparse_states(states: SparseStates) -> Expectation:
    """PPD: 1 + the mean, over how long the decoder stays in each state, of what that state's tree gets accepted.

    It rests on rank accuracies that were measured, so it has a value and does not vary with a (section 4 of the paper).
    """
    parts = [
        f"{share:.3f}·{accepted:.3f}"
        for share, accepted in zip(states.stationary, states.expected_accepted, strict=True)
        if share >= 0.0005 and accepted
    ]
    value = states.tokens_per_step
    return Expectation(" + ".join(["1", *parts]), lambda a: value)


def within(inner: Expectation, share: float) -> Expectation:
    """Guesses of a drafter whose vocabulary has a `share` of what the target writes.

    What it has no token for it cannot guess; elsewhere its guesses are taken to be as good as any. That is careful: slem
    and slrs also carry over what takes several of its tokens.

    >>> within(chain(1), 0.5).evaluate(0.8), within(chain(1), 0.5).formula
    (1.4, '(1 - a^2) / (1 - a) at 0.500·a')
    """
    return Expectation(f"{inner.formula} at {share:.3f}·a", lambda a: inner.evaluate(share * a))


def pipeline(stages: int, children: int) -> Expectation:
    """PipeDec's tokens per timestep; a step of plain decoding in the same pipeline lasts `stages` timesteps.

    h is the chance that the target's token is among the root's children. A run of hits lasts 1/(1-h) verifications on
    average and costs stages - 1 timesteps to fill again.
    """
    formula = f"1 / ({stages - 1}·(1-h) + 1)"
    if children == 0:
        return Expectation(f"1 / {stages}", lambda a: 1 / stages)
    return Expectation(
        f"{formula}, where h = 1 - (1-a)^{children}", lambda a: 1 / ((stages - 1) * (1 - a) ** children + 1)
    )


def forked(inner: Expectation, max_forks: int, fork_share: float = 0.0) -> Expectation:
    """PASTA: `fork_share` s of the tokens are written in forks, at most `max_forks` at once, evenly.

    s depends on the prompt and nobody knows it before; its default, 0, is an answer without a promise.
    """

    def value(a: float) -> float:
        return inner.evaluate(a) / ((1 - fork_share) + fork_share / max_forks)

    body = inner.formula if inner.formula == "1" else f"({inner.formula})"
    return Expectation(f"{body} / ((1-s) + s/{max_forks}), where s is the share written in forks", value)


def _term(depth: int, skipped: int, count: int) -> str:
    power = "a" if depth == 1 else f"a^{depth}"
    rest = "" if not skipped else "(1-a)" if skipped == 1 else f"(1-a)^{skipped}"
    return f"{'' if count == 1 else count}{power}{rest}"
