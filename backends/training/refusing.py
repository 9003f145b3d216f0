"""What would go wrong an hour from now, said before anything has begun."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from ...grammar import Diagnostic, DiagnosticError, SourceFile, Span
from ..models import DeviceMissing, NoChatTemplate
from .answering import card_of
from .errors import NoRoomToAnswer, WindowsRefused
from .prompting import MAX_PROMPT_TOKENS
from .publishing import refuse_occupied
from .recipe import LIKELIHOOD, RULES, PastaRecipe
from .rounds import name_of_weight

SUPERVISED, SEQUENTIAL = "supervised", "sequential"


def refuse_impossible(recipe: PastaRecipe, folder: Path) -> None:
    """Raises `DiagnosticError` for all that is known to go wrong: SP0728, SP0740, SP0854, SP0861, SP0863, and unknown models."""
    found = [*_unfit_models(recipe), *_without_room(recipe), *_missing_device(recipe.device)]
    if found:
        raise DiagnosticError(found)
    for place in _places(recipe, folder):
        refuse_occupied(place)


def _unfit_models(recipe: PastaRecipe) -> Iterator[Diagnostic]:
    if card_of(recipe.corpus.model).sliding_layers:
        yield WindowsRefused(None, recipe.corpus.model)
    for word, own in ((recipe.annotator, RULES), (recipe.judge, LIKELIHOOD)):
        if word != own and not card_of(word).chat_template:
            yield NoChatTemplate(None, word)


def _without_room(recipe: PastaRecipe) -> Iterator[Diagnostic]:
    """Who writes an answer with tags reads a prompt before; an annotator reads the answer, too."""
    most = recipe.corpus.max_new_tokens
    readers = [(recipe.corpus.model, 0)] + ([] if recipe.annotator == RULES else [(recipe.annotator, 1)])
    for model, answers in readers:
        positions = card_of(model).positions
        prompt = MAX_PROMPT_TOKENS + answers * most
        if recipe.most_annotated + prompt > positions:
            fits = (positions - MAX_PROMPT_TOKENS) * 3 // (4 + 3 * answers)
            yield NoRoomToAnswer(None, model, positions, recipe.most_annotated, prompt, fits)


def _missing_device(device: str) -> Iterator[Diagnostic]:
    import torch

    try:
        torch.empty(0, device="cpu" if device == "auto" else device)
    except (RuntimeError, AssertionError, NotImplementedError) as error:
        yield DeviceMissing(_option("--device", device), device, str(error).splitlines()[0])


def _option(name: str, value: str) -> Span:
    """The place of an option's value on the command line."""
    text = f"{name} {value}"
    return SourceFile("command line", text).span(len(name) + 1, len(text))


def _places(recipe: PastaRecipe, folder: Path) -> list[Path]:
    """Where the run will publish."""
    weights = () if recipe.preferences is None else map(name_of_weight, recipe.preferences.weights)
    names = [SUPERVISED, *([SEQUENTIAL] if recipe.sequential else []), *weights]
    return [folder, *(folder / name for name in names)]
