"""Sampling: each step alone, their order, ties, and the edges."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from specplan.backends.decoding import GREEDY, Sampling, law, law_of_probabilities

P = np.array([0.1, 0.4, 0.2, 0.3])


def shaped(p, **sampling):
    return law_of_probabilities(np.asarray(p, dtype=float), Sampling(**sampling)).tolist()


def test_nothing_asked_is_the_softmax():
    np.testing.assert_allclose(law(np.log(P) + 5, Sampling()), P, atol=1e-15)


def test_greedy_takes_the_likeliest_and_of_equals_the_lowest_id():
    rows = np.array([[0.0, 2.0, 2.0], [3.0, 1.0, 3.0]])
    assert law(rows, GREEDY).tolist() == [[0, 1, 0], [1, 0, 0]]


def test_temperature_is_a_power_of_the_law():
    assert shaped(P, temperature=0.5) == pytest.approx((P**2 / sum(P**2)).tolist())


@pytest.mark.parametrize("temperature", [1e-300, 1e-30, 1e30])
def test_extreme_temperatures_do_not_overflow(temperature):
    result = law(np.array([1000.0, -1000.0, 1000.0]), Sampling(temperature=temperature))
    assert result.sum() == pytest.approx(1) and result[0] == result[2] > 0


@pytest.mark.parametrize(
    ("sampling", "expected"),
    [
        ({"top_k": 2}, [0, 4 / 7, 0, 3 / 7]),
        ({"top_k": 9}, [0.1, 0.4, 0.2, 0.3]),
        ({"top_p": 0.6}, [0, 4 / 7, 0, 3 / 7]),
        ({"top_p": 0.75}, [0, 4 / 9, 2 / 9, 3 / 9]),
        ({"top_p": 0.0}, [0, 1, 0, 0]),
        ({"top_p": 1.0}, [0.1, 0.4, 0.2, 0.3]),
        ({"min_p": 0.6}, [0, 4 / 7, 0, 3 / 7]),
        ({"min_p": 1.0}, [0, 1, 0, 0]),
    ],
)
def test_each_step_alone(sampling, expected):
    assert shaped(P, **sampling) == pytest.approx(expected)


def test_top_p_sees_what_top_k_kept():
    """Of the two kept by top-k the first has 4/7 > 0.5 and is enough; of the whole law it has only 0.4."""
    assert shaped(P, top_k=2, top_p=0.5) == pytest.approx([0, 1, 0, 0])
    assert shaped(P, top_p=0.5) == pytest.approx([0, 4 / 7, 0, 3 / 7])


def test_temperature_comes_before_top_p():
    assert shaped(P, temperature=0.25, top_p=0.7) == pytest.approx([0, 1, 0, 0])


def test_ties_are_settled_by_the_lower_id():
    assert shaped([0.25] * 4, top_k=2) == [0.5, 0.5, 0, 0]
    assert shaped([0.25] * 4, top_p=0.6) == pytest.approx([1 / 3, 1 / 3, 1 / 3, 0])


def test_a_mask_comes_before_everything():
    allowed = np.array([True, False, True, False])
    assert law_of_probabilities(P, Sampling(top_k=1), allowed).tolist() == [0, 0, 1, 0]
    assert law_of_probabilities(P, GREEDY, allowed).tolist() == [0, 0, 1, 0]
    np.testing.assert_allclose(law_of_probabilities(P, Sampling(), allowed), [1 / 3, 0, 2 / 3, 0])


def test_float16_logits_are_shaped_in_float32():
    assert law(np.zeros(3, dtype=np.float16), Sampling()).dtype == np.float32


@pytest.mark.parametrize(
    "wrong", [{"temperature": -1.0}, {"temperature": float("nan")}, {"top_k": 0}, {"top_p": 1.5}, {"min_p": -0.1}]
)
def test_what_no_checked_plan_says_is_refused(wrong):
    with pytest.raises(AssertionError):
        Sampling(**wrong)


@settings(deadline=None)
@given(
    st.lists(st.floats(-30, 30), min_size=1, max_size=6),
    st.builds(
        Sampling,
        temperature=st.sampled_from([0.0, 0.1, 1.0, 3.0]),
        top_k=st.none() | st.integers(1, 6),
        top_p=st.none() | st.floats(0, 1),
        min_p=st.none() | st.floats(0, 1),
    ),
)
def test_always_a_law_that_keeps_the_likeliest_and_the_order(logits, sampling):
    row = np.array(logits)
    result = law(row, sampling)
    assert result.sum() == pytest.approx(1) and result[row.argmax()] == result.max() > 0
    kept = result > 0
    # Scores closer than rounding may count as equal, and then the lower id goes first.
    assert not (row[~kept] > row[kept].min() + 1e-9).any()
