"""What types promise, checked on every value while a graph runs. A broken promise is a mistake of ours, never of a plan."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from ...planner.graph import Certainty, Flow, Guess, Kv, Logits, Path, Size, Tokens, Tree, Type, Value
from .values import Bush, Cache, Guessed, Pool, Ranked, Rooted


def check_value(value: Value, held: Any) -> None:
    """Compare what a value holds with its type."""
    kind = value.type
    match kind:
        case Path() | Tokens():
            _rows(value, held, kind.rows)
            for line in held:
                _size(value, kind.size, 0 if line is None else len(line.tokens), resting=line is None)
        case Guess():
            _rows(value, held, kind.rows)
            for row in held:
                _guess(value, kind, row)
        case Tree():
            _rows(value, held, kind.rows)
            for rooted in held:
                _tree(value, kind, rooted)
        case Logits():
            for laws in held:
                _most(value, kind.size, 0 if laws is None else len(laws))
        case Kv():
            _cache(value, kind, held)
        case Flow():
            assert len(held) == kind.gaps, f"{value} has {len(held)} gaps, not {kind.gaps}"
            for gap in held:
                _most(value, kind.size, len(gap))
        case Type():
            pass


def _rows(value: Value, held: Sequence[object], rows: Size) -> None:
    active = sum(row is not None for row in held)
    assert active <= rows.limit, f"{active} rows of {value} do not rest, and its type is {value.type}"


def _size(value: Value, size: Size, count: int, resting: bool) -> None:
    fits = any(case.low <= count and (case.high is None or count <= case.high) for case in size.cases)
    assert fits or resting, f"{value} holds {count}, and its type is {value.type}"


def _most(value: Value, size: Size, count: int) -> None:
    assert size.high is None or count <= size.high, f"{value} holds {count}, and its type is {value.type}"


def _guess(value: Value, kind: Guess, row: Guessed | Ranked | None) -> None:
    match row:
        case None:
            return
        case Ranked(levels):
            _size(value, kind.size, len(levels), resting=False)
            assert kind.top is not None and all(len(level) <= kind.top for level in levels), f"{value}: {kind}"
        case Guessed(bush=bush):
            count = sum(map(len, bush.proposals))
            if kind.depth is None:
                _size(value, kind.size, count, resting=False)
            # A law may have fewer possible tokens than a bush has siblings.
            _most(value, kind.size, count)
            _certainty(value, kind.certainty, bush)


def _certainty(value: Value, certainty: Certainty, bush: Bush) -> None:
    laws = [each.law for below in bush.proposals for each in below]
    known = certainty is Certainty.DRAWN or all(law is None for law in laws)
    assert known, f"{value} is {certainty.value}, and carries laws"


def _tree(value: Value, kind: Tree, rooted: Rooted | None) -> None:
    if rooted is None:
        return
    nodes, depth = len(rooted.bush.nodes), rooted.bush.depth
    _most(value, kind.nodes, nodes)
    _most(value, kind.depth, depth)
    if len(kind.nodes.cases) > 1 and len(kind.nodes.cases) == len(kind.depth.cases):
        pairs = zip(kind.nodes.cases, kind.depth.cases, strict=True)
        together = any(
            n.high is not None and d.high is not None and nodes <= n.high and depth <= d.high for n, d in pairs
        )
        assert together, f"{value} has {nodes} nodes in {depth} layers, which is no case of {kind}"
    _certainty(value, kind.certainty, rooted.bush)


def _cache(value: Value, kind: Kv, cache: Cache) -> None:
    assert cache.model == kind.model, f"{value} is a cache of {cache.model}, and its type is {kind}"
    for pool in cache.pools:
        if pool is not None:
            _pool(value, kind, pool)


def _pool(value: Value, kind: Kv, pool: Pool) -> None:
    assert len(pool.slots) <= kind.capacity, f"{value} has {len(pool.slots)} rows, and its type is {kind}"
    places = [(slot.thread, slot.index) for slot in pool.slots]
    assert len(set(places)) == len(places), f"{value} holds a token twice"
    assert len(pool.levels) <= len(kind.levels), f"{value} has {len(pool.levels)} levels, and its type is {kind}"
    for level, size in zip(pool.levels, kind.levels, strict=False):
        _most(value, size, sum(branch.rows for branch in level))
