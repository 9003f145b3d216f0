"""Tiny models with random weights, whole in every other respect: tokenizer, end token, sliding windows."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("torch")

import torch
from transformers import (
    Gemma3ForCausalLM,
    Gemma3TextConfig,
    LlamaConfig,
    LlamaForCausalLM,
    PreTrainedTokenizerFast,
    Qwen2Config,
    Qwen2ForCausalLM,
)

from specplan.backends.eager.run import decoder
from specplan.backends.models import LoadedModel
from specplan.backends.runtime import LoopDecoder
from specplan.grammar import render
from specplan.planner.graph import Graph, Model, check_graph, read_graph

from .certifying import Household, Target, alone
from .promising import POSITIONS, TAGS, tagged_tokenizer
from .vocabularies import byte_tokenizer

EOS = 256
SIZE = 257
KINDS = ("llama", "qwen2", "gemma3", "qwen2-windows")


@pytest.fixture(autouse=True)
def one_thread() -> Iterator[None]:
    """Tiny products gain nothing from a second thread, and lose much to waiting for it on a busy machine."""
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(threads)


def tiny_config(kind: str, size: int = SIZE, end: int = EOS) -> Any:
    shape = {
        "vocab_size": size,
        "hidden_size": 32,
        "intermediate_size": 48,
        "num_hidden_layers": 3,
        "num_attention_heads": 4,
        "num_key_value_heads": 2,
        "max_position_embeddings": 512,
        "eos_token_id": end,
        "bos_token_id": None,
        "pad_token_id": None,
        "tie_word_embeddings": False,
    }
    windows = ["sliding_attention", "full_attention", "sliding_attention"]
    match kind:
        case "llama":
            return LlamaConfig(**shape)
        case "qwen2":
            return Qwen2Config(**shape)
        case "qwen2-windows":
            return Qwen2Config(**shape, use_sliding_window=True, sliding_window=4, layer_types=windows)
        case _:
            return Gemma3TextConfig(**shape, head_dim=8, sliding_window=5, layer_types=windows, query_pre_attn_scalar=8)


def make_tiny(
    kind: str, seed: int = 0, dtype: torch.dtype = torch.float64, tokenizer: PreTrainedTokenizerFast | None = None
) -> LoadedModel:
    """A model of an architecture with random weights, large enough that its choices differ from step to step."""
    torch.manual_seed(seed)
    tokenizer = tokenizer or byte_tokenizer()
    size, end = len(tokenizer), tokenizer.eos_token_id
    config = tiny_config(kind, size, end)
    maker = {"llama": LlamaForCausalLM, "gemma3": Gemma3ForCausalLM}.get(kind, Qwen2ForCausalLM)
    model = maker(config).to(dtype).eval().requires_grad_(False)
    for name, weight in model.named_parameters():
        if weight.ndim == 2:
            weight.normal_(0, 1.0 if "embed" in name or "lm_head" in name else 0.3)
    model.generation_config.eos_token_id = end
    return LoadedModel(
        source=f"tiny-{kind}",
        folder=Path(),
        model=model,
        tokenizer=tokenizer,
        device=torch.device("cpu"),
        dtype=dtype,
        vocab_size=size,
        context=512,
        eos_ids=(end,),
        notes=(),
    )


@pytest.fixture(scope="session")
def tiny() -> Callable[..., LoadedModel]:
    """Tiny models by kind and seed, each made once."""
    made: dict[tuple[str, int], LoadedModel] = {}

    def get(kind: str = "llama", seed: int = 0) -> LoadedModel:
        if (kind, seed) not in made:
            made[kind, seed] = make_tiny(kind, seed)
        return made[kind, seed]

    return get


@pytest.fixture(scope="session")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Folders of a tiny target and a drafter, as far as compiling looks at them."""
    place = tmp_path_factory.mktemp("models")
    for name in ("target", "drafter"):
        tiny_config("llama").save_pretrained(place / name)
        byte_tokenizer().save_pretrained(place / name)
    return place


@pytest.fixture(scope="session")
def tagged() -> Callable[..., LoadedModel]:
    """Tiny models whose tokenizer has PASTA's tags, each made once."""
    made: dict[tuple[str, int], LoadedModel] = {}

    def get(kind: str = "llama", seed: int = 0) -> LoadedModel:
        if (kind, seed) not in made:
            made[kind, seed] = replace(make_tiny(kind, seed, tokenizer=tagged_tokenizer()), context=POSITIONS)
        return made[kind, seed]

    return get


@pytest.fixture(scope="session")
def promising(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Folders of a target and a drafter that promise, as far as compiling looks at them."""
    place = tmp_path_factory.mktemp("promising")
    for name in ("target", "drafter"):
        config = tiny_config("llama", SIZE + len(TAGS))
        config.max_position_embeddings = POSITIONS
        config.save_pretrained(place / name)
        tagged_tokenizer().save_pretrained(place / name)
    return place


HEAD = """graph {name} : {law}
  vocab bytes size=257
  model target = "tiny" vocab=bytes, dtype=float64, positions=512
{declarations}
  sampling law {sampling}

  start(prompt: chat)
    ids = encode(prompt) by=target, template=none : tokens[1..{longest}]
    fresh, cache = prefill(ids) by=target : path[1], kv[target, {capacity}]
{start}
  step(fresh: path[1{upto}], cache: kv[target, {capacity}]{memory})
"""
TAIL = """    path = accept({tree}, scores) rule={rule}, sampling=law : path[1{upto}]
    said, done = stop(path) max_new_tokens={new}{stop} : path[1{upto}], done
    kept = commit(held, said) : kv[target, {capacity}]
{recall}    emit said
    yield said, kept{yielded} until done
"""
DRAFTER = '  model drafter = "tiny drafter" vocab=bytes, dtype=float64, positions=512\n'


def graph_text(
    draft: str,
    *,
    sampling: str = "",
    rule: str = "exact_match",
    new: int = 32,
    stop: str = "",
    capacity: int = 256,
    longest: int = 200,
) -> str:
    """A graph of a tiny target: `none`, `ngram`, `model` (a drafter) or `merge` (both)."""
    warm = bool(sampling) and "temperature=0.0" not in sampling
    drawn = ", drawn" if warm else ""
    drafts = "sampling=law" if warm else ""
    comma = ", " if drafts else ""
    facts: dict[str, Any] = {
        "name": draft,
        "sampling": sampling,
        "rule": rule,
        "new": new,
        "stop": stop,
        "capacity": capacity,
        "longest": longest,
        "law": "exact by definition" if draft == "none" else f"exact by {rule}",
        "declarations": "  lookup recent max_ngram=3\n" if draft in ("ngram", "merge") else "",
        "tree": "tree",
        "start": "    yield fresh, cache\n",
        "memory": "",
        "recall": "",
        "yielded": "",
        "upto": "" if draft == "none" else "..6",
    }
    if draft in ("model", "merge"):
        facts["declarations"] = DRAFTER + facts["declarations"]
        facts["start"] = (
            f"    last, memory = prefill(ids) by=drafter : path[1], kv[drafter, {capacity}]\n"
            "    yield fresh, cache, memory\n"
        )
        facts["memory"] = f", memory: kv[drafter, {capacity}]"
        facts["recall"] = f"    recall = commit(ahead, said) : kv[drafter, {capacity}]\n"
        facts["yielded"] = ", recall"
    guess = (
        f"    guess, ahead = draft(fresh, memory) by=drafter, tokens=5{comma}{drafts} : guess[5{drawn}], "
        f"kv[drafter, {capacity}+4]\n    tree = chain(fresh, guess) : tree[1+5{drawn}]\n"
    )
    verify = "    scores, held = verify({0}, cache) by=target : logits[{1}], kv[target, {2}+{3}]\n"
    body = {
        "none": "    tree = chain(fresh) : tree[1]\n" + verify.format("tree", 1, capacity, 1),
        "ngram": (
            "    guess = lookup(fresh, cache) by=recent, tokens=5 : guess[0..5]\n"
            "    tree = chain(fresh, guess) : tree[1+0..5]\n" + verify.format("tree", "1..6", capacity, 6)
        ),
        "model": guess + verify.format("tree", 6, capacity, 6),
        "merge": guess
        + (
            "    again = lookup(fresh, cache) by=recent, tokens=5 : guess[0..5]\n"
            "    other = chain(fresh, again) : tree[1+0..5]\n"
            f"    both = merge(tree, other) : tree[1+5..10, depth=5{drawn}]\n"
            + verify.format("both", "6..11", capacity, 11)
        ),
    }[draft]
    facts["tree"] = "both" if draft == "merge" else "tree"
    return (HEAD + body + TAIL).format(**facts).replace("\n\n  sampling", "\n  sampling").replace(" law \n", " law\n")


def read(text: str) -> Graph:
    graph, found = read_graph(text, "test")
    found = found or (() if graph is None else check_graph(graph))
    assert graph is not None and not found, f"{text}\n{render(found, colour=False)}"
    return graph


@pytest.fixture(scope="session")
def graph_of() -> Callable[..., Graph]:
    """Graphs of tiny models by how they draft: `none`, `ngram`, `model`, `merge`."""
    return lambda draft, **facts: read(graph_text(draft, **facts))


@pytest.fixture(scope="session")
def decode(tiny: Callable[..., LoadedModel], graph_of: Callable[..., Graph]) -> Callable[..., LoopDecoder]:
    """A decoder of such a graph; the drafter has weights of its own, or with `same` the target's."""

    def make(draft: str, *, kind: str = "llama", same: bool = False, **facts: Any) -> LoopDecoder:
        def load(model: Model) -> LoadedModel:
            return tiny(kind, 1 if model.name == "drafter" and not same else 0)

        return decoder(graph_of(draft, **facts), load=load)

    return make


@pytest.fixture(scope="module")
def household_of() -> Iterator[Callable[[Target], Household]]:
    present: list[Household] = []

    def get(target: Target) -> Household:
        if not present or present[0].source != target.source:
            alone.cache_clear()
            present[:] = [Household(target.source)]
        return present[0]

    yield get
    alone.cache_clear()
