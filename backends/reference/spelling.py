"""Propose the one target token that a few draft tokens begin with, under the law of all such draws.

Heterogeneous vocabularies section 3.4: the one-token form of string-level rejection sampling.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from ...planner.graph import Spell
from . import caches
from .drafting import Seat, chain_rows, draft_key_line, guesses, image_vocab, read_all
from .setting import Setting, array
from .tables import Law
from .values import Bush, Cache, Guessed, Line, Name, Pending, Proposed, Trusted, Woven, bush_of


def spell(
    node: Spell,
    setting: Setting,
    source: Sequence[Line | None],
    cache: Cache,
    threads: Sequence[Woven] | None,
    trust: Sequence[Trusted] | None,
    ordinal: int,
) -> tuple[tuple[Guessed | None, ...], Cache]:
    """Draw draft tokens, and propose the target token that their text begins with under the law of all such draws."""
    pools = [None if pool is None else caches.push(pool) for pool in read_all(source, cache, setting)]
    made: list[Guessed | None] = []
    for row, line in enumerate(source):
        if line is None:
            made.append(None)
            continue
        place = row // setting.threads
        pool = pools[place]
        assert pool is not None, "a row that does not rest has a cache"
        seat = Seat(setting, node.by, line, pool, None if threads is None else threads[place])
        if not line.tokens or not guesses(trust, row):
            made.append(Guessed(Bush(), line.text))
            continue
        guess, branch = _spelled(node, seat, ordinal)
        made.append(guess)
        if branch is not None:
            pools[place] = caches.pend(pool, branch)
    return tuple(made), Cache(cache.model, tuple(pools))


def _spelled(node: Spell, seat: Seat, ordinal: int) -> tuple[Guessed, Pending | None]:
    setting = seat.setting
    rejects = setting.table_nulls_are_rejected(node.through)
    law = first_word_law(node, seat)
    proposed_law = law.law if rejects else law.normalised()
    if not any(proposed_law) and not rejects:
        return Guessed(Bush(), seat.line.text), None
    drawn: Name = ()
    for ahead in range(node.lookahead):
        step = _spelling_step(node, seat, law, drawn)
        key = setting.key(draft_key_line(seat), 0, index=ordinal << 16 | ahead)
        drawn = (*drawn, setting.draw(node.sampling).pick(array(step), key))
        if drawn[-1] == setting.words(node.by).end:
            break
    proposed = Proposed(law.word(drawn), proposed_law)
    return Guessed(bush_of([((), proposed)]), seat.line.text), chain_rows(seat, drawn[:-1])


@dataclass(frozen=True)
class FirstWords:
    """Every draw of a few draft tokens, its probability, and the target token that its text begins with."""

    draws: tuple[tuple[Name, float, int | None], ...]
    size: int

    @property
    def law(self) -> Law:
        """How probable each target token is; less than one in all, if some texts begin with none."""
        return tuple(sum(p for _, p, word in self.draws if word == token) for token in range(self.size))

    def normalised(self) -> Law:
        """The same, given that there is one."""
        total = sum(self.law)
        return tuple(weight / total for weight in self.law) if total else self.law

    def word(self, drawn: Name) -> int | None:
        """The target token that a draw's text begins with."""
        return next(word for name, _, word in self.draws if name == drawn)


def first_word_law(node: Spell, seat: Seat) -> FirstWords:
    """Go through all draws of `lookahead` draft tokens; the end token ends one early."""
    setting = seat.setting
    words, target = setting.words(node.by), setting.words_of(image_vocab(setting, node.through))
    finished: list[tuple[Name, float, int | None]] = []
    waiting: list[tuple[Name, float]] = [((), 1.0)]
    while waiting:
        name, reached = waiting.pop(0)
        if len(name) == node.lookahead or (name and name[-1] == words.end):
            first = target.encode(words.spell(name))[:1]
            finished.append((name, reached, first[0] if first else None))
            continue
        law = setting.shaped(seat.law(seat.seen + name), node.sampling)
        waiting += [((*name, token), reached * p) for token, p in enumerate(law) if p > 0]
    return FirstWords(tuple(finished), target.size)


def _spelling_step(node: Spell, seat: Seat, every: FirstWords, drawn: Name) -> Law:
    """The law of the next draft token, given that the text is to begin with a target token if nulls are masked."""
    rejects = seat.setting.table_nulls_are_rejected(node.through)
    size = seat.setting.words(node.by).size
    at = len(drawn)
    return tuple(
        sum(
            p
            for name, p, word in every.draws
            if len(name) > at and name[:at] == drawn and name[at] == token and (rejects or word is not None)
        )
        for token in range(size)
    )
