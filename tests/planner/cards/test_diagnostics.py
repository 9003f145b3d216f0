"""Each code of the catalogue, provoked by files as people have them, and the text that a person sees."""

import os
from collections.abc import Callable, Mapping
from pathlib import Path

import pytest

from specplan.grammar import Diagnostic, catalogue, read_plan, render
from specplan.planner.cards import errors, find_device, find_source, resolve_source

PLAN = """\
specplan: 1
models:
  target: {source: ./%s}
decode: autoregressive(target)
"""
CARD = """\
architecture: llama
layers: 2
hidden_size: 8
intermediate_size: 16
heads: 9
kv_heads: 2
head_dim: 2
vocabulary: toy
vocab_size: 10
entries: 12
tokenizer: other
positions: 64
"""
T5 = '{"model_type": "t5", "is_encoder_decoder": true, "d_model": 512}'
CONFIG = '{"model_type": "llama", "num_hidden_layers": -2, "hidden_size": 8, "num_attention_heads": 4, "vocab_size": 9'
# For each code the source in the plan, and the files that are there.
FILES: Mapping[str, tuple[str, Mapping[str, str | None]]] = {
    "SP0402": ("model", {"model/weights.bin": ""}),
    "SP0404": ("model", {"model/config.json": CONFIG}),
    "SP0405": ("model", {"model/config.json": '{"model_type": "vit", "num_hidden_layers": 2}'}),
    "SP0406": (
        "model",
        {"model/config.json": CONFIG + ', "intermediate_size": 16, "max_position_embeddings": 64}'},
    ),
    "SP0407": ("model", {"model/config.json": T5}),
    "SP0408": ("model.gguf", {"model.gguf": "<html>not found</html>"}),
    "SP0409": ("model.gguf", {"model.gguf": "GGUF\x03\0\0\0\x02"}),
    "SP0411": ("model.yaml", {"model.yaml": CARD.replace("layers: 2", "layer: 2").replace("12", "ten")}),
    "SP0412": ("model.yaml", {"model.yaml": CARD}),
}


def diagnose(text: str, folder: Path) -> tuple[Diagnostic, ...]:
    plan, mistakes = read_plan(text.encode(), "plan.yaml")
    assert plan is not None and not mistakes
    found: list[object] = [resolve_source(model.source, folder) for model in plan.models.values()]
    device = plan.backend.device
    found.append(find_device(device.value, device.span, folder))
    return tuple(each for each in found if isinstance(each, Diagnostic))


def shown(files: Mapping[str, str | None]) -> str:
    return "".join(f"\n{name}:\n{(text or '').rstrip()}\n" for name, text in files.items())


@pytest.mark.parametrize("code", FILES)
def test_files(code: str, tmp_path: Path, golden: Callable[[str, str], None]) -> None:
    source, files = FILES[code]
    for name, text in files.items():
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text(text or "")
    plan = PLAN % source
    found = diagnose(plan, tmp_path)
    mistakes = getattr(found[0], "mistakes", ())
    assert code in {found[0].code, *(each.code for each in mistakes)}
    contents = shown(files).replace("\0", "\\0").replace("\x02", "\\x02").replace("\x03", "\\x03")
    golden(f"diagnostics/{code}.txt", f"{plan}{contents}\n----\n\n{render(found, colour=False)}")


@pytest.mark.parametrize(
    "kind",
    [errors.UnknownModelName, errors.NoSuchModelFile, errors.NoCardForHubName, errors.UnknownDevice],
    ids=lambda kind: kind.code,
)
def test_plans(kind: type[Diagnostic], tmp_path: Path, golden: Callable[[str, str], None]) -> None:
    found = diagnose(kind.wrong, tmp_path)
    assert [each.code for each in found] == [kind.code]
    assert diagnose(kind.right, tmp_path) == ()
    golden(f"diagnostics/{kind.code}.txt", f"{kind.wrong.rstrip()}\n\n----\n\n{render(found, colour=False)}")


def test_a_file_that_may_not_be_read(tmp_path: Path, golden: Callable[[str, str], None], monkeypatch) -> None:
    (tmp_path / "model.yaml").write_text(CARD)

    def refuse(self: Path, *_: object) -> None:
        raise PermissionError(13, os.strerror(13))

    plan = PLAN % "model.yaml"
    with monkeypatch.context() as patched:
        patched.setattr(Path, "open", refuse)
        found = diagnose(plan, tmp_path)
    text = f"{plan}\nmodel.yaml: belongs to somebody else\n\n----\n\n{render(found, colour=False)}"
    golden("diagnostics/SP0403.txt", text)


def test_every_code_is_provoked_here() -> None:
    mine = {code for code, kind in catalogue().items() if kind.__module__ == errors.__name__}
    plans = {"SP0400", "SP0401", "SP0403", "SP0410", "SP0413"}
    adapters = {f"SP04{number}" for number in range(14, 20)}  # see test_adapters.py
    assert mine == {*FILES} | plans | adapters


def test_no_card_for_what_is_far_too_large(tmp_path: Path) -> None:
    (tmp_path / "model").mkdir()
    with (tmp_path / "model" / "config.json").open("wb") as file:
        file.truncate(1 << 33)
    assert find_source("./model", None, tmp_path).code == "SP0403"
    with (tmp_path / "model.yaml").open("wb") as file:
        file.truncate(1 << 33)
    assert find_source("./model.yaml", None, tmp_path).code == "SP0411"
