"""What there is to say of a plan, as data: every renderer shows this, and none computes anything."""

from __future__ import annotations

from dataclasses import dataclass

from ..estimate import NodeCost
from ..forecast import Forecast
from ..graph import Graph


@dataclass(frozen=True, slots=True)
class Typed:
    """A value as the graph's text has it."""

    name: str
    type: str


@dataclass(frozen=True, slots=True)
class ExplainedNode:
    """One node.

    `memory` is what it sets aside, in bytes: caches that it makes, rows that await a verdict, scores and hidden states.
    `cost` is that of one run, `share` its part of a step's time; both are None where a model has no card (or, for
    `share`, where not every step runs the node). `law` says how it chooses or draws, `ranks` where it runs in a pipeline.
    """

    path: str
    node: str
    results: tuple[Typed, ...]
    by: str | None
    law: str | None
    fields: str
    ranks: str | None
    memory: int | None
    cost: NodeCost | None
    share: float | None
    regions: tuple[ExplainedRegion, ...] = ()


@dataclass(frozen=True, slots=True)
class ExplainedRegion:
    """A region: its nodes, and how often or when it runs, in words and, where that can be counted, per run of its node."""

    name: str
    parameters: tuple[Typed, ...]
    nodes: tuple[ExplainedNode, ...]
    emitted: tuple[str, ...]
    yielded: tuple[str, ...]
    when: str | None = None
    runs: float | None = None


@dataclass(frozen=True, slots=True)
class ExplainedModel:
    """A model or add-on: its bytes, None without a card. `slots` are positions of its cache per row; `adapter` is put on it."""

    name: str
    source: str
    dtype: str | None
    weights: int | None
    cache: int | None
    slots: int
    rows: int
    ranks: str | None
    adapter: str | None = None


@dataclass(frozen=True, slots=True)
class MemoryPlan:
    """All that a plan holds, against what its devices have. `rows_that_fit` counts rows of such caches, on one device."""

    models: tuple[ExplainedModel, ...]
    needed: int
    available: int
    devices: int
    rows_that_fit: int | None


@dataclass(frozen=True, slots=True)
class Explanation:
    """A plan explained. `unknown` are models without a card, whose costs nobody can estimate."""

    name: str
    law: str
    reference: str
    numerics: str
    sampling: tuple[str, ...]
    engine: str
    device: str
    about_device: str
    context: int
    unknown: tuple[str, ...]
    forecast: Forecast | None
    step_cost: NodeCost | None
    step_seconds: float | None
    threads: bool
    memory: MemoryPlan
    decisions: tuple[str, ...]
    assumptions: tuple[str, ...]
    passes: tuple[str, ...]
    graph: Graph
    start: ExplainedRegion
    step: ExplainedRegion
