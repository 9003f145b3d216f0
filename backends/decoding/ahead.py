"""Acceptance along a tree with one look at the device: whatever any outcome needs is worked out before it is known.

Same draws, same keys and same results as `accept_tree`. What is left of p after each proposal of a node depends on no
draw, so for every node the chance of each proposal, and the token that is drawn once all are rejected, are known ahead.
The nodes of one depth share their keys: at most one of them is on the way, so one number serves them all.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import accumulate
from typing import TypeAlias, assert_never

from array_api_compat import array_namespace

from .acceptance import ExactMatch, Outcome, Path, Rejection, Rule, Tree, Typical, follow, longest_path
from .draws import Draws, Key, Purpose
from .late import LateToken
from .laws import Array, entropy, one_hot, residual
from .proposals import Proposal
from .sending import send

Numbers: TypeAlias = Sequence[list[float]]


@dataclass(frozen=True, slots=True)
class Ahead:
    """What a verdict needs from the device, and the verdict once that was fetched."""

    arrays: tuple[Array, ...]
    """Small arrays where the laws are, to be fetched together with the tokens of late proposals."""
    walk: Callable[[Numbers], Path]
    """From the numbers of each array, flat, to the accepted branch."""


def accept_ahead(laws: Array, tree: Tree, rule: Rule, draws: Draws, key: Key) -> Ahead:
    """Prepare `accept_tree` for the target's laws `[1 + nodes, V]`, row 0 the root's, without a look at any number.

    Tokens of proposals may be late. Rejection takes a law of all zeros for a draw that was impossible: its token is never
    accepted, and p stays as it is. Draws that are enumerated share keys here (`Repeats.SHARED`).
    """
    assert laws.shape[0] == len(tree), "a tree has a row of the target for its root and for every node"
    match rule:
        case ExactMatch():
            return _match(laws, tree, draws, key)
        case Rejection():
            return _reject(laws, tree, draws, key)
        case Typical():
            return _typical(laws, tree, rule)
        case _:
            assert_never(rule)


def _match(laws: Array, tree: Tree, draws: Draws, key: Key) -> Ahead:
    picks = draws.pick_rows(laws, [key.at(Purpose.TARGET, ahead=depth) for depth in _depths(tree)])

    def walk(numbers: Numbers) -> Path:
        (own,) = numbers

        def decide(here: int, _: Key) -> Outcome:
            token = int(own[here])
            matching = (index for index, proposal in enumerate(tree[here]) if proposal.token == token)
            return next(matching, None), token

        return follow(tree, decide, key)

    return Ahead((picks,), walk)


def _reject(laws: Array, tree: Tree, draws: Draws, key: Key) -> Ahead:
    """Rank by rank; the nodes with the most proposals go first, so that those of a rank are a slice."""
    xp, depths = array_namespace(laws), _depths(tree)
    order = sorted(range(len(tree)), key=lambda node: -len(tree[node]))
    left = xp.take(laws, send(order, laws, xp.int64), axis=0)
    chances, settled = [], []
    for rank in range(len(tree[order[0]])):
        siblings = [tree[node][rank] for node in order if len(tree[node]) > rank]
        settled.append(left[len(siblings) :])
        chance, left = _consider(left[: len(siblings)], siblings)
        chances.append(chance)
    purposes = {node: Purpose.RESIDUAL if tree[node] else Purpose.TARGET for node in order}
    keys = [key.at(purposes[node], ahead=depths[node]) for node in order]
    picks = draws.pick_rows(xp.concat([left, *reversed(settled)]), keys)
    place = {node: at for at, node in enumerate(order)}

    def walk(numbers: Numbers) -> Path:
        *chance, own = numbers

        def decide(here: int, at: Key) -> Outcome:
            for index, proposal in enumerate(tree[here]):
                asked = at.at(Purpose.ACCEPT, index=index)
                if proposal.token is not None and draws.accept(chance[index][place[here]], asked):
                    return index, int(proposal.token)
            return None, int(own[place[here]])

        return follow(tree, decide, key)

    return Ahead((*chances, picks), walk)


def _consider(p: Array, siblings: Sequence[Proposal]) -> tuple[Array, Array]:
    """Return the chance `[n]` of one proposal under each row of `p` `[n, V]`, and what is left of `p` without it."""
    assert all(each.law is not None or each.token is not None for each in siblings), "a null was drawn, so it has a law"
    xp = array_namespace(p)
    tokens = _tokens(siblings, p)[:, None]
    certain = one_hot(tokens, p)
    q = xp.stack([certain[row] if each.law is None else each.law for row, each in enumerate(siblings)])
    # In float64, as the host divides.
    of_p, of_q = (xp.astype(xp.take_along_axis(law, tokens, axis=-1)[:, 0], xp.float64) for law in (p, q))
    drawable = of_q > 0
    chance = xp.where(drawable, of_p / xp.where(drawable, of_q, xp.ones_like(of_q)), xp.zeros_like(of_q))
    return chance, residual(p, q)


def _typical(laws: Array, tree: Tree, rule: Typical) -> Ahead:
    xp = array_namespace(laws)
    proposals = [proposal for siblings in tree for proposal in siblings]
    parents = [node for node, siblings in enumerate(tree) for _ in siblings]
    first = list(accumulate(map(len, tree), initial=0))
    weights = laws[send(parents, laws, xp.int64), _tokens(proposals, laws)]

    def walk(numbers: Numbers) -> Path:
        of_proposals, entropies, choices = numbers

        def likely(here: int) -> list[float]:
            own = zip(tree[here], of_proposals[first[here] : first[here + 1]], strict=True)
            return rule.taken([0.0 if each.token is None else weight for each, weight in own], entropies[here])

        return longest_path(tree, likely, lambda here: int(choices[here]))

    return Ahead((weights, entropy(laws), xp.argmax(laws, axis=-1)), walk)


def _tokens(proposals: Sequence[Proposal], like: Array) -> Array:
    """The tokens `[n]` where `like` is; what stands for a null is not looked at."""
    xp = array_namespace(like)
    tokens = [each.token for each in proposals]
    known = send([0 if each is None or isinstance(each, LateToken) else each for each in tokens], like, xp.int64)
    if not any(isinstance(each, LateToken) for each in tokens):
        return known
    parts = [each.array if isinstance(each, LateToken) else known[at] for at, each in enumerate(tokens)]
    return xp.stack([xp.astype(xp.asarray(part), xp.int64) for part in parts])


def _depths(tree: Tree) -> list[int]:
    depths = [0] * len(tree)
    for here, siblings in enumerate(tree):
        for proposal in siblings:
            if proposal.node is not None:
                depths[proposal.node] = depths[here] + 1
    return depths
