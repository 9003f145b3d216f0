"""A GGUF file's header, read into a card."""

from __future__ import annotations

from pathlib import Path

from ...grammar import Diagnostic, Span
from .config_json import report
from .errors import CannotReadModelFile, GgufHeaderDamaged, ModelFactsMissing, NotAGgufFile, NotThisKindOfModel
from .facts import Facts
from .gguf_header import GgufDamaged, GgufHeader, NotGguf, read_gguf_header
from .model_card import ModelCard, TokenizerKind

_KINDS: dict[object, TokenizerKind] = {"gpt2": "byte-bpe", "llama": "sentencepiece"}
_FULL_EVERY = {"gemma2": 2, "gemma3": 6}  # in these, every n-th layer sees all; the files do not say it
_END_KEYS = ("tokenizer.ggml.eos_token_id", "tokenizer.ggml.eot_token_id", "tokenizer.ggml.eom_token_id")


def read_gguf(path: Path, shown: str, span: Span | None) -> ModelCard | Diagnostic:
    """The card that a header amounts to, or what is wrong with it; `shown` is the path as the plan has it."""
    try:
        header = read_gguf_header(path)
    except OSError as error:
        return CannotReadModelFile(span, shown, error.strerror or str(error))
    except NotGguf:
        return NotAGgufFile(span, shown)
    except GgufDamaged as error:
        return GgufHeaderDamaged(span, shown, str(error))
    return _card(header, shown, span)


def _card(header: GgufHeader, shown: str, span: Span | None) -> ModelCard | Diagnostic:
    facts = Facts(_flat(header))
    architecture = facts.word("general.architecture")
    embedding = header.shapes.get("token_embd.weight", ())
    if architecture is None or header.tokens is None or len(embedding) != 2:
        lacking = ("general.architecture", "tokenizer.ggml.tokens", "token_embd.weight")
        there = (architecture is not None, header.tokens is not None, len(embedding) == 2)
        keys = tuple(key for key, found in zip(lacking, there, strict=True) if not found)
        return ModelFactsMissing(span, shown, keys)
    if facts.count(f"{architecture}.expert_count", 1) > 1:
        return NotThisKindOfModel(span, shown, "a mixture of experts")
    if f"{architecture}.ssm.state_size" in header.values:
        return NotThisKindOfModel(span, shown, "a model with recurrent layers")
    size = max(1, embedding[1])
    layers, heads = facts.count(f"{architecture}.block_count"), facts.count(f"{architecture}.attention.head_count")
    hidden = facts.count(f"{architecture}.embedding_length")
    if f"{architecture}.attention.head_count_kv" in header.values:  # else it differs from layer to layer
        facts.divides(f"{architecture}.attention.head_count_kv", f"{architecture}.attention.head_count")
    if embedding[0] != hidden:
        facts.wrong.append(("token_embd.weight", f"it is {embedding[0]} wide, and the model {hidden}"))
    window = header.values.get(f"{architecture}.attention.sliding_window")
    every = _FULL_EVERY.get(architecture)
    digest = header.tokens.digest[:16]
    card = ModelCard(
        name=Path(shown).stem,
        architecture=architecture,
        layers=layers,
        hidden_size=hidden,
        intermediate_size=facts.count(f"{architecture}.feed_forward_length"),
        heads=heads,
        kv_heads=facts.count(f"{architecture}.attention.head_count_kv", heads),
        head_dim=facts.count(f"{architecture}.attention.key_length", max(1, hidden // heads)),
        vocabulary=f"tokenizer-{digest[:8]}",
        vocab_size=size,
        entries=max(1, min(size, header.tokens.count - header.padding_tokens)),
        tokenizer=_KINDS.get(header.values.get("tokenizer.ggml.model"), "other"),
        positions=facts.count(f"{architecture}.context_length"),
        tied_embeddings="output.weight" not in header.shapes,
        sliding_window=facts.count(f"{architecture}.attention.sliding_window") if window else None,
        sliding_layers=(layers - layers // every if every else layers) if window else 0,
        eos=tuple(dict.fromkeys(token for key in _END_KEYS for token in facts.tokens(key, size))),
        bos=facts.token("tokenizer.ggml.bos_token_id", size),
        pad=facts.token("tokenizer.ggml.padding_token_id", size),
        chat_template="tokenizer.chat_template" in header.values,
        tags="pasta" if header.tokens.has_pasta else None,
        licence=facts.word("general.license"),
        fingerprint=f"gguf:{header.digest[:16]}",
        tokenizer_hashes=(f"gguf:{digest}",),
    )
    return report(facts, shown, span) or card


def _flat(header: GgufHeader) -> dict[str, object]:
    """One value a key: of counts given layer by layer the largest, which is what memory must be planned for."""
    per_layer = {key: max(values) for key, values in header.arrays.items()}
    return {**dict.fromkeys(header.unread, _Unread()), **per_layer, **header.values}


class _Unread:
    """What stands for a list of texts, or a very long one, where a fact is wanted."""

    def __repr__(self) -> str:
        return "such a list"
