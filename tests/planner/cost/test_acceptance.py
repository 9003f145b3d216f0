"""Formulas of acceptance, against simulation-free facts: certain guesses, hopeless guesses, published tables."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from specplan.planner.cost import chain, forked, pipeline, plain, sparse_states, static_tree, tree
from specplan.planner.trees import build_sparse, static

acceptances = st.floats(0, 1)


@given(acceptances, st.integers(0, 12))
def test_chain_is_the_geometric_sum(a, length):
    closed = (1 - a ** (length + 1)) / (1 - a) if a < 1 else length + 1
    assert chain(length).evaluate(a) == pytest.approx(closed)


@given(acceptances, st.lists(st.integers(1, 3), max_size=3))
def test_a_static_tree_is_a_tree(a, children):
    assert static_tree(children).evaluate(a) == pytest.approx(tree(static(children)).evaluate(a))


@given(acceptances, acceptances, st.lists(st.integers(1, 4), min_size=1, max_size=4))
def test_more_acceptance_never_gives_fewer_tokens(a, b, children):
    low, high = sorted((a, b))
    for expected in (chain(len(children)), static_tree(children), pipeline(4, children[0])):
        assert expected.evaluate(low) <= expected.evaluate(high) + 1e-12


def test_ends():
    assert plain().evaluate(0.5) == chain(0).evaluate(0.5) == 1
    assert chain(5).evaluate(0) == 1 and chain(5).evaluate(1) == 6
    assert static_tree([4, 2, 1]).evaluate(1) == 4
    assert chain(5).formula == "(1 - a^6) / (1 - a)"
    assert static_tree([4, 2]).formula == "1 + h4 + h4·h2, where hc = 1 - (1-a)^c"


@pytest.mark.parametrize(
    ("stages", "hit", "bound"),
    [(4, 0.5, 1.60), (4, 0.9, 3.08), (8, 0.8, 3.33), (14, 0.85, 4.75), (14, 0.95, 8.48), (14, 1, 14)],
)
def test_pipedec_bounds(stages, hit, bound):
    assert stages * pipeline(stages, children=1).evaluate(hit) == pytest.approx(bound, abs=5e-3)


def test_a_pipeline_without_guesses_gives_a_token_a_round():
    assert pipeline(4, children=0).evaluate(0.9) == 1 / 4


def test_ppd_has_a_measured_value():
    states = build_sparse(((0.5, 0.2), (0.3, 0.1)), 12)
    expected = sparse_states(states)
    assert expected.evaluate(0) == expected.evaluate(1) == states.tokens_per_step


def test_forks():
    assert forked(plain(), 8).evaluate(0.3) == 1
    assert forked(chain(3), 8, fork_share=1).evaluate(1) == 32
    assert "share written in forks" in forked(chain(3), 8).formula
