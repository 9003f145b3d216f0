"""Adapters on models: the same numbers as peft's, the same words however they are run, or a reason why not."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("torch")
pytest.importorskip("peft")

import torch
from safetensors.torch import load_file, save_file

from specplan.backends.models import LoadedModel, has_tags, load_model, load_tokenizer, tag_ids
from specplan.grammar import Diagnostic, DiagnosticError, SourceFile
from specplan.planner.cards import ModelCard, find_source

from ..adapting import adapted_by_peft, write_base, write_tiny_adapter

IDS = torch.arange(2 * 48).reshape(2, 48) % 263


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A base and an adapter for it."""
    folder = tmp_path_factory.mktemp("adapted")
    write_base(folder / "base")
    write_tiny_adapter(folder / "mine", folder / "base")
    return folder


@pytest.fixture
def folder(place: Path, tmp_path: Path) -> Path:
    """A copy of the adapter that a test may spoil."""
    return Path(shutil.copytree(place / "mine", tmp_path / "mine"))


def adapted(place: Path, adapter: Path | str = "./mine", **facts: Any) -> LoadedModel:
    return load_model("./base", adapter=str(adapter), base=place, **facts)


def logits(model: Any) -> Any:
    with torch.no_grad():
        return model(input_ids=IDS).logits.double()


def refused(place: Path, adapter: Path | str, **facts: Any) -> Diagnostic:
    with pytest.raises(DiagnosticError) as error:
        adapted(place, adapter, **facts)
    (found,) = error.value.diagnostics
    return found


@pytest.mark.parametrize("tied", [True, False])
@pytest.mark.parametrize("padding", [0, 3, 20])
def test_merged_it_says_what_it_says_in_peft(tied: bool, padding: int, tmp_path: Path) -> None:
    write_base(tmp_path / "base", tied=tied, padding=padding)
    model = write_tiny_adapter(tmp_path / "mine", tmp_path / "base")
    loaded = adapted(tmp_path)
    assert has_tags(loaded.tokenizer) and loaded.vocab_size == max(263, 257 + padding)
    assert torch.allclose(logits(model)[..., :263], logits(loaded.model)[..., :263], atol=1e-5, rtol=0)
    assert not torch.allclose(logits(model), logits(adapted_by_peft(tmp_path / "base", seed=6)[0]), atol=1)
    assert not any(each.requires_grad for each in loaded.model.parameters())


def test_with_a_real_tokenizer(smollm2_path: Path, tmp_path: Path) -> None:
    write_base(tmp_path / "base", tokenizer=load_tokenizer("smollm2", smollm2_path))
    for name in ("tokenizer.json", "tokenizer_config.json"):
        shutil.copy(smollm2_path / name, tmp_path / "base" / name)
    model = write_tiny_adapter(tmp_path / "mine", tmp_path / "base")
    loaded = adapted(tmp_path)
    assert sorted(tag_ids(loaded.tokenizer, source="tiny").values()) == [*range(49152, 49158)]
    ours, theirs = logits(loaded.model), logits(model)
    assert (ours - theirs).abs().max() < 1e-5 * theirs.abs().max()
    base, shipped = (find_source(name, None, tmp_path) for name in ("./base", "smollm2-135m-pasta"))
    assert isinstance(base, ModelCard) and isinstance(shipped, ModelCard)
    assert base.with_tags().vocabulary == shipped.vocabulary


def test_peft_itself_reads_what_was_written(place: Path) -> None:
    from peft import PeftModel

    model, _ = adapted_by_peft(place / "base")
    theirs = PeftModel.from_pretrained(adapted_by_peft(place / "base", seed=9)[1].model, place / "mine")
    assert torch.equal(logits(theirs), logits(model))
    merged = theirs.merge_and_unload().state_dict()
    ours = adapted(place).model.state_dict()
    assert merged.keys() == ours.keys()
    assert all(torch.allclose(merged[name], ours[name], atol=1e-7, rtol=1e-6) for name in ours)


@pytest.mark.parametrize("dtype", ["bfloat16", "float16"])
def test_sums_are_rounded_once(place: Path, dtype: Any) -> None:
    """Rounding the products for themselves moves weights that rounding the sums leaves where they are."""
    kind, tensors = getattr(torch, dtype), load_file(place / "mine" / "adapter_model.safetensors")
    models = load_model("./base", base=place, dtype=dtype), adapted(place, dtype=dtype)
    before, after = (dict(each.model.named_parameters()) for each in models)
    moved = 0
    for name in [each for each in before if "_proj" in each]:
        prefix = f"base_model.model.{name.removesuffix('.weight')}"
        product = 2.0 * (tensors[f"{prefix}.lora_B.weight"].float() @ tensors[f"{prefix}.lora_A.weight"].float())
        assert torch.equal(after[name], (before[name].float() + product).to(kind))
        moved += int((after[name] != before[name] + product.to(kind)).sum())
    assert moved > 100


def test_what_16_bits_make_of_it(place: Path) -> None:
    """With an adapter a model is off by as much as any model is in bfloat16, and not by more."""

    def off(**facts: Any) -> float:
        exact, rounded = (
            logits(load_model("./base", base=place, dtype=dtype, tags=True, **facts).model)
            for dtype in ("float32", "bfloat16")
        )
        return float((rounded - exact).pow(2).mean() / exact.pow(2).mean())

    assert 0 < off(adapter="./mine") < 4 * off()


def test_an_adapter_without_words_of_its_own(tmp_path: Path) -> None:
    """Anybody's: no file of ours, no trained rows, fewer layers, and ranks and scales that differ from layer to layer."""
    from peft import LoraConfig, get_peft_model

    write_base(tmp_path / "base")
    config = LoraConfig(
        r=4,
        lora_alpha=6,
        use_rslora=True,
        target_modules=["q_proj", "down_proj"],
        layers_to_transform=[1],
        rank_pattern={"down_proj": 3},
        alpha_pattern={"mlp.down_proj": 5},
        init_lora_weights=False,
        task_type="CAUSAL_LM",
    )
    torch.manual_seed(3)
    model = get_peft_model(load_model(str(tmp_path / "base")).model, config)
    model.save_pretrained(tmp_path / "mine")
    loaded = adapted(tmp_path)
    assert loaded.vocab_size == 257 and not has_tags(loaded.tokenizer)
    ids = IDS % 257
    with torch.no_grad():
        assert torch.allclose(model(ids).logits, loaded.model(ids).logits, atol=1e-5)
        plain = load_model(str(tmp_path / "base")).model
        assert not torch.allclose(plain(ids).logits, loaded.model(ids).logits, atol=1e-2)


def test_head_and_embedding_may_have_rows_of_their_own(tmp_path: Path) -> None:
    from peft import LoraConfig, get_peft_model

    write_base(tmp_path / "base", tied=False)
    tokens = {"embed_tokens": [3, 5], "lm_head": [7]}
    model = get_peft_model(
        load_model(str(tmp_path / "base")).model,
        LoraConfig(r=2, target_modules=["q_proj"], trainable_token_indices=tokens, task_type="CAUSAL_LM"),
    )
    with torch.no_grad():
        for name, weight in model.named_parameters():
            if "trainable_tokens_delta" in name:
                weight.normal_(0, 3)
    model.save_pretrained(tmp_path / "mine")
    ids = IDS % 257
    with torch.no_grad():
        assert torch.allclose(model(ids).logits, adapted(tmp_path).model(ids).logits, atol=1e-5)


def test_words_are_given_once(place: Path, tmp_path: Path) -> None:
    """A model that has its words, trained ones, keeps their rows when another adapter is put on it."""
    loaded = adapted(place)
    loaded.model.save_pretrained(tmp_path / "base")
    loaded.tokenizer.save_pretrained(tmp_path / "base")
    write_tiny_adapter(tmp_path / "plain", place / "base", tagged=False)
    (tmp_path / "plain" / "trained.yaml").unlink()
    again = adapted(tmp_path, "./plain", tags=True)
    table = loaded.model.get_input_embeddings().weight
    assert torch.equal(again.model.get_input_embeddings().weight, table)


def test_words_without_an_adapter(place: Path) -> None:
    """A graph may ask for them, for a drafter that was not trained to promise."""
    loaded = load_model("./base", base=place, tags=True)
    assert sorted(tag_ids(loaded.tokenizer, source="base").values()) == [*range(257, 263)]
    assert not has_tags(load_model("./base", base=place).tokenizer)


def test_a_card_may_be_a_base_with_an_adapter(place: Path, tmp_path: Path) -> None:
    card = """
architecture: llama
layers: 2
hidden_size: 32
intermediate_size: 48
heads: 4
kv_heads: 2
head_dim: 8
vocabulary: toy-pasta
vocab_size: 263
entries: 263
tokenizer: byte-bpe
positions: 512
tags: pasta
base: ./base
adapter: ./mine
obtain: it has yet to be trained
"""
    shutil.copytree(place, tmp_path, dirs_exist_ok=True)
    (tmp_path / "tagged.yaml").write_text(card)
    assert torch.equal(logits(load_model("./tagged.yaml", base=tmp_path).model), logits(adapted(place).model))
    (tmp_path / "mine").rename(tmp_path / "gone")
    with pytest.raises(DiagnosticError) as error:
        load_model("./tagged.yaml", base=tmp_path)
    (found,) = error.value.diagnostics
    assert found.code == "SP0714" and "it has yet to be trained" in found.help()


def edited(folder: Path, change: Callable[[dict[str, Any]], Any], *, honest: bool = True) -> Path:
    """The adapter with its tensors changed; an honest one says so in `trained.yaml`."""
    file, manifest = folder / "adapter_model.safetensors", folder / "trained.yaml"
    tensors = load_file(file)
    change(tensors)
    old = sha256(file.read_bytes()).hexdigest()
    save_file(tensors, file)
    if honest:
        manifest.write_text(manifest.read_text().replace(old, sha256(file.read_bytes()).hexdigest()))
    return folder


def poison(value: float) -> Callable[[dict[str, Any]], None]:
    return lambda tensors: next(iter(tensors.values())).view(-1)[3:4].fill_(value)


@pytest.mark.parametrize("value", [float("nan"), float("inf")])
def test_numbers_that_are_none(place: Path, folder: Path, value: float) -> None:
    found = refused(place, edited(folder, poison(value)))
    assert found.code == "SP0732" and "infinite, or none" in found.message()


def test_numbers_that_have_changed(place: Path, folder: Path) -> None:
    found = refused(place, edited(folder, poison(0.5), honest=False))
    assert found.code == "SP0732" and "have changed" in found.message()


def test_a_flipped_bit(place: Path, folder: Path) -> None:
    file = folder / "adapter_model.safetensors"
    data = bytearray(file.read_bytes())
    data[-5] ^= 1
    file.write_bytes(data)
    assert refused(place, folder).code == "SP0732"


def test_layers_that_the_model_does_not_have(place: Path, folder: Path) -> None:
    def rename(tensors: dict[str, Any]) -> None:
        for name in [each for each in tensors if "q_proj" in each]:
            tensors[name.replace("q_proj", "query")] = tensors.pop(name)

    (folder / "trained.yaml").unlink()
    config = json.loads((folder / "adapter_config.json").read_text())
    (folder / "adapter_config.json").write_text(json.dumps({**config, "target_modules": None}))
    span = SourceFile("plan.yaml", "source: ./base").span(8, 14)
    found = refused(place, edited(folder, rename, honest=False), tags=True, span=span)
    assert (found.code, found.span) == ("SP0731", span)
    assert found.help()[0] == "`model.layers.0.self_attn.query` is no linear layer of the model"


def test_words_with_other_ids(place: Path, folder: Path) -> None:
    manifest = folder / "trained.yaml"
    manifest.write_text(manifest.read_text().replace("[257, 258,", "[258, 257,"))
    found = refused(place, folder)
    assert found.code == "SP0731" and "`<|pasta_promise|>` is token 257 here, and was 258" in found.help()


def test_another_base_and_another_tokenizer(place: Path, tmp_path: Path) -> None:
    write_base(tmp_path / "base", hidden_size=64)
    assert refused(tmp_path, place / "mine").code == "SP0418"
    write_base(tmp_path / "base", padding=50)
    assert refused(tmp_path, place / "mine").code == "SP0418"


def test_no_adapter_at_all(place: Path, tmp_path: Path) -> None:
    assert refused(place, "./nowhere").code == "SP0414"
    (tmp_path / "empty").mkdir()
    assert refused(place, tmp_path / "empty").code == "SP0415"
