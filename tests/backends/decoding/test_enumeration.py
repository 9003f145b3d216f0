"""Enumeration: every way once, with its probability, and a repeated key counted as what it is."""

import numpy as np
import pytest

from specplan.backends.decoding import Key, Purpose, Repeats, enumerate_outcomes, law_of

HERE = Key(row=0, position=0)
NEXT = Key(row=0, position=1)
LAW = np.array([0.5, 0.0, 0.5])


def test_ways_come_in_order_and_impossible_ones_are_left_out():
    def run(draws):
        token = draws.pick(LAW, HERE)
        return (token, draws.pick(np.array([0.25, 0.75, 0.0]), NEXT)) if token == 2 else (token,)

    assert list(enumerate_outcomes(run)) == [(0.5, (0,)), (0.125, (2, 0)), (0.375, (2, 1))]


def test_a_run_without_draws_has_one_way():
    assert list(enumerate_outcomes(lambda draws: "done")) == [(1.0, "done")]


def test_certain_answers_are_no_forks():
    def run(draws):
        return draws.accept(1.5, HERE.at(Purpose.ACCEPT)), draws.accept(-0.5, NEXT.at(Purpose.ACCEPT))

    assert list(enumerate_outcomes(run)) == [(1.0, (True, False))]


def test_laws_are_taken_in_proportion():
    assert law_of(lambda draws: draws.pick(np.array([1.0, 3.0]), HERE)) == {0: 0.25, 1: 0.75}


def test_drawing_one_key_twice_is_a_mistake():
    with pytest.raises(AssertionError, match="share the key"):
        law_of(lambda draws: (draws.pick(LAW, HERE), draws.pick(LAW, HERE)))


def test_a_shared_key_is_one_uniform_number():
    def run(draws):
        return draws.pick(np.array([0.5, 0.5]), HERE), draws.pick(np.array([0.25, 0.5, 0.25]), HERE)

    assert law_of(run, repeats=Repeats.SHARED) == {(0, 0): 0.25, (0, 1): 0.25, (1, 1): 0.25, (1, 2): 0.25}


def test_a_run_that_is_no_function_of_its_draws_is_found_out():
    rounds = iter(range(10))
    with pytest.raises(AssertionError, match="function of its draws"):
        law_of(lambda draws: draws.pick(LAW, Key(row=0, position=next(rounds))))
