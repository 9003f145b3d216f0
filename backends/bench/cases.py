"""What is measured on: prompts with categories, a spread of them, and the groups that are answered together."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from ...planner.graph import Graph, Kv
from ..runtime import Prompt
from .counts import check_count

_SHIPPED = Path(__file__).resolve().parents[2] / "specs" / "prompts" / "quick.jsonl"


@dataclass(frozen=True, slots=True)
class Case:
    """A prompt, and the kind of text that it asks for, if anyone said so."""

    prompt: Prompt
    category: str | None = None


@dataclass(frozen=True, slots=True)
class Group:
    """Cases that are answered together."""

    cases: tuple[Case, ...]

    @property
    def prompts(self) -> list[Prompt]:
        """What is answered."""
        return [each.prompt for each in self.cases]

    @property
    def category(self) -> str | None:
        """The category that all of the cases have, if they have one in common."""
        found = {each.category for each in self.cases}
        return found.pop() if len(found) == 1 else None

    def without(self, refused: set[str | int]) -> Group:
        """The group without those prompts."""
        return Group(tuple(each for each in self.cases if each.prompt.id not in refused))


def shipped_cases() -> tuple[Case, ...]:
    """The prompts that come with specplan, of seven categories."""
    lines = map(json.loads, _SHIPPED.read_text(encoding="utf-8").splitlines())
    return tuple(Case(Prompt(line["id"], line["prompt"]), line["category"]) for line in lines)


def cases_of(said: Sequence[Case | Prompt | str] | None) -> tuple[Case, ...]:
    """What was said as cases; bare texts get their number as id, and where nothing was said the shipped ones are taken.

    Raises `TypeError` for what is no case, and `ValueError` where two have one id, as far as a reader of results can tell.
    """
    if said is None:
        return shipped_cases()
    if isinstance(said, str):  # its letters would be taken for prompts
        raise TypeError("`cases` are several, and a bare text is one: put it into a list")
    found = tuple(_case(*each) for each in enumerate(said, 1))
    names = Counter(str(each.prompt.id) for each in found)
    twice = [name for name, count in names.items() if count > 1]
    if twice:
        raise ValueError(f"two prompts of `cases` have the id `{twice[0]}`")
    return found


def _case(number: int, said: Case | Prompt | str) -> Case:
    match said:
        case Case():
            return said
        case Prompt():
            return Case(said)
        case str():
            return Case(Prompt(number, said))
        case _:
            raise TypeError(f"`cases` are of Case, Prompt or str, and number {number} is of {type(said).__name__}")


def spread(cases: Sequence[Case], limit: int | None) -> tuple[Case, ...]:
    """So many of the cases: the middle one of each of as many equal parts, so that a sorted file keeps all of its kinds.

    >>> [case.prompt.id for case in spread([Case(Prompt(number, "")) for number in range(10)], 4)]
    [1, 3, 6, 8]
    """
    if limit is None:
        return tuple(cases)
    check_count("limit", limit, least=1)
    if limit >= len(cases):
        return tuple(cases)
    return tuple(cases[(2 * index + 1) * len(cases) // (2 * limit)] for index in range(limit))


def rows_of(graph: Graph) -> int:
    """The rows that a graph decodes together."""
    kinds = (parameter.type for parameter in graph.step.parameters)
    return next(kind.rows for kind in kinds if isinstance(kind, Kv) and kind.model == graph.target.name)


def groups(cases: Sequence[Case], rows: int) -> tuple[Group, ...]:
    """The cases, so many at a time, in their order."""
    return tuple(Group(tuple(cases[start : start + rows])) for start in range(0, len(cases), rows))
