"""Packed weights: the same function up to rounding, in the same room, and only where torch can do it."""

from __future__ import annotations

import copy
import weakref
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
import torch
from torch import nn

from specplan.backends.eager.packed_linear import PackedLinear, can_pack
from specplan.backends.eager.weights import lay_out_weights
from specplan.backends.models import LoadedModel, load_model

CPU = torch.device("cpu")
KINDS = ("llama", "qwen2", "gemma3", "qwen2-windows")
TEXT = [7, 80, 33, 120, 7, 250, 91, 14, 66, 3, 200, 5, 9, 17, 9, 40, 41]
PROSE = (
    "The river had risen in the night. By morning the lower meadow was a lake, and the cows stood on the bank and looked "
    "at the place where the grass had been. Nobody in the village could remember a spring like this one, although"
)
Tiny = Callable[..., LoadedModel]

pytestmark = pytest.mark.skipif(not can_pack(CPU, torch.bfloat16), reason="this torch has no oneDNN products")


def model_of(tiny: Tiny, kind: str = "llama", dtype: torch.dtype = torch.float32, tied: bool = False) -> LoadedModel:
    """A copy of a tiny model for the test to change."""
    model = copy.deepcopy(tiny(kind).model).to(dtype)
    if tied:
        model.lm_head.weight = model.model.embed_tokens.weight
    return replace(tiny(kind), model=model, dtype=dtype)


def linears(loaded: LoadedModel, kind: type[nn.Module] = nn.Linear) -> list[Any]:
    return [module for module in loaded.model.modules() if type(module) is kind]


def logits(loaded: LoadedModel, tokens: list[int]) -> torch.Tensor:
    found: torch.Tensor = loaded.model(torch.tensor([tokens])).logits[0].double()
    return found


def size(loaded: LoadedModel) -> int:
    """Bytes of all weights."""
    return sum(weight.numel() * weight.element_size() for weight in loaded.model.parameters())


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("tied", [False, True], ids=["untied", "tied"])
@pytest.mark.parametrize("width", [1, 2, 5, 17])
@torch.inference_mode()
def test_float32_logits_are_those_of_plain_weights(tiny: Tiny, kind: str, tied: bool, width: int) -> None:
    plain, packed = model_of(tiny, kind, tied=tied), model_of(tiny, kind, tied=tied)
    lay_out_weights(packed)
    expected = logits(plain, TEXT[:width])
    torch.testing.assert_close(logits(packed, TEXT[:width]), expected, rtol=0, atol=1e-4 * float(expected.abs().max()))


@pytest.mark.parametrize("kind", KINDS)
@torch.inference_mode()
def test_bfloat16_logits_are_as_near_the_truth_as_those_of_plain_weights(tiny: Tiny, kind: str) -> None:
    plain, packed = model_of(tiny, kind, torch.bfloat16), model_of(tiny, kind, torch.bfloat16)
    lay_out_weights(packed)
    exact = replace(plain, model=copy.deepcopy(plain.model).double())
    truth = logits(exact, TEXT)
    assert (logits(packed, TEXT) - truth).norm() < 1.5 * (logits(plain, TEXT) - truth).norm()


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
def test_every_matrix_is_packed_once_and_its_plain_copy_is_gone(tiny: Tiny, dtype: torch.dtype) -> None:
    loaded = model_of(tiny, dtype=dtype)
    before, count = size(loaded), len(linears(loaded))
    matrices = [(weakref.ref(linear.weight), linear.weight.clone()) for linear in linears(loaded)]
    lay_out_weights(loaded)
    packed = linears(loaded, PackedLinear)
    assert len(packed) == count == 3 * 7 + 1 and not linears(loaded)
    assert size(loaded) == before
    for (old, values), module in zip(matrices, packed, strict=True):
        assert old() is None
        assert module.weight.is_mkldnn and torch.equal(module.weight.to_dense(), values)
    lay_out_weights(loaded)
    assert linears(loaded, PackedLinear) == packed


def test_a_table_of_embeddings_stays_plain(tiny: Tiny) -> None:
    loaded = model_of(tiny, tied=True)
    table = loaded.model.model.embed_tokens.weight.clone()
    before = size(loaded)
    lay_out_weights(loaded)
    assert torch.equal(loaded.model.model.embed_tokens.weight, table)
    assert size(loaded) == before + table.nbytes


@pytest.mark.parametrize(
    ("device", "dtype"), [("cuda", torch.bfloat16), ("cpu", torch.float64), ("cpu", torch.float16)]
)
def test_elsewhere_weights_are_left_alone(tiny: Tiny, device: str, dtype: torch.dtype) -> None:
    loaded = replace(model_of(tiny, dtype=dtype), device=torch.device(device))
    weights = dict(loaded.model.named_parameters())
    lay_out_weights(loaded)
    assert all(weights[name] is weight for name, weight in loaded.model.named_parameters())
    assert len(linears(loaded)) == 3 * 7 + 1


class Doubled(nn.Linear):  # type: ignore[misc]
    """Not what its base class computes."""

    def forward(self, inputs: torch.Tensor) -> torch.Tensor:
        return 2 * super().forward(inputs)


def test_layers_of_other_classes_are_left_alone(tiny: Tiny) -> None:
    loaded = model_of(tiny)
    loaded.model.lm_head.__class__ = Doubled
    lay_out_weights(loaded)
    assert type(loaded.model.lm_head) is Doubled and not loaded.model.lm_head.weight.is_mkldnn
    assert len(linears(loaded, PackedLinear)) == 3 * 7


@torch.inference_mode()
def test_a_packed_model_can_be_converted(tiny: Tiny) -> None:
    late, early = model_of(tiny, "qwen2"), model_of(tiny, "qwen2", torch.bfloat16)
    for loaded in (late, early):
        lay_out_weights(loaded)
    late.model.to(torch.bfloat16).to(CPU)
    assert linears(late, PackedLinear)
    assert torch.equal(logits(late, TEXT), logits(early, TEXT))


@pytest.mark.parametrize("rows", [(1, 0), (3, 1), (2, 5)], ids=str)
@pytest.mark.parametrize("bias", [False, True])
@torch.inference_mode()
def test_inputs_of_any_shape_and_stride(rows: tuple[int, int], bias: bool) -> None:
    torch.manual_seed(0)
    linear = nn.Linear(24, 40, bias=bias).requires_grad_(False)
    inputs = torch.randn(*rows, 48)[..., ::2]
    torch.testing.assert_close(PackedLinear(linear)(inputs), linear(inputs))


@pytest.mark.slow
@pytest.mark.parametrize("dtype", ["float32", "bfloat16"])
@torch.inference_mode()
def test_smollm2_chooses_the_same_tokens_but_where_two_are_near(smollm2_path: object, dtype: Any) -> None:
    plain, packed = (load_model("smollm2-135m-instruct", dtype=dtype) for _ in range(2))
    lay_out_weights(packed)
    tokens = plain.tokenizer(PROSE)["input_ids"]
    expected, found = logits(plain, tokens), logits(packed, tokens)
    error = float((found - expected).abs().max())
    assert error < {"float32": 1e-4, "bfloat16": 0.02}[dtype] * float(expected.abs().max())
    best = expected.topk(2).values
    near = best[:, 0] - best[:, 1] <= 2 * error
    assert torch.equal(found.argmax(-1)[~near], expected.argmax(-1)[~near])
    assert near.sum() < len(tokens) / 4
