"""The roofline, against sums made by hand and against what is known of two machines."""

import pytest

from specplan.planner.cards import SPECS, find_device, find_source
from specplan.planner.cost import memory_needed, pass_cost

CPU, H200 = find_device("cpu", None), find_device("h200", None)
QWEN = find_source("qwen2.5-coder-1.5b-instruct", None, SPECS)
SMOL = find_source("smollm2-135m-instruct", None, SPECS)


def test_one_token_reads_every_weight_once():
    cost = pass_cost(SMOL, CPU, tokens=1, context=0)
    assert cost.bytes_weights == 2 * (SMOL.parameters() - SMOL.hidden_size)
    assert cost.bytes_kv == SMOL.kv_bytes_per_token()
    assert cost.operations == SMOL.flops_per_token(0)
    assert cost.bound == "memory"
    assert cost.seconds == pytest.approx(cost.bytes / 36e9 + 30 * 850e-6)


def test_rows_share_the_weights():
    one, four = (pass_cost(QWEN, CPU, tokens=3, context=100, rows=rows) for rows in (1, 4))
    assert one.bytes_weights == four.bytes_weights
    assert four.bytes_kv == 4 * one.bytes_kv
    assert four.operations == 4 * one.operations


def test_a_pass_without_logits_leaves_the_output_matrix_alone():
    whole, none = (pass_cost(QWEN, CPU, tokens=1, context=0, head_rows=rows) for rows in (1, 0))
    assert whole.bytes_weights - none.bytes_weights == 2 * QWEN.embedding_parameters()


def test_stages_share_the_layers():
    whole = pass_cost(QWEN, CPU, tokens=2, context=10, head_rows=0)
    half = pass_cost(QWEN, CPU, tokens=2, context=10, head_rows=0, layers=14)
    assert half.seconds == pytest.approx(whole.seconds / 2)
    assert half.operations * 2 == whole.operations


def test_sliding_layers_read_their_window():
    gemma = find_source("gemma-3-270m", None, SPECS)
    near, far = (pass_cost(gemma, CPU, tokens=1, context=context) for context in (512, 1512))
    per_layer = gemma.kv_bytes_per_token() // gemma.layers
    assert far.bytes_kv - near.bytes_kv == 1000 * (gemma.layers - gemma.sliding_layers) * per_layer


def test_where_guesses_are_nearly_free():
    """16-bit weights on the CPU and anything on a GPU wait for memory; 4-bit weights on the CPU soon compute."""
    assert pass_cost(QWEN, CPU, tokens=8, context=300, dtype="bfloat16").bound == "memory"
    assert pass_cost(QWEN, CPU, tokens=4, context=300, dtype="int4").bound == "compute"
    assert pass_cost(QWEN, H200, tokens=100, context=300).bound == "memory"
    assert pass_cost(QWEN, H200, tokens=1000, context=300).bound == "compute"


def test_memory():
    needed = memory_needed(SMOL, rows=4, capacity=2048, dtype="float32")
    assert needed == 4 * SMOL.parameters() + 4 * 2048 * 30 * 2 * 3 * 64 * 4
