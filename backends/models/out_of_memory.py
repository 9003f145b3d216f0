"""Tell that memory was refused from everything else that goes wrong, by what libraries raise and say."""

from __future__ import annotations

import re

from ...planner import shown_bytes

# In order: torch on a CPU, on Linux and on Windows; on a GPU; and the system's own words, which safetensors passes on.
_REFUSED = re.compile(r"can't allocate memory|not enough memory|out of memory|Cannot allocate memory", re.IGNORECASE)
_ASKED = re.compile(r"tried to allocate ([\d.]+) (\w+)", re.IGNORECASE)


def is_out_of_memory(error: BaseException) -> bool:
    """Was memory refused?

    >>> is_out_of_memory(MemoryError()), is_out_of_memory(RuntimeError("CUDA out of memory. Tried to allocate 2.00 GiB."))
    (True, True)
    >>> is_out_of_memory(RuntimeError("mat1 and mat2 shapes cannot be multiplied"))
    False
    """
    # CUDA's is a RuntimeError; safetensors has a class of its own below Exception.
    return isinstance(error, MemoryError) or _REFUSED.search(str(error)) is not None


def asked_for(error: BaseException) -> str | None:
    """How much was asked for at once, where the error says it.

    >>> asked_for(RuntimeError("DefaultCPUAllocator: can't allocate memory: you tried to allocate 4096 bytes."))
    '4.0 KiB'
    """
    found = _ASKED.search(str(error))
    if found is None:
        return None
    return shown_bytes(int(found[1])) if found[2] == "bytes" else f"{found[1]} {found[2]}"
