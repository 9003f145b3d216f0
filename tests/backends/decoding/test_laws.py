"""Laws: residuals, maps, masks and distances, on rows and on single laws."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from specplan.backends.decoding import (
    TokenMap,
    entropy,
    normalise,
    one_hot,
    pushforward,
    residual,
    restrict,
    restrict_logits,
    total_variation,
    translate,
    without,
)

LAWS = st.lists(st.integers(0, 9), min_size=4, max_size=4).filter(any).map(lambda w: np.array(w) / sum(w))


@settings(deadline=None)
@given(LAWS, LAWS)
def test_what_is_taken_and_what_is_left_make_the_law(p, q):
    taken = np.minimum(p, q)
    np.testing.assert_allclose(taken + (1 - taken.sum()) * residual(p, q), p, atol=1e-15)


def test_a_residual_of_nothing_is_the_law_itself():
    p = np.array([[0.5, 0.5], [0.2, 0.8]])
    assert residual(p, np.array([[0.5, 0.5], [0.8, 0.2]])).tolist() == [[0.5, 0.5], [0.0, 1.0]]


def test_siblings_leave_less_and_less():
    q = np.array([0.5, 0.3, 0.2])
    np.testing.assert_allclose(without(q, 0), [0, 0.6, 0.4])
    assert without(without(without(q, 0), 1), 2).tolist() == [0, 0, 0]


def test_normalise_scales_rows_and_leaves_zeros():
    assert normalise(np.array([[1.0, 3.0], [0.0, 0.0]])).tolist() == [[0.25, 0.75], [0, 0]]


def test_one_hot_and_entropy():
    assert one_hot(1, np.ones((2, 3))).tolist() == [0, 1, 0]
    np.testing.assert_allclose(entropy(np.array([[0.25] * 4, [0, 1, 0, 0]])), [np.log(4), 0])


def test_masks_on_laws_and_on_logits():
    allowed = np.array([True, False, True])
    assert restrict(np.array([0.25, 0.5, 0.25]), allowed).tolist() == [0.5, 0, 0.5]
    assert restrict_logits(np.zeros(3), allowed).tolist() == [0, -np.inf, 0]


def test_total_variation_of_arrays_and_of_outcomes():
    assert total_variation(np.array([0.5, 0.5]), np.array([1.0, 0.0])) == 0.5
    assert total_variation({(0,): 0.5, (1,): 0.5}, {(0,): 1.0}) == 0.5


def test_images_that_coincide_add_up():
    q = np.array([[0.5, 0.3, 0.2], [0.1, 0.2, 0.7]])
    f = TokenMap.of([1, 1, None], size=4, like=q)
    np.testing.assert_allclose(pushforward(q, f), [[0, 0.8, 0, 0], [0, 0.3, 0, 0]])
    assert f.domain(3).tolist() == [True, True, False]
    assert not f.is_injective()


@settings(deadline=None)
@given(LAWS, st.lists(st.none() | st.integers(0, 2), min_size=4, max_size=4))
def test_a_pushforward_is_the_law_of_the_image(q, images):
    expected = [sum(q[d] for d in range(4) if images[d] == t) for t in range(3)]
    np.testing.assert_allclose(pushforward(q, TokenMap.of(images, size=3, like=q)), expected, atol=1e-15)


def test_translation_wants_an_injective_map():
    q = np.array([0.5, 0.5])
    assert translate(q, TokenMap.of([2, 0], size=3, like=q)).tolist() == [0.5, 0, 0.5]
    with pytest.raises(AssertionError, match="injective"):
        translate(q, TokenMap.of([2, 2], size=3, like=q))


def test_a_map_may_be_empty():
    q = np.array([0.5, 0.5])
    nothing = TokenMap.of([None, None], size=3, like=q)
    assert pushforward(q, nothing).tolist() == [0, 0, 0] and nothing.is_injective()
