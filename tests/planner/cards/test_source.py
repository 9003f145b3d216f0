"""What a plan may call a model, a device or a pair, and where each leads."""

from dataclasses import replace

import pytest

from specplan.grammar import Diagnostic, DiagnosticError, Located, SourceFile
from specplan.planner.cards import (
    DeviceProfile,
    ModelCard,
    Pair,
    find_device,
    find_pair,
    find_source,
    is_path,
    pair_file,
    resolve_source,
)

DEVICE = """\
about: a machine of mine
memory: 8GiB
bandwidth: 50
throughput: {float32: 100}
overhead_per_layer: 0
"""
PAIR = "draft: a\ntarget: b\ndraft_tokens: 10\ntarget_tokens: 20\nshared: 6\nweighted_of_draft: 0.9\n"


def test_a_source_knows_its_place(tmp_path):
    text = SourceFile("plan.yaml", "source: smollm2\n")
    found = resolve_source(Located("smollm2", text.span(8, 15)), tmp_path)
    assert isinstance(found, Diagnostic) and found.code == "SP0400"
    assert found.span is not None and found.span.text == "smollm2"


@pytest.mark.parametrize("name", ["./x", "../x", "/x", "x.gguf", "x.yaml", ".", "~/x", "a/x.gguf"])
def test_paths(name):
    assert is_path(name)


@pytest.mark.parametrize("name", ["smollm2-135m-instruct", "org/name", "qwen2.5"])
def test_names(name):
    assert not is_path(name)


@pytest.mark.parametrize(
    "value", ["", "./\0", "x" * 5000, "./" + "x" * 5000, "a/b/c", "../" * 300, "é", "./" + "\ud800"]
)
def test_any_source_is_answered(value, tmp_path):
    assert isinstance(find_source(value, None, tmp_path), Diagnostic)


def test_a_folder_without_its_dot(tmp_path):
    (tmp_path / "mine").mkdir()
    found = find_source("mine", None, tmp_path)
    assert "did you mean `./mine`?" in found.help()


def test_a_card_beside_the_plan(tmp_path):
    card = tmp_path / "mine.yaml"
    card.write_text("kind: prompts\nname: ppd\nrides: some-model\ndepth: 1\ntop: 2\naccuracies: [[0.5, 0.25]]\n")
    found = find_source("./mine.yaml", None, tmp_path)
    assert (found.name, found.accuracies, found.assumed) == ("ppd", ((0.5, 0.25),), True)


def test_a_known_tokenizer_gives_the_family_its_name(tmp_path, gguf, monkeypatch):
    (tmp_path / "x.gguf").write_bytes(gguf())
    before = find_source("x.gguf", None, tmp_path)
    assert isinstance(before, ModelCard) and before.vocabulary.startswith("tokenizer-")
    shipped = find_source("smollm2-135m-instruct", None, tmp_path)
    known = replace(shipped, tokenizer_hashes=before.tokenizer_hashes)
    inside = "specplan.planner.cards.source"
    monkeypatch.setattr(f"{inside}._shipped_texts", lambda: (("smollm2", before.tokenizer_hashes[0]),))
    monkeypatch.setattr(f"{inside}._shipped_card", lambda name: known)
    assert find_source("x.gguf", None, tmp_path).vocabulary == "smollm2"


def test_devices(tmp_path):
    assert find_device("auto", None) == find_device("cpu", None)
    (tmp_path / "mine.yaml").write_text(DEVICE)
    mine = find_device("./mine.yaml", None, tmp_path)
    assert isinstance(mine, DeviceProfile)
    assert (mine.memory, mine.bandwidth, mine.operations_per_second("bfloat16")) == (8 << 30, 50e9, 100e9)
    (tmp_path / "mine.yaml").write_text(DEVICE.replace("8GiB", "much"))
    assert find_device("./mine.yaml", None, tmp_path).code == "SP0411"
    assert find_device("./none.yaml", None, tmp_path).code == "SP0413"


def test_pairs(tmp_path):
    (tmp_path / pair_file("a", "b")).write_text(PAIR)
    pair = find_pair("a", "b", tmp_path)
    assert isinstance(pair, Pair)
    assert (pair.jaccard, pair.weighted_of_draft, pair.weighted_of_target) == (0.25, 0.9, None)
    assert find_pair("b", "a", tmp_path) is None
    assert find_pair("../a", "b", tmp_path) is None
    (tmp_path / pair_file("a", "b")).write_text(PAIR.replace("shared: 6", "shared: 11"))
    with pytest.raises(DiagnosticError, match="SP0412"):
        find_pair("a", "b", tmp_path)


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
entries: 9
tokenizer: other
positions: 64
"""


@pytest.mark.parametrize(
    ("more", "key"),
    [
        ("eos: [1, 10]", "eos"),
        ("mask: 10", "mask"),
        ("sliding_layers: 3\nsliding_window: 4", "sliding_layers"),
        ("sliding_window: 4", "sliding_layers"),
        ("packages: {requirements: [a, b], files: [a], bytes: 1, sha256: " + "0" * 64 + "}", "files"),
        ("packages: {requirements: [a], files: [a], bytes: 1, sha256: 12}", "sha256"),
    ],
)
def test_what_cannot_be_on_a_card(more, key, tmp_path):
    (tmp_path / "card.yaml").write_text(CARD)
    assert isinstance(find_source("card.yaml", None, tmp_path), ModelCard)
    (tmp_path / "card.yaml").write_text(CARD + more + "\n")
    assert [each.key for each in find_source("card.yaml", None, tmp_path).mistakes] == [key]


@pytest.mark.parametrize("rows", ["[[0.5, 0.2]]", "[[0.5], [0.5]]", "[[0.7, 0.5], [0, 0]]"])
def test_accuracies_have_a_shape_and_a_sum(rows, tmp_path):
    (tmp_path / "ppd.yaml").write_text(f"kind: prompts\nrides: x\ndepth: 2\ntop: 2\naccuracies: {rows}\n")
    assert [each.key for each in find_source("./ppd.yaml", None, tmp_path).mistakes] == ["accuracies"]


def test_a_path_from_home(tmp_path, monkeypatch):
    monkeypatch.setenv("HOME", str(tmp_path))
    (tmp_path / "card.yaml").write_text(CARD)
    (tmp_path / "device.yaml").write_text(DEVICE)
    assert isinstance(find_source("~/card.yaml", None, tmp_path / "elsewhere"), ModelCard)
    assert isinstance(find_device("~/device.yaml", None, tmp_path / "elsewhere"), DeviceProfile)
    assert find_source("~nobody-of-this-name/card.yaml", None, tmp_path).code == "SP0401"
