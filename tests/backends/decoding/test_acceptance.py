"""Acceptance at one node and along trees and chains: as draws, as laws, and that the two agree."""

from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from specplan.backends.decoding import (
    Counter,
    ExactMatch,
    Key,
    Path,
    Proposal,
    Purpose,
    Rejection,
    Typical,
    accept_chain,
    accept_node,
    accept_tree,
    chain_proposals,
    draw_siblings,
    entropy,
    law_of,
    likeliest_siblings,
    match_chain,
    outcome_law,
    path_law,
    total_variation,
    without,
)

KEY = Key(row=0, position=5)
RULES = [ExactMatch(), Rejection(), Typical(), Typical(epsilon=0.3, delta=0.5)]
SIZE = 4


def laws(size=SIZE):
    return st.lists(st.integers(0, 9), min_size=size, max_size=size).filter(any).map(lambda w: np.array(w) / sum(w))


def proposals(size=SIZE):
    """Any proposals that could have come about: certain, drawn with a law that can draw them, or null."""
    certain = st.builds(Proposal, st.integers(0, size - 1))
    drawn = laws(size).flatmap(
        lambda q: st.sampled_from([Proposal(token, q) for token in range(size) if q[token] > 0]),
    )
    null = st.builds(lambda q: Proposal(None, q * 0.7), laws(size))
    return st.lists(certain | drawn | null, max_size=4)


@settings(deadline=None)
@given(laws(), proposals(), st.sampled_from(RULES))
def test_at_a_node_the_draws_have_the_stated_law(p, candidates, rule):
    drawn = law_of(lambda draws: accept_node(p, candidates, rule, draws, KEY))
    assert total_variation(drawn, outcome_law(p, candidates, rule)) < 1e-12


@settings(deadline=None)
@given(laws(), proposals().filter(lambda each: all(x.law is None for x in each)))
def test_certain_proposals_never_change_the_law(p, candidates):
    for rule in (ExactMatch(), Rejection()):
        assert total_variation(tokens_of(outcome_law(p, candidates, rule)), as_law(p)) < 1e-12


def tokens_of(outcomes):
    law = {}
    for (_, token), weight in outcomes.items():
        law[token] = law.get(token, 0.0) + weight
    return law


def as_law(p):
    return dict(enumerate(p.tolist()))


@settings(deadline=None)
@given(laws(), proposals())
def test_after_a_rejection_nothing_is_left_of_its_token(p, candidates):
    """So a certain twin that comes later may be dropped."""
    twins = [twin for each in candidates for twin in (each, Proposal(each.token)) if twin.token is not None]
    outcomes = outcome_law(p, twins, Rejection()).items()
    # Where the law equals what is left, rounding leaves rejections of a weight like 1e-17.
    assert all(index % 2 == 0 for (index, _), weight in outcomes if index is not None and weight > 1e-12)


def test_two_names_for_one_child_lead_to_it():
    p = np.array([0.6, 0.4])
    tree = [[Proposal(0, np.array([0.9, 0.1]), node=1), Proposal(0, np.array([0.9, 0.1]), node=1)], []]
    assert sum(weight for path, weight in path_law([p, p], tree, Rejection()).items() if path.nodes) > 0.6


def test_a_token_that_its_law_cannot_draw_is_a_mistake():
    with pytest.raises(AssertionError, match="not the one it was drawn from"):
        outcome_law(np.array([0.5, 0.5]), [Proposal(0, np.array([0.0, 1.0]))], Rejection())


def test_own_tokens_are_keyed_alike_with_and_without_a_draft():
    """Exact match draws the target's token at a position by one key, so drafts cannot change what is sampled."""
    p = np.array([0.2, 0.3, 0.5])
    plain = [accept_node(p, [], ExactMatch(), Counter(3), KEY.at(Purpose.TARGET, ahead=n))[1] for n in range(20)]
    guesses = [[Proposal(n % 3, node=1)] for n in range(20)]
    rows = [p] * 20
    for n, guess in enumerate(guesses):
        index, token = accept_node(rows[n], guess, ExactMatch(), Counter(3), KEY.at(Purpose.TARGET, ahead=n))
        assert token == plain[n] and (index == 0) == (token == n % 3)
    assert plain == [accept_node(p, [], Rejection(), Counter(3), KEY.at(Purpose.DRAFT, ahead=n))[1] for n in range(20)]


TREE = [
    [Proposal(0, node=1), Proposal(1, node=2)],
    [Proposal(0, node=3)],
    [Proposal(0, node=4), Proposal(1, node=5)],
    [],
    [],
    [],
]


def test_greedy_is_exact_match_on_certain_laws():
    rows = np.eye(3)[[1, 0, 1, 2, 2, 2]]
    assert path_law(rows, TREE, ExactMatch()) == {Path(nodes=(2, 5), tokens=(1, 1, 2)): 1.0}


def test_typical_takes_the_longest_path_and_of_those_the_likeliest():
    rows = np.array([[0.5, 0.4, 0.1], [0.02, 0.0, 0.98], [0.4, 0.6, 0.0], [1, 0, 0], [0, 0, 1], [0, 1, 0.0]])
    # Child 1 is the likelier one but leads nowhere: below it 0.02 is under the threshold.
    assert path_law(rows, TREE, Typical()) == {Path(nodes=(2, 5), tokens=(1, 1, 1)): 1.0}


def test_typical_needs_more_than_the_threshold():
    p = np.array([0.5, 0.25, 0.25])
    floor = Typical(epsilon=0.25).threshold(float(entropy(p)))
    assert floor < 0.25 and accept_node(p, [Proposal(1)], Typical(epsilon=0.25), Counter(0), KEY) == (0, 1)
    assert accept_node(p, [Proposal(1)], Typical(epsilon=0.25, delta=1.0), Counter(0), KEY) == (None, 0)


@settings(deadline=None)
@given(st.lists(laws(3), min_size=6, max_size=6), st.sampled_from(RULES))
def test_along_a_tree_the_draws_have_the_stated_law(rows, rule):
    drawn = law_of(lambda draws: accept_tree(rows, TREE, rule, draws, KEY))
    assert total_variation(drawn, path_law(rows, TREE, rule)) < 1e-12


CHAINS = st.integers(0, 3).flatmap(
    lambda m: st.tuples(
        st.lists(laws(3), min_size=m + 1, max_size=m + 1),
        st.lists(laws(3), min_size=m, max_size=m),
        st.lists(st.none() | st.integers(0, 2), min_size=m, max_size=m),
        st.booleans(),
    )
)


@settings(deadline=None)
@given(CHAINS, st.sampled_from(RULES))
def test_a_chain_is_a_tree_without_branches(chain, rule):
    p_rows, q_rows, tokens, drawn = chain
    p = np.array(p_rows)
    q = np.array(q_rows).reshape(len(tokens), 3) + 0.01 if drawn else None
    if q is None:
        tokens = [token or 0 for token in tokens]
    tree = chain_proposals(tokens, q)
    fast = law_of(lambda draws: accept_chain(p, tokens, q, rule, draws, KEY))
    assert total_variation(fast, path_law(p, tree, rule)) < 1e-12
    for seed in range(5):
        one, other = Counter(seed), Counter(seed)
        assert accept_chain(p, tokens, q, rule, one, KEY) == accept_tree(p, tree, rule, other, KEY)


def test_matching_stops_at_the_first_difference():
    assert match_chain([1, 2, 3], [1, 9, 3, 4]) == Path(nodes=(1,), tokens=(1, 9))
    assert match_chain([1, 2], [1, 2, 7]) == Path(nodes=(1, 2), tokens=(1, 2, 7))
    assert match_chain([], [7]) == Path(nodes=(), tokens=(7,))


@settings(deadline=None)
@given(laws(), st.integers(0, 5))
def test_drawn_siblings_differ_and_know_their_laws(q, count):
    siblings = draw_siblings(q, count, Counter(4), KEY.at(Purpose.DRAFT))
    tokens = [sibling.token for sibling in siblings]
    assert len(set(tokens)) == len(tokens) == min(count, (q > 0).sum())
    for sooner, later in pairwise(siblings):
        np.testing.assert_array_equal(later.law, without(sooner.law, sooner.token))


def test_likeliest_siblings_are_ranked_and_possible():
    siblings = likeliest_siblings(np.array([0.2, 0.4, 0.4, 0.0]), 4)
    assert [(each.token, each.law) for each in siblings] == [(1, None), (2, None), (0, None)]
