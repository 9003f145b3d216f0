"""What of a model is trained where not all of it is: low-rank additions to its layers, and the rows of PASTA's six words."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from ..models import LoadedModel, quiet_transformers, tag_ids

if TYPE_CHECKING:
    from peft import PeftModel


@dataclass(frozen=True, slots=True)
class Lora:
    """Low-rank additions to every linear layer but the head ("LoRA", arXiv 2106.09685)."""

    rank: int = 16
    alpha: int = 32
    """The additions are scaled by alpha / rank."""
    seed: int = 0
    """Of the additions' first values, which add up to nothing."""


def with_adapter(loaded: LoadedModel, lora: Lora, *, tagged: bool = True) -> PeftModel:
    """The model of a `loaded` one, all of it frozen but the additions and, of a `tagged` one, the six rows.

    A head that is tied to the embedding has its six rows trained with it. Its `save_pretrained` writes the additions and the
    rows alone.
    """
    import torch
    from peft import LoraConfig, get_peft_model

    rows = sorted(tag_ids(loaded.tokenizer, source=loaded.source).values()) if tagged else None
    config = LoraConfig(
        r=lora.rank,
        lora_alpha=lora.alpha,
        target_modules="all-linear",
        trainable_token_indices=rows,
        task_type="CAUSAL_LM",
    )
    with torch.random.fork_rng(), quiet_transformers():
        torch.manual_seed(lora.seed)
        return get_peft_model(loaded.model, config)
