"""Tables and their vocabularies."""

from __future__ import annotations

import pytest

from specplan.backends.reference import TableModel, TableVocabulary, blended, random_table
from specplan.backends.reference.run import folded
from specplan.backends.reference.words import continue_encoding, whole_characters


def test_a_law_is_a_function_of_seed_and_context() -> None:
    first, second, other = random_table("x", 4), random_table("x", 4), random_table("y", 4)
    assert first.law((1, 2)) == second.law((1, 2))
    assert first.law((1, 2)) != first.law((2, 2))
    assert first.law((1, 2)) != other.law((1, 2))
    assert sum(first.law(())) == pytest.approx(1)


def test_only_the_last_tokens_count() -> None:
    table = random_table("x", 3, order=2)
    assert table.law((0, 1, 2)) == table.law((2, 1, 2))
    assert table.law((0, 1, 2)) != table.law((0, 0, 2))


def test_support() -> None:
    table = random_table("x", 5, support=2)
    assert all(sum(p > 0 for p in table.law((seen,))) == 2 for seen in range(50))


def test_blended_is_between() -> None:
    left, right = random_table("x", 3), random_table("y", 3)
    law = blended(left, right, 0.25).law((1,))
    assert law == pytest.approx([0.75 * a + 0.25 * b for a, b in zip(left.law((1,)), right.law((1,)), strict=True)])


def test_laws_are_laws() -> None:
    with pytest.raises(AssertionError, match="not negative"):
        TableModel(2, lambda seen: [1, -1]).law(())
    with pytest.raises(AssertionError, match="at most 9"):
        TableVocabulary((b"a",) * 10)


def test_unknown_bytes_are_left_out() -> None:
    assert TableVocabulary((b"a", b"ab", None)).encode(b"xaby") == (1,)


def test_a_token_across_the_border_is_not_used() -> None:
    words = TableVocabulary((b"a", b"b", b"ab", None))
    assert continue_encoding(words, b"a", b"b") == (1,)
    assert continue_encoding(words, b"b", b"ab") == (2,)


def test_characters_stay_whole() -> None:
    assert whole_characters("é".encode()[:1]) == b""
    assert whole_characters("aé".encode()) == "aé".encode()


def test_prompts_are_folded() -> None:
    words = TableVocabulary((b"a", b"b", b"ab", None))
    assert folded(b"", words, 3) == b"a"
    assert len(folded(b"a long prompt", words, 3)) == 3
