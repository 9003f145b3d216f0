"""Draws: published answers, one key per draw, and no token that a law calls impossible."""

from collections import Counter as Tally
from itertools import product

import numpy as np
import pytest

from specplan.backends.decoding import Counter, Key, Purpose, philox, pick_at, uniform

# kat_vectors of the Random123 distribution, "philox4x32 10": counter, key, answer.
KNOWN_ANSWERS = [
    ("00000000 00000000 00000000 00000000", "00000000 00000000", "6627e8d5 e169c58d bc57ac4c 9b00dbd8"),
    ("ffffffff ffffffff ffffffff ffffffff", "ffffffff ffffffff", "408f276d 41c83b0e a20bc7c6 6d5451fd"),
    ("243f6a88 85a308d3 13198a2e 03707344", "a4093822 299f31d0", "d16cfe09 94fdcceb 5001e420 24126ea1"),
]


@pytest.mark.parametrize(("counter", "key", "answer"), KNOWN_ANSWERS)
def test_philox_gives_the_published_answers(counter, key, answer):
    def words(text):
        return tuple(int(word, 16) for word in text.split())

    assert philox(words(counter), words(key)) == words(answer)


def test_uniform_is_pinned():
    """These numbers are the contract: another version, backend or machine gives the same."""
    assert uniform(0, Key(row=0, position=0, purpose=Purpose.DRAFT)) == (0x6627E8D5E169C58D >> 11) / 2**53
    assert uniform(7, Key(row=3, position=12, purpose=Purpose.ACCEPT, index=2, thread=1, level=1)) == 0.738198486965017


def test_every_field_and_the_seed_make_another_draw():
    fields = product((0, 1), (0, 1), Purpose, (0, 1), (0, 1), (0, 1))
    numbers = {uniform(seed, Key(*each)) for each in fields for seed in (0, 1, 1 << 32)}
    assert len(numbers) == 3 * 2**5 * len(Purpose)


def test_a_key_moves_without_losing_whose_it_is():
    key = Key(row=4, position=10, thread=2).inner()
    assert key.at(Purpose.ACCEPT, ahead=3, index=1) == Key(4, 13, Purpose.ACCEPT, index=1, thread=2, level=1)


@pytest.mark.parametrize("field", ["row", "position", "index", "thread", "level"])
def test_fields_that_would_run_into_each_other_are_refused(field):
    with pytest.raises(AssertionError):
        uniform(0, Key(**{"row": 0, "position": 0, field: 1 << 32}))


def test_picks_follow_the_law():
    law = np.array([0.5, 0.0, 0.3, 0.2])
    picks = Tally(Counter(seed=1).pick(law, Key(row=0, position=n)) for n in range(4000))
    expected = 4000 * law
    chi_square = sum((picks[token] - expected[token]) ** 2 / expected[token] for token in (0, 2, 3))
    assert picks[1] == 0 and chi_square < 13.8  # 2 degrees of freedom, one in a thousand


def test_accepting_follows_the_probability():
    counter = Counter(seed=2)
    keys = [Key(row=0, position=n, purpose=Purpose.ACCEPT) for n in range(4000)]
    assert abs(sum(counter.accept(0.3, key) for key in keys) - 1200) < 4 * (4000 * 0.3 * 0.7) ** 0.5
    assert all(counter.accept(1.0, key) and not counter.accept(0.0, key) for key in keys)


HIGHEST = 1 - 2.0**-53


@pytest.mark.parametrize(
    ("law", "number", "token"),
    [
        ([0.0, 1.0, 0.0], 0.0, 1),
        ([0.0, 1.0, 0.0], HIGHEST, 1),
        ([0.5, 0.5, 0.0], 0.5, 1),
        ([0.1] * 10 + [0.0], HIGHEST, 9),
        ([3.0, 1.0], 0.74, 0),
        ([5e-324, 0.0], HIGHEST, 0),
    ],
)
def test_edges_never_pick_the_impossible(law, number, token):
    assert pick_at(np.array(law), number) == token


@pytest.mark.parametrize("law", [[0.0, 0.0], [np.nan, 1.0], [np.inf, 1.0]])
def test_what_is_no_law_is_not_drawn_from(law):
    with pytest.raises(AssertionError, match="positive, finite sum"):
        pick_at(np.array(law), 0.5)
