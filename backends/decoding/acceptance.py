"""Which proposals the target accepts, at one node and along a tree, as a draw and as a law.

Names as in the papers: `p` is the target's law at a node, `q` the law of a proposal.

Rejection with many proposals, in order (SpecInfer's multi-step rule; for one proposal, Leviathan et al. 2023):
start with p_0 = p; take proposal i with probability min(1, p_i(c_i) / q_i(c_i)); if it is rejected, go on with
p_{i+1} = norm(max(0, p_i - q_i)); after the last, draw from what is left. Each proposal with its residual is one exact
way of drawing from p_i, whatever q_i is, as long as c_i was drawn from q_i given everything before it. So drawn and
certain proposals (q_i one-hot), siblings with and without replacement, and duplicates mix freely; induction over i does
the rest.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from math import exp, log
from typing import TypeAlias, assert_never

from array_api_compat import array_namespace

from .draws import Draws, Key, Purpose
from .laws import Array, entropy, one_hot, residual
from .proposals import Proposal


@dataclass(frozen=True, slots=True)
class ExactMatch:
    """Draw the target's own token and follow the child that carries it. Exact whatever the proposals' laws are."""


@dataclass(frozen=True, slots=True)
class Rejection:
    """Accept by the ratio of the target's law to the proposal's. Exact if each proposal's law is its true one."""


@dataclass(frozen=True, slots=True)
class Typical:
    """Accept what the target finds likely enough: p(c) > min(epsilon, delta * exp(-entropy(p))). Approximate.

    Takes the longest accepted path, of those the likeliest, and continues with the target's argmax (PPD; Medusa).
    """

    epsilon: float = 0.09
    delta: float = 0.3

    def threshold(self, entropy: float) -> float:
        """Return the probability that a token must exceed under a law of this entropy, in nats."""
        return min(self.epsilon, self.delta * exp(-entropy))

    def taken(self, weights: Sequence[float], entropy: float) -> list[float]:
        """Return the probabilities of tokens, with 0 for those that a law of this entropy (in nats) refuses."""
        floor = self.threshold(entropy)
        return [weight if weight > floor else 0.0 for weight in weights]


Rule: TypeAlias = ExactMatch | Rejection | Typical
Tree: TypeAlias = Sequence[Sequence[Proposal]]
"""The proposals at the root (0) and at each node, parents before children; a child's row is its `Proposal.node`."""
Outcome: TypeAlias = tuple[int | None, int]
"""The proposal that was accepted, or None, and the token: the proposal's or the target's own."""


@dataclass(frozen=True, slots=True)
class Path:
    """The accepted branch."""

    nodes: tuple[int, ...]
    """The accepted nodes from the root's child on, as rows of the tree."""
    tokens: tuple[int, ...]
    """Their tokens, and then the target's own: one more than nodes."""


def accept_node(p: Array, proposals: Sequence[Proposal], rule: Rule, draws: Draws, key: Key) -> Outcome:
    """Decide one token: of the row, thread, level and position of `key`, with the target's law `p` `[V]`."""
    match rule:
        case ExactMatch():
            token = draws.pick(p, key.at(Purpose.TARGET))
            return _find(token, proposals), token
        case Rejection():
            return _reject(p, proposals, draws, key)
        case Typical():
            return _typical_node(p, proposals, rule)
        case _:
            assert_never(rule)


def outcome_law(p: Array, proposals: Sequence[Proposal], rule: Rule) -> dict[Outcome, float]:
    """Return the law of `accept_node` for these proposals, without the outcomes of probability zero."""
    match rule:
        case ExactMatch():
            return {(_find(token, proposals), token): weight for token, weight in _support(p)}
        case Rejection():
            return _rejection_law(p, proposals)
        case Typical():
            return {_typical_node(p, proposals, rule): 1.0}
        case _:
            assert_never(rule)


def accept_tree(laws: Sequence[Array] | Array, tree: Tree, rule: Rule, draws: Draws, key: Key) -> Path:
    """Walk from the root as far as proposals are accepted; `key` has the position of the first token that is decided.

    `laws` are the target's rows `[1 + nodes, V]`, row 0 the root's. Only rows on the way are looked at (all of them by
    the typical rule).
    """
    if isinstance(rule, Typical):
        return _typical_path(laws, tree, rule)
    return follow(tree, lambda here, at: accept_node(laws[here], tree[here], rule, draws, at), key)


def follow(tree: Tree, decide: Callable[[int, Key], Outcome], key: Key) -> Path:
    """Walk from the root as far as `decide(node, key)` accepts one of the node's proposals."""
    nodes: list[int] = []
    tokens: list[int] = []
    here = 0
    while True:
        index, token = decide(here, key.at(key.purpose, ahead=len(nodes)))
        tokens.append(token)
        if index is None:
            return Path(tuple(nodes), tuple(tokens))
        here = _child(tree[here][index])
        nodes.append(here)


def path_law(laws: Sequence[Array] | Array, tree: Tree, rule: Rule) -> dict[Path, float]:
    """Return the law of `accept_tree` for this tree."""
    if isinstance(rule, Typical):
        return {_typical_path(laws, tree, rule): 1.0}
    law: dict[Path, float] = {}
    waiting: list[tuple[int, Path, float]] = [(0, Path((), ()), 1.0)]
    while waiting:
        here, path, reached = waiting.pop()
        for (index, token), weight in outcome_law(laws[here], tree[here], rule).items():
            tokens = (*path.tokens, token)
            if index is None:
                end = Path(path.nodes, tokens)
                law[end] = law.get(end, 0.0) + reached * weight
            else:
                child = _child(tree[here][index])
                waiting.append((child, Path((*path.nodes, child), tokens), reached * weight))
    return law


def acceptance_probability(p: float, q: float) -> float:
    """Return min(1, p/q), for the probabilities of one token; the token was drawn, so q is positive."""
    assert q > 0, "a proposal names a token that its law cannot draw: the law is not the one it was drawn from"
    return min(1.0, p / q)


def _consider(p: Array, proposal: Proposal) -> tuple[float, Array]:
    """Return the probability that a proposal is accepted under `p`, and what is left of `p` if it is not."""
    if proposal.token is None:
        assert proposal.law is not None, "a null proposal was drawn, so it has a law"
        return 0.0, residual(p, proposal.law)
    q = one_hot(proposal.token, p) if proposal.law is None else proposal.law
    return acceptance_probability(float(p[proposal.token]), float(q[proposal.token])), residual(p, q)


def _reject(p: Array, proposals: Sequence[Proposal], draws: Draws, key: Key) -> Outcome:
    for index, proposal in enumerate(proposals):
        probability, rest = _consider(p, proposal)
        if proposal.token is not None and draws.accept(probability, key.at(Purpose.ACCEPT, index=index)):
            return index, proposal.token
        p = rest
    return None, draws.pick(p, key.at(Purpose.RESIDUAL if proposals else Purpose.TARGET))


def _rejection_law(p: Array, proposals: Sequence[Proposal]) -> dict[Outcome, float]:
    law: dict[Outcome, float] = {}
    unsettled = 1.0
    for index, proposal in enumerate(proposals):
        probability, p = _consider(p, proposal)
        if proposal.token is not None and unsettled * probability > 0:
            law[index, proposal.token] = unsettled * probability
        unsettled *= 1.0 - probability
    if unsettled > 0:
        law |= {(None, token): unsettled * weight for token, weight in _support(p)}
    return law


def _taken(p: Array, proposals: Sequence[Proposal], rule: Typical) -> list[float]:
    weights = [0.0 if proposal.token is None else float(p[proposal.token]) for proposal in proposals]
    return rule.taken(weights, float(entropy(p)))


def _typical_node(p: Array, proposals: Sequence[Proposal], rule: Typical) -> Outcome:
    weights = _taken(p, proposals, rule)
    best = max(range(len(weights)), key=weights.__getitem__, default=None)
    if best is None or not weights[best]:
        return None, _likeliest(p)
    return best, _token(proposals[best])


def _typical_path(laws: Sequence[Array] | Array, tree: Tree, rule: Typical) -> Path:
    return longest_path(tree, lambda here: _taken(laws[here], tree[here], rule), lambda here: _likeliest(laws[here]))


def longest_path(tree: Tree, likely: Callable[[int], Sequence[float]], own: Callable[[int], int]) -> Path:
    """Visit what is accepted, layer by layer, and keep the longest path; of equals the likeliest, then the first.

    `likely(node)` are the probabilities of the node's proposals, 0 where one is refused; `own(node)` is the target's token.
    """
    best, best_likelihood = (0, Path((), ())), 0.0
    waiting = [(best, best_likelihood)]
    for (here, path), likelihood in waiting:
        if (len(path.nodes), likelihood) > (len(best[1].nodes), best_likelihood):
            best, best_likelihood = (here, path), likelihood
        for proposal, weight in zip(tree[here], likely(here), strict=True):
            if weight > 0:
                child = _child(proposal)
                longer = Path((*path.nodes, child), (*path.tokens, _token(proposal)))
                waiting.append(((child, longer), likelihood + log(weight)))
    here, path = best
    return Path(path.nodes, (*path.tokens, own(here)))


def _likeliest(p: Array) -> int:
    return int(array_namespace(p).argmax(p))


def _support(p: Array) -> list[tuple[int, float]]:
    return [(token, float(weight)) for token, weight in enumerate(p) if weight > 0]


def _find(token: int, proposals: Sequence[Proposal]) -> int | None:
    return next((index for index, proposal in enumerate(proposals) if proposal.token == token), None)


def _token(proposal: Proposal) -> int:
    assert proposal.token is not None, "a null proposal cannot be accepted"
    return int(proposal.token)


def _child(proposal: Proposal) -> int:
    assert proposal.node is not None, "an accepted proposal must say which node of the tree carries it"
    return proposal.node
