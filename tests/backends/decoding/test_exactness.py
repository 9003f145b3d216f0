"""Losslessness as an equality: a speculative round, every outcome of it enumerated, has the target's own law.

Models are tables. A round's output is completed by the target alone to a fixed length, and the law of the whole is
compared with the target's autoregressive law.
"""

from functools import cache

import numpy as np
import pytest

from specplan.backends.decoding import (
    ExactMatch,
    Key,
    Proposal,
    Purpose,
    Rejection,
    Repeats,
    Sampling,
    TokenMap,
    accept_chain,
    accept_tree,
    draw_siblings,
    law_of,
    law_of_probabilities,
    likeliest_siblings,
    pushforward,
    restrict,
    total_variation,
    translate,
)

EXACT = 1e-12


def table(seed, size):
    """Make up a model: a law for every prefix, with a zero here and there."""

    @cache
    def law(prefix):
        rng = np.random.default_rng([seed, size, *(token + 1 for token in prefix)])
        weights = rng.random(size) * (rng.random(size) < 0.8)
        return weights / weights.sum() if weights.any() else np.full(size, 1 / size)

    return law


def autoregressive(p, length, prefix=()):
    """Return the law of the target's own continuations to that length."""
    if len(prefix) >= length:
        return {prefix[:length]: 1.0}
    law = {}
    for token, weight in enumerate(p(prefix).tolist()):
        for text, rest in autoregressive(p, length, (*prefix, token)).items():
            law[text] = weight * rest
    return law


def distance_from_target(run, p, length, repeats=Repeats.REFUSED):
    """Enumerate `run`, complete what it commits, and compare with the target alone."""
    law = {}
    for tokens, weight in law_of(run, repeats=repeats).items():
        for text, rest in autoregressive(p, length, tokens).items():
            law[text] = law.get(text, 0.0) + weight * rest
    return total_variation(law, autoregressive(p, length))


def rows(p, prefix, tokens):
    return np.array([p((*prefix, *tokens[:n])) for n in range(len(tokens) + 1)])


def key(prefix, ahead=0, purpose=Purpose.DRAFT, index=0, level=0):
    return Key(0, len(prefix) + ahead, purpose, index, level=level)


def drawn_chain(q, draws, prefix, m, level=0):
    """Draft m tokens by drawing; return them with their laws."""
    tokens, laws = (), []
    for ahead in range(m):
        laws.append(q((*prefix, *tokens)))
        tokens = (*tokens, draws.pick(laws[-1], key(prefix, ahead, level=level)))
    return tokens, np.array(laws).reshape(m, len(q(prefix)))


def chain_round(p, q, rule, m, draws, prefix=()):
    tokens, laws = drawn_chain(q, draws, prefix, m)
    path = accept_chain(rows(p, prefix, tokens), tokens, laws, rule, draws, key(prefix))
    return (*prefix, *path.tokens)


# Chains


@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize("m", [0, 1, 2, 3])
@pytest.mark.parametrize("rule", [Rejection(), ExactMatch()])
def test_drawn_chains(rule, m, seed):
    p, q = table(seed, 3), table(seed + 100, 3)
    assert distance_from_target(lambda draws: chain_round(p, q, rule, m, draws), p, m + 1) < EXACT


@pytest.mark.parametrize("rule", [Rejection(), ExactMatch()])
def test_certain_chains(rule):
    p, q = table(1, 4), table(2, 4)

    def run(draws):
        tokens = ()
        for _ in range(3):
            tokens = (*tokens, int(q(tokens).argmax()))
        return accept_chain(rows(p, (), tokens), tokens, None, rule, draws, key(())).tokens

    assert distance_from_target(run, p, 4) < EXACT


def test_the_target_drafting_for_itself_is_accepted_surely():
    p = table(5, 3)
    lengths = law_of(lambda draws: len(chain_round(p, p, Rejection(), 2, draws)))
    assert lengths == pytest.approx({3: 1.0})


def test_parallel_drafts_whose_laws_know_only_the_prefix():
    """PARD: the law of guess j does not depend on the guesses before it."""
    p, q = table(1, 3), [table(seed, 3)(()) for seed in (20, 21, 22)]
    assert (
        distance_from_target(lambda draws: chain_round(p, lambda text: q[len(text)], Rejection(), 3, draws), p, 4)
        < EXACT
    )


def test_rounds_that_draw_a_position_again_with_the_same_number():
    """What was rejected is drafted anew under the same keys; with them counted as one number, all is still exact."""
    p, q = table(3, 2), table(4, 2)

    def run(draws):
        text = ()
        while len(text) < 4:
            text = chain_round(p, q, Rejection(), 2, draws, text)
        return text[:4]

    assert distance_from_target(run, p, 4, Repeats.SHARED) < EXACT


def test_a_drafter_that_speculates_itself():
    """The inner decoder hands on its own model's laws; its draws are one level down, so no key is drawn twice."""
    p, q, r = table(6, 2), table(7, 2), table(8, 2)

    def run(draws):
        guess, laws = drawn_chain(r, draws, (), 2, level=1)
        inner = accept_chain(rows(q, (), guess), guess, laws, Rejection(), draws, key((), level=1)).tokens
        own = rows(q, (), inner)[:-1]
        return accept_chain(rows(p, (), inner), inner, own, Rejection(), draws, key(())).tokens

    assert distance_from_target(run, p, 4) < EXACT


# Trees


def tree_round(p, grow, rule, draws):
    """Two layers: `grow(layer, index, prefix)` proposes below a node; equal tokens below one node share a child."""
    texts, tree = [()], []
    for here, text in enumerate(texts):
        tree.append([])
        if len(text) == 2:
            continue
        children = {}
        for each in grow(text, draws, 10 * here):
            if each.token not in children:
                children[each.token] = len(texts)
                texts.append((*text, each.token))
            tree[here].append(Proposal(each.token, each.law, children[each.token]))
    return accept_tree([p(text) for text in texts], tree, rule, draws, Key(0, 0)).tokens


def drawn_below(q, counts):
    return lambda text, draws, index: draw_siblings(q(text), counts[len(text)], draws, key(text, index=index))


def with_replacement(q, counts):
    def grow(text, draws, index):
        law = q(text)
        picks = [draws.pick(law, key(text, index=index + n)) for n in range(counts[len(text)])]
        return [Proposal(token, law) for token in picks]

    return grow


def ranked_below(q, counts):
    return lambda text, draws, index: likeliest_siblings(q(text), counts[len(text)])


def mixed(first, second):
    return lambda text, draws, index: [*first(text, draws, index), *second(text, draws, index + 5)]


Q, R = table(31, 3), table(32, 3)
GROWTHS = {
    "without replacement": drawn_below(Q, (2, 1)),
    "all that there are": drawn_below(Q, (3, 0)),
    "with replacement": with_replacement(Q, (2, 1)),
    "ranked": ranked_below(Q, (2, 2)),
    "certain, then drawn": mixed(ranked_below(R, (1, 1)), drawn_below(Q, (1, 1))),
    "drawn, then certain": mixed(drawn_below(Q, (1, 1)), ranked_below(R, (2, 1))),
    "two drafters draw": mixed(drawn_below(Q, (1, 1)), drawn_below(R, (1, 0))),
}


@pytest.mark.parametrize("rule", [Rejection(), ExactMatch()])
@pytest.mark.parametrize("growth", GROWTHS)
def test_trees(growth, rule):
    p = table(30, 3)
    assert distance_from_target(lambda draws: tree_round(p, GROWTHS[growth], rule, draws), p, 3) < EXACT


# Vocabularies


VOCABULARIES = {
    "part of each": (4, [2, None, 0, None], 5),
    "draft within target": (3, [4, 0, 2], 5),
    "target within draft": (5, [1, None, 0, 2, None], 3),
    "one in common": (4, [None, None, 3, None], 4),
}


@pytest.mark.parametrize("name", VOCABULARIES)
def test_token_level_intersection(name):
    """The drafter speaks its own vocabulary, restricted to what is shared; the residual is over all of the target's.

    Within a round the drafter goes on from its own ids; later rounds start after the target's tokens, some of which
    the drafter has no id for (here it is simply another model after them).
    """
    size, images, target_size = VOCABULARIES[name]
    p, q = table(40, target_size), table(41, size)
    f = TokenMap.of(images, target_size, p(()))

    def round_after(text, draws):
        spoken, guesses, laws = text, (), []
        for ahead in range(2):
            law = law_of_probabilities(q(spoken) + 1e-3, Sampling(), f.domain(size))
            token = draws.pick(law, key(text, ahead))
            spoken, guesses = (*spoken, token), (*guesses, images[token])
            laws.append(translate(law, f))
        path = accept_chain(rows(p, text, guesses), guesses, np.array(laws), Rejection(), draws, key(text))
        return (*text, *path.tokens)

    def run(draws):
        text = ()
        while len(text) < 3:
            text = round_after(text, draws)
        return text[:3]

    assert distance_from_target(run, p, 3, Repeats.SHARED) < EXACT


@pytest.mark.parametrize("nulls", ["reject", "mask"])
def test_push_forward_with_both_rules_for_tokens_without_image(nulls):
    """SLRS as a chain: many tokens may share an image, and the drafter remembers which one it drew."""
    images = [0, 1, 0, None]
    p, q = table(50, 3), table(51, 4)
    f = TokenMap.of(images, 3, p(()))

    def run(draws):
        spoken, guesses, laws = (), (), []
        for ahead in range(3):
            law = q(spoken) + 1e-3
            law = restrict(law, f.domain(4)) if nulls == "mask" else law / law.sum()
            token = draws.pick(law, key((), ahead))
            spoken, guesses = (*spoken, token), (*guesses, images[token])
            laws.append(pushforward(law, f))
            if images[token] is None:
                break
        known = [guess if guess is not None else 0 for guess in guesses]
        return accept_chain(rows(p, (), known), guesses, np.array(laws), Rejection(), draws, key(())).tokens

    assert distance_from_target(run, p, 4) < EXACT
