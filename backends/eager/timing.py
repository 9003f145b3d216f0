"""How long a pass takes, where the model runs: by the host's clock, or by marks in the device's stream."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import torch

from ..runtime import Clock


@contextmanager
def timed(clock: Clock, device: torch.device) -> Iterator[None]:
    """What runs here is a pass of a model on that device."""
    if device.type != "cuda":
        with clock.running():
            yield
        return
    began, ended = (torch.cuda.Event(enable_timing=True) for _ in range(2))
    began.record()
    yield
    ended.record()
    clock.runs_on(lambda: _seconds(began, ended))


def _seconds(began: torch.cuda.Event, ended: torch.cuda.Event) -> float:
    ended.synchronize()
    return float(began.elapsed_time(ended)) / 1e3
