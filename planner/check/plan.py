"""Check a plan: find its models, give its strategy a meaning, decide what was left open, hold it against what is known."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from pathlib import Path, PurePath

from ...grammar import Diagnostic, Plan, has_errors, read_plan
from ..cards import DeviceProfile, Pair, find_device, pair_at
from ..checked import CheckedModel, CheckedPlan, CheckedPrompts, Ending, Guard, Places, Temper
from ..plan_errors import (
    NoChatTemplate,
    NoEffect,
    NoRoomForPrompt,
    SystemUnsaid,
    TokenOutside,
    Unused,
    WrongSampling,
)
from ..resolve import resolve
from ..strategy import Decoder, decoded_model, named_models, speculates
from .around import Decisions
from .models import check_models
from .strategy import decide


def check_plan(data: bytes, name: str, base: Path) -> tuple[CheckedPlan | None, tuple[Diagnostic, ...]]:
    """The plan in a file's bytes with everything decided, or None, and all that is to be said of it.

    `name` is what the file is called in diagnostics, `base` the folder that its paths count from.
    """
    plan, found = read_plan(data, name)
    if plan is None:
        return None, found
    said = list(found)
    models, prompts, about = check_models(plan, base)
    said += about
    decoder, about = resolve(plan.decode.value, plan.models.places)
    said += about
    device = find_device(plan.backend.device.value, plan.backend.device.span, base)
    if not isinstance(device, DeviceProfile):
        said.append(device)
    if decoder is None:
        return None, tuple(said)
    guarded = plan.guard is not None and speculates(decoder)
    measured, about = _measured(plan, models, base)
    said += about
    decisions = Decisions(models, prompts, plan.sampling.temperature.value, plan.limits.batch.value, guarded, measured)
    decided = decide(decoder, decisions)
    said += decisions.found
    target = models.get(decoded_model(decoder).name)
    said += _settings(plan, target)
    if plan.guard is not None and not guarded:
        way = "leave `guard` away, or let the plan speculate"
        said.append(NoEffect(plan.guard.span, "nothing speculates here, so there is nothing for `guard` to stop", way))
    used = _used(plan, decoder)
    said += _templates(plan, {name: models[name] for name in models if name in used}, target)
    said += [Unused(plan.models.places[name], name) for name in plan.models if name not in used]
    if decided is None or has_errors(said) or not isinstance(device, DeviceProfile):
        return None, tuple(said)
    return _checked(plan, name, decided, models, prompts, device, measured), tuple(said)


def _measured(plan: Plan, models: Mapping[str, CheckedModel], base: Path) -> tuple[Pair | None, tuple[Diagnostic, ...]]:
    """What the plan's own file says of two vocabularies."""
    named = plan.calibration
    found = None if named.value is None else pair_at(named.value, named.span, base)
    if not isinstance(found, Pair):
        return None, () if found is None else (found,)
    if {found.draft, found.target} <= {model.card.vocabulary for model in models.values()}:
        return found, ()
    what = f"nothing here is in the vocabularies {found.draft} and {found.target}, which the file is about"
    return found, (NoEffect(named.span, what, "leave `calibration` away, or name the file of the plan's own pair"),)


def _used(plan: Plan, decoder: Decoder) -> set[str | None]:
    """The models that a strategy names, and those that these ride."""
    named = {each.name for each in named_models(decoder)}
    return named | {entry.rides.value for name, entry in plan.models.items() if name in named}


def _settings(plan: Plan, target: CheckedModel | None) -> list[Diagnostic]:
    """What is wrong with the plan's other sections."""
    said: list[Diagnostic] = []
    limits, sampling, prompt = plan.limits, plan.sampling, plan.prompt
    if limits.context.value <= limits.max_new_tokens.value:
        place = limits.max_new_tokens.span if limits.max_new_tokens.given else limits.context.span
        said.append(NoRoomForPrompt(place, limits.context.value, limits.max_new_tokens.value))
    if sampling.temperature.value == 0:
        for name in ("top_k", "top_p", "min_p"):
            given = getattr(sampling, name)
            if given.given and given.value is not None:
                said.append(WrongSampling(given.span, f"`{name}` has no effect at temperature 0"))
    if prompt.template.value == "none" and prompt.system.value is not None:
        said.append(SystemUnsaid(prompt.system.span))
    if target is not None:
        size = target.card.vocab_size
        said += [TokenOutside(each.span, each.value, size) for each in plan.stop.token_ids.value if each.value >= size]
    return said


def _templates(plan: Plan, models: Mapping[str, CheckedModel], target: CheckedModel | None) -> Iterator[Diagnostic]:
    """Models that read the prompt in a chat template of their own have one: the target, and drafters of other vocabularies."""
    if plan.prompt.template.value != "chat" or target is None:
        return
    for name, model in models.items():
        reads = model is target or model.card.vocabulary != target.card.vocabulary
        if reads and not model.card.chat_template and model.chat_template is None:
            yield NoChatTemplate(model.span, name, model.source)


def _checked(
    plan: Plan,
    name: str,
    decided: Decoder,
    models: Mapping[str, CheckedModel],
    prompts: Mapping[str, CheckedPrompts],
    device: DeviceProfile,
    measured: Pair | None,
) -> CheckedPlan:
    limits, sampling, stop = plan.limits, plan.sampling, plan.stop
    guard = (
        None
        if plan.guard is None or not speculates(decided)
        else Guard(plan.guard.min_speedup.value, plan.guard.window.value)
    )
    return CheckedPlan(
        name=graph_name(name),
        decoder=decided,
        models=models,
        prompts=prompts,
        sampling=Temper(
            sampling.temperature.value,
            sampling.top_k.value,
            sampling.top_p.value,
            sampling.min_p.value,
            sampling.seed.value,
        ),
        ending=Ending(
            limits.max_new_tokens.value,
            tuple(each.value for each in stop.strings.value),
            tuple(each.value for each in stop.token_ids.value),
            stop.ignore_eos.value,
        ),
        context=limits.context.value,
        batch=limits.batch.value,
        template=plan.prompt.template.value,
        system=plan.prompt.system.value,
        guard=guard,
        engine=plan.backend.engine.value,
        device=plan.backend.device.value,
        profile=device,
        memory=device.memory if limits.memory.value is None else limits.memory.value,
        places=Places(limits.context.span, limits.memory.span, plan.decode.span, plan.backend.ranks),
        pair=measured,
    )


def graph_name(file: str) -> str:
    """A graph's name: that of the plan's file, as a word.

    >>> graph_name("plans/my-plan.v2.yaml"), graph_name("-")
    ('my_plan_v2', 'plan')
    """
    stem = PurePath(file).name.rsplit(".", 1)[0] if "." in PurePath(file).name else PurePath(file).name
    word = re.sub(r"[^A-Za-z0-9_]+", "_", stem).strip("_")
    return word if re.match(r"[A-Za-z]", word) else f"plan_{word}".strip("_")
