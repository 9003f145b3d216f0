"""Adapters as far as compiling knows them: read from headers alone, held against cards, refused with a reason."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from specplan.grammar import Diagnostic, DiagnosticError, Severity, render
from specplan.planner import CompiledPlan, compile_source
from specplan.planner.cards import Adapter, ModelCard, Trained, find_adapter, find_source, read_adapter

from ...zero_adapters import PREFIX, ROWS, Shapes, addition, safetensors_bytes, write_zeros

Golden = Callable[[str, str], None]
CARD = """\
architecture: llama
layers: 2
hidden_size: 8
intermediate_size: 16
heads: 4
kv_heads: 2
head_dim: 2
vocabulary: toy
vocab_size: 10
entries: 10
tokenizer: byte-bpe
positions: 512
dtype: bfloat16
chat_template: true
fingerprint: a1b2
"""
PLAN = """\
specplan: 1
models:
  target: {source: ./model.yaml, adapter: ./mine}
decode: autoregressive(target)
limits: {context: 256, max_new_tokens: 16}
"""
FORKING = PLAN.replace("autoregressive(target)", "fork_join(pasta(max_forks=4), autoregressive(target))")
Q0, Q1 = (addition(f"model.layers.{layer}.self_attn.q_proj", 8, 8) for layer in (0, 1))
WHOLE: Shapes = {**Q0, **Q1, **addition("model.layers.1.mlp.down_proj", 16, 8), ROWS: (6, 8)}
TAGS = [*range(10, 16)]
TRAINED: Mapping[str, Any] = {
    "format_version": 1,
    "kind": "pasta",
    "base": "model",
    "fingerprint": "a1b2",
    "dtype": "bfloat16",
    "vocabulary": "toy",
    "entries": 16,
    "vocab_size": 16,
    "tags": TAGS,
    "seed": 0,
    "command": "specplan train pasta -o mine",
}


def place(folder: Path, shapes: Shapes = WHOLE, trained: Mapping[str, Any] | None = TRAINED, **changes: Any) -> None:
    """A model's card and an adapter beside it."""
    (folder / "model.yaml").write_text(CARD)
    write_zeros(folder / "mine", shapes, trained, **{"trainable_token_indices": TAGS, **changes})


def compiled(folder: Path, plan: str = FORKING) -> CompiledPlan:
    return compile_source(plan.encode(), "plan.yaml", folder)


def refused(folder: Path, plan: str = FORKING) -> tuple[Diagnostic, ...]:
    with pytest.raises(DiagnosticError) as error:
        compiled(folder, plan)
    return error.value.diagnostics


def test_the_graph_says_what_is_put_on_and_how_large_it_gets(tmp_path: Path) -> None:
    place(tmp_path)
    plan = compiled(tmp_path)
    text = str(plan.graph)
    assert "vocab toy_pasta size=16" in text
    assert 'positions=512, adapter="./mine", tags=pasta' in text
    card = find_source("./model.yaml", None, tmp_path)
    assert isinstance(card, ModelCard)
    assert plan.costs.cards["target"] == card.with_tags()
    assert plan.costs.cards["target"].parameters() == card.parameters() + 2 * 6 * 8
    again = compile_source(text.encode(), "graph.txt", tmp_path)
    assert (str(again.graph), again.costs.cards) == (text, plan.costs.cards)


def test_an_adapter_of_anybody_needs_no_manifest_of_ours(tmp_path: Path) -> None:
    shapes = {name: shape for name, shape in WHOLE.items() if name != ROWS}
    place(tmp_path, shapes, None, trainable_token_indices=None)
    assert 'adapter="./mine"' in str(compiled(tmp_path, PLAN).graph)
    assert {each.code for each in refused(tmp_path)} == {"SP0461"}  # it writes no tags
    place(tmp_path, WHOLE, None)
    tagged = FORKING.replace("./mine", "./mine, tags: pasta")
    assert "tags=pasta" in str(compiled(tmp_path, tagged).graph)
    (found,) = refused(tmp_path, PLAN)
    assert found.code == "SP0418" and "`tags: pasta` would add PASTA's six" in found.message()


def test_what_is_read(tmp_path: Path) -> None:
    place(tmp_path, alpha_pattern={"self_attn.q_proj": 6}, target_modules=["q_proj"])
    adapter = find_adapter("./mine", None, tmp_path)
    assert isinstance(adapter, Adapter)
    assert [(each.layer, each.rank, each.inputs, each.outputs, each.scale) for each in adapter.additions] == [
        ("model.layers.0.self_attn.q_proj", 2, 8, 8, 3.0),
        ("model.layers.1.self_attn.q_proj", 2, 8, 8, 3.0),
        ("model.layers.1.mlp.down_proj", 2, 16, 8, 2.0),
    ]
    assert [(each.table, each.tokens, each.width) for each in adapter.rows] == [("model.embed_tokens", (*TAGS,), 8)]
    assert isinstance(adapter.trained, Trained) and adapter.trained.command == TRAINED["command"]
    place(tmp_path, use_rslora=True)
    adapter = find_adapter("./mine", None, tmp_path)
    assert isinstance(adapter, Adapter) and adapter.additions[0].scale == pytest.approx(4 / 2**0.5)


def test_tables_may_have_tokens_of_their_own(tmp_path: Path) -> None:
    head = ROWS.replace("model.embed_tokens", "lm_head")
    tokens = {"embed_tokens": TAGS, "lm_head": TAGS[:2]}
    place(tmp_path, {**WHOLE, head: (2, 8)}, trainable_token_indices=tokens)
    adapter = find_adapter("./mine", None, tmp_path)
    assert isinstance(adapter, Adapter)
    assert {each.table: each.tokens for each in adapter.rows} == {"model.embed_tokens": (*TAGS,), "lm_head": (10, 11)}


def test_padding_becomes_tags_first() -> None:
    card = ModelCard(
        name="padded", architecture="llama", layers=2, hidden_size=8, intermediate_size=16, heads=4, kv_heads=2, head_dim=2,
        vocabulary="toy", vocab_size=20, entries=10, tokenizer="byte-bpe", positions=64,
    )  # fmt: skip
    tagged = card.with_tags()
    assert (tagged.vocab_size, tagged.entries, tagged.vocabulary, tagged.tags) == (20, 16, "toy-pasta", "pasta")
    assert tagged.with_tags() is tagged
    assert replace(card, vocab_size=12).with_tags().vocab_size == 16


def test_what_was_trained_is_written_as_it_is_read(tmp_path: Path) -> None:
    place(tmp_path)
    adapter = find_adapter("./mine", None, tmp_path)
    assert isinstance(adapter, Adapter) and adapter.trained is not None
    (tmp_path / "mine" / "trained.yaml").write_text(adapter.trained.to_yaml())
    assert find_adapter("./mine", None, tmp_path) == adapter


# Everything that is wrong with an adapter, or with it on a model: the folder is spoiled, then the plan is compiled. --------


def spoiled(folder: Path, **facts: Any) -> None:
    place(folder, trained={key: each for key, each in {**TRAINED, **facts}.items() if each is not None})


def cut(folder: Path, file: str, keep: int) -> None:
    place(folder)
    path = folder / "mine" / file
    path.write_bytes(path.read_bytes()[:keep])


def put(folder: Path, data: bytes, file: str = "adapter_model.safetensors") -> None:
    place(folder, trained=None)
    (folder / "mine" / file).write_bytes(data)


def lacking(folder: Path, file: str) -> None:
    place(folder)
    (folder / "mine" / file).unlink()


def pickled(folder: Path) -> None:
    place(folder)
    (folder / "mine" / "adapter_model.safetensors").rename(folder / "mine" / "adapter_model.bin")


def without(folder: Path, *names: str) -> None:
    place(folder, {name: shape for name, shape in WHOLE.items() if name not in names}, None)


def header(entries: Mapping[str, Any], more: bytes = b"") -> bytes:
    text = json.dumps(entries).encode()
    return len(text).to_bytes(8, "little") + text + more


A, B = Q0
DEEPER, WIDER = addition("model.layers.2.mlp.up_proj", 8, 16), addition("model.layers.0.self_attn.q_proj", 9, 8)
ODD = {"x": {"dtype": "F16", "shape": [1], "data_offsets": [0, 2]}}
MISTAKES: Mapping[str, tuple[str, str, Callable[[Path], None]]] = {
    "another base": ("SP0418", "trained on other weights", lambda f: spoiled(f, fingerprint="c3d4")),
    "another name": ("SP0418", "trained on other weights, `other`", lambda f: spoiled(f, base="other", fingerprint=None)),
    "another tokenizer": ("SP0418", "in the vocabulary llama3, not toy", lambda f: spoiled(f, vocabulary="llama3")),
    "another size": ("SP0418", "with 20 rows", lambda f: spoiled(f, vocab_size=20)),
    "deeper": ("SP0418", "layer 2", lambda f: place(f, {**WHOLE, **DEEPER})),
    "wider": ("SP0418", "9 numbers to 8", lambda f: place(f, {**WHOLE, **WIDER})),
    "wider rows": ("SP0418", "9 wide, not 8", lambda f: place(f, {**WHOLE, ROWS: (6, 9)}, None)),
    "layers without": (
        "SP0418",
        "no addition to `q_proj` in 1 of 2 layers",
        lambda f: place(f, {**Q0, ROWS: (6, 8)}, target_modules=["q_proj"]),
    ),
    "format of tomorrow": ("SP0411", "format_version", lambda f: spoiled(f, format_version=2)),
    "two tags alike": ("SP0411", "6 different tokens", lambda f: spoiled(f, tags=[10, 11, 12, 13, 14, 14])),
    "tags outside": ("SP0411", "6 different tokens of 16", lambda f: spoiled(f, tags=[*range(11, 17)])),
    "sequential with tags": ("SP0411", "0 different tokens", lambda f: spoiled(f, kind="sequential")),
    "more tokens than rows": ("SP0411", "there are 16 rows", lambda f: spoiled(f, entries=17)),
    "manifest without a base": ("SP0411", "base", lambda f: spoiled(f, base=None)),
    "manifest of nonsense": ("SP0411", "", lambda f: put(f, b"\xff\xfe\x00", "trained.yaml")),
    "no configuration": ("SP0415", "has no `adapter_config.json`", lambda f: lacking(f, "adapter_config.json")),
    "pickled": ("SP0415", "pickle", pickled),
    "no weights": ("SP0415", "has no `adapter_model.safetensors`", lambda f: lacking(f, "adapter_model.safetensors")),
    "broken configuration": ("SP0415", "line 1", lambda f: put(f, b"{", "adapter_config.json")),
    "huge configuration": ("SP0415", "far too large", lambda f: put(f, b" " * (2 << 20), "adapter_config.json")),
    "prompt tuning": ("SP0416", "`peft_type` is PROMPT_TUNING", lambda f: place(f, peft_type="PROMPT_TUNING")),
    "dora": ("SP0416", "`use_dora` is True", lambda f: place(f, use_dora=True)),
    "biases": ("SP0416", "`bias` is all", lambda f: place(f, bias="all")),
    "modules": ("SP0416", "`modules_to_save`", lambda f: place(f, modules_to_save=["lm_head"])),
    "transposed": ("SP0416", "`fan_in_fan_out`", lambda f: place(f, fan_in_fan_out=True)),
    "pissa": ("SP0416", "`init_lora_weights` is pissa", lambda f: place(f, init_lora_weights="pissa")),
    "of tomorrow": ("SP0416", "`use_wonder` is yes", lambda f: place(f, use_wonder="yes")),
    "empty": ("SP0417", "ends within its header", lambda f: put(f, b"")),
    "cut in the header": ("SP0417", "ends within its header", lambda f: cut(f, "adapter_model.safetensors", 100)),
    "cut": ("SP0417", "ends before its last tensor", lambda f: cut(f, "adapter_model.safetensors", -1)),
    "more behind it": ("SP0417", "goes on", lambda f: put(f, safetensors_bytes(WHOLE) + b"x")),
    "no json": ("SP0417", "not JSON", lambda f: put(f, (3).to_bytes(8, "little") + b"abc")),
    "huge header": ("SP0417", "ends within its header", lambda f: put(f, b"\xff" * 8 + b"{}")),
    "no tensor": ("SP0417", "not a tensor's type", lambda f: put(f, header({"x": 5}))),
    "negative": (
        "SP0417",
        "not a tensor's type",
        lambda f: put(f, header({"x": {"dtype": "F16", "shape": [-1, -1], "data_offsets": [0, 2]}}, b"xx")),
    ),
    "other size": (
        "SP0417",
        "not the size of its shape",
        lambda f: put(f, header({"x": {"dtype": "F16", "shape": [2], "data_offsets": [0, 2]}}, b"xx")),
    ),
    "overlapping": ("SP0417", "one behind the other", lambda f: put(f, header({**ODD, "y": ODD["x"]}, b"xx"))),
    "nothing in it": ("SP0417", "nothing in it", lambda f: place(f, {}, None, trainable_token_indices=None)),
    "unknown tensor": ("SP0417", "no part of a low-rank addition", lambda f: put(f, header(ODD, b"xx"))),
    "whole embedding": (
        "SP0416",
        "`model.embed_tokens.token_adapter.base_layer.weight` is a whole matrix",
        lambda f: place(f, {**WHOLE, f"{PREFIX}model.embed_tokens.token_adapter.base_layer.weight": (16, 8)}, None),
    ),
    "low-rank embedding": (
        "SP0416",
        "an addition to an embedding",
        lambda f: place(f, {**WHOLE, f"{PREFIX}model.embed_tokens.lora_embedding_A": (2, 16)}, None),
    ),
    "no kind": ("SP0416", "`peft_type` is None", lambda f: put(f, b"{}", "adapter_config.json")),
    "half an addition": ("SP0417", "`lora_A` and no `lora_B`", lambda f: without(f, B)),
    "other half": ("SP0417", "no part of a low-rank addition", lambda f: without(f, A)),
    "no product": ("SP0417", "cannot be multiplied", lambda f: place(f, {**WHOLE, B: (8, 3)}, None)),
    "other rank": ("SP0417", "has the rank 2, and `r` is 8", lambda f: place(f, r=8)),
    "whole numbers": ("SP0417", "are I16", lambda f: put(f, safetensors_bytes(WHOLE, "I16"))),
    "no scale": ("SP0417", "`lora_alpha` is None", lambda f: place(f, lora_alpha=None)),
    "no patterns": ("SP0417", "no object", lambda f: place(f, alpha_pattern=["q_proj"])),
    "slow pattern": ("SP0417", "not a layer's name", lambda f: place(f, alpha_pattern={"(a+)+$": 1})),
    "no rows": ("SP0417", "no rows for them", lambda f: without(f, ROWS)),
    "rows of nobody": ("SP0417", "does not say which tokens", lambda f: place(f, trainable_token_indices=None)),
    "rows of words": ("SP0417", "does not say which tokens", lambda f: place(f, trainable_token_indices=["a"])),
    "rows of one twice": ("SP0417", "twice", lambda f: place(f, trainable_token_indices=[10, 10, 11, 12, 13, 14])),
    "other rows": ("SP0417", "for 5 tokens", lambda f: place(f, trainable_token_indices=TAGS[:5])),
    "other names": ("SP0417", "not a name that peft gives", lambda f: place(f, addition("a b", 8, 8), None)),
}  # fmt: skip


@pytest.mark.parametrize("mistake", MISTAKES)
def test_mistakes(mistake: str, tmp_path: Path) -> None:
    code, words, spoil = MISTAKES[mistake]
    spoil(tmp_path)
    found = refused(tmp_path, FORKING.replace("./mine", "./mine, tags: pasta"))
    assert [each.code for each in found] == [code]
    assert words in found[0].message()
    assert found[0].span is not None and found[0].span.text == "./mine"


@pytest.mark.parametrize(
    ("adapter", "help"), [("./mien", "did you mean `./mine`?"), ("mine", "did you mean `./mine`?"), ("org/name", "")]
)
def test_paths_to_nothing(adapter: str, help: str, tmp_path: Path) -> None:
    place(tmp_path)
    found = next(each for each in refused(tmp_path, PLAN.replace("./mine", adapter)))
    assert found.code == "SP0414" and help in found.help()[0]


@pytest.mark.parametrize(
    ("dtype", "said"), [("bfloat16", []), ("float32", []), ("float16", ["SP0419"]), ("int4", ["SP0419"])]
)
def test_another_type_is_a_warning(dtype: str, said: list[str], tmp_path: Path) -> None:
    place(tmp_path)
    found = compiled(tmp_path, FORKING.replace("./mine", f"./mine, dtype: {dtype}")).diagnostics
    assert [each.code for each in found if each.severity is Severity.WARNING] == said


EXAMPLES = {
    "SP0414": "",
    "SP0415": "pickled",
    "SP0416": "dora",
    "SP0417": "cut",
    "SP0418": "another base",
    "SP0419": "",
}


@pytest.mark.parametrize("code", EXAMPLES)
def test_as_a_person_sees_it(code: str, tmp_path: Path, golden: Golden) -> None:
    MISTAKES.get(EXAMPLES[code], (code, "", place))[2](tmp_path)
    plan = {"SP0414": PLAN.replace("./mine", "./my"), "SP0419": PLAN.replace("./mine", "./mine, dtype: float16")}.get(
        code, PLAN
    )
    found = compiled(tmp_path, plan).diagnostics if code == "SP0419" else refused(tmp_path, plan)
    assert [each.code for each in found] == [code]
    golden(f"diagnostics/{code}.txt", f"{plan}\n----\n\n{render(found, colour=False)}")


# Cards that name an adapter ------------------------------------------------------------------------------------------------

TAGGED = (
    CARD.replace("vocabulary: toy", "vocabulary: toy-pasta")
    .replace("10\n", "16\n")
    .replace("fingerprint: a1b2\n", "tags: pasta\n")
)


def test_a_card_may_be_a_model_with_an_adapter(tmp_path: Path) -> None:
    place(tmp_path)
    (tmp_path / "tagged.yaml").write_text(TAGGED + "base: ./model.yaml\nadapter: ./mine\n")
    plan = FORKING.replace("./model.yaml, adapter: ./mine", "./tagged.yaml")
    assert "adapter" not in str(compiled(tmp_path, plan).graph)
    spoiled(tmp_path, fingerprint="c3d4")
    assert [each.code for each in refused(tmp_path, plan)] == ["SP0418"]
    (tmp_path / "mine").rename(tmp_path / "elsewhere")  # to compile, the card is enough
    assert compiled(tmp_path, plan).graph


@pytest.mark.parametrize("line", ["base: ./model.yaml", "adapter: ./mine"])
def test_base_and_adapter_go_together(line: str, tmp_path: Path) -> None:
    (tmp_path / "half.yaml").write_text(f"{TAGGED}{line}\n")
    found = find_source("./half.yaml", None, tmp_path)
    assert isinstance(found, Diagnostic) and "go together" in found.message()


def test_reading_asks_for_no_library(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("torch", "numpy", "safetensors", "peft", "transformers"):
        monkeypatch.setitem(sys.modules, name, None)
    place(tmp_path)
    assert isinstance(read_adapter(tmp_path / "mine", "./mine", None), Adapter)
    assert compiled(tmp_path).graph
