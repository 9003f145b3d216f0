"""Probability laws over a vocabulary as arrays: what is left of one, where a map sends it, how far two are apart.

A law is an array `[..., V]` of non-negative numbers over the last axis, in any array library; `p` is the target's law
and `q` the law that a draft token was drawn from.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias

from array_api_compat import array_namespace, device, is_torch_array

Array: TypeAlias = Any  # The array API has no common base class that a type checker could name.


def normalise(weights: Array) -> Array:
    """Scale to a sum of one; all zeros stay all zeros."""
    xp = array_namespace(weights)
    total = xp.sum(weights, axis=-1, keepdims=True)
    return weights / xp.where(total > 0, total, xp.ones_like(total))


def one_hot(token: int | Array, like: Array) -> Array:
    """Return the law of a certain token, `[V]`, with the size, type and device of `like`'s rows.

    Of tokens `[..., 1]`, the laws `[..., V]`.
    """
    xp = array_namespace(like)
    ids = xp.arange(like.shape[-1], device=device(like))
    return xp.astype(ids == token, like.dtype)


def residual(p: Array, q: Array) -> Array:
    """Return what the target draws from once a token drawn from `q` was rejected: norm(max(0, p - q)).

    `q` may sum to less than one (a draft that may draw nothing). Where nothing is left, `p` itself: a rejection there
    has probability zero, and only rounding can ask.
    """
    xp = array_namespace(p, q)
    left = xp.where(p > q, p - q, xp.zeros_like(p))
    return xp.where(xp.sum(left, axis=-1, keepdims=True) > 0, normalise(left), p)


def without(q: Array, token: int | Array) -> Array:
    """Return the law `[V]` that the next sibling is drawn from after `token`, all zeros when nothing is left.

    Of laws `[..., V]` and tokens `[..., 1]`, row by row.
    """
    xp = array_namespace(q)
    return normalise(xp.where(one_hot(token, q) > 0, xp.zeros_like(q), q))


def restrict(law: Array, allowed: Array) -> Array:
    """Return the law given that the token is one of `allowed` (booleans `[..., V]`)."""
    xp = array_namespace(law)
    return normalise(xp.where(allowed, law, xp.zeros_like(law)))


def restrict_logits(logits: Array, allowed: Array) -> Array:
    """Return logits whose other tokens are impossible."""
    xp = array_namespace(logits)
    return xp.where(allowed, logits, xp.full_like(logits, -float("inf")))


def total_variation(a: Array, b: Array) -> float:
    """Return half the sum of absolute differences of two laws: both arrays, or both mappings from outcomes.

    >>> total_variation({"x": 1.0}, {"x": 0.75, "y": 0.25})
    0.25
    """
    if isinstance(a, Mapping):
        return 0.5 * sum(abs(float(a.get(key, 0.0)) - float(b.get(key, 0.0))) for key in {**a, **b})
    xp = array_namespace(a, b)
    return 0.5 * float(xp.sum(xp.abs(a - b)))


def entropy(p: Array) -> Array:
    """Return the entropy in nats of each law, `[..., V]` to `[...]`."""
    xp = array_namespace(p)
    safe = xp.where(p > 0, p, xp.ones_like(p))
    return -xp.sum(p * xp.log(safe), axis=-1)


@dataclass(frozen=True, slots=True)
class TokenMap:
    """A partial map between vocabularies: the ids that have an image, and beside each its image.

    Ids without an image are simply not listed. Several ids may share one image.
    """

    sources: Array
    """Integers `[n]`, ids of the vocabulary that is left."""
    images: Array
    """Integers `[n]`, ids of the vocabulary that is entered."""
    size: int
    """The number of tokens of the vocabulary that is entered."""

    @classmethod
    def of(cls, images: Sequence[int | None], size: int, like: Array) -> "TokenMap":
        """Build a map from a table, one entry per id and None for no image, on the device of `like`."""
        xp = array_namespace(like)
        pairs = [(source, image) for source, image in enumerate(images) if image is not None]
        place = device(like)
        sources = xp.asarray([source for source, _ in pairs], dtype=xp.int64, device=place)
        return cls(sources, xp.asarray([image for _, image in pairs], dtype=xp.int64, device=place), size)

    def is_injective(self) -> bool:
        """Tell whether no two ids share an image."""
        xp = array_namespace(self.images)
        return int(xp.unique_values(self.images).shape[0]) == int(self.images.shape[0])

    def domain(self, size: int) -> Array:
        """Return booleans `[size]`: which ids of the vocabulary that is left have an image."""
        xp = array_namespace(self.sources)
        ones = xp.ones(self.sources.shape[0], dtype=xp.float64, device=device(self.sources))
        return _scatter_add(ones, self.sources, size) > 0


def pushforward(q: Array, f: TokenMap) -> Array:
    """Return the law of the image: `[..., D]` to `[..., T]`, un-normalised if some mass has no image.

    Many ids may share an image, so their masses *add up* (overwriting loses mass and with it exactness).

    >>> import numpy
    >>> q = numpy.array([0.5, 0.3, 0.2])
    >>> pushforward(q, TokenMap.of([0, 0, 2], size=3, like=q)).tolist()
    [0.8, 0.0, 0.2]
    """
    xp = array_namespace(q)
    return _scatter_add(xp.take(q, f.sources, axis=-1), f.images, f.size)


def translate(q: Array, f: TokenMap) -> Array:
    """Return the law of the image under a map that no two ids share an image of; the mass must lie in its domain."""
    assert f.is_injective(), "translate needs an injective map; pushforward takes any"
    return pushforward(q, f)


def _scatter_add(values: Array, places: Array, size: int) -> Array:
    """Add each of `values[..., n]` into its place of `zeros[..., size]`. The array API has no word for it."""
    xp = array_namespace(values)
    total = xp.zeros((*values.shape[:-1], size), dtype=values.dtype, device=device(values))
    if is_torch_array(values):
        return total.index_add(-1, places, values)
    xp.add.at(total, (..., places), values)
    return total
