"""The arithmetic of a certificate: known values, merged cells, and p-values that are as uniform as they have to be."""

from collections import Counter

import pytest

pytest.importorskip("torch")

import numpy

from specplan.backends.bench.certificate.chi_square import bonferroni, fit, tail


# From tables of chi-square.
@pytest.mark.parametrize(
    ("statistic", "freedom", "p"),
    [
        (3.841458820694124, 1, 0.05),
        (6.634896601021213, 1, 0.01),
        (18.307038053275146, 10, 0.05),
        (29.588298445074408, 10, 0.001),
        (124.342113, 100, 0.05),
        (0.0, 4, 1.0),
    ],
)
def test_the_tail_is_that_of_the_tables(statistic: float, freedom: int, p: float) -> None:
    assert tail(statistic, freedom) == pytest.approx(p, rel=1e-7)


def test_a_fit_by_hand() -> None:
    found = fit({0: 44, 1: 25, 2: 31}, [0.5, 0.25, 0.25])
    assert (found.draws, found.cells, found.impossible) == (100, 3, 0)
    assert found.statistic == pytest.approx(36 / 50 + 36 / 25)
    assert found.p == pytest.approx(tail(2.16, 2))


def test_rare_tokens_share_a_cell() -> None:
    law = [0.5, 0.3, *[0.01] * 20]
    found = fit({0: 50, 1: 30, 7: 20}, law)
    assert found.cells == 3
    assert found.statistic == pytest.approx(0.0, abs=1e-9)


def test_what_is_rare_even_together_goes_to_the_rarest_cell() -> None:
    found = fit({0: 80, 1: 16, 2: 4}, [0.8, 0.17, 0.03])
    assert found.cells == 2
    assert found.statistic == pytest.approx(0.0, abs=1e-9)


def test_one_cell_tests_nothing() -> None:
    found = fit({3: 40}, [0.0, 0.0, 0.0, 1.0])
    assert (found.cells, found.p, found.impossible) == (1, None, 0)
    assert fit({0: 3, 1: 1}, [0.5, 0.5]).p is None


def test_an_impossible_token_refutes_a_law() -> None:
    found = fit({0: 4999, 1: 1}, [1.0, 0.0])
    assert (found.impossible, found.p) == (1, 0.0)


def test_bonferroni() -> None:
    assert bonferroni([0.5, 0.004, 0.3]) == pytest.approx(0.012)
    assert bonferroni([0.9, 0.8]) == 1.0
    assert bonferroni([]) is None


def p_values(drawn_from: list[float], law: list[float], draws: int, times: int) -> list[float]:
    random = numpy.random.default_rng(7)
    counted = (random.multinomial(draws, drawn_from) for _ in range(times))
    found = (fit(Counter(dict(enumerate(counts.tolist()))), law).p for counts in counted)
    return sorted(p for p in found if p is not None)


def zipf(size: int) -> list[float]:
    weights = [1 / rank for rank in range(1, size + 1)]
    return [weight / sum(weights) for weight in weights]


def test_p_values_are_uniform_where_the_law_is_true() -> None:
    law = zipf(200)
    found = p_values(law, law, draws=2000, times=1000)
    assert len(found) == 1000
    # Kolmogorov and Smirnov's bound at one in a hundred.
    assert max(abs(p - (place + 0.5) / 1000) for place, p in enumerate(found)) < 1.63 / 1000**0.5
    assert sum(p < 0.01 for p in found) < 25


def test_p_values_are_small_where_the_law_is_not() -> None:
    law = zipf(50)
    other = [0.9 * chance for chance in law]
    other[0] += 0.1
    assert max(p_values(other, law, draws=5000, times=20)) < 1e-6
