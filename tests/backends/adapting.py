"""Tiny models whose words are bytes, and adapters for them with numbers that change what they say."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from specplan.backends.models import LoadedModel, add_tags, load_model
from specplan.backends.training import Lora, with_adapter
from specplan.backends.training.artifact import write_adapter

COMMAND = "specplan train pasta -o my-pasta"
SHAPE = {
    "hidden_size": 32,
    "intermediate_size": 48,
    "num_hidden_layers": 2,
    "num_attention_heads": 4,
    "num_key_value_heads": 2,
    "max_position_embeddings": 512,
}


def write_base(folder: Path, *, tied: bool = True, padding: int = 0, tokenizer: Any = None, **changes: Any) -> Path:
    """A Llama of two layers, with a token for each byte and one that ends a text unless it has another tokenizer."""
    import torch
    from transformers import LlamaConfig, LlamaForCausalLM

    tokenizer = tokenizer or byte_tokenizer()
    end = tokenizer.eos_token_id
    facts = {"vocab_size": len(tokenizer) + padding, "tie_word_embeddings": tied, "eos_token_id": end}
    torch.manual_seed(1)
    model = LlamaForCausalLM(LlamaConfig(**{**SHAPE, **facts, **changes}))
    for name, weight in model.named_parameters():
        if weight.ndim == 2:
            torch.nn.init.normal_(weight, 0, 0.5 if "embed" in name or "lm_head" in name else 0.15)
    model.save_pretrained(folder)
    tokenizer.save_pretrained(folder)
    return folder


def byte_tokenizer() -> Any:
    """Words that are bytes, and an end."""
    from tokenizers import Tokenizer, decoders, models, pre_tokenizers
    from transformers import PreTrainedTokenizerFast

    alphabet = sorted(pre_tokenizers.ByteLevel.alphabet())
    backend = Tokenizer(models.BPE(vocab={each: place for place, each in enumerate(alphabet)}, merges=[]))
    backend.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False)
    backend.decoder = decoders.ByteLevel()
    return PreTrainedTokenizerFast(tokenizer_object=backend, eos_token="<|im_end|>")


def adapted_by_peft(base: Path, *, rank: int = 4, seed: int = 5, tagged: bool = True) -> tuple[Any, LoadedModel]:
    """What peft makes of a base: every number of the additions and rows is random, as after long training."""
    import torch

    loaded = load_model(str(base))
    loaded = add_tags(loaded) if tagged else loaded
    model = with_adapter(loaded, Lora(rank=rank, alpha=2 * rank, seed=seed), tagged=tagged)
    torch.manual_seed(seed)
    with torch.no_grad():
        for name, weight in model.named_parameters():
            if weight.requires_grad:
                weight.normal_(0, 0.5 if "token_adapter" in name else 0.1)
                weight.copy_(weight.half().float())  # so that nothing is rounded where it is kept
    return model, loaded


def write_tiny_adapter(folder: Path, base: Path, **facts: Any) -> Any:
    """Write a random adapter for a base; peft's model is returned."""
    tagged = facts.get("tagged", True)
    model, loaded = adapted_by_peft(base, **facts)
    kind: Any = "pasta" if tagged else "sequential"
    write_adapter(folder, model, loaded, kind=kind, seed=facts.get("seed", 5), command=COMMAND)
    return model
