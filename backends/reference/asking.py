"""Guesses without a draft model: what prompt tokens answer (PPD), and how the text went on before (lookup)."""

from __future__ import annotations

from collections.abc import Sequence

from ...planner.graph import Lookup, Probe, Prompts, Read, Recent
from ..runtime import continuation
from . import caches
from .drafting import Seat, guesses, ranked_level, read_all
from .setting import Setting, next_law
from .tables import Context, Law
from .values import Cache, Guessed, Line, Name, Proposed, Ranked, Trusted, Woven, line_bush


def probe(
    node: Probe,
    setting: Setting,
    source: Sequence[Line | None],
    cache: Cache,
    threads: Sequence[Woven] | None,
    trust: Sequence[Trusted] | None,
) -> tuple[Ranked | None, ...]:
    """A pass of its own over the root and its prompt tokens, whose rows are dropped."""
    prompts = setting.graph.named(node.by, Prompts)
    pools = read_all(source, cache, setting)
    made: list[Ranked | None] = []
    for row, line in enumerate(source):
        pool = pools[row // setting.threads]
        if line is None or pool is None or not line.tokens or not guesses(trust, row):
            made.append(None if line is None else Ranked())
            continue
        woven = None if threads is None else threads[row // setting.threads]
        seen = Seat(setting, prompts.rides, line, pool, woven).seen
        laws = prompt_laws(setting, prompts.rides, seen, prompts.depth, line.thread)
        made.append(Ranked(tuple(ranked_level(law, prompts.top) for law in laws)))
    return tuple(made)


def prompt_laws(setting: Setting, model: str, seen: Context, count: int, thread: int) -> tuple[Law, ...]:
    """What is read at a chain of prompt tokens behind a context: each sees those before it."""
    return tuple(
        next_law(setting, model, seen + tuple(range(-1, -place - 1, -1)), thread) for place in range(1, count + 1)
    )


def read(
    node: Read,
    setting: Setting,
    answers: Sequence[dict[Name, tuple[Law, ...]] | None],
    path: Sequence[Line | None],
    trust: Sequence[Trusted] | None,
) -> tuple[Ranked | None, ...]:
    """The answers behind the node where the path stopped."""
    prompts = setting.graph.named(node.by, Prompts)
    made: list[Ranked | None] = []
    for row, (found, line) in enumerate(zip(answers, path, strict=True)):
        if line is None or found is None or not guesses(trust, row):
            made.append(Ranked())
        else:
            laws = found[line.tokens[:-1]]
            made.append(Ranked(tuple(ranked_level(law, prompts.top) for law in laws)))
    return tuple(made)


def lookup(
    node: Lookup,
    setting: Setting,
    source: Sequence[Line | None],
    cache: Cache,
    threads: Sequence[Woven] | None,
    trust: Sequence[Trusted] | None,
) -> tuple[Guessed | None, ...]:
    """Continue as the text did when its end last occurred."""
    longest = setting.graph.named(node.by, Recent).max_ngram
    pools = read_all(source, cache, setting)
    made: list[Guessed | None] = []
    for row, line in enumerate(source):
        pool = pools[row // setting.threads]
        if line is None or pool is None:
            made.append(None)
            continue
        woven = None if threads is None else threads[row // setting.threads]
        seen = tuple(token for token in caches.context(pool, woven, line.thread) if token >= 0)
        found = continuation(seen, longest, node.tokens) if guesses(trust, row) else ()
        made.append(Guessed(line_bush([Proposed(token) for token in found]), line.text))
    return tuple(made)
