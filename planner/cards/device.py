"""What is known of a device: memory, and how fast it reads and multiplies."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

# Where a device has no number for a type, it computes in one of these: weights are unpacked on the way.
_INSTEAD = {
    "int4": ("bfloat16", "float16", "float32"),
    "int8": ("bfloat16", "float16", "float32"),
    "float16": ("bfloat16", "float32"),
    "bfloat16": ("float16", "float32"),
    "float32": (),
    "float64": (),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class DeviceProfile:
    """A profile. `memory` in bytes, `bandwidth` in bytes/s, `throughput` in operations/s by type, overhead in seconds."""

    name: str
    about: str
    memory: int
    bandwidth: float
    throughput: Mapping[str, float]
    overhead_per_layer: float
    note: str | None = None

    def operations_per_second(self, dtype: str) -> float:
        """How fast matrix products are with weights of that type: in it, or in the type they are unpacked to."""
        known = [self.throughput[each] for each in (dtype, *_INSTEAD[dtype]) if each in self.throughput]
        # What a profile is silent about takes as long as the slowest of what it knows.
        return known[0] if known else min(self.throughput.values())
