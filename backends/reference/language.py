"""What PASTA's tags mean to tables: where a thread is, what it promises, and what it may not say."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache

from ...planner.graph import Graph, Stop, Tags
from ..runtime.pasta import Automaton, Place, Promised, Strictness, TagVocabulary, TokenMachine
from .tables import Context, Law, TableVocabulary, World
from .values import Line, Woven


@dataclass(frozen=True)
class Language:
    """The tags of a graph in its target's vocabulary, which all that drafts in threads shares."""

    machine: TokenMachine
    automaton: Automaton

    def restricted(self, law: Law, seen: Context, thread: int) -> Law:
        """A law without what may not come behind the tokens that a thread sees."""
        barred = self._barred(self.automaton.behind(seen, is_fork=thread > 0))
        left = [0.0 if token in barred else weight for token, weight in enumerate(law)]
        return tuple(weight / (sum(left) or 1.0) for weight in left)

    def _barred(self, state: int) -> frozenset[int]:
        return frozenset(self.automaton.barred(state).tolist())

    def promised(self, woven: Woven, line: Line) -> tuple[Place, Promised | None]:
        """Where the main thread is behind a path, and the promise that the path's last token completes, if it does."""
        place, said = self.machine.read(woven.place, line.tokens)
        return place, said[-1] if said and isinstance(said[-1], Promised) else None


def language_of(graph: Graph, world: World) -> Language | None:
    """The language of a graph with tags."""
    tags = next(iter(graph.all(Tags)), None)
    if tags is None:
        return None
    goes_on = any(node.ignore_eos for node in graph.nodes() if isinstance(node, Stop))
    return _language(world.vocabularies[graph.target.vocab], Strictness(tags.grammar), goes_on)


def tag_vocabulary(words: TableVocabulary, *, past_ends: bool = False) -> TagVocabulary:
    """A table's vocabulary as the token machine has it; `past_ends`: an end token ends nothing."""
    ends = frozenset() if past_ends or words.end is None else frozenset([words.end])
    return TagVocabulary(words.tags, words.tokens, ends, words.whole)


@cache
def _language(words: TableVocabulary, strictness: Strictness, past_ends: bool) -> Language:
    known = tag_vocabulary(words, past_ends=past_ends)
    return Language(TokenMachine(known), Automaton(known, strictness))
