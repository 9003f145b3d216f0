"""PPD's builder against the numbers that are known of the published Vicuna-7B trees."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from specplan.planner.trees import (
    SparseStates,
    build_sparse,
    candidates,
    expected_accepted,
    path_probability,
    read_state,
    stop_probabilities,
)
from specplan.planner.trees.sparse import _Search

VICUNA_7B = (
    (0.48335, 0.14342, 0.0736, 0.0454, 0.03087, 0.02155, 0.01658, 0.01323, 0.00932, 0.00845),
    (0.2626, 0.1456, 0.0811, 0.0576, 0.0428, 0.0323, 0.0257, 0.0215, 0.0190, 0.0155),
    (0.1641, 0.1176, 0.0809, 0.0578, 0.0459, 0.0367, 0.0313, 0.0232, 0.0237, 0.0179),
)
LIKELIEST_20 = "0 1 00 2 01 3 02 10 4 03 5 11 04 20 6 05 7 06 30 12"


def test_the_20_likeliest_paths_of_depth_2():
    found = candidates(VICUNA_7B, 2, 20)
    assert " ".join("".join(map(str, path)) for path in found) == LIKELIEST_20


@pytest.mark.parametrize(("depth", "count", "accepted"), [(1, 10, 0.8458), (2, 20, 1.2425), (3, 20, 1.2547)])
def test_expected_accepted(depth, count, accepted):
    assert expected_accepted(candidates(VICUNA_7B, depth, count), VICUNA_7B) == pytest.approx(accepted, abs=5e-5)


def test_budget_60():
    states = build_sparse(VICUNA_7B, 60)
    assert states.stationary == pytest.approx((0, 0, 0.828, 0.172), abs=5e-4)
    assert states.tokens_per_step == pytest.approx(2.2446, abs=5e-5)


def test_budget_105_has_the_published_sizes():
    states = build_sparse(VICUNA_7B, 105)
    assert [state.nodes for state in states.states] == [0, 10, 33, 34]
    assert [state.asks for state in states.states] == [3, 33, 75, 74]
    assert [state.rows for state in states.states] == [4, 44, 109, 109]
    assert states.expected_accepted == pytest.approx((0, 0.8458, 1.3435, 1.3876), abs=1e-4)
    assert states.stationary == pytest.approx((0, 0, 0.474, 0.526), abs=5e-4)
    assert states.tokens_per_step == pytest.approx(2.3667, abs=5e-5)


@pytest.mark.parametrize("budget", [7, 20, 60])
def test_climbing_finds_what_trying_everything_finds(budget):
    search = _Search(VICUNA_7B, budget)
    everything = max(
        SparseStates(search.states((search._highs[0], second, third)), VICUNA_7B).tokens_per_step
        for second in range(search._lows[1], search._highs[1] + 1)
        for third in range(search._lows[2], search._highs[2] + 1)
    )
    assert build_sparse(VICUNA_7B, budget).tokens_per_step == pytest.approx(everything, abs=1e-12)


accuracies = st.lists(
    st.lists(st.floats(0, 0.3), min_size=1, max_size=3).map(lambda ranks: tuple(sorted(ranks, reverse=True))),
    min_size=1,
    max_size=3,
).map(tuple)


@settings(max_examples=60)
@given(accuracies, st.integers(1, 40))
def test_every_state_is_a_tree_within_its_budget(accuracies, budget):
    states = build_sparse(accuracies, budget)
    assert len(states.states) == len(accuracies) + 1
    assert sum(states.stationary) == pytest.approx(1)
    assert states.tokens_per_step >= 1
    for depth, state in enumerate(states.states):
        assert state.nodes + sum(state.prompts) <= budget
        assert all(len(path) <= depth for path in state.paths)
        assert all(len(path) == 1 or path[:-1] in state.paths for path in state.paths)
        assert all(0 <= count <= len(accuracies) for count in state.prompts)
        assert read_state(str(state), state.root_prompts) == state


@given(accuracies, st.integers(1, 30))
def test_stopping_somewhere_is_certain(accuracies, count):
    paths = candidates(accuracies, len(accuracies), count)
    stop = stop_probabilities(paths, accuracies)
    assert sum(stop.values()) == pytest.approx(1)
    assert path_probability((), accuracies) == 1


@pytest.mark.parametrize("text", ["0", "0:4", "0:1 0:1", "00:1", ":1", "?:1"])
def test_what_is_no_state_is_refused(text):
    with pytest.raises(ValueError):
        read_state(text, root_prompts=3)
