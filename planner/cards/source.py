"""From what a plan calls a model, a device or a pair to what is known of it; nothing outside files is ever asked."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from dataclasses import replace
from functools import lru_cache
from pathlib import Path

from ...grammar import Diagnostic, DiagnosticError, Located, Span
from .adapter import Adapter, read_adapter
from .card_files import Card, read_card, read_device, read_pair
from .config_json import read_config_folder
from .device import DeviceProfile
from .errors import (
    BrokenCard,
    CannotReadModelFile,
    NoCardForHubName,
    NoSuchAdapter,
    NoSuchModelFile,
    NotAModelPath,
    UnknownDevice,
    UnknownModelName,
)
from .gguf import read_gguf
from .model_card import ModelCard
from .pair import Pair

SPECS = Path(__file__).resolve().parents[2] / "specs"
DEFAULT_DEVICE = "cpu"

_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]*")
_HUB_NAME = re.compile(r"[A-Za-z0-9][\w.-]*/[A-Za-z0-9][\w.-]*", re.ASCII)
_PATH_ENDINGS = (".gguf", ".yaml", ".yml")


def resolve_source(source: Located[str], base_dir: Path) -> Card | Diagnostic:
    """What is known of a plan's `source:`; paths are counted from `base_dir`, the folder that the plan is in."""
    return find_source(source.value, source.span, base_dir)


def find_source(value: str, span: Span | None, base_dir: Path) -> Card | Diagnostic:
    """The card of that name, at that path, or with that hub name; else one diagnostic that says which way out."""
    if is_path(value):
        return _at_path(value, span, base_dir)
    if "/" in value:
        return _by_hub_name(value, span)
    known = known_models()
    if value in known:
        return _shipped_card(value)
    beside = [f"./{value}"] if _NAME.fullmatch(value) and _exists(base_dir / value) else []
    return UnknownModelName(span, value, (*beside, *known))


def is_path(value: str) -> bool:
    """Whether a source is meant as a path rather than as a name."""
    return value.startswith((".", "/", "~")) or value.endswith(_PATH_ENDINGS) or "\\" in value


def known_models() -> tuple[str, ...]:
    """The names of the cards that come with specplan, of models and of what rides them, sorted."""
    return _stems(SPECS / "models")


def known_devices() -> tuple[str, ...]:
    """The names of the device profiles that come with specplan, sorted."""
    return _stems(SPECS / "devices")


def find_device(name: str, span: Span | None, base_dir: Path | None = None) -> DeviceProfile | Diagnostic:
    """The profile of that name, or in that file if it is a path; `auto` compiles for the default profile."""
    wanted = DEFAULT_DEVICE if name == "auto" else name
    if base_dir is not None and is_path(name):
        return _device_at(name, base_dir, span)
    known = known_devices()
    if wanted not in known:
        return UnknownDevice(span, name, known)
    return _shipped_device(wanted)


def find_adapter(path: str, span: Span | None, base_dir: Path) -> Adapter | Diagnostic:
    """The adapter in a folder that a plan names; paths are counted from `base_dir`, the folder that the plan is in."""
    try:
        folder = _place(path, base_dir)
        if is_path(path) and folder.is_dir():
            return read_adapter(folder, path, span)
    except (OSError, ValueError) as error:  # ValueError: a path with a null character in it
        return CannotReadModelFile(span, path, getattr(error, "strerror", None) or str(error))
    return NoSuchAdapter(span, path, _neighbours(folder))


def find_pair(draft_vocabulary: str, target_vocabulary: str, folder: Path = SPECS / "pairs") -> Pair | None:
    """What was counted of these two vocabularies, in this order; None if nobody has. Raises DiagnosticError."""
    if not all(_NAME.fullmatch(each) for each in (draft_vocabulary, target_vocabulary)):
        return None
    path = folder / pair_file(draft_vocabulary, target_vocabulary)
    if not path.is_file():
        return None
    found = read_pair(path, f"specs/pairs/{path.name}")
    if isinstance(found, Pair):
        return found
    raise DiagnosticError(found)


def pair_at(path: str, span: Span | None, base_dir: Path) -> Pair | Diagnostic:
    """The pair in a file that a plan names; paths are counted from `base_dir`, the folder that the plan is in."""
    try:
        found = read_pair(_place(path, base_dir), path)
    except (OSError, ValueError) as error:  # ValueError: a path with a null character in it
        return CannotReadModelFile(span, path, getattr(error, "strerror", None) or str(error))
    return found if isinstance(found, Pair) else BrokenCard(span, path, found)


def pair_file(draft_vocabulary: str, target_vocabulary: str) -> str:
    """The name of the file that holds a pair.

    >>> pair_file("smollm2", "qwen2")
    'smollm2--qwen2.yaml'
    """
    return f"{draft_vocabulary}--{target_vocabulary}.yaml"


def _at_path(value: str, span: Span | None, base_dir: Path) -> Card | Diagnostic:
    try:
        path = _place(value, base_dir)
        if path.is_dir():
            card = read_config_folder(path, value, span)
        elif not path.exists():
            return NoSuchModelFile(span, value, _neighbours(path))
        elif path.suffix in (".yaml", ".yml") and path.is_file():
            found = read_card(path, value)
            return BrokenCard(span, value, found) if isinstance(found, tuple) else found
        elif path.suffix == ".gguf" and path.is_file():
            card = read_gguf(path, value, span)
        else:
            return NotAModelPath(span, value, "another kind of file")
    except OSError as error:
        return CannotReadModelFile(span, value, error.strerror or str(error))
    except ValueError:  # a path with a null character in it
        return NoSuchModelFile(span, value)
    return _in_its_family(card) if isinstance(card, ModelCard) else card


def _by_hub_name(value: str, span: Span | None) -> Card | Diagnostic:
    names = dict(_hub_names())
    if value in names:
        return _shipped_card(names[value])
    return NoCardForHubName(span, value, tuple(sorted(names)))


def _in_its_family(card: ModelCard) -> ModelCard:
    """The same card, its vocabulary called as in the shipped card that knows one of its tokenizer's files."""
    for digest in card.tokenizer_hashes:
        for name, text in _shipped_texts():
            if digest not in text:  # looking before reading: a card takes milliseconds to read
                continue
            family = _shipped_card(name)
            if isinstance(family, ModelCard) and digest in family.tokenizer_hashes:
                entries = min(card.entries, family.entries)
                return replace(card, vocabulary=family.vocabulary, entries=entries, tokenizer=family.tokenizer)
    return card


def _hub_names() -> Iterator[tuple[str, str]]:
    for name, text in _shipped_texts():
        match = re.search(r"^hub: *(\S+)", text, re.MULTILINE)
        if match:
            yield match[1], name


@lru_cache(maxsize=1)
def _shipped_texts() -> tuple[tuple[str, str], ...]:
    return tuple((name, (SPECS / "models" / f"{name}.yaml").read_text("utf-8")) for name in known_models())


@lru_cache(maxsize=64)
def _shipped_card(name: str) -> Card:
    found = read_card(SPECS / "models" / f"{name}.yaml", f"specs/models/{name}.yaml")
    assert not isinstance(found, tuple), f"the shipped card {name} is broken: {found}"
    return found


@lru_cache(maxsize=16)
def _shipped_device(name: str) -> DeviceProfile:
    found = read_device(SPECS / "devices" / f"{name}.yaml", f"specs/devices/{name}.yaml")
    assert isinstance(found, DeviceProfile), f"the shipped profile {name} is broken: {found}"
    return found


def _place(path: str, base_dir: Path) -> Path:
    """The place of a path in a plan; `~` is a home, and stays what it is where nobody has that home."""
    return base_dir / os.path.expanduser(path)


def _device_at(shown: str, base_dir: Path, span: Span | None) -> DeviceProfile | Diagnostic:
    try:
        path = _place(shown, base_dir)
        if not path.is_file():
            return UnknownDevice(span, shown, known_devices())
        found = read_device(path, shown)
    except (OSError, ValueError) as error:
        return CannotReadModelFile(span, shown, getattr(error, "strerror", None) or str(error))
    return found if isinstance(found, DeviceProfile) else BrokenCard(span, shown, found)


@lru_cache(maxsize=4)
def _stems(folder: Path) -> tuple[str, ...]:
    return tuple(sorted(path.stem for path in folder.glob("*.yaml")))


def _neighbours(path: Path) -> tuple[str, ...]:
    """What lies beside a path that leads nowhere."""
    try:
        return tuple(sorted(each.name for each in path.parent.iterdir()))[:1000]
    except OSError:
        return ()


def _exists(path: Path) -> bool:
    try:
        return path.exists()
    except OSError:
        return False
