"""Bookkeeping of caches: against a plain model of rows that are a text and a tree."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from specplan.backends.runtime import NoRoom, Slots


@st.composite
def trees(draw: st.DrawFn) -> tuple[list[int], list[int]]:
    """Tokens of a root and nodes, and the nodes' parents; siblings have different tokens."""
    count = draw(st.integers(0, 8))
    tokens, parents = [draw(st.integers(0, 2))], []
    for node in range(1, count + 1):
        parent = draw(st.integers(0, node - 1))
        taken = {tokens[other] for other, above in enumerate(parents, 1) if above == parent}
        free = [token for token in range(9) if token not in taken]
        tokens.append(draw(st.sampled_from(free)))
        parents.append(parent)
    return tokens, parents


def walk(tokens: list[int], parents: list[int], path: list[int]) -> list[int]:
    """The nodes that spell a path, root first."""
    found = [0]
    for token in path:
        below = [node for node, parent in enumerate(parents, 1) if parent == found[-1] and tokens[node] == token]
        if not below:
            break
        found += below
    return found


@given(st.lists(st.integers(0, 5), max_size=6), trees(), st.lists(st.integers(0, 5), min_size=1, max_size=6))
def test_a_commit_keeps_the_rows_that_spell_the_path(
    text: list[int], tree: tuple[list[int], list[int]], path: list[int]
) -> None:
    tokens, parents = tree
    slots = Slots(64)
    slots.append(text)
    slots.open(tokens, parents)
    first, kept = slots.commit({0: (path, len(text) + 1)})
    expected = walk(tokens, parents, path[:-1])
    assert first == len(text)
    assert list(kept) == [len(text) + node for node in expected]
    assert slots.tokens() == [*text, *(tokens[node] for node in expected)]
    assert slots.levels == 0


@given(trees())
def test_every_row_sees_its_ancestors_and_itself(tree: tuple[list[int], list[int]]) -> None:
    tokens, parents = tree
    slots = Slots(64)
    slots.append([9, 9, 9])
    reading = slots.open(tokens, parents)
    for node in range(len(tokens)):
        ancestors, here = {node}, node
        while here:
            here = parents[here - 1]
            ancestors.add(here)
        seen = range(node + 1) if reading.sees is None else [i for i in range(64) if reading.sees[node] >> i & 1]
        assert set(seen) == ancestors
        assert reading.positions[node] == 3 + len(ancestors) - 1


def test_a_drafters_guesses_stay_as_far_as_the_path_spells_them() -> None:
    slots = Slots(16)
    slots.append([1, 2, 3])  # 3 is the root: a drafter reads it at once
    slots.open()
    slots.append([4])
    slots.append([5])
    assert slots.levels == 1
    assert slots.commit({0: ([4, 7], 3)}) == (3, (3,))
    assert slots.tokens() == [1, 2, 3, 4]


def test_what_an_inner_decoder_commits_waits_for_the_outer_one() -> None:
    slots = Slots(16)
    slots.append([1, 2])
    slots.open()
    slots.open([3, 4, 5], [0, 0])
    slots.commit({0: ([5, 6], 3)})
    assert (slots.tokens(), slots.levels) == ([1, 2, 3, 5], 1)
    slots.open([6], [])
    slots.commit({0: ([8], 5)})
    assert slots.tokens() == [1, 2, 3, 5, 6]
    assert slots.commit({0: ([5, 9], 3)}) == (2, (2, 3))
    assert (slots.tokens(), slots.levels) == ([1, 2, 3, 5], 0)


def test_a_full_cache_says_so_and_stays_as_it_was() -> None:
    slots = Slots(4)
    slots.append([1, 2, 3])
    with pytest.raises(NoRoom, match="3 rows and 2 more"):
        slots.open([4, 5], [0])
    with pytest.raises(NoRoom):
        slots.append([4, 5])
    assert (slots.tokens(), slots.levels) == ([1, 2, 3], 0)
