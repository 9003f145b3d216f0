"""A plan that was checked: every name resolved, every `auto` decided, every model known by its card."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from ..grammar import Located, Span
from .cards import DeviceProfile, ModelCard, Pair, PromptsCard
from .strategy import Decoder


@dataclass(frozen=True, slots=True)
class CheckedModel:
    """A model of the plan: its card, and what the plan says of it."""

    name: str
    source: str
    card: ModelCard
    dtype: str
    mask: int | None
    positions: int
    tagged: bool
    span: Span
    adapter: str | None = None
    device: str | None = None
    chat_template: str | None = None


@dataclass(frozen=True, slots=True)
class CheckedPrompts:
    """Prompt tokens of the plan, and the model of the plan that they ride."""

    name: str
    source: str
    card: PromptsCard
    rides: str
    span: Span


@dataclass(frozen=True, slots=True)
class Ending:
    """When a row ends."""

    max_new_tokens: int
    strings: tuple[str, ...]
    token_ids: tuple[int, ...]
    ignore_eos: bool


@dataclass(frozen=True, slots=True)
class Temper:
    """The target's law of sampling."""

    temperature: float
    top_k: int | None
    top_p: float | None
    min_p: float | None
    seed: int


@dataclass(frozen=True, slots=True)
class Guard:
    """When speculation is withdrawn from a row."""

    min_speedup: float
    window: int


@dataclass(frozen=True, slots=True)
class Places:
    """Where a plan says what is only known to fit once there is a graph."""

    context: Span
    memory: Span
    decode: Span
    ranks: Located[int | None]


@dataclass(frozen=True, slots=True)
class CheckedPlan:
    """Everything that lowering needs; nothing in it can be refused any more."""

    name: str
    decoder: Decoder
    models: Mapping[str, CheckedModel]
    prompts: Mapping[str, CheckedPrompts]
    sampling: Temper
    ending: Ending
    context: int
    batch: int
    template: str
    system: str | None
    guard: Guard | None
    engine: str
    device: str
    profile: DeviceProfile
    memory: int
    places: Places
    pair: Pair | None = None

    @property
    def longest_prompt(self) -> int:
        """Tokens that a prompt may have so that the answer still fits the context."""
        return self.context - self.ending.max_new_tokens
