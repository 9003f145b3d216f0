"""The smallest type that holds two others: what a loop's parameter is, and what comes out of a choice."""

from __future__ import annotations

from dataclasses import replace

from .declared import Declared, Mismatch
from .types import Flow, Guess, Kv, Nothing, Path, Size, Threads, Tokens, Tree, Trust, Type


def join_types(left: Type, right: Type, declared: Declared | None = None) -> Type:
    """The type of a value that is either: sizes by their hull, cache levels by the larger.

    With declarations, a token that a table translates is one of the table's source.

    Raises:
        Mismatch: if no type holds both.
    """
    match left, right:
        case Nothing(), Guess():
            return right if right.size.low == 0 else replace(right, size=right.size.from_zero())
        case Nothing(), Flow() | Trust() | Threads():
            return right
        case Guess() | Flow() | Trust() | Threads(), Nothing():
            return join_types(right, left, declared)
        case Tree(), Tree() if left.vocab == right.vocab:
            certainty = left.certainty.with_(right.certainty)
            return Tree(left.nodes.hull(right.nodes), left.depth.hull(right.depth), certainty, left.vocab, left.rows)
        case Guess(), Guess() if (left.vocab, left.top) == (right.vocab, right.top):
            certainty = left.certainty.with_(right.certainty)
            return Guess(
                left.size.hull(right.size), certainty, left.vocab, left.top, left.depth, _more(left.rows, right.rows)
            )
        case Path(), Path() if declared is not None and left.vocab != right.vocab:
            source = declared.contains()
            same = source.get(left.vocab or "", left.vocab), source.get(right.vocab or "", right.vocab)
            return join_types(replace(left, vocab=same[0]), replace(right, vocab=same[1]))
        case Path(), Path() if left.vocab == right.vocab:
            return Path(left.size.hull(right.size), left.vocab, _more(left.rows, right.rows))
        case Tokens(), Path() | Tokens() if left.vocab == right.vocab:
            return Tokens(left.size.hull(right.size), left.vocab, _more(left.rows, right.rows))
        case Path(), Tokens() if left.vocab == right.vocab:
            return Tokens(left.size.hull(right.size), left.vocab, _more(left.rows, right.rows))
        case Kv(), Kv() if (left.model, left.capacity) == (right.model, right.capacity):
            deep = max(len(left.levels), len(right.levels))
            levels = [
                Size.of(max(a.limit, b.limit)) for a, b in zip(_deep(left, deep), _deep(right, deep), strict=True)
            ]
            return Kv(left.model, left.capacity, tuple(levels), max(left.rows, right.rows))
        case _ if left == right:
            return left
        case _:
            raise Mismatch(f"one is {left}, the other {right}")


def _more(left: Size, right: Size) -> Size:
    return left if left == right else Size.of(max(left.limit, right.limit))


def _deep(kv: Kv, levels: int) -> list[Size]:
    return [*kv.levels, *[Size.of(0)] * (levels - len(kv.levels))]
