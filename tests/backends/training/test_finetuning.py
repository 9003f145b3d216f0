"""Fine-tuning learns to fork, touches nothing but the adapter and the six rows, and goes on where it was stopped."""

from __future__ import annotations

import json
import pickle
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("torch")
pytest.importorskip("peft")

import torch

from specplan.backends.models import LoadedModel, TokenizerWords, add_tags, load_model, tag_ids
from specplan.backends.runtime.pasta import TagVocabulary, Threads, TokenMachine, threads_of
from specplan.backends.training import (
    Lora,
    Packed,
    Recipe,
    annotate_by_rules,
    annotated,
    batch,
    finetune,
    logits_of,
    losses,
    pack,
    with_adapter,
)
from specplan.backends.training.checkpoint import CHECKPOINT
from specplan.backends.training.loop import batches
from specplan.backends.training.metrics import METRICS
from specplan.grammar import Answer, DiagnosticError

from .conftest import EOS

TEXTS = [f"Two:\n- {one} is said in five words.\n- {two} is said in five words." for one, two in ("ab", "cd", "ef")]


def tagged(saved: Path) -> LoadedModel:
    return add_tags(load_model(str(saved)))


def packed(loaded: LoadedModel) -> list[Packed]:
    spoken = TokenizerWords(loaded.tokenizer, loaded.vocab_size, source="tiny")
    words = TagVocabulary(tag_ids(loaded.tokenizer, source="tiny"), spoken.spelled, frozenset([EOS]))
    rows = []
    for text in TEXTS:
        answer = annotated(text, annotate_by_rules, words, spoken.encode)
        assert isinstance(answer, Answer)
        threads = threads_of(answer, words, spoken.encode)
        assert threads is not None
        rows.append(pack([65, 66], Threads((*threads.main, EOS), threads.blocks), TokenMachine(words)))
    return rows


def trained(saved: Path, folder: Path, recipe: Recipe, *, stop: int | None = None) -> tuple[Any, dict[str, Any]]:
    """A model after fine-tuning, and what was trained; `stop` ends it, as a crash would, in the middle of that step."""
    loaded = tagged(saved)
    answers = packed(loaded)
    model = with_adapter(loaded, Lora(rank=4, alpha=8))
    if stop is not None:
        calls = 0

        def crash(*_: object) -> None:
            nonlocal calls
            calls += 1
            if calls == stop:
                raise KeyboardInterrupt

        model.register_forward_pre_hook(crash)
        with pytest.raises(KeyboardInterrupt):
            finetune(model, answers, recipe, folder)
    else:
        finetune(model, answers, recipe, folder)
    return model, {name: each.detach().clone() for name, each in model.named_parameters() if each.requires_grad}


def test_only_the_adapter_and_the_six_rows_change(saved: Path, tmp_path: Path) -> None:
    before = tagged(saved)
    rows = sorted(tag_ids(before.tokenizer, source="tiny").values())
    table = before.model.get_input_embeddings().weight.clone()
    model, _ = trained(saved, tmp_path, Recipe(0.01, epochs=2, answers=2))
    merged = model.merge_and_unload()
    after = merged.get_input_embeddings().weight
    changed = (after != table).any(dim=1).nonzero().flatten().tolist()
    assert changed == [row for row in rows if row in changed] and len(changed) == 6
    assert torch.equal(merged.get_output_embeddings().weight, after)
    names = [name for name, each in with_adapter(tagged(saved), Lora(rank=4)).named_parameters() if each.requires_grad]
    assert names and all("lora_" in name or "token_adapter" in name for name in names)
    assert any("lora_B" in name for name in names)


def test_the_loss_falls(saved: Path, tmp_path: Path) -> None:
    model, _ = trained(saved, tmp_path, Recipe(0.02, epochs=30, answers=3))
    lines = [json.loads(line) for line in (tmp_path / METRICS).read_text().splitlines()]
    assert [line["step"] for line in lines] == [*range(1, 31)] and lines[-1]["of"] == 30
    assert lines[-1]["loss"] < lines[0]["loss"] - 0.5
    assert lines[0]["learning_rate"] == 0.02 and lines[-1]["learning_rate"] == pytest.approx(0.02 / 30)
    together = batch([packed(tagged(saved))])
    with torch.no_grad():
        found = losses(logits_of(model, together), together).sum() / (together.labels >= 0).sum()
    assert found.item() < lines[0]["loss"] - 0.5


def test_rows_of_a_step_are_one_batch(saved: Path, tmp_path: Path) -> None:
    """However a step's answers are laid out, the update is the same, but for rounding."""
    (_, wide), (_, narrow) = (
        trained(saved, tmp_path / str(width), Recipe(0.01, epochs=1, answers=3, width=width)) for width in (4096, 1)
    )
    assert all(torch.allclose(wide[name], narrow[name], atol=1e-5) for name in wide)


@pytest.mark.parametrize("stop", [1, 4])
def test_a_stopped_run_goes_on_as_if_it_had_not_been(saved: Path, tmp_path: Path, stop: int) -> None:
    recipe = Recipe(0.01, epochs=3, answers=2, seed=5, checkpoint_every=2)
    _, whole = trained(saved, tmp_path / "whole", recipe)
    trained(saved, tmp_path / "parts", recipe, stop=stop)
    assert (tmp_path / "parts" / CHECKPOINT).exists() == (stop > 2)
    _, parts = trained(saved, tmp_path / "parts", recipe)
    assert all(torch.equal(whole[name], parts[name]) for name in whole)
    assert (tmp_path / "whole" / METRICS).read_text() == (tmp_path / "parts" / METRICS).read_text()
    _, again = trained(saved, tmp_path / "parts", recipe)
    assert all(torch.equal(whole[name], again[name]) for name in whole)


def test_another_recipe_does_not_go_on(saved: Path, tmp_path: Path) -> None:
    trained(saved, tmp_path, Recipe(0.01, epochs=1))
    with pytest.raises(DiagnosticError) as refused:
        trained(saved, tmp_path, Recipe(0.02, epochs=1))
    assert refused.value.diagnostics[0].code == "SP0850"
    assert "learning rate 0.01, and not 0.02" in refused.value.diagnostics[0].message()


@pytest.mark.parametrize(
    "damage",
    [
        lambda data: b"",
        lambda data: data[: len(data) // 2],
        lambda data: b"oops\n" + data,
        lambda data: data[:-9],
        lambda data: pickle.dumps(Path),
    ],
)
def test_a_checkpoint_that_cannot_be_read_is_told_of(
    saved: Path, tmp_path: Path, damage: Callable[[bytes], bytes]
) -> None:
    recipe = Recipe(0.01, epochs=1)
    trained(saved, tmp_path, recipe)
    (tmp_path / CHECKPOINT).write_bytes(damage((tmp_path / CHECKPOINT).read_bytes()))
    with pytest.raises(DiagnosticError, match=r"SP0859: .*checkpoint\.pt` is not what training wrote there: it cannot"):
        trained(saved, tmp_path, recipe)


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        (lambda state: 3, "it is no checkpoint"),
        (lambda state: {**state, "recipe": 3}, "it is no checkpoint"),
        (lambda state: {**state, "trained": {}}, "what it holds does not fit the model"),
        (lambda state: {**state, "optimizer": {}}, "what it holds does not fit the model"),
        (lambda state: {**state, "done": None}, "what it holds does not fit the model"),
    ],
)
def test_a_checkpoint_of_something_else_is_told_of(
    saved: Path, tmp_path: Path, change: Callable[[dict[str, Any]], Any], reason: str
) -> None:
    recipe = Recipe(0.01, epochs=1)
    trained(saved, tmp_path, recipe)
    torch.save(change(torch.load(tmp_path / CHECKPOINT)), tmp_path / CHECKPOINT)
    with pytest.raises(DiagnosticError, match=f"SP0859: .*{reason}"):
        trained(saved, tmp_path, recipe)


@pytest.mark.parametrize("line", ['{"step": "one"}', "{}", "oops", '{"step": 1'])
def test_metrics_that_somebody_changed_are_told_of(saved: Path, tmp_path: Path, line: str) -> None:
    recipe = Recipe(0.01, epochs=2)
    trained(saved, tmp_path, recipe)
    file = tmp_path / METRICS
    before = file.read_text()
    file.write_text(f"{before}{line}\n")
    with pytest.raises(DiagnosticError, match=r"SP0855: line 3 of .*metrics\.jsonl"):
        trained(saved, tmp_path, recipe)
    assert file.read_text() == f"{before}{line}\n"
    file.write_text(f"{before}{line}")  # as if it had been cut off there
    trained(saved, tmp_path, recipe)
    assert file.read_text() == before


def test_a_checkpoint_that_cannot_be_written_leaves_the_older_one(
    saved: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    recipe = Recipe(0.01, epochs=2, answers=3, checkpoint_every=1)
    write = torch.save

    def save(state: dict[str, Any], file: Path) -> None:
        write(state, file)
        if state["done"] == 2:
            raise OSError("no space left")

    with monkeypatch.context() as patched, pytest.raises(OSError, match="no space"):
        patched.setattr(torch, "save", save)
        trained(saved, tmp_path, recipe)
    assert {each.name for each in tmp_path.iterdir()} == {CHECKPOINT, METRICS}
    assert torch.load(tmp_path / CHECKPOINT)["done"] == 1


def test_every_epoch_learns_from_all() -> None:
    recipe = Recipe(0.01, epochs=3, answers=4, seed=1)
    steps = [*batches(10, recipe)]
    assert [len(each) for each in steps] == [4, 4, 2] * 3
    epochs = [[place for step in steps[start : start + 3] for place in step] for start in (0, 3, 6)]
    assert all(sorted(epoch) == [*range(10)] for epoch in epochs) and epochs[0] != epochs[1]
    assert steps == [*batches(10, recipe)]
