"""Which models a plan has: every source found on a card, every setting held against it."""

from __future__ import annotations

from pathlib import Path

from ...grammar import Diagnostic, Located, Model, Plan
from ..cards import ModelCard, PromptsCard, find_device, resolve_source
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
                models[name] = _model(name, model, card, found)
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
