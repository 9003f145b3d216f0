"""What every table between two vocabularies must be: to words, never to special tokens or padding, and true in bytes."""

from __future__ import annotations

from typing import Any

from specplan.backends.runtime.bridge import Bridge, bridge
from specplan.backends.runtime.words import Words
from specplan.planner.graph import Ref, Table
from specplan.planner.vocabulary import is_whole_characters


def check_tables(drafter: Words, target: Words, draft_tokenizer: Any, target_tokenizer: Any) -> None:
    """TLI's table and SLRS's, with the end tokens as the one pair made by hand."""
    ends = {draft_tokenizer.eos_token_id: target_tokenizer.eos_token_id}
    shared, pieces = (_bridge(method, drafter, target, ends) for method in ("tli", "slrs"))
    for table in (shared, pieces):
        assert len(table.images) == len(drafter.spelled)
        for token, image in enumerate(table.images):
            if image is not None and token not in ends:
                assert token < len(draft_tokenizer) and token not in draft_tokenizer.all_special_ids
                assert image < len(target_tokenizer) and image not in target_tokenizer.all_special_ids
    found = [image for image in shared.images if image is not None]
    assert len(set(found)) == len(found)
    assert shared.images[draft_tokenizer.eos_token_id] == target_tokenizer.eos_token_id
    for token, image in enumerate(shared.images):
        assert image is None or token in ends or drafter.spelled[token] == target.spelled[image]
    for token, image in enumerate(pieces.images):
        spelled = drafter.spelled[token]
        if not spelled or not is_whole_characters(spelled):
            assert image is None
        elif image is not None:
            assert spelled.startswith(target.spelled[image] or b"special")
    assert pieces.images[draft_tokenizer.eos_token_id] is None


def _bridge(method: str, drafter: Words, target: Words, ends: dict[int, int]) -> Bridge:
    table = Table(name="table", method=Ref(method), source=Ref("drafter"), target=Ref("target"))
    return bridge(table, drafter, target, ends)
