"""The shipped pairs: each is what its name says, was counted on a text, and is found."""

from pathlib import Path

import pytest

from specplan.planner.cards import find_pair, pair_file, read_pair

FILES = sorted((Path(__file__).parents[2] / "specs" / "pairs").glob("*.yaml"))


def test_the_vocabularies_of_the_models_that_can_be_fetched_are_counted() -> None:
    assert {each.stem for each in FILES} >= {"smollm2--qwen2", "smollm2--gemma3", "qwen2--gemma3"}


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.stem)
def test_it_is_read_and_written_the_same(file: Path) -> None:
    pair = find_pair(*file.stem.split("--"))
    assert pair is not None and pair == read_pair(file, file.name)
    assert file.name == pair_file(pair.draft, pair.target)
    assert pair.to_yaml() == file.read_text(encoding="utf-8")
    assert pair.counted_on is not None and pair.counted_on.startswith("specs/prompts/quick.jsonl: 60 texts, ")
    # What people write is in common tokens; so a share of the text is larger than one of the tokens.
    assert pair.weighted_of_target is not None and pair.weighted_of_target > pair.shared / pair.target_tokens
