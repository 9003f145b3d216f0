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

    rank: int = 8
    alpha: int = 16
    """The additions are scaled by alpha / rank."""
    seed: int = 0
    """Of the additions' first values, which add up to nothing."""


def with_adapter(loaded: LoadedModel, lora: Lora, *, tagged: bool = True) -> PeftModel:
    """The model of a `loaded` one, all of it frozen but the additions and, of a `tagged` one, the six rows.

    The rows are those of the embedding and of the head, which may be one table. What peft saves of it by itself holds the
    whole embedding, too; `write_adapter` leaves that out.
    """
    import torch
    from peft import LoraConfig, get_peft_model

    config = LoraConfig(
        r=lora.rank,
        lora_alpha=lora.alpha,
        target_modules="all-linear",
        trainable_token_indices=_rows(loaded) if tagged else None,
        task_type="CAUSAL_LM",
    )
    with torch.random.fork_rng(), quiet_transformers():
        torch.manual_seed(lora.seed)
        return get_peft_model(loaded.model, config)


def _rows(loaded: LoadedModel) -> dict[str, list[int]]:
    """The six rows by the names of their tables; peft trains those of a tied head with the embedding's."""
    rows = sorted(tag_ids(loaded.tokenizer, source=loaded.source).values())
    embedding, head = loaded.model.get_input_embeddings(), loaded.model.get_output_embeddings()
    tables = [embedding] if head.weight is embedding.weight else [embedding, head]
    names = {id(module): name.rpartition(".")[2] for name, module in loaded.model.named_modules()}
    return {names[id(table)]: rows for table in tables}
