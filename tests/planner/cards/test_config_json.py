"""Folders in the Hugging Face format."""

import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from specplan.grammar import Diagnostic, Tag
from specplan.planner.cards import ModelCard, find_source


@pytest.fixture
def read(tmp_path):
    return lambda: find_source("./model", None, tmp_path)


def test_a_small_model(folder, read):
    folder()
    card = read()
    assert (card.name, card.architecture, card.layers, card.heads, card.kv_heads) == ("model", "llama", 2, 4, 2)
    assert (card.head_dim, card.vocab_size, card.eos, card.pad, card.dtype) == (2, 10, (1, 2), None, "float32")
    assert not card.tied_embeddings and not card.chat_template


@pytest.mark.parametrize(
    ("changes", "window", "sliding"),
    [
        ({"sliding_window": 16, "use_sliding_window": False}, None, 0),
        ({"sliding_window": 16, "model_type": "mistral"}, 16, 2),
        ({"sliding_window": 16, "layer_types": ["sliding_attention", "full_attention"]}, 16, 1),
        ({"sliding_window": 16, "layer_types": ["full_attention"] * 2}, None, 0),
        ({"sliding_window": 16, "num_hidden_layers": 13, "sliding_window_pattern": 6}, 16, 11),
    ],
)
def test_sliding_windows(folder, read, changes, window, sliding):
    folder(**changes)
    assert (read().sliding_window, read().sliding_layers) == (window, sliding)


def test_a_parallel_drafter_says_its_mask(folder, read):
    folder(pard_token=7, mask_token_id=3)
    assert read().mask == 7


def test_the_decoder_inside_a_model_that_sees(folder, read, tmp_path):
    path = folder()
    inner = json.loads((path / "config.json").read_text())
    (path / "config.json").write_text(json.dumps({"model_type": "gemma3", "text_config": inner}))
    assert read().layers == 2


def test_tokenizer_files(folder, read):
    path = folder()
    (path / "tokenizer.json").write_text(
        json.dumps({"pre_tokenizer": {"type": "ByteLevel"}, "model": {"vocab": {"a": 0}}})
    )
    (path / "tokenizer_config.json").write_text(json.dumps({"chat_template": "{{ messages }}"}))
    first = read()
    assert first.chat_template and first.tokenizer == "byte-bpe" and first.tags is None
    tags = [tag.token for tag in Tag]
    added = {"added_tokens": [{"content": tag} for tag in tags], "model": {"vocab": {}}}
    (path / "tokenizer.json").write_text(json.dumps(added))
    assert read().tags == "pasta"
    assert read().vocabulary != first.vocabulary
    assert read().fingerprint == first.fingerprint


@pytest.mark.parametrize("text", ["", "{", "{}", '{"model": {"vocab": {}}}', "x" * (2 << 20)])
def test_a_tokenizer_without_tokens_is_none(folder, read, text):
    (folder() / "tokenizer.json").write_text(text)
    assert read().tokenizer == "none" and read().vocabulary.startswith("unknown-")


def test_weights_tell_models_apart(folder, read):
    path = folder()
    before = read().fingerprint
    (path / "model.safetensors").write_bytes(b"123")
    assert read().fingerprint != before


values = st.one_of(
    st.none(), st.booleans(), st.integers(), st.floats(), st.text(max_size=5), st.lists(st.integers(), max_size=3)
)


def test_any_values_are_answered(folder, read):
    path = folder()
    keys = [*json.loads((path / "config.json").read_text()), "sliding_window", "layer_types", "head_dim", "dtype"]

    @settings(max_examples=150, deadline=None)
    @given(st.dictionaries(st.sampled_from(keys), values, max_size=4))
    def changed(changes: dict[str, object]) -> None:
        folder(**changes)
        assert isinstance(read(), ModelCard | Diagnostic)

    changed()


@pytest.mark.parametrize("raw", [b"", b"[]", b"{", b"\xff\xfe{", b"[" * 100_000, b'{"a": 1e999}', b"version https://x"])
def test_what_is_no_configuration(folder, read, raw):
    (folder() / "config.json").write_bytes(raw)
    assert isinstance(read(), Diagnostic)


def test_folders_without_tokenizer_files_share_no_vocabulary(folder, read):
    folder()
    first = read()
    folder(vocab_size=12)
    assert first.vocabulary.startswith("unknown-")
    assert first.vocabulary != read().vocabulary


@pytest.mark.parametrize("method", ["fp8", "gptq", None])
def test_quantized_weights_are_not_taken_for_others(folder, read, method):
    folder(quantization_config={"quant_method": method}, torch_dtype="bfloat16")
    assert (read().code, "quantized" in read().message()) == ("SP0407", True)


def test_what_a_model_that_sees_says_of_its_decoder_too(folder, read):
    path = folder(torch_dtype=None)
    inner = json.loads((path / "config.json").read_text())
    outer = {"model_type": "gemma3", "text_config": inner, "torch_dtype": "float16"}
    (path / "config.json").write_text(json.dumps(outer))
    assert read().dtype == "float16"
    (path / "config.json").write_text(json.dumps(outer | {"quantization_config": {}}))
    assert read().code == "SP0407"


def test_types_of_weights(folder, read):
    folder(torch_dtype="float8_e4m3fn")
    assert (read().code, read().key) == ("SP0406", "torch_dtype")
    folder(torch_dtype=None)
    assert read().dtype == "bfloat16"


def test_a_number_without_an_end(folder, read):
    (folder() / "config.json").write_text('{"hidden_size": ' + "9" * 10_000 + "}")
    assert "set_int_max_str_digits" not in read().message()
    assert read().code == "SP0404"
