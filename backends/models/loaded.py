"""A model that is ready to decode: its weights, its tokenizer, and what loading found out about them."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from ...grammar import Diagnostic

if TYPE_CHECKING:
    import torch
    from transformers import PreTrainedConfig, PreTrainedModel, PreTrainedTokenizerBase


@dataclass(frozen=True, slots=True)
class LoadedModel:
    """A model that is ready to decode.

    `source` is what the plan wrote and `folder` where its files are. `vocab_size` counts the columns of the logits,
    which may be more than the tokenizer's tokens; `context` is the most positions that the model was made for;
    `eos_ids` are the tokens that end an answer; `notes` is what the checkpoint suggests and is not done.
    """

    source: str
    folder: Path
    model: PreTrainedModel
    tokenizer: PreTrainedTokenizerBase
    device: torch.device
    dtype: torch.dtype
    vocab_size: int
    context: int | None
    eos_ids: tuple[int, ...]
    notes: tuple[Diagnostic, ...]

    @property
    def config(self) -> PreTrainedConfig:
        """The configuration of the text decoder: layers, heads, `layer_types`, `sliding_window`."""
        return self.model.config.get_text_config(decoder=True)
