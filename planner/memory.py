"""How much memory a graph needs: the weights of its models and every cache at its largest."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from .cards import ModelCard, PromptsCard
from .graph import Graph, Kv, Model, Prompts


@dataclass(frozen=True, slots=True)
class ModelMemory:
    """Bytes of one model: its weights, and its cache of so many slots (positions and rows that await a verdict)."""

    model: str
    weights: int
    slots: int
    rows: int
    cache: int

    @property
    def needed(self) -> int:
        """All of it."""
        return self.weights + self.cache

    def __str__(self) -> str:
        return f"{self.model}: {shown_bytes(self.weights)} of weights, {shown_bytes(self.cache)} of cache"


def memory_of(
    graph: Graph, cards: Mapping[str, ModelCard], prompts: Mapping[str, PromptsCard]
) -> tuple[ModelMemory, ...]:
    """What each model with a card takes. A cache is planned for the most slots that any type in the graph gives it."""
    slots: dict[str, tuple[int, int]] = {}
    for kv in _caches(graph):
        most, rows = slots.get(kv.model, (0, 1))
        slots[kv.model] = max(most, kv.slots), max(rows, kv.rows)
    found = []
    for model in graph.all(Model):
        card = cards.get(model.name)
        if card is None:
            continue
        count, rows = slots.get(model.name, (0, 1))
        cache = rows * count * card.kv_bytes_per_token(computed_dtype(model.dtype))
        found.append(ModelMemory(model.name, card.weight_bytes(model.dtype), count, rows, cache))
    for rider in graph.all(Prompts):
        card_ = prompts.get(rider.name)
        if card_ is not None and rider.rides in cards:
            held = card_.parameters(cards[rider.rides]) * 2
            found.append(ModelMemory(rider.name, held, 0, 1, 0))
    return tuple(found)


def computed_dtype(dtype: str) -> str:
    """The type that a model computes in, and that its cache is kept in; quantized weights are computed in 16 bits."""
    return dtype if dtype in ("float32", "float16", "bfloat16", "float64") else "bfloat16"


def _caches(graph: Graph) -> list[Kv]:
    values = [value for region in graph.regions() for value in region.parameters]
    values += [value for node in graph.nodes() for value in node.results]
    return [value.type for value in values if isinstance(value.type, Kv)]


def shown_bytes(count: float) -> str:
    """A number of bytes as people read it.

    >>> shown_bytes(3 * 2**30), shown_bytes(1536), shown_bytes(12)
    ('3.0 GiB', '1.5 KiB', '12 B')
    """
    for unit, size in (("GiB", 2**30), ("MiB", 2**20), ("KiB", 2**10)):
        if count >= size:
            return f"{count / size:.1f} {unit}"
    return f"{count:.0f} B"
