"""The same functions on torch tensors give what they give on NumPy arrays."""

import numpy as np
import pytest

from specplan.backends.decoding import (
    Counter,
    ExactMatch,
    Key,
    Purpose,
    Rejection,
    Sampling,
    TokenMap,
    Typical,
    accept_chain,
    accept_tree,
    chain_proposals,
    draw_siblings,
    entropy,
    law,
    law_of_probabilities,
    likeliest_siblings,
    likeliest_token,
    one_hot,
    outcome_law,
    pushforward,
    residual,
    restrict,
    without,
)

torch = pytest.importorskip("torch")

RNG = np.random.default_rng(3)
LOGITS = RNG.normal(size=(4, 6)) * 2
SAMPLINGS = [Sampling(), Sampling(0.0), Sampling(0.7, top_k=4, top_p=0.8, min_p=0.05), Sampling(1.3, min_p=0.2)]
ALLOWED = np.array([True, True, False, True, True, True])


def same(torch_side, numpy_side):
    assert torch_side.dtype == torch.float64
    np.testing.assert_allclose(torch_side.numpy(), numpy_side, atol=1e-14)


@pytest.mark.parametrize("sampling", SAMPLINGS)
def test_sampling(sampling):
    allowed = torch.asarray(ALLOWED)
    same(law(torch.asarray(LOGITS), sampling, allowed), law(LOGITS, sampling, ALLOWED))
    p = law(LOGITS, Sampling())
    same(law_of_probabilities(torch.asarray(p), sampling), law_of_probabilities(p, sampling))


def test_half_precision_logits_are_shaped_in_float32():
    assert law(torch.zeros(3, dtype=torch.bfloat16), Sampling(top_p=0.9)).dtype == torch.float32


def test_laws():
    p, q = law(LOGITS, Sampling())[:2]
    tp, tq = torch.asarray(p), torch.asarray(q)
    same(residual(tp, tq), residual(p, q))
    same(without(tp, 1), without(p, 1))
    same(one_hot(2, tp), one_hot(2, p))
    same(entropy(tp), entropy(p))
    same(restrict(tp, torch.asarray(ALLOWED)), restrict(p, ALLOWED))
    images = [0, 2, 2, None, 1, 0]
    tf, f = TokenMap.of(images, 4, tp), TokenMap.of(images, 4, p)
    same(pushforward(torch.stack([tp, tq]), tf), pushforward(np.stack([p, q]), f))
    assert tf.domain(6).tolist() == f.domain(6).tolist()


@pytest.mark.parametrize("rule", [ExactMatch(), Rejection(), Typical()])
def test_acceptance(rule):
    p, q = law(LOGITS, Sampling()), law(-LOGITS, Sampling())[:3]
    tp, tq, key = torch.asarray(p), torch.asarray(q), Key(row=1, position=9)
    for seed in range(20):
        draws = Counter(seed)
        siblings = draw_siblings(tq[0], 2, draws, key.at(Purpose.DRAFT))
        assert [each.token for each in siblings] == [
            each.token for each in draw_siblings(q[0], 2, draws, key.at(Purpose.DRAFT))
        ]
        tokens = [draws.pick(row, key.at(Purpose.DRAFT, ahead=n)) for n, row in enumerate(q)]
        path = accept_chain(p, tokens, q, rule, draws, key)
        assert path == accept_chain(tp, tokens, tq, rule, draws, key)
        assert path == accept_tree(tp, chain_proposals(tokens, tq), rule, draws, key)
    candidates = likeliest_siblings(tq[0], 3)
    assert [each.token for each in candidates] == [each.token for each in likeliest_siblings(q[0], 3)]
    assert outcome_law(tp[0], candidates, rule) == pytest.approx(outcome_law(p[0], candidates, rule))


@pytest.mark.parametrize("dtype", ["bfloat16", "float16", "float32", "float64"])
def test_of_equals_the_lowest_id_is_the_likeliest_in_every_precision(dtype):
    scores = torch.tensor([[0.5, 2.0, 2.0, -1.0], [-3.0, -3.0, -9.0, -3.0]], dtype=getattr(torch, dtype))
    assert likeliest_token(scores).tolist() == [1, 0]
