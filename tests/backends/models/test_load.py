"""Models from folders, GGUF files and the hub's cache: loaded whole, or refused with a reason."""

from __future__ import annotations

import io
import json
import shutil
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from specplan.backends.models import Lines, ModelCache, load_model, model_folder
from specplan.backends.models.prepare import prepare
from specplan.grammar import Diagnostic, DiagnosticError, Severity, SourceFile
from specplan.planner.cards import SPECS

torch = pytest.importorskip("torch")
transformers = pytest.importorskip("transformers")
pytest.importorskip("gguf")


@pytest.fixture(scope="session")
def made(tmp_path_factory: pytest.TempPathFactory, tiny_gguf: Path) -> Path:
    """The tiny Llama as a folder, made once."""
    folder = tmp_path_factory.mktemp("made") / "tiny"
    folder.mkdir()
    prepare(tiny_gguf, folder, dtype="float32", shown_as="tiny")
    return folder


@pytest.fixture
def folder(made: Path, tmp_path: Path) -> Path:
    """A copy that a test may spoil."""
    return Path(shutil.copytree(made, tmp_path / "tiny"))


def refused(source: str, **options: Any) -> Diagnostic:
    with pytest.raises(DiagnosticError) as error:
        load_model(source, **options)
    (found,) = error.value.diagnostics
    return found


def edit(file: Path, **changes: object) -> None:
    file.write_text(json.dumps({**json.loads(file.read_text()), **changes}))


@pytest.mark.parametrize("dtype", ["float32", "bfloat16", "float16"])
def test_a_folder(made: Path, dtype: Any) -> None:
    loaded = load_model(str(made), dtype=dtype)
    assert loaded.dtype == getattr(torch, dtype)
    assert {each.dtype for each in loaded.model.parameters()} == {loaded.dtype}
    assert not loaded.model.training
    assert not any(each.requires_grad for each in loaded.model.parameters())
    assert (loaded.vocab_size, loaded.context, loaded.eos_ids, loaded.notes) == (260, 128, (0,), ())
    assert loaded.config.num_hidden_layers == 2
    assert loaded.tokenizer.decode(loaded.tokenizer("héllo 🌍")["input_ids"]) == "héllo 🌍"
    logits = loaded.model(input_ids=torch.tensor([[5, 6, 7]])).logits
    assert logits.shape == (1, 3, 260) and torch.isfinite(logits).all()


def test_relative_paths_start_from_the_plan(made: Path) -> None:
    assert model_folder("./tiny", base=made.parent) == made
    assert model_folder(str(made), base=Path("/elsewhere")) == made


def test_a_gguf_file_is_unpacked_once(tiny_gguf: Path, tmp_path: Path, cache: ModelCache) -> None:
    said = io.StringIO()
    first = load_model(str(tiny_gguf), progress=Lines(said))
    assert "unpacking tiny.gguf once" in said.getvalue()
    copy = shutil.copy(tiny_gguf, tmp_path / "another name.gguf")
    said = io.StringIO()
    second = load_model("./another name.gguf", base=tmp_path, progress=Lines(said))
    assert copy and "unpacking" not in said.getvalue()
    assert first.folder == second.folder
    ids = torch.tensor([[3, 4, 5]])
    assert torch.equal(first.model(input_ids=ids).logits, second.model(input_ids=ids).logits)


def test_a_damaged_unpacked_gguf_file(tiny_gguf: Path, cache: ModelCache) -> None:
    folder = model_folder(str(tiny_gguf))
    weights = folder / "model.safetensors"
    data = bytearray(weights.read_bytes())
    data[-1] ^= 1
    weights.write_bytes(data)
    found = refused(str(tiny_gguf))
    assert found.code == "SP0710"
    assert found.help() == (f"remove {folder}; it is prepared again when it is next used",)
    weights.write_bytes(data[:-1])  # this is seen at once, and healed
    assert load_model(str(tiny_gguf)).folder == folder


@pytest.mark.parametrize(("matrices", "dtype"), [("F32", "float32"), ("F16", "float16")])
def test_unpacking_loses_nothing(
    matrices: str, dtype: str, write_gguf: Callable[..., Path], tmp_path: Path, cache: ModelCache
) -> None:
    file = write_gguf(tmp_path / "x.gguf", matrices=matrices)
    config = json.loads((model_folder(str(file)) / "config.json").read_text())
    assert config["dtype"] == dtype


@pytest.mark.parametrize("keep", [0, 3, 20, 300, 5000, -100])
def test_a_truncated_gguf_file(tiny_gguf: Path, tmp_path: Path, cache: ModelCache, keep: int) -> None:
    (tmp_path / "cut.gguf").write_bytes(tiny_gguf.read_bytes()[:keep])
    assert refused(str(tmp_path / "cut.gguf")).code == "SP0712"
    assert not (cache.root / "models").exists()


def test_a_gguf_file_that_is_not_one(tmp_path: Path, cache: ModelCache) -> None:
    (tmp_path / "page.gguf").write_text("<html>not found</html>" * 100)
    assert refused(str(tmp_path / "page.gguf")).code == "SP0712"
    assert refused(str(tmp_path / "absent.gguf")).code == "SP0712"


def test_a_gguf_file_of_another_architecture(tiny_gguf: Path, tmp_path: Path, cache: ModelCache) -> None:
    data = tiny_gguf.read_bytes().replace(b"llama", b"ll4ma")
    (tmp_path / "other.gguf").write_bytes(data)
    found = refused(str(tmp_path / "other.gguf"))
    assert found.code == "SP0713"
    assert not any((cache.root / "models").glob("*"))


def test_pickles_are_not_opened(folder: Path) -> None:
    (folder / "model.safetensors").rename(folder / "pytorch_model.bin")
    found = refused(str(folder))
    assert found.code == "SP0721"
    assert "pytorch_model.bin" in found.message()


def test_a_pickle_beside_safetensors_is_left_alone(folder: Path) -> None:
    (folder / "pytorch_model.bin").write_bytes(b"\x80\x04 not even a pickle")
    assert load_model(str(folder)).vocab_size == 260


EVIL = "import pathlib; pathlib.Path({ran!r}).write_text('ran')\n"


def test_custom_model_code_is_never_run(folder: Path, tmp_path: Path) -> None:
    ran = tmp_path / "ran"
    (folder / "evil.py").write_text(EVIL.format(ran=str(ran)))
    code = {
        "AutoConfig": "evil.Config",
        "AutoModelForCausalLM": "evil.Model",
        "AutoTokenizer": ["evil.Tok", "evil.Tok"],
    }
    edit(folder / "config.json", auto_map=code, model_type="evil", architectures=["Evil"])
    assert refused(str(folder)).code == "SP0722"
    # where the installed library knows the architecture by itself, its own code is used
    edit(folder / "config.json", model_type="llama")
    assert load_model(str(folder)).vocab_size == 260
    assert not ran.exists()


def test_custom_tokenizer_code_is_never_run(folder: Path, tmp_path: Path) -> None:
    ran = tmp_path / "ran"
    (folder / "evil.py").write_text(EVIL.format(ran=str(ran)))
    (folder / "tokenizer.json").unlink()
    edit(
        folder / "tokenizer_config.json",
        tokenizer_class="Evil",
        auto_map={"AutoTokenizer": ["evil.Tok", "evil.Tok"]},
    )
    assert refused(str(folder)).code in {"SP0722", "SP0743"}
    assert not ran.exists()


def test_no_tokenizer(folder: Path) -> None:
    (folder / "tokenizer.json").write_text("{")
    assert refused(str(folder)).code == "SP0743"


def test_folders_that_are_no_models(folder: Path, tmp_path: Path) -> None:
    assert refused(str(tmp_path / "absent")).code == "SP0720"
    (tmp_path / "empty").mkdir()
    assert refused(str(tmp_path / "empty")).code == "SP0720"
    (folder / "config.json").write_text("[]")
    assert refused(str(folder)).code == "SP0720"
    (folder / "config.json").write_text("{")
    assert refused(str(folder)).code == "SP0720"


def test_damaged_weights(folder: Path) -> None:
    weights = folder / "model.safetensors"
    weights.write_bytes(weights.read_bytes()[:-1000])
    assert refused(str(folder)).code == "SP0723"


def test_missing_tensors_are_not_made_up(folder: Path) -> None:
    from safetensors.torch import load_file, save_file

    tensors = load_file(folder / "model.safetensors")
    del tensors["model.layers.1.mlp.up_proj.weight"]
    save_file(tensors, folder / "model.safetensors", metadata={"format": "pt"})
    found = refused(str(folder))
    assert found.code == "SP0724"
    assert "model.layers.1.mlp.up_proj.weight" in found.help()[0]


def test_weights_of_another_shape(folder: Path) -> None:
    edit(folder / "config.json", intermediate_size=96)
    assert refused(str(folder)).code in {"SP0723", "SP0724"}


def test_an_encoder_is_no_decoder(folder: Path) -> None:
    edit(folder / "config.json", model_type="t5", architectures=["T5Model"], is_encoder_decoder=True)
    assert refused(str(folder)).code == "SP0725"


def test_a_missing_device_and_the_place_in_the_plan(made: Path) -> None:
    plan = SourceFile("plan.yaml", "device: tpu9")
    found = refused(str(made), device="tpu9", span=plan.span(8, 12))
    assert found.code == "SP0728"
    assert found.span == plan.span(8, 12)
    assert refused("no such thing", span=plan.span(8, 12)).span == plan.span(8, 12)


def test_the_hub_offline(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    import huggingface_hub.errors as errors

    def offline(*_: object, **__: object) -> str:
        raise errors.LocalEntryNotFoundError("outgoing traffic has been disabled: offline mode")

    monkeypatch.setattr("huggingface_hub.snapshot_download", offline)
    found = refused("nobody/no-such-model")
    assert found.code == "SP0726"
    assert "offline mode" in found.message()


def test_the_hub_cache(monkeypatch: pytest.MonkeyPatch, made: Path) -> None:
    asked: list[object] = []

    def cached(name: str, *, allow_patterns: list[str]) -> str:
        asked.append((name, any(pattern.endswith((".bin", ".py")) for pattern in allow_patterns)))
        return str(made)

    monkeypatch.setattr("huggingface_hub.snapshot_download", cached)
    assert load_model("org/name").folder == made
    assert asked == [("org/name", False)]


def test_a_card_without_weights_says_how_to_get_them(monkeypatch: pytest.MonkeyPatch) -> None:
    import huggingface_hub.errors as errors

    def offline(*_: object, **__: object) -> str:
        raise errors.LocalEntryNotFoundError("no connection")

    monkeypatch.setattr("huggingface_hub.snapshot_download", offline)
    found = refused("llama-3.1-8b-instruct")
    assert found.code == "SP0714"
    assert "meta-llama/Llama-3.1-8B-Instruct" in found.help()[0]
    assert refused("ppd-smollm2-135m").code == "SP0714"


def test_a_card_of_ones_own(made: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    shipped = (SPECS / "models" / "llama-3.1-8b-instruct.yaml").read_text()
    (tmp_path / "mine.yaml").write_text(shipped)
    monkeypatch.setattr("huggingface_hub.snapshot_download", lambda *_, **__: str(made))
    assert model_folder("./mine.yaml", base=tmp_path) == made
    (tmp_path / "mine.yaml").write_text("layers: many")
    with pytest.raises(DiagnosticError):
        model_folder("./mine.yaml", base=tmp_path)


def test_sampling_defaults_are_told_and_not_obeyed(folder: Path) -> None:
    edit(folder / "generation_config.json", repetition_penalty=1.1, temperature=0.7, do_sample=True, top_k=20)
    (note,) = load_model(str(folder)).notes
    assert (note.code, note.severity) == ("SP0730", Severity.NOTE)
    assert note.help() == ("not obeyed: do_sample=True, repetition_penalty=1.1, temperature=0.7, top_k=20",)


def test_all_end_tokens(folder: Path) -> None:
    edit(folder / "generation_config.json", eos_token_id=[2, 5])
    assert load_model(str(folder)).eos_ids == (0, 2, 5)


def test_a_missing_library_is_named(monkeypatch: pytest.MonkeyPatch, made: Path) -> None:
    monkeypatch.setitem(sys.modules, "torch", None)
    found = refused(str(made))
    assert found.code == "SP0711"
    assert "torch" in found.message()


def test_the_smallest_real_model_says_something(smollm2_path: Path) -> None:
    loaded = load_model("smollm2-135m-instruct", dtype="bfloat16")
    assert loaded.folder == smollm2_path
    assert (loaded.vocab_size, loaded.context, loaded.eos_ids) == (49152, 8192, (2,))
    ids = loaded.tokenizer("The capital of France is", return_tensors="pt")["input_ids"]
    best = int(loaded.model(input_ids=ids).logits[0, -1].argmax())
    assert loaded.tokenizer.decode([best]) == " Paris"
