"""Guess with a model: tokens in a line one after the other or all at masks, and bushes of likely or drawn tokens."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from math import log

from ...planner.graph import Draft, Dynamic, Model, Sampling, Static, Table
from ..decoding import draw_siblings
from . import caches
from .setting import Setting, array, likeliest, next_law, ranked
from .tables import Context, Law
from .values import (
    Bush,
    Cache,
    Guessed,
    Line,
    Name,
    Pending,
    Pool,
    Proposed,
    Ranked,
    Trusted,
    Woven,
    bush_of,
    line_bush,
)

UNLIKELIEST = log(1e-30)


def log_of(probability: float) -> float:
    """A logarithm that nothing makes infinite."""
    return log(probability) if probability > 0 else UNLIKELIEST


@dataclass(frozen=True)
class Seat:
    """One row of a model's pass: where it reads, and what its thread sees."""

    setting: Setting
    model: str
    line: Line
    pool: Pool
    woven: Woven | None

    @property
    def seen(self) -> Context:
        """The context of the last token that was read."""
        return caches.context(self.pool, self.woven, self.line.thread)

    def behind(self, tokens: Name) -> Context:
        """The context of the last of further tokens; behind a promise they stand where the text will go on."""
        gap = (caches.GAP - self.line.jump,) if self.line.jump and tokens else ()
        return self.seen + gap + tokens

    def law(self, seen: Context) -> Law:
        """The model's law behind a context, in this thread."""
        return next_law(self.setting, self.model, seen, self.line.thread)


def guesses(trust: Sequence[Trusted] | None, row: int) -> bool:
    """Does the row speculate in this step?"""
    return trust is None or trust[row].resting == 0


def draft(
    node: Draft,
    setting: Setting,
    source: Sequence[Line | None],
    cache: Cache,
    threads: Sequence[Woven] | None,
    trust: Sequence[Trusted] | None,
    ordinal: int,
) -> tuple[tuple[Guessed | Ranked | None, ...], Cache]:
    """Read what is owed in one pass, for all rows, and then guess in each."""
    pools = read_all(source, cache, setting)
    if node.masks is None:
        pools = [None if pool is None else caches.push(pool) for pool in pools]
    made: list[Guessed | Ranked | None] = []
    for row, line in enumerate(source):
        if line is None:
            made.append(None)
            continue
        place = row // setting.threads
        pool = pools[place]
        assert pool is not None, "a row that does not rest has a cache"
        seat = Seat(setting, node.by, line, pool, None if threads is None else threads[place])
        silent = not node.tokens or not line.tokens or not guesses(trust, row)
        guess, branch = (_nothing(node, line), None) if silent else _guess(node, seat, ordinal)
        made.append(guess)
        if branch is not None and node.masks is None:
            pools[place] = caches.pend(pool, branch)
    return tuple(made), Cache(cache.model, tuple(pools))


def that_fit(source: Sequence[Line | None], cache: Cache, capacity: int, setting: Setting) -> tuple[Line | None, ...]:
    """The lines, but for those that a full cache cannot read any more: a drafter without room falls silent."""
    made: list[Line | None] = []
    for row, line in enumerate(source):
        pool = cache.pools[row // setting.threads]
        if line is not None and pool is not None and line.tokens:
            unread = line.start + len(line.tokens) - caches.length(pool, line.thread)
            if len(pool.slots) + unread > capacity:
                line = replace(line, tokens=())
        made.append(line)
    return tuple(made)


def read_all(source: Sequence[Line | None], cache: Cache, setting: Setting, but: int = 0) -> list[Pool | None]:
    """The pools once every row has read what it owes, but for the last few tokens."""
    pools = list(cache.pools)
    for row, line in enumerate(source):
        pool = pools[row // setting.threads]
        if line is not None and line.tokens:
            assert pool is not None, "a row that does not rest has a cache"
            pools[row // setting.threads] = caches.read_owed(pool, line, but)
    return pools


def _nothing(node: Draft, line: Line) -> Guessed | Ranked:
    return Guessed(Bush(), line.text) if node.top is None else Ranked()


def _guess(node: Draft, seat: Seat, ordinal: int) -> tuple[Guessed | Ranked, Pending | None]:
    if node.top is not None:
        return _ranked_masks(node, seat), None
    if node.masks is not None:
        proposals = _masked_line(node, seat, ordinal)
        return Guessed(line_bush(proposals), seat.line.text), None
    shape = None if node.shape is None else seat.setting.graph.declared[node.shape]
    match shape:
        case None:
            return _line(node, seat, ordinal)
        case Static():
            return _static(node, seat, shape, ordinal)
        case Dynamic():
            return _dynamic(node, seat, shape)
        case _:
            raise AssertionError(f"{shape} is not a shape that a model drafts")


def _mask(seat: Seat, node: Draft) -> int:
    mask = seat.setting.graph.named(node.by, Model).mask
    assert mask is not None, "guesses in one pass are read at mask tokens"
    return mask


def _masked_contexts(node: Draft, seat: Seat) -> list[Context]:
    """Guess j+1 is read at mask j; the first at the last token."""
    masks = (_mask(seat, node),) * (node.masks or 0)
    return [seat.behind(masks[:count]) for count in range(node.tokens)]


def _masked_line(node: Draft, seat: Seat, ordinal: int) -> list[Proposed]:
    return [_propose(node, seat, seen, ahead, ordinal) for ahead, seen in enumerate(_masked_contexts(node, seat))]


def _ranked_masks(node: Draft, seat: Seat) -> Ranked:
    assert node.top is not None, "ranked guesses say how many"
    laws = [seat.law(seen) for seen in _masked_contexts(node, seat)]
    return Ranked(tuple(ranked_level(law, node.top) for law in laws))


def ranked_level(law: Law, top: int) -> tuple[tuple[int, float], ...]:
    """The likeliest tokens of a law with their log-probabilities."""
    return tuple((token, log_of(law[token])) for token in ranked(law, top))


def _allowed(node: Draft, seat: Seat) -> tuple[bool, ...] | None:
    """Which tokens may be drawn: all but those without an image, unless such a draw proposes nothing."""
    if node.within is None or seat.setting.table_nulls_are_rejected(node.within):
        return None
    return tuple(image is not None for image in seat.setting.table(node.within).images)


def drafting_law(node: Draft, seat: Seat, seen: Context) -> Law:
    """The law that a guess is drawn from, after masks and sampling; also that of the likeliest guess."""
    allowed = _allowed(node, seat)
    if node.sampling is None:
        law = seat.law(seen)
        return law if allowed is None else tuple(p if ok else 0.0 for p, ok in zip(law, allowed, strict=True))
    return seat.setting.shaped(seat.law(seen), node.sampling, allowed)


def draft_key_line(seat: Seat) -> Line:
    """The line whose continuation draws are keyed by: another vocabulary's guesses count in the target's words."""
    line = seat.line
    if seat.setting.words(seat.model) is seat.setting.words(seat.setting.graph.target.name) or seat.setting.level:
        return line
    return replace(line, position=seat.pool.prompt + line.made - len(line.tokens))


def _propose(node: Draft, seat: Seat, seen: Context, ahead: int, ordinal: int) -> Proposed:
    law = drafting_law(node, seat, seen)
    if node.sampling is None:
        return Proposed(likeliest(law))
    key = seat.setting.key(draft_key_line(seat), ahead, index=ordinal << 16)
    token = seat.setting.draw(node.sampling).pick(array(law), key)
    return Proposed(token, kept_law(seat.setting, node.sampling, law))


def kept_law(setting: Setting, sampling: str, law: Law) -> Law | None:
    """The law that goes along with a drawn token; a token at temperature 0 is certain."""
    return None if setting.graph.named(sampling, Sampling).temperature == 0 else law


def _line(node: Draft, seat: Seat, ordinal: int) -> tuple[Guessed, Pending | None]:
    """One guess after the other. `read` are the rows: what the model reads after a guess, all but the last."""
    room = node.tokens - 1
    proposals: list[Proposed] = []
    read: Name = ()
    while len(proposals) < node.tokens:
        seen = seat.behind(read)
        law = drafting_law(node, seat, seen)
        if not any(law) or (node.min_confidence is not None and max(seat.law(seen)) < node.min_confidence):
            break
        proposals.append(_propose(node, seat, seen, len(proposals), ordinal))
        following = _words_read(node, seat, proposals[-1].token)
        if following is None or len(read) + len(following) > room:
            break
        read += following
    fed = read if proposals and len(read) <= room else ()
    return Guessed(line_bush(proposals), seat.line.text), chain_rows(seat, fed)


def _words_read(node: Draft, seat: Seat, token: int | None) -> Name | None:
    """What the model reads after a guess: the guess or, under a table of many to one, the bytes of its image."""
    assert token is not None, "the model draws tokens of its own"
    if node.within is None:
        return (token,)
    table, words = seat.setting.table(node.within), seat.setting.words(node.by)
    image = table.images[token]
    if image is None:
        return None
    target = seat.setting.words_of(image_vocab(seat.setting, node.within))
    spelled = target.bytes_of(image)
    return (token,) if spelled == words.bytes_of(token) else words.encode(spelled)


def image_vocab(setting: Setting, table: str) -> str:
    """The vocabulary that a table translates to."""
    return setting.graph.named(table, Table).target


def chain_rows(seat: Seat, read: Name) -> Pending | None:
    """The rows of a line of guesses but for the last, which no pass reads."""
    names = tuple(read[:end] for end in range(1, len(read) + 1))
    return _rows_below(seat, names)


def _rows_below(seat: Seat, names: tuple[Name, ...]) -> Pending | None:
    line = seat.line
    last = line.start + len(line.tokens) - 1
    return Pending(line.thread, last, line.position + len(line.tokens) - 1, None, line.jump, names) if names else None


def _static(node: Draft, seat: Seat, shape: Static, ordinal: int) -> tuple[Guessed, Pending | None]:
    placed: list[tuple[Name, Proposed]] = []
    # Nodes, with where they stand in a layer without gaps: some nodes have fewer children to draw.
    layer: list[tuple[int, Name]] = [(0, ())]
    read: list[Name] = []
    for depth, width in enumerate(shape.children[: node.tokens]):
        read += [name for _, name in layer if name]
        following: list[tuple[int, Name]] = []
        for place, name in layer:
            siblings = _siblings(node, seat, name, width, ordinal << 16 | place * width)
            placed += [(name, proposed) for proposed in siblings]
            following += [(place * width + rank, (*name, _token(proposed))) for rank, proposed in enumerate(siblings)]
        layer = following if depth + 1 < len(shape.children) else []
    return Guessed(bush_of(placed), seat.line.text), _rows_below(seat, tuple(read))


def _token(proposed: Proposed) -> int:
    assert proposed.token is not None, "a model draws tokens of its own"
    return proposed.token


def _siblings(node: Draft, seat: Seat, name: Name, width: int, index: int) -> list[Proposed]:
    law = drafting_law(node, seat, seat.behind(name))
    if node.sampling is None or seat.setting.graph.named(node.sampling, Sampling).temperature == 0:
        base = law if node.sampling is None else drafting_law(replace(node, sampling=None), seat, seat.behind(name))
        return [Proposed(token) for token in ranked(base, width)]
    key = seat.setting.key(draft_key_line(seat), len(name), index=index)
    drawn = draw_siblings(array(law), width, seat.setting.draw(node.sampling), key)
    return [Proposed(each.token, tuple(each.law.tolist())) for each in drawn if each.law is not None]


def _dynamic(node: Draft, seat: Seat, shape: Dynamic) -> tuple[Guessed, Pending | None]:
    bush, read = Bush(), []
    for depth in range(node.tokens):
        layer = bush.layer(depth)
        read += [name for name in layer if name]
        bush = grown(bush, layer, shape, lambda name: seat.law(seat.behind(name)), seat.setting.words(seat.model).end)
    return Guessed(replace(bush, steps=()), seat.line.text), _rows_below(seat, tuple(read))


def grown(bush: Bush, layer: Sequence[Name], shape: Dynamic, law_at: Callable[[Name], Law], end: int | None) -> Bush:
    """One more layer: of each node's likeliest children the likeliest of all, by cumulative log-probability.

    Nodes that hold the end token are not continued (PipeDec section 3.2).
    """
    steps = dict(zip(bush.nodes, bush.steps, strict=True))

    def cumulative(name: Name) -> float:
        return sum(steps[name[:cut]] for cut in range(1, len(name) + 1))

    candidates: list[tuple[float, Name, float]] = []
    for name in layer:
        if name and name[-1] == end:
            continue
        law = law_at(name)
        for token in ranked(law, shape.children):
            if law[token] > 0:
                step = log_of(law[token])
                candidates.append((cumulative(name) + step, (*name, token), step))
    best = sorted(candidates, key=lambda each: -each[0])[: shape.width]
    kept = {name: step for _, name, step in best}
    inherited = [(name, proposed) for name, below in bush.items() for proposed in below]
    return bush_of([*inherited, *((name[:-1], Proposed(name[-1])) for name in kept)], steps | kept)
