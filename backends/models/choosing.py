"""Which adapters belong on a source's weights: those that its card names, then the plan's own."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from ...grammar import Diagnostic, DiagnosticError, has_errors
from ...planner.cards import Adapter, Card, ModelCard, find_adapter, find_source, misfits, read_adapter


@dataclass(frozen=True, slots=True)
class Chosen:
    """An adapter, and whether the model is given PASTA's six words for it."""

    adapter: Adapter
    tags: bool


def adapters_of(source: str, adapter: str | None, *, dtype: str, tags: bool, base: Path | None) -> Iterator[Chosen]:
    """The adapters, in the order in which they are put on; `base` is the folder that paths count from.

    Raises `DiagnosticError` (SP0414 to SP0418) for one that cannot be read, or was made for another model.
    """
    card = find_source(source, None, base or Path())
    yield from _of_card(card, source, dtype)
    if adapter is not None:
        yield _fitting(find_adapter(adapter, None, base or Path()), card, dtype, tags)


def _of_card(card: Card | Diagnostic, source: str, dtype: str) -> Iterator[Chosen]:
    if not isinstance(card, ModelCard) or card.base is None or card.adapter is None:
        return
    below = find_source(card.base, None, Path())
    yield from _of_card(below, card.base, dtype)
    yield _fitting(read_adapter(card.adapter, source, None), below, dtype, card.tags is not None)


def _fitting(adapter: Adapter | Diagnostic, card: Card | Diagnostic, dtype: str, tags: bool) -> Chosen:
    """An adapter for a model; without a card of that, its weights alone tell whether it fits."""
    if isinstance(adapter, Diagnostic):
        raise DiagnosticError([adapter])
    if isinstance(card, ModelCard):
        found = [*misfits(adapter, card, tags=tags, dtype=dtype, span=None)]
        if has_errors(found):  # what is a warning was said when the plan was checked
            raise DiagnosticError(found)
    return Chosen(adapter, tags)
