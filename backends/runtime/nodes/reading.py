"""Nodes that read text into a cache: encode, prefill, verify."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from itertools import takewhile

from ....grammar import DiagnosticError
from ....planner.graph import Model, Tags
from ..errors import NothingToRead, PromptTooLong
from ..network import Caches, Encoder, Scores, Wanted
from ..readings import Reading
from ..seats import Seat, caches_of, seats
from ..thread import Thread
from ..values import Path, Paths, Rows, Tree, Trees
from ..woven import Threads
from .constraint import constraint_of
from .machine import Machine, node

AT_ONCE = 512
"""Tokens of a prompt that one pass reads: more would take memory for scores of attention, and no less time."""


@node
def encode(
    machine: Machine, prompts: Rows, *, by: Model, template: str, system: str | None = None, longest: int
) -> Paths:
    """Each row's prompt in the model's own template and tokens.

    A drafter reads what it can: in the place of what its words cannot spell a stand-in, and of a prompt that is longer than
    `longest` tokens, or cannot be told from control tokens, nothing. Raises `DiagnosticError` for the target: SP0801 where a
    prompt is too long, SP0802 where there is nothing to read, and what its encoder raises.
    """
    encoder = machine.encoder(by, template, system)
    if not machine.is_target(by):
        paths = tuple(
            Path(Thread(row), _readable(machine, by, encoder, row.prompt.text, longest), 0) for row in prompts
        )
    else:
        paths = tuple(Path(Thread(row), tuple(encoder.encode(row.prompt.text)), 0) for row in prompts)
        for path in paths:
            _check_length(path, longest)
            path.row.prompt_ids, path.row.prompt_tokens = path.tokens, len(path.tokens)
            path.row.continues = template == "none"
    for path in paths:
        path.row.prompt_sizes[by.name] = len(path.tokens)
    return paths


def _readable(machine: Machine, by: Model, encoder: Encoder, text: str, longest: int) -> tuple[int, ...]:
    """What a drafter can read of a prompt."""
    try:
        ids = tuple(encoder.encode(machine.readable(by).of(text.encode()).decode()))
    except DiagnosticError:
        return ()
    return ids if len(ids) <= longest else ()


def _check_length(path: Path, longest: int) -> None:
    if not path.tokens:
        raise DiagnosticError([NothingToRead(None, path.row.prompt.id)])
    if len(path.tokens) > longest:
        raise DiagnosticError([PromptTooLong(None, path.row.prompt.id, len(path.tokens), longest)])


@node
def prefill(
    machine: Machine,
    tokens: Paths,
    caches: Caches | None = None,
    *,
    by: Model,
    capacity: int | None = None,
    slots: int = 0,
    rows: int = 1,
) -> tuple[Paths, Caches]:
    """Read all of the tokens that a cache has not read yet but the last, which is left to be a root.

    `capacity` is how many committed tokens each has room for; of more than that nothing is read, and no root is left.
    Without caches new ones are made: `slots` counts those that await a verdict too, and `rows` is how many rows decode
    together.
    """
    if caches is None:
        caches = tuple(machine.open(path.row, by, slots, rows) for path in tokens)
        if machine.is_target(by):
            for path in tokens:
                path.row.context = capacity
    mine = seats(caches, tokens)
    unread = [that_fits(owed(path, seat), seat, capacity) for path, seat in zip(tokens, mine, strict=True)]
    read_lines(machine, by, mine, [line[:-1] for line in unread], Wanted.NONE)
    return tuple(_root(path, line) for path, line in zip(tokens, unread, strict=True)), caches


def _root(path: Path, unread: Sequence[int]) -> Path:
    """The last token of what was to be read; of nothing, nothing."""
    last = tuple(unread[-1:])
    return replace(path, tokens=last, start=path.end - len(last))


@node
def verify(
    machine: Machine, trees: Trees, caches: Caches, threads: Threads = (), *, by: Model, tags: Tags | None = None
) -> tuple[Scores, Caches]:
    """Score each thread's root and nodes in one pass for all threads, each token seeing its ancestors only.

    Where there are `tags` nothing is scored that they do not let come next.
    """
    mine = seats(caches, [tree.fresh for tree in trees], threads)
    for tree, seat in zip(trees, mine, strict=True):
        assert seat.count == tree.start, "the root stands right behind what the cache holds"
    constraint = constraint_of(machine, by, tags)
    states = [
        constraint.tree(constraint.behind(tree.fresh, seat), tree) for tree, seat in zip(trees, mine, strict=True)
    ]
    for cache in caches_of(mine):
        cache.slots.open()
    scores = machine.read(by, mine, lambda seat, place: _planted(trees[place], seat), Wanted.ALL)
    assert scores is not None, "scores were wanted"
    return constraint.restrict_trees(scores, states), caches


def _planted(tree: Tree, seat: Seat) -> Reading:
    return seat.grow(tree.tokens, (None, *tree.parents), tree.fresh.jump)


def owed(path: Path, seat: Seat) -> Sequence[int]:
    """What a cache has not read of the text up to the end of a path.

    A decoder that drafts reads nothing in a row that rests, so more than the path may be missing. What the cache holds and
    the path has otherwise is forgotten: a drafter's text is spelled anew where words come to be complete.
    """
    read = seat.count
    if read < path.start:
        assert not (path.thread.number or path.ahead), "where threads fork, each of them reads in every step"
        return [*path.row.text_ids(read, path.start), *path.tokens]
    held = seat.tokens(path.start)
    same = sum(1 for _ in takewhile(lambda pair: pair[0] == pair[1], zip(held, path.tokens, strict=False)))
    if same < len(held):
        seat.cache.slots.rewind(path.start + same)
    return path.tokens[same:]


def that_fits(line: Sequence[int], seat: Seat, capacity: int | None) -> Sequence[int]:
    """What is to be read, or nothing once it is too much: a drafter without room falls silent."""
    return line if capacity is None or seat.cache.slots.used + len(line) <= capacity else ()


def read_lines(
    machine: Machine, by: Model, seats: Sequence[Seat], lines: Sequence[Sequence[int]], wanted: Wanted
) -> Scores | None:
    """Read tokens behind what each thread has read, in as many passes as it takes; the scores are the last pass's.

    Without scores wanted, threads that owe nothing take no part.
    """
    if wanted is Wanted.NONE:
        owing = [place for place, line in enumerate(lines) if line]
        seats, lines = [seats[place] for place in owing], [lines[place] for place in owing]
    longest = max(map(len, lines), default=0)
    while longest > AT_ONCE:
        # Every row keeps something for the last pass, whose scores are asked for.
        cuts = [min(AT_ONCE, max(0, len(line) - AT_ONCE)) for line in lines]
        read_lines(machine, by, seats, [line[:cut] for line, cut in zip(lines, cuts, strict=True)], Wanted.NONE)
        lines = [line[cut:] for line, cut in zip(lines, cuts, strict=True)]
        longest = max(map(len, lines))
    if not longest:
        return None
    return machine.read(by, seats, lambda seat, place: seat.append(lines[place]), wanted)
