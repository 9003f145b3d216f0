"""What a drafter proposes at one node of a draft tree: tokens in order, each with the law that it was drawn from.

What acceptance needs to know of a proposal is how its token came about:

- *certain*: a function of what was known before (a ranked guess, an n-gram match, an argmax). Its law is one-hot.
- *drawn*: a sample. Its law is exactly what it was drawn from, after masks, temperature, top-k and maps, given the
  siblings before it; the softmax of the drafter's logits is not that law if the drafter took the argmax.
- *null*: a sample that has no token in this vocabulary. Its law, which then sums to less than one, still counts.

Two proposals at one node may name the same token. A drawn one is never dropped for it: that it is in the list at all
is known only because of what was drawn, and the rejection rule must subtract its law. A certain one that comes after
may be dropped: once its twin is rejected, nothing of the token is left, and it would be rejected surely.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from array_api_compat import array_namespace, device

from .draws import Draws, Key
from .laws import Array, without


@dataclass(frozen=True, slots=True, eq=False)
class Proposal:
    """One candidate for the token after a node."""

    token: int | None
    """None is a null: always rejected."""
    law: Array | None = None
    """The law `[V]` of a drawn token or null, None for a certain token."""
    node: int | None = None
    """The tree node that carries the token (a row of the target's laws); several proposals may name one node."""


def draw_siblings(q: Array, count: int, draws: Draws, key: Key) -> list[Proposal]:
    """Draw up to `count` different tokens from `q` `[V]`, which sums to one, each given those before.

    Sibling i takes `key` with the index `key.index + i`; fewer come back if fewer tokens are possible.
    """
    siblings: list[Proposal] = []
    left = q
    for rank in range(count):
        if not float(array_namespace(q).sum(left)) > 0:
            break
        token = draws.pick(left, key.at(key.purpose, index=key.index + rank))
        siblings.append(Proposal(token, left))
        left = without(left, token)
    return siblings


def draw_siblings_ahead(q: Array, count: int, draws: Draws, keys: Sequence[Key]) -> tuple[Array, list[Array]]:
    """Draw the same for each law of `q` `[n, V]` without a look at any number: tokens `[n, count]`, and laws by rank.

    The laws `[n, V]` of a rank are those that its tokens were drawn from, all zeros in the rows where no token was left:
    what stands there for a token is not to be accepted.
    """
    tokens: list[Array] = []
    laws: list[Array] = []
    left = q
    for rank in range(count):
        token = draws.pick_rows(left, [key.at(key.purpose, index=key.index + rank) for key in keys])
        tokens.append(token)
        laws.append(left)
        left = without(left, token[:, None])
    return array_namespace(q).stack(tokens, axis=-1), laws


def likeliest_token(scores: Array) -> Array:
    """Return the likeliest token of scores `[..., V]`, of equals the lowest id, as integers `[...]`."""
    xp = array_namespace(scores)
    # CPUs compare half precision several times slower than it takes to widen it.
    is_wide = scores.dtype in (xp.float32, xp.float64)
    return xp.argmax(scores if is_wide else xp.astype(scores, xp.float32), axis=-1)


def likeliest_tokens(scores: Array, count: int) -> Array:
    """Return the `count` likeliest tokens of each row of scores `[n, V]` in order, of equals the lower id first.

    Integers `[n, count]`. Selecting is cheaper than sorting a whole vocabulary, and a library's own selection leaves open
    which of equals it takes.
    """
    xp = array_namespace(scores)
    ids, left, found = xp.arange(scores.shape[-1], device=device(scores)), scores, []
    for _ in range(count):
        token = xp.argmax(left, axis=-1, keepdims=True)
        found.append(token)
        left = xp.where(ids == token, xp.full_like(left, -float("inf")), left)
    return xp.concat(found, axis=-1)


def likeliest_siblings(q: Array, count: int) -> list[Proposal]:
    """Propose the `count` likeliest possible tokens of `q` `[V]` in order, of equals the lower id first; certain."""
    xp = array_namespace(q)
    order = xp.argsort(q, descending=True, stable=True)[:count]
    return [Proposal(int(token)) for token in order if float(q[int(token)]) > 0]
