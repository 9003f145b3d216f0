"""Which models a plan has: every source found on a card, every setting held against it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from ...grammar import Diagnostic, Located, Model, Plan
from ..cards import (
    Adapter,
    ModelCard,
    PromptsCard,
    adapted,
    find_adapter,
    find_device,
    find_source,
    misfits,
    read_adapter,
    resolve_source,
)
from ..checked import CheckedModel, CheckedPrompts
from ..plan_errors import MaskOutside, OtherDtype, RidesNobody, RidesOther, TokensOverrideModel


def check_models(
    plan: Plan, base: Path
) -> tuple[dict[str, CheckedModel], dict[str, CheckedPrompts], tuple[Diagnostic, ...]]:
    """The plan's models and prompts by name, and what is wrong with them. `base` is the folder that paths count from."""
    models: dict[str, CheckedModel] = {}
    riders: dict[str, tuple[Model, PromptsCard]] = {}
    found: list[Diagnostic] = []
    for name, model in plan.models.items():
        card = resolve_source(model.source, base)
        match card:
            case ModelCard():
                found += _own_adapter(model, card)
                models[name] = _model(name, model, _with_adapter(model, card, base, found), found)
            case PromptsCard():
                riders[name] = model, card
            case Diagnostic():
                found.append(card)
        if model.device.value is not None:
            device = find_device(model.device.value, model.device.span, base)
            if isinstance(device, Diagnostic):
                found.append(device)
    refused = plan.models.places.keys() - models.keys() - riders.keys()
    prompts: dict[str, CheckedPrompts] = {}
    for name, (model, card) in riders.items():
        checked = None if model.rides.value in refused else _prompts(name, model, card, models, found)
        if checked is not None:
            prompts[name] = checked
    return models, prompts, tuple(found)


def _own_adapter(model: Model, card: ModelCard) -> Iterator[Diagnostic]:
    """What is wrong with the adapter that is a part of a model. Without its folder the weights are not at hand, that is all."""
    if card.base is None or card.adapter is None or not card.adapter.is_dir():
        return
    adapter = read_adapter(card.adapter, model.source.value, model.source.span)
    whole = find_source(card.base, model.source.span, Path())
    match adapter, whole:
        case Adapter(), ModelCard():
            dtype = model.dtype.value or card.dtype
            yield from misfits(adapter, whole, tags=card.tags is not None, dtype=dtype, span=model.source.span)
        case _:
            yield from (each for each in (adapter, whole) if isinstance(each, Diagnostic))


def _with_adapter(model: Model, card: ModelCard, base: Path, found: list[Diagnostic]) -> ModelCard:
    """The card of a model with the plan's adapter on it."""
    if model.adapter.value is None:
        return card
    adapter = find_adapter(model.adapter.value, model.adapter.span, base)
    if isinstance(adapter, Diagnostic):
        found.append(adapter)
        return card
    tags, dtype = model.tags.value is not None, model.dtype.value or card.dtype
    found += misfits(adapter, card, tags=tags, dtype=dtype, span=model.adapter.span)
    return adapted(card, adapter, tags=tags)


def _model(name: str, model: Model, card: ModelCard, found: list[Diagnostic]) -> CheckedModel:
    if model.rides.value is not None:
        found.append(RidesNobody(model.rides.span, f"`{name}` is a model, and models ride nothing", (), name))
    mask = card.mask if model.mask.value is None else model.mask.value
    if mask is not None and mask >= card.vocab_size:
        found.append(MaskOutside(model.mask.span, mask, card.vocab_size))
    context = model.context.value
    if context is not None and context > card.positions:
        problem = f"a context of {context} is longer than the {card.positions} positions of {card.name}"
        found.append(TokensOverrideModel(model.context.span, name, problem, model.source.span))
    return CheckedModel(
        name=name,
        source=model.source.value,
        card=card,
        dtype=model.dtype.value or card.dtype,
        mask=mask,
        positions=context or card.positions,
        tagged=(model.tags.value or card.tags) is not None,
        span=model.source.span,
        adapter=model.adapter.value,
        device=model.device.value,
        chat_template=model.chat_template.value,
    )


_MODELS_ONLY = ("device", "mask", "tags", "context", "chat_template", "adapter")


def _prompts(
    name: str,
    model: Model,
    card: PromptsCard,
    models: dict[str, CheckedModel],
    found: list[Diagnostic],
) -> CheckedPrompts | None:
    for field in _MODELS_ONLY:
        given: Located[object] = getattr(model, field)
        if given.value is not None:
            problem = f"prompt tokens have no `{field}`"
            found.append(TokensOverrideModel(given.span, name, problem, model.source.span))
    rides = model.rides.value
    if rides is None or rides not in models:
        problem = (
            f"`{name}` rides a model, and `rides` does not say which"
            if rides is None
            else f"`{rides}` is not a model of this plan"
        )
        place = model.source.span if rides is None else model.rides.span
        found.append(RidesNobody(place, problem, tuple(models), rides or card.rides))
        return None
    if not card.fits(models[rides].card):
        found.append(RidesOther(model.rides.span, name, card.rides, models[rides].card.name))
        return None
    if model.dtype.value not in (None, models[rides].dtype):
        found.append(OtherDtype(model.dtype.span, name, str(model.dtype.value), rides, models[rides].dtype))
    return CheckedPrompts(name, model.source.value, card, rides, model.source.span)
