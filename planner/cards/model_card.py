"""What is known of a model without its weights: shape, vocabulary, special tokens; and the arithmetic that follows.

Counts follow the decoder-only transformer with grouped queries and a gated feed-forward block of three matrices (llama,
mistral, qwen2, qwen3, gemma to gemma3). What an architecture adds to that is in `TRAITS`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Literal

from ...grammar import Tag
from .dtypes import bytes_of


@dataclass(frozen=True, slots=True)
class Traits:
    """What an architecture has beside the common matrices."""

    qkv_bias: bool = False
    qk_norm: bool = False
    norms_per_layer: int = 2


TRAITS: Mapping[str, Traits] = {
    "llama": Traits(),
    "mistral": Traits(),
    "qwen2": Traits(qkv_bias=True),
    "qwen3": Traits(qk_norm=True),
    "gemma": Traits(),
    "gemma2": Traits(norms_per_layer=4),
    "gemma3": Traits(qk_norm=True, norms_per_layer=4),
}

TokenizerKind = Literal["byte-bpe", "sentencepiece", "other", "none"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Packages:
    """Where the weights of a packaged model are: the files of these packages, one behind the other, are a GGUF file."""

    requirements: tuple[str, ...]
    files: tuple[str, ...]
    bytes: int
    sha256: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelCard:
    """A model as far as a compiler must know it.

    `vocabulary` names the tokenizer's family: two models share a vocabulary if and only if these names are equal.
    `vocab_size` counts rows of logits, of which the first `entries` are tokens; the rest is padding. `sliding_layers` of
    the layers see the last `sliding_window` tokens only. `mask` is the token that a PARD drafter repeats, and `tags` says
    whether the tokenizer has PASTA's six tokens. `fingerprint` is a short name of these very weights, for add-ons that
    ride them. A model with a `base` is that model with the adapter in the folder `adapter` put on. `obtain` says how a person
    gets weights that no package holds; `note` says what on the card is assumed.
    """

    name: str
    architecture: str
    layers: int
    hidden_size: int
    intermediate_size: int
    heads: int
    kv_heads: int
    head_dim: int
    vocabulary: str
    vocab_size: int
    entries: int
    tokenizer: TokenizerKind
    positions: int
    tied_embeddings: bool = False
    sliding_window: int | None = None
    sliding_layers: int = 0
    dtype: str = "bfloat16"
    eos: tuple[int, ...] = ()
    bos: int | None = None
    pad: int | None = None
    mask: int | None = None
    chat_template: bool = False
    tags: Literal["pasta"] | None = None
    licence: str | None = None
    fingerprint: str | None = None
    hub: str | None = None
    tokenizer_hashes: tuple[str, ...] = ()
    packages: Packages | None = None
    base: str | None = None
    adapter: Path | None = None
    obtain: str | None = None
    note: str | None = None

    def with_tags(self, entries: int | None = None) -> ModelCard:
        """The same model with PASTA's six words behind its tokens, in place of padding as far as there is any.

        `entries` is how many tokens it then has, where somebody has counted them.
        """
        if self.tags is not None:
            return self
        entries = entries or self.entries + len(Tag)
        size = max(self.vocab_size, entries)
        return replace(self, vocabulary=f"{self.vocabulary}-pasta", entries=entries, vocab_size=size, tags="pasta")

    def layer_parameters(self) -> int:
        """Weights of one layer: the four attention matrices, the three of the feed-forward block, norms and biases."""
        traits = TRAITS.get(self.architecture, Traits())
        query, key_value = self.heads * self.head_dim, self.kv_heads * self.head_dim
        matrices = self.hidden_size * (2 * query + 2 * key_value) + 3 * self.hidden_size * self.intermediate_size
        biases = query + 2 * key_value if traits.qkv_bias else 0
        norms = traits.norms_per_layer * self.hidden_size + (2 * self.head_dim if traits.qk_norm else 0)
        return matrices + biases + norms

    def embedding_parameters(self) -> int:
        """Weights of the embedding, and as many of the output matrix where that is another."""
        return self.vocab_size * self.hidden_size

    def parameters(self) -> int:
        """All weights: embedding, layers, the last norm, and the output matrix unless it is the embedding."""
        matrices = 1 if self.tied_embeddings else 2
        return matrices * self.embedding_parameters() + self.layers * self.layer_parameters() + self.hidden_size

    def weight_bytes(self, dtype: str | None = None) -> int:
        """The memory that the weights take in that dtype; without one, in the card's own."""
        return bytes_of(self.parameters(), dtype or self.dtype)

    def kv_bytes_per_token(self, dtype: str | None = None) -> int:
        """A key and a value in every layer. Caches here are as long in sliding layers as in the others."""
        return bytes_of(2 * self.layers * self.kv_heads * self.head_dim, dtype or self.dtype)

    def attended(self, context: int) -> int:
        """Tokens that one new token looks at behind `context` tokens, itself included, summed over the layers."""
        full = self.layers - self.sliding_layers
        window = min(context + 1, self.sliding_window or context + 1)
        return full * (context + 1) + self.sliding_layers * window

    def flops_per_token(self, context: int, *, with_head: bool = True) -> int:
        """Floating-point operations for one more token behind `context` tokens.

        Two for every weight of the layers, two for every weight of the output matrix if this row's logits are wanted,
        and 4 x heads x head_dim for every token looked at in every layer (scores, then the weighted sum of values).
        """
        matrices = self.layers * self.layer_parameters() + (self.embedding_parameters() if with_head else 0)
        return 2 * matrices + 4 * self.heads * self.head_dim * self.attended(context)


@dataclass(frozen=True, slots=True, kw_only=True)
class PromptsCard:
    """PPD's trained prompt tokens: an add-on that rides one model.

    `rides` is that model's name; where `fingerprint` is there, the model's must be equal. There are `depth` prompt tokens
    of `ept` embeddings each, read as their `top` likeliest guesses. `accuracies[k][r]` is how often the greedy token k+1
    places behind the next one is the guess of rank r, shape [depth, top], measured on the model `measured_on`: one that is
    not `rides` is a stand-in until somebody measures.
    """

    name: str
    rides: str
    depth: int
    top: int
    ept: int = 1
    fingerprint: str | None = None
    accuracies: tuple[tuple[float, ...], ...] = ()
    measured_on: str | None = None
    hub: str | None = None
    obtain: str | None = None
    note: str | None = None

    @property
    def assumed(self) -> bool:
        """Whether the accuracies were measured on another model, or on none."""
        return self.measured_on != self.rides

    def fits(self, model: ModelCard) -> bool:
        """Whether these prompts were trained for those weights."""
        if self.fingerprint is not None and model.fingerprint is not None:
            return self.fingerprint == model.fingerprint
        return self.rides in (model.name, model.hub)

    def parameters(self, model: ModelCard) -> int:
        """Weights that the prompts add to their model."""
        return self.depth * self.ept * model.hidden_size
