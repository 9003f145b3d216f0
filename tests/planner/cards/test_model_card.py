"""The arithmetic of cards, against counts made by hand."""

from dataclasses import replace

import pytest

from specplan.planner.cards import SPECS, ModelCard, PromptsCard, bytes_of, find_source

TINY = ModelCard(
    name="tiny",
    architecture="llama",
    layers=2,
    hidden_size=8,
    intermediate_size=16,
    heads=4,
    kv_heads=2,
    head_dim=2,
    vocabulary="toy",
    vocab_size=10,
    entries=9,
    tokenizer="other",
    positions=64,
    dtype="float32",
)


def test_parameters_by_hand():
    layer = 8 * 8 + 8 * 4 + 8 * 4 + 8 * 8 + 3 * 8 * 16 + 2 * 8
    assert TINY.layer_parameters() == layer
    assert TINY.parameters() == 2 * 80 + 2 * layer + 8
    assert replace(TINY, tied_embeddings=True).parameters() == TINY.parameters() - 80
    assert replace(TINY, architecture="qwen2").layer_parameters() == layer + 8 + 4 + 4
    assert replace(TINY, architecture="gemma3").layer_parameters() == layer + 2 * 8 + 2 * 2


def test_memory_by_hand():
    assert TINY.weight_bytes() == 4 * TINY.parameters()
    assert TINY.weight_bytes("bfloat16") == 2 * TINY.parameters()
    assert TINY.kv_bytes_per_token() == 2 * 2 * 2 * 2 * 4


def test_operations_by_hand():
    matrices = 2 * TINY.layer_parameters()
    assert TINY.flops_per_token(0, with_head=False) == 2 * matrices + 4 * 8 * 2
    assert TINY.flops_per_token(9) == 2 * (matrices + 80) + 4 * 8 * 2 * 10


def test_sliding_layers_look_back_so_far_and_no_further():
    sliding = replace(TINY, sliding_window=4, sliding_layers=1)
    assert [sliding.attended(context) for context in (0, 2, 3, 4, 99)] == [2, 6, 8, 9, 104]


def test_blocks_have_scales():
    assert bytes_of(32, "int8") == 32 + 2
    assert bytes_of(32, "int4") == 16 + 2


@pytest.mark.parametrize(
    ("prompts", "model", "fits"),
    [
        ({"rides": "tiny"}, {}, True),
        ({"rides": "other"}, {}, False),
        ({"rides": "org/tiny"}, {"hub": "org/tiny"}, True),
        ({"rides": "tiny", "fingerprint": "1"}, {"fingerprint": "2"}, False),
        ({"rides": "other", "fingerprint": "1"}, {"fingerprint": "1"}, True),
    ],
)
def test_prompts_ride_one_model(prompts, model, fits):
    card = PromptsCard(name="ppd", depth=3, top=2, **prompts)
    assert card.fits(replace(TINY, **model)) is fits
    assert card.parameters(TINY) == 3 * 8


def test_published_size_of_prompts():
    prompts = find_source("ppd-vicuna-7b-v1.3", None, SPECS)
    model = find_source("vicuna-7b-v1.3", None, SPECS)
    assert prompts.parameters(model) == 12_288
    assert 100 * prompts.parameters(model) / model.parameters() == pytest.approx(1.82e-4, rel=0.01)
