"""An adapter's folder: what was trained and nothing else, the same bytes every time, whole or not at all."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("torch")
pytest.importorskip("peft")

import torch
from safetensors.torch import load_file

from specplan.backends.models import LoadedModel
from specplan.backends.training import artifact
from specplan.backends.training.artifact import write_adapter
from specplan.grammar import DiagnosticError
from specplan.planner.cards import Adapter, find_adapter

from ..adapting import COMMAND, adapted_by_peft, write_base, write_tiny_adapter

FILES = ["adapter_config.json", "adapter_model.safetensors", "trained.yaml"]


@pytest.fixture(scope="module")
def base(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_base(tmp_path_factory.mktemp("models") / "base")


@pytest.fixture(scope="module")
def made(base: Path) -> tuple[Any, LoadedModel]:
    return adapted_by_peft(base)


def write(folder: Path, made: tuple[Any, LoadedModel], **facts: Any) -> None:
    write_adapter(folder, *made, **{"kind": "pasta", "seed": 5, "command": COMMAND, **facts})


def test_what_was_trained_and_nothing_else(tmp_path: Path, made: tuple[Any, LoadedModel]) -> None:
    write(tmp_path / "mine", made)
    assert sorted(each.name for each in (tmp_path / "mine").iterdir()) == FILES
    assert all(each.stat().st_mode & 0o044 == 0o044 for each in (tmp_path / "mine", *(tmp_path / "mine").iterdir()))
    tensors = load_file(tmp_path / "mine" / "adapter_model.safetensors")
    assert {each.dtype for each in tensors.values()} == {torch.float16}
    trained = sum(each.numel() for each in made[0].parameters() if each.requires_grad)
    assert sum(each.numel() for each in tensors.values()) == trained
    assert [name for name in tensors if "lora" not in name] == [
        "base_model.model.model.embed_tokens.token_adapter.trainable_tokens_delta"
    ]


def test_left_to_itself_peft_writes_the_embedding(tmp_path: Path, made: tuple[Any, LoadedModel]) -> None:
    """So that the test above tests something."""
    made[0].save_pretrained(tmp_path)
    assert any("base_layer" in name for name in load_file(tmp_path / "adapter_model.safetensors"))


def test_the_manifest_says_what_it_was_trained_on(tmp_path: Path, base: Path, made: tuple[Any, LoadedModel]) -> None:
    write(tmp_path / "mine", made)
    adapter = find_adapter("./mine", None, tmp_path)
    assert isinstance(adapter, Adapter) and adapter.trained is not None
    trained = adapter.trained
    assert (trained.kind, trained.base, trained.dtype, trained.seed) == ("pasta", "base", "float32", 5)
    assert trained.tags == (*range(257, 263),) and trained.entries == trained.vocab_size == 263
    assert trained.command == COMMAND
    assert {each.rank for each in adapter.additions} == {4} and {each.scale for each in adapter.additions} == {2.0}


def test_the_same_bytes_every_time_and_no_place_of_this_machine(tmp_path: Path, base: Path) -> None:
    for name in ("one", "two"):
        write_tiny_adapter(tmp_path / name, base)
    for file in FILES:
        first, second = ((tmp_path / name / file).read_bytes() for name in ("one", "two"))
        assert first == second
        assert str(base).encode() not in first and str(Path.home()).encode() not in first
    config = json.loads((tmp_path / "one" / "adapter_config.json").read_text())
    assert config["base_model_name_or_path"] == "base"
    assert config["target_modules"] == sorted(config["target_modules"])


def test_the_sequential_counterpart_has_no_words(tmp_path: Path, base: Path) -> None:
    write_tiny_adapter(tmp_path / "plain", base, tagged=False)
    adapter = find_adapter("./plain", None, tmp_path)
    assert isinstance(adapter, Adapter) and adapter.trained is not None
    assert (adapter.trained.kind, adapter.trained.tags, adapter.trained.vocab_size) == ("sequential", (), 257)
    assert adapter.rows == ()


def test_an_older_one_is_replaced(tmp_path: Path, made: tuple[Any, LoadedModel]) -> None:
    for seed in (1, 2):
        write(tmp_path / "mine", made, seed=seed)
        assert f"seed: {seed}\n" in (tmp_path / "mine" / "trained.yaml").read_text()
    assert [each.name for each in tmp_path.iterdir()] == ["mine"]


def test_other_peoples_files_stay(tmp_path: Path, made: tuple[Any, LoadedModel]) -> None:
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "thesis.tex").write_text("years of work")
    with pytest.raises(DiagnosticError, match=r"SP0863.*thesis\.tex"):
        write(tmp_path / "mine", made)
    assert [each.name for each in (tmp_path / "mine").iterdir()] == ["thesis.tex"]
    assert [each.name for each in tmp_path.iterdir()] == ["mine"]


@pytest.mark.parametrize("value", [float("nan"), 1e6])
def test_what_has_diverged_is_not_written(tmp_path: Path, base: Path, value: float) -> None:
    model, loaded = adapted_by_peft(base)
    with torch.no_grad():
        next(each for name, each in model.named_parameters() if "lora_B" in name)[3, 1] = value
    with pytest.raises(DiagnosticError, match=r"SP0860: .*lora_B"):
        write(tmp_path / "mine", (model, loaded))
    assert [*tmp_path.iterdir()] == []


@pytest.mark.parametrize("step", ["save_file", "rename"])
def test_an_older_one_stays_where_a_newer_one_fails(
    step: str, tmp_path: Path, made: tuple[Any, LoadedModel], monkeypatch: pytest.MonkeyPatch
) -> None:
    write(tmp_path / "mine", made, seed=1)

    def fail(*_: object, **__: object) -> None:
        raise OSError(28, os.strerror(28))

    def fail_at_the_end(self: Path, target: Path) -> Path:
        return fail() or target if target.name == "mine" and ".old" not in self.name else rename(self, target)

    rename = Path.rename
    with monkeypatch.context() as patched, pytest.raises(OSError, match="No space"):
        if step == "rename":
            patched.setattr(Path, "rename", fail_at_the_end)
        else:
            patched.setattr(artifact, "_save", fail)
        write(tmp_path / "mine", made, seed=2)
    assert [each.name for each in tmp_path.iterdir()] == ["mine"]
    adapter = find_adapter("./mine", None, tmp_path)
    assert isinstance(adapter, Adapter) and adapter.trained is not None and adapter.trained.seed == 1
