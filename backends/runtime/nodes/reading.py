"""Nodes that read text into a cache: encode, prefill, verify."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from ....grammar import DiagnosticError
from ....planner.graph import Model
from ..errors import CacheFull, NothingToRead, PromptTooLong
from ..network import Cache, Wanted
from ..slots import NoRoom
from ..values import Path, Tree
from .machine import Machine, node

AT_ONCE = 512
"""Tokens of a prompt that one pass reads: more would take memory for scores of attention, and no less time."""


@node
def encode(
    machine: Machine, prompt: str, *, by: Model, template: str, system: str | None = None, longest: int
) -> tuple[int, ...]:
    """The prompt in the model's own template and tokens.

    Raises `DiagnosticError`: SP0801 where it is longer than `longest` tokens, SP0802 where there is nothing to read.
    """
    ids = tuple(machine.encoder(by, template, system).encode(prompt))
    if not ids:
        raise DiagnosticError([NothingToRead(None, machine.row.prompt.id)])
    if len(ids) > longest:
        raise DiagnosticError([PromptTooLong(None, machine.row.prompt.id, len(ids), longest)])
    if machine.is_target(by):
        machine.row.prompt_tokens = len(ids)
        machine.row.continues = template == "none"
    return ids


@node
def prefill(machine: Machine, tokens: tuple[int, ...], *, by: Model, capacity: int, slots: int) -> tuple[Path, Cache]:
    """Read all of the tokens but the last, which is left to be a root, into a new cache.

    `capacity` is how many committed rows it has room for; `slots` counts those that await a verdict too.
    """
    cache = machine.open(by, slots)
    if machine.is_target(by):
        machine.row.context = capacity
    read_line(machine, by, cache, tokens[:-1], Wanted.NONE)
    return Path(tokens[-1:], len(tokens) - 1), cache


@node
def verify(machine: Machine, tree: Tree, cache: Cache, *, by: Model) -> tuple[Any, Cache]:
    """Score the root and every node in one pass, each seeing its ancestors only: `[1 + nodes, V]`."""
    assert len(cache.slots.tokens) == tree.start, "the root stands right behind what the cache holds"
    try:
        reading = cache.slots.open(tree.tokens, tree.parents)
    except NoRoom as error:
        raise DiagnosticError([CacheFull(None, by.name, str(error))]) from error
    return machine.network(by).read(cache, reading, Wanted.ALL), cache


def read_line(machine: Machine, by: Model, cache: Cache, tokens: Sequence[int], wanted: Wanted) -> Any:
    """Read tokens behind what the cache holds, in as many passes as it takes; the scores are the last pass's."""
    network = machine.network(by)
    scores = None
    for begin in range(0, len(tokens), AT_ONCE):
        try:
            reading = cache.slots.append(tokens[begin : begin + AT_ONCE])
        except NoRoom as error:
            raise DiagnosticError([CacheFull(None, by.name, str(error))]) from error
        scores = network.read(cache, reading, wanted)
    return scores
