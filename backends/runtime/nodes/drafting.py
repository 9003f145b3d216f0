"""Nodes that guess, and that lay guesses out as trees: lookup, draft, chain, merge."""

from __future__ import annotations

from typing import Any

from array_api_compat import array_namespace

from ....planner.graph import Model, Recent, Sampling
from ...decoding import Array, Key, Proposal, Purpose, chain_proposals, law
from ...decoding import Sampling as Law
from ..network import Cache, Wanted
from ..ngram import continuation
from ..values import Guess, Path, Tree
from .machine import Machine, Sampler, node
from .reading import read_line


@node
def lookup(machine: Machine, source: Path, cache: Cache, *, by: Recent, tokens: int) -> Guess:
    """Continue as the text did when its end last occurred."""
    return Guess(continuation(cache.slots.text(source.tokens, source.start), by.max_ngram, tokens))


@node
def draft(
    machine: Machine,
    source: Path,
    cache: Cache,
    *,
    by: Model,
    tokens: int,
    sampling: Sampling | None = None,
    ordinal: int = 0,
    min_confidence: float | None = None,
) -> tuple[Guess, Cache]:
    """Read what is owed, then guess tokens one after the other; the rows of all but the last await a verdict.

    Guesses are drawn from the law of `sampling`, which is kept, or are the likeliest tokens. An end token ends the line;
    a guess whose likeliest token the model finds less likely than `min_confidence` is not made. `ordinal` tells the draws
    of several drafting nodes apart.
    """
    slots, ends = cache.slots, machine.network(by).eos_ids
    sampler = None if sampling is None or machine.sampler(sampling).is_greedy else machine.sampler(sampling)
    key = Key(machine.row.key, source.end, Purpose.DRAFT, index=ordinal << 16)
    scores = read_line(machine, by, cache, slots.owed(source.tokens, source.start), Wanted.LAST)
    slots.open()
    guesses: list[int] = []
    laws: list[Array] = []
    while len(guesses) < tokens and _is_confident(scores, min_confidence):
        token, q = _guess(
            _allowed(scores, by.mask), sampler, key.at(Purpose.DRAFT, ahead=len(guesses), index=key.index)
        )
        guesses.append(token)
        laws += [] if q is None else [q]
        if token in ends or len(guesses) == tokens:
            break
        scores = read_line(machine, by, cache, [token], Wanted.LAST)
    return Guess(tuple(guesses), _stacked(laws)), cache


@node
def chain(machine: Machine, fresh: Path, guess: Guess | None = None) -> Tree:
    """The root and guesses in a line behind it."""
    root, line = fresh.tokens[-1], guess or Guess(())
    return Tree((root, *line.tokens), fresh.end - 1, tuple(range(len(line.tokens))), line)


@node
def merge(machine: Machine, *trees: Tree) -> Tree:
    """One tree of several with the same root: equal tokens share a node, proposals keep their order and their laws."""
    tokens, parents = [trees[0].tokens[0]], list[int]()
    children: list[list[Proposal]] = [[]]
    for tree in trees:
        assert (tree.tokens[0], tree.start) == (tokens[0], trees[0].start), "merged trees have the same root"
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
    return Tree(tuple(tokens), trees[0].start, tuple(parents), None, children)


def proposals_of(tree: Tree) -> list[list[Proposal]]:
    """The proposals at the root and at every node, in order."""
    if tree.line is not None:
        return chain_proposals(tree.line.tokens, tree.line.laws)
    return [list(each) for each in tree.children]


def _place(siblings: list[Proposal], token: int | None) -> int | None:
    """The node that carries the token already."""
    return next((each.node for each in siblings if token is not None and each.token == token), None)


def _guess(scores: Array, sampler: Sampler | None, key: Key) -> tuple[int, Array | None]:
    """A token, and the law that it was drawn from."""
    if sampler is None:
        return int(array_namespace(scores).argmax(scores[-1])), None
    q = law(scores[-1], sampler.law)
    return sampler.draws.pick(q, key), q


def _is_confident(scores: Array, floor: float | None) -> bool:
    """Is the likeliest token likely enough? Asked before anything is drawn, so that the draw stays a true one."""
    if floor is None:
        return True
    return float(array_namespace(scores).max(law(scores[-1], Law()))) >= floor


def _allowed(scores: Array, mask: int | None) -> Array:
    """A model never guesses its own mask."""
    if mask is None:
        return scores
    xp = array_namespace(scores)
    scores = xp.asarray(scores, copy=True)
    scores[..., mask] = -xp.inf
    return scores


def _stacked(laws: list[Array]) -> Any:
    return array_namespace(laws[0]).stack(laws) if laws else None
