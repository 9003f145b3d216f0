"""Passes over slots: a tree's scores are those of its branches read alone, and what is committed is what was read."""

from __future__ import annotations

from collections.abc import Callable

import pytest
import torch

from specplan.backends.eager.network import TorchNetwork
from specplan.backends.models import LoadedModel
from specplan.backends.runtime import Cache, Clock, Prompt, Reading, Row, Wanted

KINDS = ("llama", "qwen2", "gemma3", "qwen2-windows")
TEXT = [7, 80, 33, 120, 7, 250, 91, 14, 66, 3, 200]
TREE = ([5, 9, 17, 9, 40, 41, 42, 77], [0, 0, 1, 1, 3, 5, 2])
CHAIN = ([5, 9, 17, 9, 40], [0, 1, 2, 3])
Tiny = Callable[..., LoadedModel]


def branch(parents: list[int], node: int) -> list[int]:
    """The nodes from the root to a node."""
    path = [node]
    while path[0]:
        path.insert(0, parents[path[0] - 1])
    return path


def row() -> Row:
    return Row(Prompt(1, ""))


def read(network: TorchNetwork, cache: Cache, reading: Reading, wanted: Wanted) -> torch.Tensor:
    """The scores of a pass over one row."""
    scores = network.read([cache], [reading], wanted, Clock())
    return torch.empty((0, 257)) if scores is None else scores.of(0)


def close(one: torch.Tensor, other: torch.Tensor) -> None:
    torch.testing.assert_close(one, other, rtol=0, atol=1e-9)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("shape", [TREE, CHAIN], ids=["tree", "chain"])
@torch.inference_mode()
def test_a_tree_scores_like_its_branches_read_alone(tiny: Tiny, kind: str, shape: tuple[list[int], list[int]]) -> None:
    loaded = tiny(kind)
    network = TorchNetwork(loaded, 512)
    cache = network.open(row(), 64, 1)
    read(network, cache, cache.slots.append(TEXT), Wanted.NONE)
    tokens, parents = shape
    scores = read(network, cache, cache.slots.open(tokens, parents), Wanted.ALL)
    for node in range(len(tokens)):
        alone = [*TEXT, *(tokens[each] for each in branch(parents, node))]
        close(scores[node], loaded.model(torch.tensor([alone])).logits[0, -1])


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("path", [[9, 40], [17, 42, 1], [9, 17, 41, 77], [200]])
@torch.inference_mode()
def test_what_is_committed_is_what_a_prefill_reads(tiny: Tiny, kind: str, path: list[int]) -> None:
    network = TorchNetwork(tiny(kind), 512)
    cache = network.open(row(), 64, 1)
    read(network, cache, cache.slots.append(TEXT), Wanted.NONE)
    read(network, cache, cache.slots.open(*TREE), Wanted.ALL)
    first, kept = cache.slots.commit({0: (path, len(TEXT) + 1)})
    network.move(cache, kept, first)
    anew = network.open(row(), 64, 1)
    read(network, anew, anew.slots.append(cache.slots.tokens()), Wanted.NONE)
    for (keys, values), (true_keys, true_values) in zip(cache.pool.held(cache), anew.pool.held(anew), strict=True):
        close(keys, true_keys)
        close(values, true_values)


@pytest.mark.parametrize("kind", KINDS)
@torch.inference_mode()
def test_a_prompt_read_in_parts_is_a_prompt_read_at_once(tiny: Tiny, kind: str) -> None:
    loaded = tiny(kind)
    network = TorchNetwork(loaded, 512)
    cache = network.open(row(), 200, 1)
    text = [*range(150)]
    for begin in (0, 70, 71, 130):
        end = {0: 70, 70: 71, 71: 130, 130: 150}[begin]
        scores = read(network, cache, cache.slots.append(text[begin:end]), Wanted.LAST)
    assert scores.shape == (1, 257)
    close(scores[0], loaded.model(torch.tensor([text])).logits[0, -1])


@torch.inference_mode()
def test_scores_are_made_for_the_rows_that_are_wanted(tiny: Tiny) -> None:
    network = TorchNetwork(tiny("llama"), 512)
    cache = network.open(row(), 64, 1)
    assert read(network, cache, cache.slots.append(TEXT), Wanted.NONE).shape == (0, 257)
    assert read(network, cache, cache.slots.append(TEXT), Wanted.LAST).shape == (1, 257)
    assert read(network, cache, cache.slots.open(*TREE), Wanted.ALL).shape == (8, 257)


@torch.inference_mode()
def test_a_cache_that_comes_back_is_used_again_and_remembers_nothing(tiny: Tiny) -> None:
    network = TorchNetwork(tiny("gemma3"), 512)
    cache = network.open(row(), 64, 1)
    read(network, cache, cache.slots.append([*range(60)]), Wanted.NONE)
    network.close(cache)
    again = network.open(row(), 64, 1)
    assert again.pool is cache.pool
    used = read(network, again, again.slots.append(TEXT), Wanted.LAST)
    other = TorchNetwork(tiny("gemma3"), 512)
    fresh = other.open(row(), 64, 1)
    assert torch.equal(used, read(other, fresh, fresh.slots.append(TEXT), Wanted.LAST))
