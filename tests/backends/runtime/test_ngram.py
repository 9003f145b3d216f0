"""Prompt lookup against its definition, written out."""

from hypothesis import given
from hypothesis import strategies as st

from specplan.backends.runtime import continuation


def by_definition(text: list[int], max_ngram: int, tokens: int) -> tuple[int, ...]:
    for length in range(max_ngram, 0, -1):
        for start in range(len(text) - length - 1, -1, -1):
            if length < len(text) and text[start : start + length] == text[-length:]:
                return tuple(text[start + length : start + length + tokens])
    return ()


@given(st.lists(st.integers(0, 3), max_size=24), st.integers(1, 5), st.integers(0, 6))
def test_it_is_the_longest_ending_and_of_these_the_latest(text: list[int], max_ngram: int, tokens: int) -> None:
    assert continuation(text, max_ngram, tokens) == by_definition(text, max_ngram, tokens)


@given(st.lists(st.sampled_from([0, 1, 256, 65536, 16777216, 257]), max_size=24), st.integers(1, 3))
def test_bytes_of_neighbouring_tokens_are_no_match(text: list[int], max_ngram: int) -> None:
    assert continuation(text, max_ngram, 4) == by_definition(text, max_ngram, 4)


def test_what_followed_may_run_into_the_ending() -> None:
    assert continuation([5, 5, 5, 5], max_ngram=2, tokens=8) == (5,)
    assert continuation([1, 2, 1, 2, 1], max_ngram=3, tokens=8) == (2, 1)
