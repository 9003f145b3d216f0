"""What one forward pass costs on a device, from sizes alone: bytes moved, operations done, and the slower of the two.

This is the roofline model. It knows nothing of kernels; calibration replaces its seconds by measured ones, and then only
its bytes and operations are left of it.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from ..cards import DeviceProfile, ModelCard, bytes_of


@dataclass(frozen=True, slots=True)
class PassCost:
    """One pass: bytes of weights and of cache that cross the memory bus, operations, and the time that takes."""

    bytes_weights: int
    bytes_kv: int
    operations: int
    seconds: float
    bound: Literal["memory", "compute"]

    @property
    def bytes(self) -> int:
        """All bytes that the pass moves."""
        return self.bytes_weights + self.bytes_kv


def pass_cost(
    card: ModelCard,
    device: DeviceProfile,
    *,
    tokens: int,
    context: int,
    rows: int = 1,
    head_rows: int | None = None,
    dtype: str | None = None,
    layers: int | None = None,
) -> PassCost:
    """The cost of reading `tokens` tokens in each of `rows` rows that have `context` tokens in the cache.

    `head_rows` of all rows x tokens need logits (all of them unless said otherwise); `layers` is for a stage that holds
    only some. With P weights in the layers, E = vocab_size x hidden_size and n = rows x tokens:

        bytes_weights = dtype x (P + E if any row needs logits)      read once, whatever n is
        bytes_kv      = rows x (read of the context + write of the tokens), a key and a value each
        operations    = 2 P n + 2 E head_rows + 4 heads head_dim x (pairs of tokens that look at each other)
        seconds       = max(bytes / bandwidth, operations / throughput) + overhead per layer

    A tree's tokens are counted as if each saw all before it, which is at most `tokens` too many of `context`.
    """
    dtype = dtype or card.dtype
    share = (layers if layers is not None else card.layers) / card.layers
    wanted = rows * tokens if head_rows is None else head_rows
    weights = round(share * card.layers * card.layer_parameters())
    head = card.embedding_parameters() if wanted else 0
    bytes_weights = bytes_of(weights + head, dtype)
    bytes_kv = round(share * rows * (_kv_read(card, context, dtype) + tokens * card.kv_bytes_per_token(dtype)))
    pairs = tokens * card.attended(context) + card.layers * tokens * (tokens - 1) // 2
    attention = round(share * rows * 4 * card.heads * card.head_dim * pairs)
    operations = 2 * weights * rows * tokens + 2 * head * wanted + attention
    by_memory = (bytes_weights + bytes_kv) / device.bandwidth
    by_compute = operations / device.operations_per_second(dtype)
    seconds = max(by_memory, by_compute) + share * card.layers * device.overhead_per_layer
    return PassCost(bytes_weights, bytes_kv, operations, seconds, "memory" if by_memory >= by_compute else "compute")


def memory_needed(card: ModelCard, *, rows: int, capacity: int, dtype: str | None = None) -> int:
    """Bytes that a model holds: its weights and, for each row, a cache of that many positions."""
    return card.weight_bytes(dtype) + rows * capacity * card.kv_bytes_per_token(dtype)


def _kv_read(card: ModelCard, context: int, dtype: str) -> int:
    """Bytes of the keys and values that a token looks at; sliding layers read their window only."""
    if context == 0:
        return 0
    seen = card.attended(context - 1)
    return bytes_of(2 * card.kv_heads * card.head_dim * seen, dtype)
