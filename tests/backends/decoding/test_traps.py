"""At one node: any honest proposals are exact, and every known trap is caught by the same enumeration.

Each wrong rule is one that a real implementation fell into, or nearly.
"""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from specplan.backends.decoding import (
    ExactMatch,
    Key,
    Proposal,
    Purpose,
    Rejection,
    Sampling,
    TokenMap,
    draw_siblings,
    enumerate_outcomes,
    law_of_probabilities,
    likeliest_siblings,
    outcome_law,
    pushforward,
    restrict,
    total_variation,
)

EXACT = 1e-12
LAWS = st.lists(st.integers(0, 7), min_size=5, max_size=5).filter(any).map(lambda w: np.array(w) / sum(w))
FIRST = Key(0, 0, Purpose.DRAFT)


def node_law(p, draft, judge=lambda p, candidates: outcome_law(p, candidates, Rejection())):
    """Return the law of the token after a node over all that `draft(draws)` may propose there, as an array."""
    law = np.zeros(len(p))
    for weight, candidates in enumerate_outcomes(draft):
        for (_, token), chance in judge(p, candidates).items():
            law[token] += weight * chance
    return law


KINDS = st.lists(st.tuples(st.sampled_from(["drawn", "certain", "siblings", "null"]), LAWS), max_size=3)


@settings(deadline=None, max_examples=60)
@given(LAWS, KINDS)
def test_any_proposals_in_any_order(p, kinds):
    def draft(draws):
        candidates = []
        for place, (kind, q) in enumerate(kinds):
            here = FIRST.at(Purpose.DRAFT, index=10 * place)
            match kind:
                case "certain":
                    candidates.append(Proposal(int(q.argmax())))
                case "drawn":
                    candidates.append(Proposal(draws.pick(q, here), q))
                case "siblings":
                    candidates += draw_siblings(q, 2, draws, here)
                case "null":  # the last token of the drafter's vocabulary has no image
                    token = draws.pick(q, here)
                    known = q * (np.arange(5) < 4)
                    candidates.append(Proposal(token if token < 4 else None, known))
        return candidates

    assert total_variation(node_law(p, draft), p) < EXACT


ENCODED = {(0, 0): 0, (0, 1): 2, (1, 0): 1, (1, 1): 1}
"""Two draft tokens make a text, whose encoding for the target begins with this token: a, ab or b."""


def through_text(q):
    """Draw two tokens, and propose the first token of their text: its law is unknown."""

    def draft(draws):
        drawn = tuple(draws.pick(q, FIRST.at(Purpose.DRAFT, ahead=n)) for n in range(2))
        return [Proposal(ENCODED[drawn])]

    return draft


def test_exact_match_needs_no_law():
    p = np.array([0.5, 0.3, 0.2])
    matched = node_law(p, through_text(np.array([0.5, 0.5])), lambda p, c: outcome_law(p, c, ExactMatch()))
    assert total_variation(matched, p) < EXACT


def drawn(*laws):
    """Draw one token from each law, independently."""

    def draft(draws):
        return [Proposal(draws.pick(q, FIRST.at(Purpose.DRAFT, index=n)), q) for n, q in enumerate(laws)]

    return draft


def test_caught_the_softmax_of_a_draft_that_took_the_argmax():
    p, softmax = np.array([0.3, 0.5, 0.2]), np.array([0.5, 0.3, 0.2])
    wrong = node_law(p, lambda draws: [Proposal(int(softmax.argmax()), softmax)])
    np.testing.assert_allclose(wrong, [0.6, 0.4, 0.0], atol=EXACT)
    assert total_variation(node_law(p, lambda draws: likeliest_siblings(softmax, 1)), p) < EXACT


def test_caught_masking_the_target_to_the_intersection():
    p, q, shared = np.array([0.5, 0.3, 0.2]), np.array([0.4, 0.6, 0.0]), np.array([True, True, False])
    wrong = node_law(restrict(p, shared), drawn(q))
    np.testing.assert_allclose(wrong, [0.625, 0.375, 0.0], atol=EXACT)
    assert total_variation(node_law(p, drawn(q)), p) < EXACT


def test_caught_overwriting_where_images_coincide():
    p, q, images = np.array([0.6, 0.4]), np.array([0.4, 0.3, 0.3]), [0, 0, 1]
    overwritten = np.zeros(2)
    overwritten[images] = q

    def proposing(law):
        return lambda draws: [Proposal(images[draws.pick(q, FIRST)], law)]

    np.testing.assert_allclose(node_law(p, proposing(overwritten)), [0.7, 0.3], atol=EXACT)
    assert total_variation(node_law(p, proposing(pushforward(q, TokenMap.of(images, 2, q)))), p) < EXACT


def test_caught_drawing_a_null_from_the_target():
    """The others are tested against a law that does not sum to one, so a null must draw from the residual."""
    p, psi = np.array([0.6, 0.4]), np.array([0.5, 0.2])

    def draft(draws):
        token = draws.pick(np.array([*psi, 1 - psi.sum()]), FIRST)
        return [Proposal(token if token < 2 else None, psi)]

    def wrong(p, candidates):
        null = candidates[0].token is None
        return outcome_law(p, [] if null else candidates, Rejection())

    assert total_variation(node_law(p, draft, wrong), p) > 0.03
    assert total_variation(node_law(p, draft), p) < EXACT


def test_caught_a_ratio_for_text_whose_law_is_unknown():
    """The law of the first piece alone is not the law of what the text encodes to."""
    p, q = np.array([0.5, 0.3, 0.2]), np.array([0.5, 0.5])
    alone = np.array([*q, 0.0])

    def wrong(p, candidates):
        token = candidates[0].token
        known = np.where(np.arange(3) == token, np.maximum(alone, 1e-9), alone)
        return outcome_law(p, [Proposal(token, known)], Rejection())

    assert total_variation(node_law(p, through_text(q), wrong), p) > 0.2


@pytest.mark.parametrize("before", ["drawn", "certain"])
def test_caught_dropping_a_drawn_twin(before):
    """That the twin was drawn is information: its law must be subtracted although the child exists already."""
    p, q = np.array([0.2, 0.3, 0.5]), np.array([0.6, 0.2, 0.2])
    pair = drawn(q, q) if before == "drawn" else (lambda draws: [Proposal(0), *drawn(q)(draws)])

    def wrong(p, candidates):
        first, second = candidates
        return outcome_law(p, [first] if first.token == second.token else candidates, Rejection())

    assert total_variation(node_law(p, pair, wrong), p) > 0.03
    assert total_variation(node_law(p, pair), p) < EXACT


def test_allowed_dropping_a_certain_twin_that_comes_second():
    p, q = np.array([0.2, 0.3, 0.5]), np.array([0.6, 0.2, 0.2])

    def dropping(p, candidates):
        first, second = candidates
        return outcome_law(p, [first] if first.token == second.token else candidates, Rejection())

    def draft(draws):
        return [*drawn(q)(draws), Proposal(0)]

    assert total_variation(node_law(p, draft, dropping), p) < EXACT


def test_caught_siblings_without_replacement_under_the_law_with_it():
    p, q = np.array([0.2, 0.3, 0.5]), np.array([0.6, 0.2, 0.2])

    def draft(draws):
        return draw_siblings(q, 2, draws, FIRST)

    def wrong(p, candidates):
        return outcome_law(p, [Proposal(each.token, q) for each in candidates], Rejection())

    assert total_variation(node_law(p, draft, wrong), p) > 0.03
    assert total_variation(node_law(p, draft), p) < EXACT


def test_caught_a_law_without_the_temperature_the_draft_was_drawn_at():
    p, plain = np.array([0.5, 0.3, 0.2]), np.array([0.6, 0.3, 0.1])
    q = law_of_probabilities(plain, Sampling(temperature=0.5))

    def draft(draws):
        return [Proposal(draws.pick(q, FIRST), plain)]

    assert total_variation(node_law(p, draft), p) > 0.1
    assert total_variation(node_law(p, drawn(q)), p) < EXACT


def test_caught_discarding_a_draw_for_being_unlikely():
    """Stopping before a draw is free; throwing a drawn token away selects among outcomes."""
    p, q = np.array([0.2, 0.3, 0.5]), np.array([0.6, 0.2, 0.2])

    def discarding(p, candidates):
        token = candidates[0].token
        return outcome_law(p, candidates if q[token] > 0.2 else [], Rejection())

    assert total_variation(node_law(p, drawn(q), discarding), p) > 0.05
