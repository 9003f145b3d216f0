"""From logits to the law that is sampled: masks first, then temperature, top-k, top-p and min-p in this order.

The order and the meaning of each are those of transformers' logits processors, except that ties are settled: the lower
id counts as the likelier one, so top-k keeps exactly k tokens. At least one token is always kept.
"""

from dataclasses import dataclass
from math import inf

from array_api_compat import array_namespace, device, is_torch_array

from .laws import Array, normalise, restrict_logits


@dataclass(frozen=True, slots=True)
class Sampling:
    """How a law is shaped before a token is drawn from it. None leaves a step out."""

    temperature: float = 1.0
    """0 takes the likeliest token, and of equals the lowest id."""
    top_k: int | None = None
    """Keep the k likeliest tokens."""
    top_p: float | None = None
    """Keep the fewest likeliest tokens that together have at least this probability."""
    min_p: float | None = None
    """Keep the tokens with at least this share of the likeliest one's probability."""

    def __post_init__(self) -> None:
        """Refuse what no plan that was checked can contain."""
        assert 0 <= self.temperature < inf, f"a temperature is finite and not negative: {self.temperature}"
        assert self.top_k is None or self.top_k >= 1, f"top-k keeps at least one token: {self.top_k}"
        assert self.top_p is None or 0 <= self.top_p <= 1, f"top-p is a probability: {self.top_p}"
        assert self.min_p is None or 0 <= self.min_p <= 1, f"min-p is a share: {self.min_p}"


GREEDY = Sampling(temperature=0.0)


def law(logits: Array, sampling: Sampling, allowed: Array | None = None) -> Array:
    """Return the probabilities `[..., V]` of the next token.

    `allowed` (booleans `[..., V]`) is applied before everything else: what a drafter may not say must not use up its
    top-k, and the law that is kept must be the law that is drawn from. Computed in float64 for float64 logits, else
    in float32.
    """
    xp = array_namespace(logits)
    scores = logits if logits.dtype == xp.float64 else xp.astype(logits, xp.float32)
    if allowed is not None:
        scores = restrict_logits(scores, allowed)
    if sampling.temperature == 0:
        ids = xp.arange(scores.shape[-1], device=device(scores))
        return xp.astype(ids == xp.argmax(scores, axis=-1, keepdims=True), scores.dtype)
    # Subtracting first keeps a tiny temperature from overflowing: the likeliest token stays at zero.
    scores = (scores - xp.max(scores, axis=-1, keepdims=True)) / sampling.temperature
    if sampling.top_k is not None or sampling.top_p is not None:
        scores = _keep_top(scores, sampling.top_k, sampling.top_p)
    if sampling.min_p is not None:
        shares = xp.exp(scores - xp.max(scores, axis=-1, keepdims=True))
        scores = restrict_logits(scores, shares >= sampling.min_p)
    return _softmax(scores)


def law_of_probabilities(probabilities: Array, sampling: Sampling, allowed: Array | None = None) -> Array:
    """Return the same as `law` for a model that states probabilities (a table) instead of logits."""
    xp = array_namespace(probabilities)
    possible = probabilities > 0
    logits = xp.log(xp.where(possible, probabilities, xp.ones_like(probabilities)))
    return law(restrict_logits(logits, possible), sampling, allowed)


def _softmax(scores: Array) -> Array:
    xp = array_namespace(scores)
    return normalise(xp.exp(scores - xp.max(scores, axis=-1, keepdims=True)))


def _keep_top(scores: Array, top_k: int | None, top_p: float | None) -> Array:
    """Apply top-k, then top-p to what it kept."""
    if is_torch_array(scores) and scores.device.type != "cpu":
        return _keep_top_by_sorting(scores, top_k, top_p)
    xp = array_namespace(scores)
    rows = xp.reshape(scores, (-1, scores.shape[-1]))
    return xp.reshape(xp.stack([_keep_top_of_row(row, top_k, top_p) for row in rows]), scores.shape)


def _keep_top_by_sorting(scores: Array, top_k: int | None, top_p: float | None) -> Array:
    """The same without a look at any number, which a device would be waited for."""
    xp = array_namespace(scores)
    order = xp.argsort(scores, axis=-1, descending=True, stable=True)[..., :top_k]
    last = order[..., -1:]
    if top_p is not None:
        p = _softmax(scores)
        ranked, below = xp.take_along_axis(p, order, axis=-1), xp.zeros_like(p[..., :1])
        if top_k is not None:
            ranked = normalise(ranked)
        else:
            # What surely goes is summed apart, as by rows, so that both round alike.
            counts = _can_be_in_top_p(p, top_p)
            below = xp.sum(xp.where(counts, xp.zeros_like(p), p), axis=-1, keepdims=True)
            ranked = xp.where(_can_be_in_top_p(ranked, top_p), ranked, xp.zeros_like(ranked))
        last = xp.take_along_axis(order, _size_of_top_p(ranked, below, top_p) - 1, axis=-1)
    floor, ids = xp.take_along_axis(scores, last, axis=-1), xp.arange(scores.shape[-1], device=device(scores))
    return restrict_logits(scores, (scores > floor) | ((scores == floor) & (ids <= last)))


def _keep_top_of_row(row: Array, top_k: int | None, top_p: float | None) -> Array:
    """Sort only the tokens that can be kept: sorting a whole vocabulary costs as much as a small model's pass."""
    xp = array_namespace(row)
    p = _softmax(row)
    possible = _can_be_kept(row, p, top_k, top_p)
    few = xp.nonzero(possible)[0]
    kept = xp.take(few, xp.argsort(xp.take(row, few), descending=True, stable=True))[:top_k]
    if top_p is not None:
        ranked, below = xp.take(p, kept), xp.sum(xp.where(possible, xp.zeros_like(p), p))
        if top_k is not None:
            ranked, below = normalise(ranked), xp.zeros_like(below)
        kept = kept[: int(_size_of_top_p(ranked, below, top_p)[0])]
    result = xp.full_like(row, -inf)
    result[kept] = row[kept]
    return result


def _size_of_top_p(ranked: Array, below: Array, top_p: float) -> Array:
    """How many of the ranked probabilities `[..., n]` are kept, `[..., 1]`; those `below` them are not among them.

    Summed from the unlikely end, as transformers does it, so that both round alike: a token goes when it and everything
    below it fit into 1 - top_p.
    """
    xp = array_namespace(ranked)
    tail = xp.flip(xp.cumulative_sum(xp.flip(ranked, axis=-1), axis=-1), axis=-1) + below
    size = xp.sum(xp.astype(tail > 1 - top_p, xp.int64), axis=-1, keepdims=True)
    return xp.maximum(size, xp.ones_like(size))


def _can_be_kept(row: Array, p: Array, top_k: int | None, top_p: float | None) -> Array:
    if top_k is not None:
        return row >= _nth_largest(row, min(top_k, row.shape[-1]))
    assert top_p is not None, "one of top-k and top-p was asked for"
    return _can_be_in_top_p(p, top_p)


def _can_be_in_top_p(p: Array, top_p: float) -> Array:
    size: int = p.shape[-1]
    # What lies below this adds up to less than half of what top-p takes away.
    return p * size > (1 - top_p) / 2


def _nth_largest(row: Array, n: int) -> Array:
    """Select without sorting; the array API has no word for it."""
    xp = array_namespace(row)
    if is_torch_array(row):
        return xp.topk(row, n).values[-1]
    return xp.partition(row, row.shape[-1] - n)[-n]
