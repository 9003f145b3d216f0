"""What plans refer to and has to be trained first: data, what a model learns from it, and how well it then does."""

from .batching import Batch, batch, fill_rows
from .likelihood import attention_mask, log_likelihoods, logits_of, losses
from .packing import IGNORED, Packed, pack

__all__ = [
    "IGNORED",
    "Batch",
    "Packed",
    "attention_mask",
    "batch",
    "fill_rows",
    "log_likelihoods",
    "logits_of",
    "losses",
    "pack",
]
