"""An adapter held against the model that it is put on, as far as cards tell: no weights are read."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping

from ...grammar import Diagnostic, Span
from .adapter import Adapter
from .errors import AdapterOfOther, AdapterOtherDtype
from .model_card import ModelCard

# Types that hold every number of another.
_HOLD: Mapping[str, tuple[str, ...]] = {
    "bfloat16": ("bfloat16", "float32", "float64"),
    "float16": ("float16", "float32", "float64"),
    "float32": ("float32", "float64"),
    "float64": ("float64",),
}
_IN_A_LAYER = re.compile(r"(?:.*\.)?layers\.([0-9]{1,6})\.(?:.*\.)?([^.]+)")


def adapted(card: ModelCard, adapter: Adapter, *, tags: bool) -> ModelCard:
    """The model with the adapter on it: with `tags`, or where the adapter was trained to write them, it has PASTA's six words."""
    if adapter.trained is not None and adapter.trained.tags:
        return card.with_tags(adapter.trained.entries)
    return card.with_tags() if tags else card


def misfits(adapter: Adapter, card: ModelCard, *, tags: bool, dtype: str, span: Span | None) -> Iterator[Diagnostic]:
    """What does not go together; `card` is the model's without the adapter, `dtype` the type of its weights."""
    wrong = next(_mismatches(adapter, card, adapted(card, adapter, tags=tags)), None)
    if wrong is not None:
        yield AdapterOfOther(span, adapter.shown, card.name, wrong, _way(adapter, card))
    elif adapter.trained is not None and dtype not in _HOLD.get(adapter.trained.dtype, (dtype,)):
        yield AdapterOtherDtype(span, adapter.shown, dtype, adapter.trained.dtype)


def _mismatches(adapter: Adapter, card: ModelCard, whole: ModelCard) -> Iterator[str]:
    trained = adapter.trained
    if trained is not None:
        if not trained.fits(card):
            yield f"it was trained on other weights, {_named(trained.base, trained.fingerprint)}"
        if trained.vocabulary != card.vocabulary:
            yield f"it was trained in the vocabulary {trained.vocabulary}, not {card.vocabulary}"
        if trained.vocab_size != whole.vocab_size:
            yield f"it was trained with {trained.vocab_size} rows of logits, and here are {whole.vocab_size}"
    yield from _misplaced(adapter, whole)
    for rows in adapter.rows:
        if rows.width != card.hidden_size:
            yield f"its rows are {rows.width} wide, not {card.hidden_size}"
        if max(rows.tokens, default=0) >= whole.vocab_size:
            tags = "" if whole.tags else "; `tags: pasta` would add PASTA's six"
            yield f"it has a row for token {max(rows.tokens)}, and there are {whole.vocab_size}{tags}"


def _way(adapter: Adapter, card: ModelCard) -> str | None:
    """What to do about an adapter that was trained on something else."""
    if adapter.trained is None:
        return None
    if adapter.trained.base == card.name:
        return f"the fingerprint of `{card.name}` is {card.fingerprint}: take the weights that it was trained on"
    return f"it was trained on `{adapter.trained.base}`: name that model under `source`"


def _misplaced(adapter: Adapter, card: ModelCard) -> Iterator[str]:
    """Additions that no layer of the model has room for, and layers that have none."""
    sizes, layers = _sizes(card), dict[str, set[int]]()
    for each in adapter.additions:
        match = _IN_A_LAYER.fullmatch(each.layer)
        if match is None:
            continue
        layers.setdefault(match[2], set()).add(int(match[1]))
        if int(match[1]) >= card.layers:
            yield f"`{each.layer}` is in layer {match[1]}, and there are {card.layers}"
        expected = sizes.get(match[2])
        if expected not in (None, (each.inputs, each.outputs)):
            yield f"`{each.layer}` takes {each.inputs} numbers to {each.outputs}, not {expected[0]} to {expected[1]}"
    for kind in adapter.everywhere:
        without = {*range(card.layers)} - layers.get(kind, {*()})
        if kind in sizes and without:
            yield f"it has no addition to `{kind}` in {len(without)} of {card.layers} layers"


def _sizes(card: ModelCard) -> Mapping[str, tuple[int, int]]:
    """Inputs and outputs of the layers' matrices by the names that all known architectures give them."""
    hidden, wide = card.hidden_size, card.intermediate_size
    query, key_value = card.heads * card.head_dim, card.kv_heads * card.head_dim
    return {
        "q_proj": (hidden, query),
        "k_proj": (hidden, key_value),
        "v_proj": (hidden, key_value),
        "o_proj": (query, hidden),
        "gate_proj": (hidden, wide),
        "up_proj": (hidden, wide),
        "down_proj": (wide, hidden),
    }


def _named(name: str, fingerprint: str | None) -> str:
    return f"`{name}`" if fingerprint is None else f"those of `{name}` with the fingerprint {fingerprint}"
