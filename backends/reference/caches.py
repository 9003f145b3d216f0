"""What a cache holds and what a row sees: rows are settled, left pending under a tree's names, and kept or dropped."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from .tables import Context, TableVocabulary
from .values import Line, Name, Pending, Pool, Slot, Woven

GAP = -100
"""A gap of n positions in a context is the number GAP - n; a prompt token is a number between this and 0."""


def length(pool: Pool, thread: int) -> int:
    """How many tokens of a thread the cache has read, those in levels that are chains included."""
    settled = sum(slot.thread == thread for slot in pool.slots)
    return settled + sum(branch.rows for level in pool.levels for branch in level if branch.thread == thread)


def branch_of(pool: Pool, thread: int) -> Pending | None:
    """The rows of a thread in the uppermost level."""
    return next((branch for branch in pool.levels[-1] if branch.thread == thread), None) if pool.levels else None


def push(pool: Pool) -> Pool:
    """One more level, still empty."""
    return replace(pool, levels=(*pool.levels, ()))


def pend(pool: Pool, branch: Pending) -> Pool:
    """The uppermost level with these rows of a thread in place of what it had."""
    assert pool.levels, "rows that await a verdict need a level"
    others = tuple(each for each in pool.levels[-1] if each.thread != branch.thread)
    joined = tuple(sorted((*others, branch), key=lambda each: each.thread)) if branch.rows else others
    return replace(pool, levels=(*pool.levels[:-1], joined))


def settle(pool: Pool, slots: Sequence[Slot]) -> Pool:
    """Read tokens that are decided: committed rows or, inside a decoder that drafts, rows pending for the one outside."""
    if not slots:
        return pool
    if not pool.levels:
        return replace(pool, slots=(*pool.slots, *slots))
    first, thread = slots[0], slots[0].thread
    branch = branch_of(pool, thread)
    if branch is None:
        branch = Pending(thread, first.index, first.position, first.token)
        slots = slots[1:]
    name = max(branch.nodes, key=len, default=())
    for slot in slots:
        if not name:
            branch = replace(branch, jump=slot.position - branch.position - 1)
        name = (*name, slot.token)
        branch = replace(branch, nodes=(*branch.nodes, name))
    return pend(pool, branch)


def line_slots(line: Line) -> list[Slot]:
    """The rows of a line's tokens."""
    return [
        Slot(token, line.thread, line.start + place, line.position + place) for place, token in enumerate(line.tokens)
    ]


def read_owed(pool: Pool, line: Line, but: int = 0) -> Pool:
    """Read the tokens of a line that the cache does not hold yet, but for the last few.

    What the cache has otherwise is forgotten: another vocabulary's text is spelled anew where words come to be complete.
    """
    pool = _as_far_as_alike(pool, line)
    owed = line.from_token(length(pool, line.thread))
    return settle(pool, line_slots(owed)[: max(0, len(owed.tokens) - but)])


def _as_far_as_alike(pool: Pool, line: Line) -> Pool:
    """The pool without what it has behind the first token that the line has otherwise."""
    held = [slot for slot in pool.slots if slot.thread == line.thread and slot.index >= line.start]
    other = next((slot for slot, token in zip(held, line.tokens, strict=False) if slot.token != token), None)
    first = line.start + len(line.tokens) if other is None else other.index
    if not held or held[-1].index < first:
        return pool
    assert not pool.levels, "what awaits a verdict is kept or dropped by it"
    return replace(pool, slots=tuple(slot for slot in pool.slots if slot.thread != line.thread or slot.index < first))


def context(
    pool: Pool, woven: Woven | None, thread: int, node: Name | None = None, *, upto: int | None = None
) -> Context:
    """What a row sees, itself included, in reading order; gaps between positions are marked.

    The row is a `node` of the uppermost level, else the last row of the thread (or the one with `upto` rows before it).
    """
    known = _rows(pool, thread, node)
    last = max(index for owner, index in known if owner == thread) if upto is None else upto
    places = _reading_order(known, woven, thread, last)
    assert all(place in known for place in places), "a row sees every token before it, so all of them have been read"
    return _marked([known[place] for place in places])


def _rows(pool: Pool, thread: int, node: Name | None) -> dict[tuple[int, int], Slot]:
    """The rows that can be seen from a node, by thread and index; of other threads' pending rows only the decided ones."""
    known = {(slot.thread, slot.index): slot for slot in pool.slots}
    for depth, level in enumerate(pool.levels, start=1):
        for branch in level:
            seen = branch.nodes if depth < len(pool.levels) else ()
            if depth == len(pool.levels) and branch.thread == thread:
                seen = branch.nodes if node is None else tuple(node[:end] for end in range(1, len(node) + 1))
            roots = () if branch.root is None else ((),)
            known |= {(branch.thread, slot.index): slot for slot in map(branch.slot, (*roots, *seen))}
    return known


def _reading_order(
    known: dict[tuple[int, int], Slot], woven: Woven | None, thread: int, last: int
) -> list[tuple[int, int]]:
    """The places that a row sees: a fork reads on behind its promise; the main thread reads what a sync has joined."""
    if woven is None:
        return [(thread, index) for index in range(last + 1)]
    places: list[tuple[int, int]] = []
    if thread:
        end = woven.forks[thread - 1].end
        places = _reading_order(known, woven, 0, end)
        return [*places, *((thread, index) for index in range(last + 1))]
    for index in range(last + 1):
        places.append((0, index))
        for number, fork in enumerate(woven.forks, start=1):
            if fork.end == index and fork.joined is not None and fork.joined <= last:
                places += sorted(place for place in known if place[0] == number)
    return places


def _marked(rows: Sequence[Slot]) -> Context:
    seen: list[int] = []
    position = 0
    for row in rows:
        if row.position != position:
            seen.append(GAP - (row.position - position))
        seen.append(row.token)
        position = row.position + 1
    return tuple(seen)


def commit(pool: Pool, path: Line | None, thread: int) -> Pool:
    """Drop the uppermost level of a thread, and keep of it the rows of the path, but for its last token."""
    branch = branch_of(pool, thread)
    if branch is None:
        return pool
    kept: list[Slot] = []
    if path is not None:
        assert branch.base + 1 == path.start, "the rows that await a verdict hang from the token before the path"
        said = path.tokens[:-1]
        names = [said[:end] for end in range(len(said) + 1)]
        kept = [branch.slot(name) for name in names if branch.holds(name)]
    return _settle_below(pool, thread, kept)


def commit_bytes(pool: Pool, path: Line | None, thread: int, words: tuple[TableVocabulary, TableVocabulary]) -> Pool:
    """The same for a path in other words: keep the rows whose bytes the path has, before its last token.

    `words` are the cache's vocabulary and the path's.
    """
    branch = branch_of(pool, thread)
    if branch is None:
        return pool
    kept: list[Slot] = []
    if path is not None:
        mine, theirs = words
        said = theirs.spell(path.tokens[:-1])
        names = [name for name in branch.nodes if said.startswith(mine.spell(name)) and mine.bytes_of(name[-1])]
        longest = max(names, key=len, default=())
        kept = [branch.slot(longest[:end]) for end in range(1, len(longest) + 1)]
        if branch.root is not None:
            kept = [branch.slot(()), *kept]
    return _settle_below(pool, thread, kept)


def _settle_below(pool: Pool, thread: int, kept: Sequence[Slot]) -> Pool:
    """Take a thread's rows off the uppermost level, and settle the kept ones below it."""
    *below, level = pool.levels
    left = tuple(branch for branch in level if branch.thread != thread)
    lower = settle(replace(pool, levels=tuple(below)), kept)
    return replace(lower, levels=(*lower.levels, left))


def drop_level(pool: Pool) -> Pool:
    """The pool without its uppermost level, from which every row was taken."""
    assert not pool.levels[-1], "a level is dropped once every row of it has its verdict"
    return replace(pool, levels=pool.levels[:-1])


def keep_alive(pool: Pool, path: Line | None) -> Pool:
    """In a pipeline: commit the root's row, and keep pending the rows that hang below the path's token."""
    branch = branch_of(pool, 0)
    if path is None or branch is None:
        return pool
    assert len(path.tokens) == 1 and branch.root is not None, (
        "a pipeline decides one token at a time, of a root it has read"
    )
    token = path.tokens[0]
    alive = [
        (name[1:], passed) for name, passed in zip(branch.nodes, branch.passed[1:], strict=True) if name[0] == token
    ]
    pool = replace(pool, slots=(*pool.slots, branch.slot(())), levels=((),))
    if not alive:
        return pool
    (_, first), *rest = alive
    moved = Pending(
        0, branch.base + 1, path.position, token, 0, tuple(name for name, _ in rest), (first, *(n for _, n in rest))
    )
    return pend(pool, moved)


def all_slots(pool: Pool, thread: int) -> list[Slot]:
    """The rows of a thread, in order, those in levels that are chains included."""
    rows = [slot for slot in pool.slots if slot.thread == thread]
    for level in pool.levels:
        for branch in level:
            if branch.thread == thread:
                rows += [branch.slot(name) for name in ((), *branch.nodes) if branch.holds(name)]
    return rows
