"""Scores and the BoNBoN loss, against numbers worked out by hand."""

from __future__ import annotations

from math import exp, inf, log

import numpy
import pytest
from hypothesis import given
from hypothesis import strategies as st

from specplan.backends.training import (
    Pair,
    Verdict,
    best_and_worst,
    beta,
    bonbon_loss,
    judged_quality,
    quality_of_likelihood,
    quality_of_verdicts,
    score,
    target_margin,
)


def test_the_constant() -> None:
    """H_1 = 1, H_2 = 3/2, H_9 = 7129/2520."""
    assert beta(2) == 1 / 2 and beta(3) == 1 / 6
    assert beta(10) == pytest.approx(2520 / (2 * 9 * 7129), rel=1e-15)
    assert beta(8) == pytest.approx(0.02754821, abs=5e-9) and beta(10) == pytest.approx(0.01963810, abs=5e-9)
    assert target_margin(10) == pytest.approx(9 * 7129 / 2520, rel=1e-15) and round(target_margin(10), 2) == 25.46


def test_the_loss() -> None:
    """Of three: the target is 3 nats more; the model has 40 - 35 = 5, the reference 0.5, and 1.5 nats are too many."""
    assert bonbon_loss(Pair(-35.0, -40.0), Pair(-36.0, -36.5), n=3) == pytest.approx(0.005 * 35 + 0.995 * 1.5**2)
    assert bonbon_loss(Pair(-35.0, -40.0), Pair(-36.0, -36.5), n=3, alpha=0.5) == pytest.approx(17.5 + 1.125)


def test_the_loss_of_several_and_its_gradient() -> None:
    torch = pytest.importorskip("torch")
    best = torch.tensor([-35.0, -20.0], dtype=torch.float64, requires_grad=True)
    worst = torch.tensor([-40.0, -20.0], dtype=torch.float64, requires_grad=True)
    bonbon_loss(
        Pair(best, worst), Pair(torch.tensor([-36.0, -20.0]), torch.tensor([-36.5, -20.0])), n=3
    ).sum().backward()
    # d/d worst = -2 (1 - alpha) * excess, and the excess is 1.5 and -3; d/d best the opposite, less alpha
    assert worst.grad.tolist() == pytest.approx([-2 * 0.995 * 1.5, 2 * 0.995 * 3])
    assert best.grad.tolist() == pytest.approx([2 * 0.995 * 1.5 - 0.005, -2 * 0.995 * 3 - 0.005])


@given(st.integers(2, 30), st.floats(-200, 0), st.floats(-200, 0), st.floats(-200, 0))
def test_the_square_is_least_at_the_target(n: int, best: float, at_best: float, at_worst: float) -> None:
    reference = Pair(at_best, at_worst)
    there = best - reference.margin - target_margin(n)
    losses = bonbon_loss(Pair(best, numpy.array([there - 1, there, there + 1])), reference, n)
    assert losses.argmin() == 1 and losses[1] == pytest.approx(-0.005 * best, abs=1e-6)


@pytest.mark.parametrize(
    ("won", "lost", "quality"), [(0, 0, 1), (1.99, 0.99, 2), (3, 0, 10), (0, 3, 0.1), (0.03, 0.01, 2)]
)
def test_quality_of_verdicts(won: float, lost: float, quality: float) -> None:
    assert quality_of_verdicts(won, lost) == pytest.approx(quality)


def test_a_judge_hears_both_orders() -> None:
    heard = []

    def judge(prompt: str, first: str, second: str) -> Verdict:
        """Prefers what comes first, but for the one it knows to be bad."""
        heard.append((prompt, first, second))
        return Verdict(first != "bad", 0.5 if "bad" in (first, second) else 0.8)

    # Won against `bad` twice (0.5 each), and against `good` once (0.8); lost to that once (0.8).
    assert judged_quality(judge, "p", "mine", ["bad", "good"]) == pytest.approx(1.81 / 0.81)
    assert heard == [("p", "mine", "bad"), ("p", "bad", "mine"), ("p", "mine", "good"), ("p", "good", "mine")]


def test_quality_of_likelihood() -> None:
    assert quality_of_likelihood(0.0) == 1.0
    assert quality_of_likelihood(-0.5) == pytest.approx(exp(-0.5))
    assert quality_of_likelihood(-1e9) == pytest.approx(0.1) and quality_of_likelihood(1e9) == pytest.approx(10)
    assert quality_of_likelihood(log(2)) == pytest.approx(2)


def test_score_and_choice() -> None:
    assert score(2.0, 0.5, 4) == 4.0 and score(2.0, 0.5, 0) == 2.0 and score(9.0, 0.5, inf) == 0.5
    assert best_and_worst([1.0, 3.0, 0.5, 3.0, 0.5]) == (1, 2)
    assert best_and_worst([]) is None and best_and_worst([2.0]) is None and best_and_worst([2.0, 2.0]) is None
