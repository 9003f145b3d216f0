"""Numbers of the host beside an array on a device, without waiting for what the device still works on."""

from collections.abc import Sequence
from typing import Any

from array_api_compat import array_namespace, device, is_torch_array

from .laws import Array


def send(numbers: Sequence[float], like: Array, dtype: Any) -> Array:
    """Return the numbers `[n]` in this type (one of the array library of `like`), where `like` lies."""
    xp = array_namespace(like)
    if is_torch_array(like) and like.is_cuda:
        # A copy from memory that is not pinned waits for the whole stream.
        return xp.asarray(numbers, dtype=dtype).pin_memory().to(like.device, non_blocking=True)
    return xp.asarray(numbers, dtype=dtype, device=device(like))
