"""The files in which cards, device profiles and pairs are kept: their keys, and what must go together on a card."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ...grammar import (
    Boolean,
    Choice,
    Diagnostic,
    Integer,
    ListOf,
    Located,
    MapOf,
    Nested,
    OneOf,
    RealNumber,
    Record,
    Size,
    Tag,
    Text,
    YamlMap,
    YamlNode,
    YamlScalar,
    has_errors,
    key,
    keys,
    read_record,
    read_yaml,
)
from .device import DeviceProfile
from .dtypes import BITS
from .errors import CardFactWrong
from .model_card import ModelCard, Packages, PromptsCard
from .pair import Pair, Rehearsal
from .trained import FORMAT_VERSION, Trained

_COUNT = Integer(minimum=1, maximum=1 << 40)
_AT_LEAST_0 = RealNumber(minimum=0.0)
_TOKEN = Integer(minimum=0, maximum=1 << 32)
_NOTE = Text("a remark")
_SHA256 = re.compile(r"[0-9a-f]{64}")
_ENOUGH = 1 << 20


@dataclass(frozen=True, slots=True)
class PackagesFile(Record):
    """The packages that hold a model's GGUF file; their files, one behind the other, are that file."""

    requirements: Located[tuple[Located[str], ...]] = key(
        ListOf(Text("a package and its version"), minimum=1), doc="the packages, each with its version: `name==1.0`"
    )
    files: Located[tuple[Located[str], ...]] = key(
        ListOf(Text("a path inside a package"), minimum=1), doc="in each package the file that is wanted, in order"
    )
    bytes: Located[int] = key(_COUNT, doc="the size of the GGUF file")
    sha256: Located[str] = key(Text("a SHA-256"), doc="the SHA-256 of the GGUF file, in hexadecimal")


@dataclass(frozen=True, slots=True)
class ModelFile(Record):
    """What is known of a model without its weights."""

    kind: Located[str] = key(Choice(("model",)), default="model", doc="`model`, or `prompts` for PPD's prompts")
    name: Located[str | None] = key(Text("a name"), default=None, doc="the model's name; else the file's")
    architecture: Located[str] = key(Text("an architecture"), doc="llama, mistral, qwen2, qwen3, gemma, gemma2, gemma3")
    layers: Located[int] = key(_COUNT, doc="layers, each with attention and a feed-forward block")
    hidden_size: Located[int] = key(_COUNT, doc="the width of the residual stream")
    intermediate_size: Located[int] = key(_COUNT, doc="the width of the feed-forward blocks")
    heads: Located[int] = key(_COUNT, doc="attention heads")
    kv_heads: Located[int] = key(_COUNT, doc="heads of keys and values")
    head_dim: Located[int] = key(_COUNT, doc="the width of a head")
    vocabulary: Located[str] = key(
        Text("the name of a tokenizer family"), doc="models share a vocabulary if and only if these names are equal"
    )
    vocab_size: Located[int] = key(_COUNT, doc="rows of the embedding, padding included")
    entries: Located[int] = key(_COUNT, doc="tokens of the tokenizer; rows from here on are padding")
    tokenizer: Located[str] = key(Choice(("byte-bpe", "sentencepiece", "other")), doc="how tokens are spelled")
    positions: Located[int] = key(_COUNT, doc="the longest context, in tokens")
    tied_embeddings: Located[bool] = key(Boolean(), default=False, doc="the output matrix is the embedding")
    sliding_window: Located[int | None] = key(_COUNT, default=None, doc="how far sliding layers look back, in tokens")
    sliding_layers: Located[int] = key(
        Integer(minimum=0), default=0, doc="how many of the layers look back only so far"
    )
    dtype: Located[str] = key(Choice(tuple(BITS)), default="bfloat16", doc="the type in which the weights are kept")
    eos: Located[Any] = key(
        OneOf((_TOKEN, ListOf(_TOKEN))), default=None, doc="the token, or tokens, that end an answer"
    )
    bos: Located[int | None] = key(_TOKEN, default=None, doc="the token that begins a text")
    pad: Located[int | None] = key(_TOKEN, default=None, doc="the token that fills up a row")
    mask: Located[int | None] = key(_TOKEN, default=None, doc="the token that a PARD drafter repeats")
    chat_template: Located[bool] = key(Boolean(), default=False, doc="the tokenizer brings a chat template")
    tags: Located[str | None] = key(Choice(("pasta",)), default=None, doc="the tags that it was trained to write")
    licence: Located[str | None] = key(Text("a licence"), default=None, doc="under which the weights are given")
    fingerprint: Located[str | None] = key(
        Text("a short name of the weights"), default=None, doc="names these very weights, for what rides them"
    )
    hub: Located[str | None] = key(Text("a hub name"), default=None, doc="the name on the hub, `org/name`")
    tokenizer_hashes: Located[tuple[Located[str], ...]] = key(
        ListOf(Text("a file's kind and hash")), default=(), doc="tokenizer files that are this family's"
    )
    packages: PackagesFile | None = key(Nested(PackagesFile), default=None, doc="where the weights are, if in packages")
    base: Located[str | None] = key(
        Text("the source of a model"), default=None, doc="the model that this one is, but for an adapter"
    )
    adapter: Located[str | None] = key(
        Text("a folder"), default=None, doc="that adapter's folder, counted from the card's own"
    )
    obtain: Located[str | None] = key(Text("an instruction"), default=None, doc="how to get weights that are in none")
    note: Located[str | None] = key(_NOTE, default=None, doc="what is assumed here, and why")


@dataclass(frozen=True, slots=True)
class PromptsFile(Record):
    """What is known of PPD's trained prompt tokens."""

    kind: Located[str] = key(Choice(("prompts",)), doc="`prompts`")
    name: Located[str | None] = key(Text("a name"), default=None, doc="the prompts' name; else the file's")
    rides: Located[str] = key(Text("a model's name"), doc="the model that they were trained for")
    depth: Located[int] = key(Integer(minimum=1, maximum=8), doc="how many prompt tokens there are")
    top: Located[int] = key(Integer(minimum=1, maximum=32), doc="how many guesses each of them is read as")
    ept: Located[int] = key(Integer(minimum=1, maximum=1000), default=1, doc="embeddings for each prompt token")
    fingerprint: Located[str | None] = key(
        Text("a short name of the weights"), default=None, doc="the very weights that they were trained for"
    )
    accuracies: Located[Any] = key(
        ListOf(ListOf(RealNumber(minimum=0.0, maximum=1.0))),
        default=(),
        doc="for each prompt token, how often its guess of rank 0, 1, ... is the greedy token",
    )
    measured_on: Located[str | None] = key(
        Text("a model's name"), default=None, doc="the model on which the accuracies were measured"
    )
    hub: Located[str | None] = key(Text("a hub name"), default=None, doc="the name on the hub, `org/name`")
    obtain: Located[str | None] = key(Text("an instruction"), default=None, doc="how to get the embeddings")
    note: Located[str | None] = key(_NOTE, default=None, doc="what is assumed here, and why")


@dataclass(frozen=True, slots=True)
class DeviceFile(Record):
    """A profile of a device: what plans are compiled for."""

    about: Located[str] = key(Text("a description"), doc="which device this is")
    memory: Located[int] = key(Size(), doc="memory for weights, caches and what a pass needs")
    bandwidth: Located[float] = key(RealNumber(above=0.0), doc="reading memory, in GB/s (10^9 bytes)")
    throughput: Any = key(
        MapOf(RealNumber(above=0.0), key="|".join(BITS), key_words="a type of number", minimum=1),
        doc="matrix products in each type, in GFLOP/s (10^9 operations)",
    )
    overhead_per_layer: Located[float] = key(
        RealNumber(minimum=0.0), doc="time that a pass spends on each layer whatever its size, in microseconds"
    )
    note: Located[str | None] = key(_NOTE, default=None, doc="where these numbers are from")


@dataclass(frozen=True, slots=True)
class RehearsalFile(Record):
    """Rounds in which text is spelled anew, as somebody has rehearsed them."""

    guesses: Located[int] = key(_COUNT, doc="right guesses of the drafter in each round")
    candidates: Located[float] = key(_AT_LEAST_0, doc="tokens of the target that such guesses are, on average")
    own: Located[float] = key(
        _AT_LEAST_0, doc="of these: those in which the target itself spells the text, from the first on"
    )
    canonical: Located[float] = key(
        RealNumber(minimum=0.0, maximum=1.0), doc="how often the target's tokenizer would have cut guesses the same way"
    )
    encoded_bytes: Located[float] = key(_AT_LEAST_0, doc="bytes that a round spells in other words")
    guess_us: Located[float] = key(_AT_LEAST_0, doc="microseconds to spell a round's guesses in the target's words")
    text_us: Located[float] = key(_AT_LEAST_0, doc="microseconds to spell in the drafter's words what a round said")
    timed_on: Located[str] = key(Text("a machine"), doc="the machine whose microseconds these are")


@dataclass(frozen=True, slots=True)
class PairFile(Record):
    """What two vocabularies share, as somebody has counted it."""

    draft: Located[str] = key(Text("a vocabulary"), doc="the drafter's vocabulary")
    target: Located[str] = key(Text("a vocabulary"), doc="the target's vocabulary")
    draft_tokens: Located[int] = key(_COUNT, doc="different tokens of the drafter, by bytes, special ones left out")
    target_tokens: Located[int] = key(_COUNT, doc="different tokens of the target, by bytes, special ones left out")
    shared: Located[int] = key(Integer(minimum=0), doc="tokens that both have, by bytes")
    weighted_of_draft: Located[float | None] = key(
        RealNumber(minimum=0.0, maximum=1.0),
        default=None,
        doc="the share of a text's tokens, in the drafter's spelling, that the target has",
    )
    weighted_of_target: Located[float | None] = key(
        RealNumber(minimum=0.0, maximum=1.0),
        default=None,
        doc="the share of a text's tokens, in the target's spelling, that the drafter has",
    )
    counted_on: Located[str | None] = key(
        Text("a description of the text"), default=None, doc="the text on which the shares were counted"
    )
    rehearsed: RehearsalFile | None = key(
        Nested(RehearsalFile), default=None, doc="rounds in which text is spelled anew, rehearsed without models"
    )


@dataclass(frozen=True, slots=True)
class TrainedFile(Record):
    """What an adapter was trained on, as `specplan train` writes it beside the weights."""

    format_version: Located[int] = key(
        Integer(minimum=FORMAT_VERSION, maximum=FORMAT_VERSION), doc=f"the version of this file: {FORMAT_VERSION}"
    )
    kind: Located[str] = key(
        Choice(("pasta", "sequential")), doc="`pasta` writes tags; `sequential` learned the same answers without"
    )
    base: Located[str] = key(Text("a model's name"), doc="the model that it is put on")
    fingerprint: Located[str | None] = key(
        Text("a short name of the weights"), default=None, doc="the very weights that it was trained on"
    )
    dtype: Located[str] = key(Choice(tuple(BITS)), doc="the type in which these weights are kept")
    vocabulary: Located[str] = key(Text("the name of a tokenizer family"), doc="the base's vocabulary")
    entries: Located[int] = key(_COUNT, doc="tokens of the tokenizer, the trained words included")
    vocab_size: Located[int] = key(_COUNT, doc="rows of logits")
    tags: Located[tuple[Located[int], ...]] = key(
        ListOf(_TOKEN), default=(), doc="the ids of PASTA's six words, in the order of the language"
    )
    sha256: Located[str] = key(Text("a SHA-256"), doc="the SHA-256 of the adapter's weights, in hexadecimal")
    seed: Located[int] = key(Integer(minimum=0), doc="the seed of the training")
    command: Located[str] = key(Text("a command"), doc="what trained it")


Card = ModelCard | PromptsCard


def read_card(path: Path, shown: str) -> Card | tuple[Diagnostic, ...]:
    """The card in a YAML file, or everything that is wrong with it; `shown` is how a person knows the file."""
    node, _, trouble = read_yaml(_beginning(path), shown)
    if node is None or has_errors(trouble):
        return trouble
    if _kind(node) == "prompts":
        prompts, mistakes = read_record(node, PromptsFile)
        return _prompts_card(prompts, path.stem) if prompts is not None else mistakes
    model, mistakes = read_record(node, ModelFile)
    return _model_card(model, path) if model is not None else mistakes


def read_device(path: Path, shown: str) -> DeviceProfile | tuple[Diagnostic, ...]:
    """The profile in a YAML file, or everything that is wrong with it."""
    record, mistakes = _read(path, shown, DeviceFile)
    if record is None:
        return mistakes
    return DeviceProfile(
        name=path.stem,
        about=record.about.value,
        memory=record.memory.value,
        bandwidth=record.bandwidth.value * 1e9,
        throughput={dtype: each.value * 1e9 for dtype, each in record.throughput.items()},
        overhead_per_layer=record.overhead_per_layer.value / 1e6,
        note=record.note.value,
    )


def read_pair(path: Path, shown: str) -> Pair | tuple[Diagnostic, ...]:
    """The pair in a YAML file, or everything that is wrong with it."""
    record, mistakes = _read(path, shown, PairFile)
    if record is None:
        return mistakes
    least = min(record.draft_tokens.value, record.target_tokens.value)
    if record.shared.value > least:
        return (CardFactWrong(record.shared.span, "shared", f"one of the two has {least} tokens only"),)
    facts, rehearsed = _bare_fields(record), record.rehearsed
    if rehearsed is not None:
        if rehearsed.own.value > rehearsed.candidates.value:
            reason = f"they are some of the {rehearsed.candidates.value:g} candidates"
            return (CardFactWrong(rehearsed.own.span, "own", reason),)
        facts["rehearsed"] = Rehearsal(**_bare_fields(rehearsed))
    return Pair(**facts)


def read_trained(path: Path, shown: str) -> Trained | tuple[Diagnostic, ...]:
    """What an adapter was trained on, or everything that is wrong with the file."""
    record, mistakes = _read(path, shown, TrainedFile)
    if record is None:
        return mistakes
    facts = _bare_fields(record)
    del facts["format_version"]
    ids, count = facts["tags"], len(Tag) if facts["kind"] == "pasta" else 0
    if len(ids) != count or len({*ids}) != count or max(ids, default=0) >= facts["vocab_size"]:
        reason = f"they are {count} different tokens of {facts['vocab_size']}"
        return (CardFactWrong(record.tags.span, "tags", reason),)
    if facts["entries"] > facts["vocab_size"]:
        return (CardFactWrong(record.entries.span, "entries", f"there are {facts['vocab_size']} rows"),)
    return Trained(**facts)


def _read(path: Path, shown: str, section: type[Any]) -> tuple[Any, tuple[Diagnostic, ...]]:
    node, _, trouble = read_yaml(_beginning(path), shown)
    if node is None or has_errors(trouble):
        return None, trouble
    return read_record(node, section)


def _beginning(path: Path) -> bytes:
    """As much of a file as decides that it is too large for a card."""
    with path.open("rb") as file:
        return file.read(_ENOUGH)


def _kind(node: YamlNode) -> str | None:
    entries = node.entries if isinstance(node, YamlMap) else ()
    values = [entry.value for entry in entries if entry.key.value == "kind"]
    return values[0].value if values and isinstance(values[0], YamlScalar) else None


def _model_card(record: ModelFile, path: Path) -> ModelCard | tuple[Diagnostic, ...]:
    facts = _bare_fields(record)
    del facts["kind"]
    eos, base, adapter = facts["eos"], facts["base"], facts["adapter"]
    facts["name"] = facts["name"] or path.stem
    facts["base"] = str(path.parent / base) if base is not None and base.startswith(".") else base
    facts["adapter"] = None if adapter is None else path.parent / adapter
    facts["eos"] = () if eos is None else eos if isinstance(eos, tuple) else (eos,)
    facts["packages"] = None if record.packages is None else Packages(**_bare_fields(record.packages))
    return tuple(_model_mistakes(record, facts["eos"])) or ModelCard(**facts)


def _model_mistakes(record: ModelFile, eos: tuple[int, ...]) -> list[Diagnostic]:
    size = record.vocab_size.value
    wrong: list[Diagnostic] = []

    def check(holds: bool, name: str, reason: str) -> None:
        if not holds:
            wrong.append(CardFactWrong(getattr(record, name).span, name, reason))

    check(record.entries.value <= size, "entries", f"there are {size} rows")
    check(record.heads.value % record.kv_heads.value == 0, "kv_heads", f"heads, {record.heads.value}, is no multiple")
    check(
        record.sliding_layers.value <= record.layers.value, "sliding_layers", f"there are {record.layers.value} layers"
    )
    slides = record.sliding_layers.value > 0
    check(slides == (record.sliding_window.value is not None), "sliding_layers", "a window and its layers go together")
    check(all(token < size for token in eos), "eos", f"there are {size} rows")
    together = (record.base.value is None) == (record.adapter.value is None)
    check(together, "base" if record.adapter.value is None else "adapter", "`base` and `adapter` go together")
    if record.packages is not None:
        wrong += _package_mistakes(record.packages)
    for name in ("bos", "pad", "mask"):
        token = getattr(record, name).value
        check(token is None or token < size, name, f"there are {size} rows")
    return wrong


def _package_mistakes(record: PackagesFile) -> list[Diagnostic]:
    wrong: list[Diagnostic] = []
    packages, files = len(record.requirements.value), len(record.files.value)
    if packages != files:
        wrong.append(CardFactWrong(record.files.span, "files", f"there are {packages} packages, each with one file"))
    if not _SHA256.fullmatch(record.sha256.value):
        wrong.append(CardFactWrong(record.sha256.span, "sha256", "it is not 64 hexadecimal digits"))
    return wrong


def _prompts_card(record: PromptsFile, stem: str) -> PromptsCard | tuple[Diagnostic, ...]:
    facts = _bare_fields(record)
    del facts["kind"]
    facts["name"] = facts["name"] or stem
    rows, depth, top = facts["accuracies"], facts["depth"], facts["top"]
    reason = None
    if rows and (len(rows) != depth or any(len(row) != top for row in rows)):
        reason = f"there are not {depth} rows of {top} numbers"
    elif any(sum(row) > 1 + 1e-9 for row in rows):
        reason = "a row adds up to more than 1"
    return PromptsCard(**facts) if reason is None else (CardFactWrong(record.accuracies.span, "accuracies", reason),)


def _bare_fields(record: Record) -> dict[str, Any]:
    """The values of a record's keys without their places."""
    names = (each.name for each in keys(type(record)))
    return {name: _bare(getattr(record, name)) for name in names}


def _bare(value: Any) -> Any:
    if isinstance(value, Located):
        return _bare(value.value)
    return tuple(map(_bare, value)) if isinstance(value, tuple) else value
