"""Choices are the best there are, and not guessing at all is always among them."""

import pytest

from specplan.planner.cost import (
    Alternative,
    break_even,
    chain,
    choose_best,
    choose_by_rows,
    choose_length,
    choose_size,
    plain,
    stops_paying_at,
)

PLAIN = Alternative("none", 0, 1.0, plain())


def guessing(length, seconds):
    return Alternative(f"chain {length}", length, seconds, chain(length))


def test_the_fastest_wins():
    choice = choose_best([PLAIN, guessing(4, 1.5), guessing(8, 1.6)], acceptance=0.9)
    assert choice.best.guesses == 8
    assert choice.speedup == pytest.approx(chain(8).evaluate(0.9) / 1.6)


def test_what_does_not_pay_is_left():
    choice = choose_best([guessing(4, 3.0), PLAIN], acceptance=0.5)
    assert choice.best is PLAIN and choice.speedup == 1


def test_among_equals_the_fewest_guesses():
    assert choose_best([guessing(4, 1.0), PLAIN, guessing(2, 1.0)], acceptance=0).best is PLAIN


def test_length():
    assert choose_length(lambda k: 1 + 0.01 * k, chain, most=8, acceptance=0.9) == 8
    assert choose_length(lambda k: 1 + k, chain, most=8, acceptance=0.9) == 0


def test_break_even():
    at = break_even(guessing(1, 1.25), PLAIN)
    assert at == pytest.approx(0.25)
    assert break_even(guessing(1, 2.5), PLAIN) is None
    assert break_even(guessing(1, 0.5), PLAIN) == 0


def test_tree_sizes_follow_the_machine():
    def tokens(size):
        return {0: 1.0, 20: 1.98, 60: 2.24, 105: 2.37}[size]

    sizes = (20, 60, 105)
    assert choose_size(sizes, tokens, seconds=lambda size: 1.0) == 105  # waits for memory
    assert choose_size(sizes, tokens, seconds=lambda size: 1.0 + 3 + size if size else 1.0) == 0  # computes


def test_rows_fill_the_machine():
    def alternatives(rows):
        return [PLAIN, guessing(4, 1 + 0.5 * rows)]

    rows = (1, 2, 4, 8)
    choices = choose_by_rows(rows, alternatives, acceptance=0.7)
    assert [choice.best.guesses for choice in choices] == [4, 4, 0, 0]
    assert stops_paying_at(rows, choices) == 4
    assert stops_paying_at(rows[:2], choices[:2]) is None
    assert stops_paying_at(rows[2:], choices[2:]) == 4
