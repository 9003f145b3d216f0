"""Check a plan: find its models, give its strategy a meaning, decide what was left open, hold it against what is known."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from pathlib import Path, PurePath

from ...grammar import Diagnostic, Plan, has_errors, read_plan
from ..cards import DeviceProfile, find_device
from ..checked import CheckedModel, CheckedPlan, CheckedPrompts, Ending, Guard, Places, Temper
from ..plan_errors import NoChatTemplate, NoRoomForPrompt, NotYet, SystemUnsaid, TokenOutside, Unused, WrongSampling
from ..resolve import resolve
from ..strategy import Decoder, decoded_model
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
    places = {key: entry.source.span for key, entry in plan.models.items()}
    section = next(iter(places.values()))
    decoder, about = resolve(plan.decode.value, places, section)
    said += about
    device = find_device(plan.backend.device.value, plan.backend.device.span, base)
    if not isinstance(device, DeviceProfile):
        said.append(device)
    if decoder is None:
        return None, tuple(said)
    decisions = Decisions(
        models, prompts, plan.sampling.temperature.value, plan.limits.batch.value, plan.guard is not None
    )
    decided = decide(decoder, decisions)
    said += decisions.found
    target = models.get(decoded_model(decoder).name)
    said += _settings(plan, target)
    said += _templates(plan, models, target)
    said += [Unused(place, key) for key, place in places.items() if not _names(plan, key)]
    if decided is None or has_errors(said) or not isinstance(device, DeviceProfile):
        return None, tuple(said)
    return _checked(plan, name, decided, models, prompts, device), tuple(said)


def _names(plan: Plan, name: str) -> bool:
    """Whether a model is named in the strategy, or ridden by one that is declared."""
    words = re.findall(r"[A-Za-z_]\w*", str(plan.decode.value))
    return name in words or any(entry.rides.value == name for entry in plan.models.values())


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
    if plan.calibration.value is not None:
        way = "leave `calibration` away: costs are then estimated from cards"
        said.append(NotYet(plan.calibration.span, "files of measurements are not read yet", way))
    return said


def _templates(plan: Plan, models: Mapping[str, CheckedModel], target: CheckedModel | None) -> Iterator[Diagnostic]:
    """Models that read the prompt in a chat template of their own have one: the target, and drafters of other vocabularies."""
    if plan.prompt.template.value != "chat" or target is None:
        return
    for name, model in models.items():
        reads = model is target or (model.card.vocabulary != target.card.vocabulary and _names(plan, name))
        if reads and not model.card.chat_template and model.chat_template is None:
            yield NoChatTemplate(model.span, name, model.source)


def _checked(
    plan: Plan,
    name: str,
    decided: Decoder,
    models: Mapping[str, CheckedModel],
    prompts: Mapping[str, CheckedPrompts],
    device: DeviceProfile,
) -> CheckedPlan:
    limits, sampling, stop = plan.limits, plan.sampling, plan.stop
    guard = None if plan.guard is None else Guard(plan.guard.min_speedup.value, plan.guard.window.value)
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
    )


def graph_name(file: str) -> str:
    """A graph's name: that of the plan's file, as a word.

    >>> graph_name("plans/my-plan.v2.yaml"), graph_name("-")
    ('my_plan_v2', 'plan')
    """
    stem = PurePath(file).name.rsplit(".", 1)[0] if "." in PurePath(file).name else PurePath(file).name
    word = re.sub(r"[^A-Za-z0-9_]+", "_", stem).strip("_")
    return word if re.match(r"[A-Za-z]", word) else f"plan_{word}".strip("_")
