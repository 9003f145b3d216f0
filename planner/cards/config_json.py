"""A model's folder in the Hugging Face format, read into a card: config.json, and what is cheap of its tokenizer."""

from __future__ import annotations

import json
from collections.abc import Mapping
from hashlib import sha256
from pathlib import Path
from typing import Any

from ...grammar import Diagnostic, Span
from .errors import (
    BrokenConfig,
    CannotReadModelFile,
    ModelFactsMissing,
    ModelFactWrong,
    NotAModelPath,
    NotThisKindOfModel,
)
from .facts import Facts
from .gguf_header import PASTA_TOKENS
from .json_text import parse_object
from .model_card import ModelCard, TokenizerKind

_LARGEST_CONFIG, _LARGEST_TOKENIZER = 4 << 20, 256 << 20
_SURELY_TOKENS = 1 << 20
"""Bytes of a tokenizer's file that is not without tokens."""
_SAME = {"gemma3_text": "gemma3"}
_DTYPES = ("float32", "float16", "bfloat16", "float64")
# Where drafters trained to guess in parallel keep the token that stands for "guess here", in the order of preference.
_MASK_KEYS = ("pard_token", "ptd_token_id", "mask_token_id")
_OF_BOTH = ("dtype", "torch_dtype", "quantization_config")
_RECURRENT = ("ssm_cfg", "state_size", "mamba_d_state", "linear_num_value_heads", "rwkv_version")
_EXPERTS = ("num_local_experts", "num_experts", "n_routed_experts")


def read_config_folder(folder: Path, shown: str, span: Span | None) -> ModelCard | Diagnostic:
    """The card that a folder's files amount to, or what is wrong with them; `shown` is the path as the plan has it."""
    path = folder / "config.json"
    name = f"{shown.rstrip('/')}/config.json"
    if not path.is_file():
        return NotAModelPath(span, shown, "a folder without a `config.json`")
    try:
        raw = _read(path, _LARGEST_CONFIG)
        config = _parse(raw)
        tokenizer = _TokenizerFiles.read(folder)
    except OSError as error:
        return CannotReadModelFile(span, name, error.strerror or str(error))
    except _TooLarge as error:
        return CannotReadModelFile(span, f"{shown.rstrip('/')}/{error}", "it is far too large for such a file")
    except ValueError as error:
        return BrokenConfig(span, name, str(error))
    return _card(config, tokenizer, shown, name, span, _fingerprint(folder, raw))


def _card(
    config: Mapping[str, Any], tokenizer: _TokenizerFiles, shown: str, name: str, span: Span | None, fingerprint: str
) -> ModelCard | Diagnostic:
    kind = _other_kind(config)
    if kind is not None:
        return NotThisKindOfModel(span, shown, kind)
    facts = Facts(config)
    layers, heads = facts.count("num_hidden_layers"), facts.count("num_attention_heads")
    hidden, size = facts.count("hidden_size"), facts.count("vocab_size")
    facts.divides("num_key_value_heads", "num_attention_heads")
    if "head_dim" not in config:
        facts.divides("num_attention_heads", "hidden_size")
    model_type = facts.word("model_type") or "llama"
    window, sliding = _window(facts, layers)
    card = ModelCard(
        name=Path(shown).name or shown,
        architecture=_SAME.get(model_type, model_type),
        layers=layers,
        hidden_size=hidden,
        intermediate_size=facts.count("intermediate_size"),
        heads=heads,
        kv_heads=facts.count("num_key_value_heads", heads),
        head_dim=facts.count("head_dim", max(1, hidden // heads)),
        # Folders without a tokenizer's files share none that we could know of.
        vocabulary=tokenizer.vocabulary or f"unknown-{fingerprint.partition(':')[2][:8]}",
        vocab_size=size,
        entries=size,
        tokenizer=tokenizer.kind,
        positions=facts.count("max_position_embeddings"),
        # Transformers' default, except that the Gemma family ties.
        tied_embeddings=facts.flag("tie_word_embeddings", model_type.startswith("gemma")),
        sliding_window=window,
        sliding_layers=sliding,
        dtype=_dtype(facts),
        eos=facts.tokens("eos_token_id", size),
        bos=facts.token("bos_token_id", size),
        pad=_padding(config, size),
        mask=next((facts.token(key, size) for key in _MASK_KEYS if config.get(key) is not None), None),
        chat_template=tokenizer.chat_template,
        tags="pasta" if tokenizer.has_pasta else None,
        fingerprint=fingerprint,
        tokenizer_hashes=() if tokenizer.digest is None else (tokenizer.digest,),
    )
    return report(facts, name, span) or card


def report(facts: Facts, name: str, span: Span | None) -> Diagnostic | None:
    """The first thing that a file lacks or has wrong."""
    if facts.missing:
        return ModelFactsMissing(span, name, tuple(dict.fromkeys(facts.missing)))
    if facts.wrong:
        key, reason = facts.wrong[0]
        return ModelFactWrong(span, name, key, reason)
    return None


def _other_kind(config: Mapping[str, Any]) -> str | None:
    if config.get("is_encoder_decoder") is True:
        return "an encoder with a decoder"
    if any(isinstance(config.get(key), int) and config[key] > 1 for key in _EXPERTS):
        return "a mixture of experts"
    if any(key in config for key in _RECURRENT):
        return "a model with recurrent layers"
    quantized = config.get("quantization_config")
    if quantized is not None:
        method = quantized.get("quant_method") if isinstance(quantized, dict) else None
        return f"a model with quantized weights{f' ({method})' if isinstance(method, str) else ''}"
    return None


def _dtype(facts: Facts) -> str:
    """The type of the weights; bfloat16 where nobody says it."""
    key = "dtype" if facts.values.get("dtype") else "torch_dtype"
    dtype = facts.values.get(key)
    if dtype in (None, "auto"):
        return "bfloat16"
    if dtype not in _DTYPES:
        facts.wrong.append((key, f"the weights can be read as {', '.join(_DTYPES)}"))
        return "bfloat16"
    return str(dtype)


def _window(facts: Facts, layers: int) -> tuple[int | None, int]:
    """The sliding window and how many layers have it."""
    config = facts.values
    if config.get("sliding_window") is None or config.get("use_sliding_window") is False:
        return None, 0
    window = facts.count("sliding_window")
    types = config.get("layer_types")
    if isinstance(types, list):
        sliding = sum(each == "sliding_attention" for each in types)
        return (window, sliding) if sliding else (None, 0)
    every = config.get("sliding_window_pattern", config.get("_sliding_window_pattern"))
    if isinstance(every, int) and every > 0:  # every n-th layer sees all
        return window, layers - layers // every
    return window, layers


def _padding(config: Mapping[str, Any], size: int) -> int | None:
    """The padding token; older configurations write -1 for none."""
    pad = config.get("pad_token_id")
    return pad if isinstance(pad, int) and not isinstance(pad, bool) and 0 <= pad < size else None


def _parse(raw: bytes) -> Mapping[str, Any]:
    config = parse_object(raw)
    inner = config.get("text_config")  # models that also see pictures keep the decoder in here
    if not isinstance(inner, dict) or "num_hidden_layers" in config:
        return config
    return {key: config[key] for key in _OF_BOTH if key in config} | inner


class _TooLarge(Exception):
    """The name of a file that cannot be what its name says."""


def _read(path: Path, largest: int) -> bytes:
    if path.stat().st_size > largest:
        raise _TooLarge(path.name)
    return path.read_bytes()


def _fingerprint(folder: Path, config: bytes) -> str:
    """Which weights these are, as far as names, sizes and the configuration tell without reading gigabytes."""
    digest = sha256(config)
    for path in sorted(folder.glob("*.safetensors")):
        digest.update(f"{path.name}:{path.stat().st_size}\n".encode())
    return f"folder:{digest.hexdigest()[:16]}"


def _has_tokens(raw: bytes) -> bool:
    """Whether a tokenizer's JSON names a token; one of megabytes does, if it is whole."""
    if len(raw) > _SURELY_TOKENS:
        return raw.rstrip().endswith(b"}")
    try:
        described = json.loads(raw)
        return bool(described["model"].get("vocab") or described.get("added_tokens"))
    except (ValueError, LookupError, TypeError, AttributeError):
        return False


class _TokenizerFiles:
    """What a folder's tokenizer files say without being understood in full."""

    __slots__ = ("chat_template", "digest", "has_pasta", "kind")

    def __init__(self, digest: str | None, kind: TokenizerKind, chat_template: bool, has_pasta: bool) -> None:
        self.digest = digest
        self.kind = kind
        self.chat_template = chat_template
        self.has_pasta = has_pasta

    @property
    def vocabulary(self) -> str | None:
        """A name of our own making, until a card with that hash gives the family's; None without a file to name."""
        return None if self.digest is None else f"tokenizer-{self.digest.partition(':')[2][:8]}"

    @classmethod
    def read(cls, folder: Path) -> _TokenizerFiles:
        settings = folder / "tokenizer_config.json"
        described = _read(settings, _LARGEST_TOKENIZER) if settings.is_file() else b""
        template = (folder / "chat_template.jinja").is_file() or b'"chat_template"' in described
        # tokenizer.json holds megabytes: it is hashed and searched, and parsed by nobody here.
        for name in ("tokenizer.json", "tokenizer.model"):
            if (folder / name).is_file():
                raw = _read(folder / name, _LARGEST_TOKENIZER)
                if name == "tokenizer.json" and not _has_tokens(raw):
                    break
                kind: TokenizerKind = "byte-bpe" if b'"ByteLevel"' in raw else "sentencepiece"
                pasta = all(json.dumps(each.decode()).encode() in raw for each in PASTA_TOKENS)
                return cls(f"{name}:{sha256(raw).hexdigest()[:16]}", kind, template, pasta)
        return cls(None, "none", template, has_pasta=False)
