"""Maps between vocabularies: one to one where they must be, blind to special tokens, exact about bytes."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from specplan.planner.vocabulary import (
    intersection,
    is_whole_characters,
    overlap,
    pushforward,
    pushforward_at_once,
    weighted_overlap,
    weighted_overlap_of_target,
    written,
)

# Few distinct spellings, so that duplicates, empty tokens and specials all come up.
vocabularies = st.lists(st.one_of(st.none(), st.binary(max_size=2)), max_size=12)


@given(vocabularies, vocabularies)
def test_intersection_is_injective_and_equal_in_bytes(draft, target):
    found = intersection(draft, target)
    assert found.injective
    assert len(found.images) == len(draft)
    for token, image in enumerate(found.images):
        if image is not None:
            assert draft[token] and draft[token] == target[image]
            assert found.inverse[image] == token
    assert len(found.shared) == overlap(draft, target).shared  # nothing shared is missed


@given(vocabularies, vocabularies)
def test_intersection_turned_round_is_the_inverse(draft, target):
    there, back = intersection(draft, target), intersection(target, draft)
    assert dict(there.inverse) == {token: image for token, image in enumerate(back.images) if image is not None}


@given(vocabularies)
def test_a_vocabulary_meets_itself(vocabulary):
    found = overlap(vocabulary, vocabulary)
    assert found.draft == found.target == found.shared
    assert all(
        image is None or image == token for token, image in enumerate(intersection(vocabulary, vocabulary).images)
    )


def test_an_end_token_is_paired_by_hand_only():
    draft, target = [None, b"a"], [b"a", None]
    assert intersection(draft, target).images == (None, 0)
    assert intersection(draft, target, {0: 1}).images == (1, 0)


def test_pushforward_adds_up():
    # The worked example of the method: `at` and `ate` both begin with the target's `at`.
    def encode(text: bytes) -> list[int]:
        return {b"at": [0], b"ate": [0, 1], b" on": [2]}[text]

    found = pushforward([b"at", b"ate", b" on", None, b"", b"\xc3"], encode)
    assert found.images == (0, 0, 2, None, None, None)
    assert not found.injective
    assert found.inverse == {0: 0, 2: 2}


def test_what_cannot_be_spelled_has_no_image():
    found = pushforward_at_once([b"a", None, b"b"], lambda texts: [None if text == b"a" else (7, 8) for text in texts])
    assert found.images == (None, None, 7)


def test_overlap_counts():
    found = overlap([b"a", b"b", None, b""], [b"b", b"c", b"d"])
    assert (found.draft, found.target, found.shared) == (2, 3, 1)
    assert (found.jaccard, found.of_draft, found.of_target) == pytest.approx((0.25, 0.5, 1 / 3))
    assert overlap([], []).jaccard == 0


def test_weighted_overlap():
    draft, target = [b"a", b"b"], [b"b"]
    assert weighted_overlap({0: 1, 1: 3}, intersection(draft, target)) == 0.75
    assert weighted_overlap({}, intersection(draft, target)) == 0
    assert weighted_overlap_of_target({0: 2}, draft, target) == 1


@pytest.mark.parametrize(("text", "whole"), [(b"", True), ("é".encode(), True), (b"\xc3", False), (b"\xa9", False)])
def test_whole_characters(text, whole):
    assert is_whole_characters(text) is whole


def test_what_is_written_is_one_token_for_the_same_bytes():
    """By what the tokenizer writes, in either order; where it writes several, or nothing, the lowest stays."""
    encoded = {b"a": (3,), b"b": (1, 1), b"c": None}
    found = written(
        [b"a", b"b", b"b", b"a", b"c", b"c", None, b"\xc3", b"\xc3"], lambda texts: [encoded[t] for t in texts]
    )
    assert found == (None, b"b", None, b"a", b"c", None, None, b"\xc3", b"\xc3")
