"""Under which circumstances something was measured: a figure means nothing without them."""

from __future__ import annotations

import platform
from contextlib import suppress
from dataclasses import dataclass
from importlib import metadata
from pathlib import Path

from ...planner import CompiledPlan
from ...planner.graph import Accept, Graph, Model, Sampling, Stop
from ..models import torch_device
from .cases import rows_of

LIBRARIES = ("torch", "transformers")


@dataclass(frozen=True, slots=True)
class Setting:
    """The plan, how it was measured, and on what."""

    plan: str
    engine: str
    device: str
    hardware: str
    threads: int | None
    target: str
    dtype: str
    greedy: bool
    batch: int
    max_new_tokens: int
    repeats: int
    warmup: int
    versions: dict[str, str]
    command: str | None = None


def setting_of(plan: CompiledPlan, *, repeats: int, warmup: int, command: str | None = None) -> Setting:
    """The circumstances, as they are now."""
    graph = plan.graph
    nodes = graph.step.nodes
    return Setting(
        plan=plan.name,
        engine=plan.engine,
        device=plan.device,
        hardware=_hardware(plan),
        threads=_threads(plan),
        target=_name(graph.target),
        dtype=graph.target.dtype,
        greedy=is_greedy(graph),
        batch=rows_of(graph),
        max_new_tokens=next(each.max_new_tokens for each in nodes if isinstance(each, Stop)),
        repeats=repeats,
        warmup=warmup,
        versions={"python": platform.python_version(), **_versions()},
        command=command,
    )


def _name(model: Model) -> str:
    return model.source if model.adapter is None else f"{model.source} with {model.adapter}"


def is_greedy(graph: Graph) -> bool:
    """Does a graph take the likeliest token each time?"""
    accepting = (each for each in graph.step.nodes if isinstance(each, Accept))
    return graph.named(next(accepting).sampling, Sampling).temperature == 0


def _versions() -> dict[str, str]:
    found = {}
    for name in LIBRARIES:
        with suppress(metadata.PackageNotFoundError):
            found[name] = metadata.version(name)
    return found


def _threads(plan: CompiledPlan) -> int | None:
    """The threads of a product of matrices; None where no torch multiplies any."""
    if plan.engine == "reference":
        return None
    import torch

    return int(torch.get_num_threads())


def _hardware(plan: CompiledPlan) -> str:
    """The name of the GPU that the plan ran on, or of the processor."""
    if plan.engine != "reference":
        import torch

        place = torch_device(plan.device)
        if place.startswith("cuda") or (place == "auto" and torch.cuda.is_available()):
            return str(torch.cuda.get_device_name())
    return processor()


def processor() -> str:
    """The name of this machine's processor, as Linux names it; elsewhere, as Python does."""
    with suppress(OSError):
        for line in Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines():
            if line.startswith("model name"):
                return line.partition(":")[2].strip()
    return platform.processor() or platform.machine()
