"""What a causal language model of transformers gives the answers of a batch: logits, and log-likelihoods per row."""

from __future__ import annotations

from typing import TYPE_CHECKING

from .batching import Batch
from .packing import IGNORED

if TYPE_CHECKING:
    import torch
    from torch import Tensor
    from transformers import PreTrainedModel


def logits_of(model: PreTrainedModel, batch: Batch) -> Tensor:
    """Logits `[rows, width, vocabulary]` of one pass, under the masks and at the positions of the batch; keeps gradients.

    The model's layers all attend to the whole context: sliding windows count positions, and would not see across the gaps.
    """
    import torch

    device = model.device
    logits: Tensor = model(
        input_ids=torch.from_numpy(batch.ids).to(device),
        attention_mask=attention_mask(batch, model.dtype, device),
        position_ids=torch.from_numpy(batch.positions).to(device),
        use_cache=False,
    ).logits
    return logits


def attention_mask(batch: Batch, dtype: torch.dtype, device: torch.device) -> Tensor:
    """`[rows, 1, width, width]`: 0 where a token sees another, minus infinity elsewhere."""
    import torch

    hidden = ~torch.from_numpy(batch.sees).to(device)
    return torch.zeros(hidden.shape, dtype=dtype, device=device).masked_fill_(hidden, -torch.inf)[:, None]


def losses(logits: Tensor, batch: Batch) -> Tensor:
    """Minus log p, in nats, of what each token predicts, `[rows, width]`; 0 where it predicts nothing."""
    import torch

    labels = torch.from_numpy(batch.labels).to(logits.device)
    precise = logits.to(torch.promote_types(logits.dtype, torch.float32))
    flat = torch.nn.functional.cross_entropy(
        precise.flatten(0, 1), labels.flatten(), ignore_index=IGNORED, reduction="none"
    )
    return flat.view(labels.shape)


def log_likelihoods(logits: Tensor, batch: Batch) -> Tensor:
    """The sum of log p, in nats, of all that each row predicts, `[rows]`: of an answer, where a row holds one."""
    return -losses(logits, batch).sum(dim=1)
