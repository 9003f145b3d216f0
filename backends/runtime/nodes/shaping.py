"""Nodes that lay guesses out as trees: chain, branch, merge; and pack, which leaves out the rows that rest."""

from __future__ import annotations

from collections.abc import Sequence

from ...decoding import Proposal, chain_proposals
from ..values import Guess, Guesses, Path, Paths, Tree, Trees, of_thread
from .machine import Machine, node


@node
def pack(machine: Machine, fresh: Paths, *, cases: tuple[int, ...]) -> Paths:
    """The threads that do not rest, side by side; an engine with fixed shapes fills up to one of `cases`."""
    return tuple(path for path in fresh if path.tokens)


@node
def chain(machine: Machine, fresh: Paths, guesses: Guesses | None = None) -> Trees:
    """Each thread's root and its guesses in a line behind it."""
    return tuple(_chain(path, of_thread(guesses, path.thread) or Guess(path.thread)) for path in fresh)


def _chain(path: Path, line: Guess) -> Tree:
    if line.tokens and line.tokens[-1] is None:
        return _with_null(path, line)
    return Tree(path, (path.tokens[-1], *line.known), tuple(range(len(line.tokens))), line)


def _with_null(path: Path, line: Guess) -> Tree:
    """The last draw has no token here: no node stands for it, and yet it is a proposal at the node before."""
    *known, null = chain_proposals(line.tokens, line.laws)[:-1]
    proposals = [*known, [Proposal(None, null[0].law)]]
    return Tree(path, (path.tokens[-1], *line.known), tuple(range(len(line.known))), None, proposals)


@node
def branch(machine: Machine, fresh: Paths, guesses: Guesses) -> Trees:
    """Each thread's root and a bush of guesses below it."""
    return tuple(_branch(path, of_thread(guesses, path.thread) or Guess(path.thread)) for path in fresh)


def _branch(path: Path, guess: Guess) -> Tree:
    if guess.parents is None:
        return _chain(path, guess)
    children: list[list[Proposal]] = [[] for _ in range(1 + len(guess.tokens))]
    for number, (token, parent) in enumerate(zip(guess.tokens, guess.parents, strict=True), start=1):
        law = None if guess.laws is None else guess.laws[number - 1]
        children[parent].append(Proposal(token, law, number))
    return Tree(path, (path.tokens[-1], *guess.known), guess.parents, None, children)


@node
def merge(machine: Machine, *trees: Trees) -> Trees:
    """One tree of several with the same root: equal tokens share a node, proposals keep their order and their laws."""
    return tuple(_merged(first, [of_thread(each, first.thread) for each in trees[1:]]) for first in trees[0])


def _merged(first: Tree, others: Sequence[Tree | None]) -> Tree:
    tokens, parents = [first.tokens[0]], list[int]()
    children: list[list[Proposal]] = [[]]
    for tree in (first, *others):
        assert tree is not None and tree.tokens[0] == first.tokens[0], "merged trees have the same root"
        places = {0: 0}
        for node_, proposals in enumerate(proposals_of(tree)):
            for proposal in proposals:
                here = places[node_]
                place = _place(children[here], proposal.token)
                if place is None and proposal.token is not None:
                    place = len(tokens)
                    tokens.append(proposal.token)
                    parents.append(here)
                    children.append([])
                children[here].append(Proposal(proposal.token, proposal.law, place))
                if proposal.node is not None and place is not None:
                    places[proposal.node] = place
    return Tree(first.fresh, tuple(tokens), tuple(parents), None, children)


def proposals_of(tree: Tree) -> list[list[Proposal]]:
    """The proposals at the root and at every node, in order."""
    if tree.line is not None:
        return chain_proposals(tree.line.tokens, tree.line.laws)
    return [list(each) for each in tree.children]


def _place(siblings: list[Proposal], token: int | None) -> int | None:
    """The node that carries the token already."""
    return next((each.node for each in siblings if token is not None and each.token == token), None)
