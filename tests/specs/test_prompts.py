"""The shipped prompts: readable by `run`, each with a name of its own, and of every kind some."""

import json
from collections import Counter
from pathlib import Path

from specplan.cli.prompts import read_prompts

FOLDER = Path(__file__).parents[2] / "specs" / "prompts"
FILE, LISTS = FOLDER / "quick.jsonl", FOLDER / "lists.jsonl"


def test_they_are_prompts_with_names_of_their_own() -> None:
    prompts = [each for file in (FILE, LISTS) for each in read_prompts(file.read_bytes(), file.name)]
    assert len({each.id for each in prompts}) == len({each.text for each in prompts}) == len(prompts) == 60 + 40


def test_every_kind_has_some() -> None:
    lines = [json.loads(line) for line in FILE.read_text(encoding="utf-8").splitlines()]
    kinds = Counter(line["category"] for line in lines)
    assert set(kinds) == {"writing", "code", "maths", "summary", "translation", "question", "list"}
    assert min(kinds.values()) >= 8
    assert all(set(line) == {"id", "category", "prompt"} for line in lines)
