"""Acceptance ahead: what `accept_tree` gives, draw by draw and as a law, without a look at the device in between."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from specplan.backends.decoding import (
    Counter,
    ExactMatch,
    Key,
    LateToken,
    Proposal,
    Purpose,
    Rejection,
    Repeats,
    Sampling,
    Typical,
    accept_ahead,
    accept_tree,
    draw_siblings,
    draw_siblings_ahead,
    fetch,
    law,
    law_of,
    path_law,
    sampling,
    total_variation,
)

torch = pytest.importorskip("torch")

KEY = Key(row=2, position=7)
RULES = [ExactMatch(), Rejection(), Typical(), Typical(epsilon=0.3, delta=0.5)]
EXACT = 1e-12


def laws(size):
    return st.lists(st.integers(0, 9), min_size=size, max_size=size).filter(any).map(lambda w: np.array(w) / sum(w))


def kinds(size):
    """Proposals that could have come about, of which the tree is not known yet: certain, drawn, or null."""
    certain = st.tuples(st.integers(0, size - 1), st.none())
    drawn = laws(size).flatmap(lambda q: st.tuples(st.sampled_from(np.flatnonzero(q).tolist()), st.just(q)))
    null = st.tuples(st.none(), laws(size).map(lambda q: q * 0.7))
    return certain | drawn | null


@st.composite
def trees(draw, size=4, nodes=7, depth=3):
    """A tree with the target's laws; equal tokens below one node share a child, and some nodes have no proposals."""
    tree, depths = [], [0]
    for here in range(nodes):
        if here == len(depths):
            break
        room = 3 if depths[here] < depth else 0
        children = {None: None}
        tree.append([])
        for token, q in draw(st.lists(kinds(size), max_size=room)):
            if token not in children:
                if len(depths) == nodes:
                    continue
                children[token] = len(depths)
                depths.append(depths[here] + 1)
            tree[here].append(Proposal(token, q, children[token]))
    return np.array(draw(st.lists(laws(size), min_size=len(tree), max_size=len(tree)))), tree


def moved(tree, to, late=False):
    """The tree with its laws in another array library, and, if asked, its tokens not looked at yet."""

    def token(number):
        return number if number is None or not late else LateToken(to(number))

    def proposal(each):
        return Proposal(token(each.token), None if each.law is None else to(each.law), each.node)

    return [[proposal(each) for each in siblings] for siblings in tree]


def walked(rows, tree, rule, draws):
    return seen(accept_ahead(rows, tree, rule, draws, KEY), tree)


def seen(ahead, tree):
    """The one look."""
    return ahead.walk(fetch(ahead.arrays, [each.token for siblings in tree for each in siblings]))


@settings(deadline=None)
@given(trees(), st.sampled_from(RULES), st.booleans())
def test_it_walks_as_accept_tree_does(given_tree, rule, late):
    rows, tree = given_tree
    for seed in range(10):
        path = accept_tree(rows, tree, rule, Counter(seed), KEY)
        assert walked(rows, moved(tree, np.asarray, late), rule, Counter(seed)) == path
        found = walked(torch.asarray(rows), moved(tree, torch.asarray, late), rule, Counter(seed))
        assert found == path and all(type(token) is int for token in found.tokens)


@settings(deadline=None, max_examples=60)
@given(trees(size=3, nodes=5, depth=2), st.sampled_from(RULES))
def test_its_draws_have_the_stated_law(given_tree, rule):
    rows, tree = given_tree
    drawn = law_of(lambda draws: walked(rows, tree, rule, draws), repeats=Repeats.SHARED)
    assert total_variation(drawn, path_law(rows, tree, rule)) < EXACT


@pytest.mark.parametrize("rule", RULES)
def test_single_precision_walks_as_it_does_alone(rule):
    rng = np.random.default_rng(5)
    lengths = set()
    for seed in range(60):
        rows = law(torch.asarray(rng.normal(size=(7, 50)), dtype=torch.float32), Sampling(0.5))
        q = law(torch.log(rows[[0, 0, 1, 1, 2, 2]]) + 0.5 * torch.asarray(rng.normal(size=(6, 50))).float(), Sampling())
        tokens = Counter(seed).pick_rows(q, [KEY.at(Purpose.DRAFT, index=n) for n in range(6)])
        tree = [[Proposal(int(tokens[n - 1]), q[n - 1], n) for n in pair] for pair in ((1, 2), (3, 4), (5, 6))]
        tree += [[]] * 4
        path = accept_tree(rows, tree, rule, Counter(seed), KEY)
        assert walked(rows, moved(tree, torch.asarray, late=True), rule, Counter(seed)) == path
        lengths.add(len(path.nodes))
    assert len(lengths) > 1


# Losslessness: drafts and acceptance enumerated together.


TARGET = np.array([[0.5, 0.3, 0.2], [0.1, 0.0, 0.9], [0.4, 0.4, 0.2]])
DRAFTER = np.array([[0.2, 0.8, 0.0], [0.3, 0.3, 0.4], [0.0, 1.0, 0.0]])


def siblings(ranks):
    def grow(last, draws, here, ahead):
        key = KEY.at(Purpose.DRAFT, ahead, index=10 * here)
        tokens, q = draw_siblings_ahead(DRAFTER[last : last + 1], ranks, draws, [key])
        return [(int(tokens[0, rank]), q[rank][0]) for rank in range(ranks)]

    return grow


def twins(last, draws, here, ahead):
    """A draw, and a certain guess twice: equal tokens share their node."""
    best = int(DRAFTER[last].argmax())
    return [*siblings(1)(last, draws, here, ahead), (best, None), (best, None)]


def with_nulls(last, draws, here, ahead):
    """Token 1 of the drafter has no image."""
    ((token, q),) = siblings(1)(last, draws, here, ahead)
    return [(None if token == 1 else token, q * (np.arange(3) != 1)), (2, None)]


GROWTHS = {"chain": siblings(1), "siblings": siblings(2), "more than there are": siblings(3)}
GROWTHS |= {"twins": twins, "nulls": with_nulls}


def grown(grow, draws):
    """Two layers below the root, whose token is 0; the target's laws depend on the last token alone."""
    texts, tree = [(0,)], []
    for here, text in enumerate(texts):
        tree.append([])
        children = {None: None}
        for token, q in grow(text[-1], draws, here, len(text) - 1) if len(text) < 3 else ():
            # What was drawn from a law of all zeros is a node like any other, and stands for nothing.
            if token not in children:
                children[token] = len(texts)
                texts.append((*text, token))
            tree[here].append(Proposal(token, q, children[token]))
    return TARGET[[text[-1] for text in texts]], tree


def completed(weights, length):
    """Continue each text by the target alone; an array with an axis for each token."""
    total = np.zeros((3,) * length)
    for text, weight in weights.items():
        after = TARGET[text[-1]]
        if len(text) >= length:
            total[text[:length]] += weight
        else:
            total += completed({(*text, n): weight * after[n] for n in range(3)}, length)
    return total


@pytest.mark.parametrize("rule", [Rejection(), ExactMatch()])
@pytest.mark.parametrize("growth", GROWTHS)
def test_it_is_lossless(growth, rule):
    def run(draws):
        return walked(*grown(GROWTHS[growth], draws), rule, draws).tokens

    found = completed(law_of(run, repeats=Repeats.SHARED), 3)
    assert total_variation(found, completed({(n,): TARGET[0, n] for n in range(3)}, 3)) < EXACT


@pytest.mark.parametrize("place", [0, 1])
def test_an_impossible_draw_is_rejected_and_takes_nothing(place):
    rows = np.array([[0.2, 0.3, 0.5], [1.0, 0.0, 0.0], [0.0, 1.0, 0.0]])
    others = [Proposal(1, np.array([0.5, 0.5, 0.0]), 1)]
    impossible = Proposal(2, np.zeros(3), 2)
    with_it = [*others[:place], impossible, *others[place:]]

    def law_below(proposals):
        return law_of(lambda draws: walked(rows, [proposals, [], []], Rejection(), draws), repeats=Repeats.SHARED)

    assert law_below(with_it) == law_below(others)
    assert total_variation(law_below([impossible]), law_below([])) < EXACT


# Siblings


@settings(deadline=None)
@given(st.lists(laws(5), min_size=1, max_size=3), st.integers(1, 6), st.integers(0, 99))
def test_siblings_are_those_of_each_row_alone(rows, count, seed):
    keys = [Key(row, 3, Purpose.DRAFT, index=4) for row in range(len(rows))]
    for to in (np.asarray, torch.asarray):
        tokens, q = draw_siblings_ahead(to(np.array(rows)), count, Counter(seed), keys)
        assert tuple(tokens.shape) == (len(rows), count) and len(q) == count
        for row, key in enumerate(keys):
            alone = draw_siblings(to(rows[row]), count, Counter(seed), key)
            assert [each.token for each in alone] == tokens[row, : len(alone)].tolist()
            for rank, each in enumerate(alone):
                np.testing.assert_allclose(q[rank][row], each.law, atol=1e-15)
            assert not any(q[rank][row].any() for rank in range(len(alone), count))


# Looks


class Unseen(torch.utils._python_dispatch.TorchDispatchMode):
    """Whatever asks for a number, or for a size that depends on numbers, fails."""

    LOOKS = ("_local_scalar_dense", "equal", "nonzero", "is_nonzero", "masked_select", "_unique2")

    def __torch_dispatch__(self, func, types, args=(), kwargs=None):
        assert func.overloadpacket.__name__ not in self.LOOKS, f"{func} looks at the device"
        return func(*args, **(kwargs or {}))


def ahead_of_everything(rule, shape, place):
    """Shape, draft and accept on one device, with all kinds of proposals."""
    logits = torch.linspace(-2, 2, 5 * 30, device=place).reshape(5, 30).sin()
    keys = [KEY.at(Purpose.DRAFT, index=10 * n) for n in range(5)]
    tokens, q = draw_siblings_ahead(law(logits, shape), 2, Counter(1), keys)
    tree = [
        [Proposal(LateToken(tokens[0, rank]), q[rank][0], 1 + rank) for rank in range(2)],
        [Proposal(3, None, 3), Proposal(None, q[0][1] * 0.5), Proposal(LateToken(tokens[1, 0]), q[0][1], 4)],
        *([], [], []),
    ]
    return accept_ahead(law(-logits, shape), tree, rule, Counter(2), KEY), tree


SAMPLINGS = [Sampling(0.7), Sampling(top_k=9, top_p=0.9), Sampling(top_p=0.9, min_p=0.01)]


@pytest.mark.parametrize("rule", RULES)
def test_nothing_is_looked_at(rule):
    with Unseen():
        ahead, tree = ahead_of_everything(rule, Sampling(0.7), "cpu")
    assert seen(ahead, tree).tokens
    with Unseen(), pytest.raises(AssertionError, match="looks at the device"):
        accept_tree(torch.ones(5, 30) / 30, tree, rule, Counter(2), KEY)


@pytest.mark.parametrize("shape", SAMPLINGS)
@pytest.mark.parametrize("rule", RULES)
def test_it_works_where_there_are_no_numbers_to_look_at(rule, shape):
    """Tensors of the meta device have shapes alone."""
    ahead, _ = ahead_of_everything(rule, shape, "meta")
    assert all(array.is_meta and array.numel() <= 6 for array in ahead.arrays)


TIED = st.lists(st.lists(st.integers(-3, 3), min_size=8, max_size=8), min_size=1, max_size=3)
SPREAD = st.lists(st.lists(st.floats(-30, 30), min_size=8, max_size=8), min_size=1, max_size=3)
SHAPES = st.tuples(st.none() | st.integers(1, 9), st.none() | st.floats(0, 1))


@settings(deadline=None)
@given(TIED | SPREAD, SHAPES.filter(lambda shape: shape != (None, None)), st.booleans())
def test_sorting_whole_rows_keeps_the_same_tokens(rows, shape, masked):
    """What is done on the host, and on devices that are better not looked at."""
    scores = np.array(rows, dtype=float)
    if masked:
        scores[:, 2:5] = -np.inf
    for given_scores in (scores, torch.asarray(scores), torch.asarray(scores, dtype=torch.float32)):
        by_rows = sampling._keep_top(given_scores, *shape)
        np.testing.assert_array_equal(by_rows, sampling._keep_top_by_sorting(given_scores, *shape))


@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a GPU")
@pytest.mark.parametrize("shape", SAMPLINGS)
@pytest.mark.parametrize("rule", RULES)
def test_a_gpu_is_not_waited_for(rule, shape):
    torch.cuda.set_sync_debug_mode("error")
    try:
        ahead, tree = ahead_of_everything(rule, shape, "cuda")
    finally:
        torch.cuda.set_sync_debug_mode("default")
    assert seen(ahead, tree) == seen(*ahead_of_everything(rule, shape, "cpu"))
