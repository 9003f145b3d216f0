"""What is shipped trained: it belongs to a card, fits the model that the card names, is small, and says how it was made."""

from __future__ import annotations

from hashlib import sha256
from pathlib import Path

import pytest

from specplan.planner.cards import Adapter, ModelCard, find_source, known_models, misfits, read_adapter

TRAINED = Path(__file__).parents[2] / "specs" / "trained"
LARGEST = 8_000_000
FOLDERS = sorted(each for each in TRAINED.iterdir() if each.is_dir() and each.name != "__pycache__")


def test_there_are_cards_for_all_of_them() -> None:
    cards = [find_source(name, None, TRAINED) for name in known_models()]
    named = {each.adapter.resolve() for each in cards if isinstance(each, ModelCard) and each.adapter is not None}
    assert named
    assert {*FOLDERS} <= named


@pytest.mark.parametrize("folder", FOLDERS, ids=lambda folder: folder.name)
def test_it_fits_and_says_how_it_was_made(folder: Path) -> None:
    card = find_source(folder.name, None, TRAINED)
    assert isinstance(card, ModelCard) and card.base is not None
    base, adapter = find_source(card.base, None, TRAINED), read_adapter(folder, folder.name, None)
    assert isinstance(base, ModelCard) and isinstance(adapter, Adapter) and adapter.trained is not None
    assert [*misfits(adapter, base, tags=card.tags is not None, dtype=card.dtype, span=None)] == []
    weights = folder / "adapter_model.safetensors"
    assert sha256(weights.read_bytes()).hexdigest() == adapter.trained.sha256
    assert weights.stat().st_size <= LARGEST
    assert adapter.trained.command in (folder / "README.md").read_text(encoding="utf-8")
