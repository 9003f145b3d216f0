"""Small model files of every kind, made on the spot."""

import json
import struct
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

import pytest

VALUES: Mapping[str, object] = {
    "general.architecture": "llama",
    "llama.block_count": 2,
    "llama.context_length": 128,
    "llama.embedding_length": 8,
    "llama.feed_forward_length": 16,
    "llama.attention.head_count": 4,
    "llama.attention.head_count_kv": 2,
    "tokenizer.ggml.model": "gpt2",
    "tokenizer.ggml.eos_token_id": 1,
}
CONFIG: Mapping[str, object] = {
    "model_type": "llama",
    "num_hidden_layers": 2,
    "hidden_size": 8,
    "intermediate_size": 16,
    "num_attention_heads": 4,
    "num_key_value_heads": 2,
    "vocab_size": 10,
    "max_position_embeddings": 128,
    "eos_token_id": [1, 2],
    "pad_token_id": -1,
    "torch_dtype": "float32",
}


def text(value: str | bytes) -> bytes:
    raw = value.encode() if isinstance(value, str) else value
    return struct.pack("<Q", len(raw)) + raw


def entry(key: str, value: object) -> bytes:
    match value:
        case bool():
            return text(key) + struct.pack("<I?", 7, value)
        case int():
            return text(key) + struct.pack("<II", 4, value)
        case str():
            return text(key) + struct.pack("<I", 8) + text(value)
        case [int(), *_]:
            return text(key) + struct.pack("<IIQ", 9, 5, len(value)) + struct.pack(f"<{len(value)}i", *value)
        case [*strings]:
            return text(key) + struct.pack("<IIQ", 9, 8, len(strings)) + b"".join(map(text, strings))
    raise AssertionError(value)


def gguf_bytes(
    values: Mapping[str, object] = VALUES,
    tokens: Sequence[str] = ("a", "b", "c", "d"),
    shapes: Mapping[str, Sequence[int]] = {"token_embd.weight": (8, 4)},
    version: int = 3,
    kinds: Sequence[int] = (),
    changes: Mapping[str, object] = {},
) -> bytes:
    entries = {**values, **changes} | ({"tokenizer.ggml.tokens": [*tokens]} if tokens else {})
    entries |= {"tokenizer.ggml.token_type": [*kinds]} if kinds else {}
    head = b"GGUF" + struct.pack("<IQQ", version, len(shapes), len(entries))
    body = b"".join(entry(key, value) for key, value in entries.items())
    tensors = b"".join(
        text(name) + struct.pack(f"<I{len(shape)}QIQ", len(shape), *shape, 0, 0) for name, shape in shapes.items()
    )
    return head + body + tensors


@pytest.fixture
def gguf() -> Callable[..., bytes]:
    return gguf_bytes


@pytest.fixture
def folder(tmp_path: Path) -> Callable[..., Path]:
    """A model's folder named `model`, its config.json changed by the arguments; None takes a key out."""

    def make(**changes: object) -> Path:
        config = {key: value for key, value in {**CONFIG, **changes}.items() if value is not None}
        path = tmp_path / "model"
        path.mkdir(exist_ok=True)
        (path / "config.json").write_text(json.dumps(config))
        return path

    return make
