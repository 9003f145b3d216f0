"""Trees have every parent before its children, and the likeliest paths are the likeliest."""

import math
from itertools import product

import pytest
from hypothesis import given
from hypothesis import strategies as st

from specplan.planner.trees import chain, most_probable, static, static_size, written_out


def test_static_counts_layers():
    tree = static([4, 2, 1])
    assert tree.nodes == static_size([4, 2, 1]) == 20
    assert tree.widths == (4, 8, 8)
    assert tree.parents[:6] == (0, 0, 0, 0, 1, 1)
    assert tree.depth == 3


def test_chain_is_a_line():
    assert chain(4).parents == (0, 1, 2, 3)
    assert chain(0).nodes == chain(0).depth == 0


def test_written_out_orders_by_depth_then_rank():
    assert written_out([[1], [0, 0], [0]]).paths == ((0,), (1,), (0, 0))


@pytest.mark.parametrize(
    ("paths", "words"),
    [([[]], "the root"), ([[0], [0]], "twice"), ([[0, 1]], "not there"), ([[-1]], "negative")],
)
def test_what_is_no_tree_is_refused(paths, words):
    with pytest.raises(ValueError, match=words):
        written_out(paths)


levels = st.lists(
    st.lists(st.floats(-8, 0), min_size=1, max_size=4).map(lambda level: sorted(level, reverse=True)),
    min_size=1,
    max_size=3,
)


@given(levels, st.integers(0, 40))
def test_most_probable_is_the_top_of_all_paths(levels, limit):
    tree = most_probable(levels, limit)
    everything = [
        path
        for depth in range(1, len(levels) + 1)
        for path in product(*(range(len(level)) for level in levels[:depth]))
    ]

    def score(path):
        return math.fsum(levels[depth][rank] for depth, rank in enumerate(path))

    best = sorted(map(score, everything), reverse=True)[:limit]
    assert sorted(map(score, tree.paths), reverse=True) == pytest.approx(best, abs=1e-9)
    assert all(
        parent < number for number, parent in enumerate(tree.parents, start=1)
    )  # parents raises if one is missing
