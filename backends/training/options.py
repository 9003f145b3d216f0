"""With which options a run was begun, as its folder keeps them: what has come of them is used again only with the same.

Each stage keeps what it has finished, and each option decides stages from one on. An option may change as long as none of
these has kept anything; what only adds (`--count` before anything is learned, `--sequential`, another `--weight`) and what
changes nothing (`--batch`, `--device`) may change at any time.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterator, Mapping, Sequence
from enum import Enum
from hashlib import sha256
from pathlib import Path
from typing import Any

from ...grammar import DiagnosticError
from ...planner.cards import is_path
from ..runtime import Prompt
from .answering import card_of
from .errors import Changed, FileDamaged, OtherOptions
from .recipe import PastaRecipe

RUN = "run.json"


class Stage(Enum):
    """What a run does, in this order; the value names it to people."""

    PROMPTS = "prompts"
    ANSWERS = "answers"
    ANNOTATIONS = "annotations"
    TUNING = "fine-tuning"
    CANDIDATES = "answers in threads"
    REFERENCES = "reference likelihoods"
    PREFERENCES = "preferences"
    FRONT = "held-out answers"

    @property
    def onwards(self) -> tuple[Stage, ...]:
        """It, and all that is made of it."""
        stages = (*Stage,)
        return stages[stages.index(self) :]

    def kept(self, folder: Path) -> list[Path]:
        """What it has finished in a run's folder."""
        return [file for pattern in _KEEPS[self] for file in sorted(folder.glob(pattern))]


_KEEPS: Mapping[Stage, tuple[str, ...]] = {
    Stage.PROMPTS: ("data/prompts.jsonl",),
    Stage.ANSWERS: ("data/answers.jsonl",),
    Stage.ANNOTATIONS: ("data/annotations.jsonl",),
    Stage.TUNING: ("supervised/checkpoint.pt", "sequential/checkpoint.pt"),
    Stage.CANDIDATES: ("supervised/held_out.jsonl", "supervised/candidates.jsonl", "supervised/qualities.jsonl"),
    Stage.REFERENCES: ("weight-*/round-*/references.jsonl",),
    Stage.PREFERENCES: ("weight-*/round-*/checkpoint.pt",),
    Stage.FRONT: ("weight-*/held_out.jsonl",),
}
"""The files in which each stage keeps what it has finished."""

DECIDES: Mapping[str, Stage] = {
    "--model": Stage.PROMPTS,
    "--dtype": Stage.PROMPTS,
    "--seed": Stage.PROMPTS,
    "--max-new-tokens": Stage.ANSWERS,
    "--annotator": Stage.ANNOTATIONS,
    "--prompts": Stage.TUNING,
    "--count": Stage.TUNING,
    "--epochs": Stage.TUNING,
    "--learning-rate": Stage.TUNING,
    "--full": Stage.TUNING,
    "--rank": Stage.TUNING,
    "--judge": Stage.CANDIDATES,
    "--candidates": Stage.CANDIDATES,
    "--preference-prompts": Stage.REFERENCES,
    "--preference-rate": Stage.PREFERENCES,
    "--rounds": Stage.FRONT,
}
"""The first stage that each option decides. Prompts that were answered stay answered, whatever others there are."""


def options_of(recipe: PastaRecipe, prompts: Sequence[Prompt] | None) -> dict[str, Any]:
    """What a recipe says of each option, as the command line has it; nothing of those that it has no use for."""
    corpus, lora, preferences = recipe.corpus, recipe.lora, recipe.preferences
    found = {
        "--model": _model(corpus.model),
        "--dtype": corpus.dtype,
        "--seed": corpus.seed,
        "--max-new-tokens": corpus.max_new_tokens,
        "--annotator": _model(recipe.annotator),
        "--prompts": "made up" if prompts is None else _given(prompts),
        "--count": corpus.count if prompts is None else None,
        "--epochs": recipe.tuning.epochs,
        "--learning-rate": recipe.tuning.learning_rate,
        "--full": lora is None,
        "--rank": None if lora is None else lora.rank,
    }
    if preferences is not None:
        found |= {
            "--judge": _model(recipe.judge),
            "--candidates": preferences.candidates,
            "--preference-prompts": preferences.prompts,
            "--preference-rate": preferences.tuning.learning_rate,
            "--rounds": preferences.rounds,
        }
    return {option: value for option, value in found.items() if value is not None}


def begin(folder: Path, options: Mapping[str, Any]) -> None:
    """Keep a run's options in its folder, beside those of earlier ones that it has no use for.

    Raises `DiagnosticError` (SP0858) where something is kept that was made with another value of any, and SP0859 where the
    file is none of ours; nothing is then changed.
    """
    file = folder / RUN
    earlier = _read(file)
    changed = [*_changed(folder, earlier, options)]
    if changed:
        named = ", ".join(each.option for each in changed)
        raise DiagnosticError([OtherOptions(None, str(folder), named, tuple(changed), _stale(folder, changed))])
    fresh = file.with_suffix(".new")
    fresh.write_text(json.dumps({"options": {**earlier, **options}}, indent=2) + "\n", encoding="utf-8")
    os.replace(fresh, file)


def _changed(folder: Path, earlier: Mapping[str, Any], options: Mapping[str, Any]) -> Iterator[Changed]:
    for option, first in DECIDES.items():
        stages = tuple(stage.value for stage in first.onwards if stage.kept(folder))
        if stages and option in earlier and option in options and earlier[option] != options[option]:
            yield Changed(option, _shown(earlier[option]), _shown(options[option]), stages)


def _shown(value: Any) -> str:
    return value if isinstance(value, str) else json.dumps(value)


def _stale(folder: Path, changed: Sequence[Changed]) -> tuple[str, ...]:
    """What to delete to have it made with the other options."""
    stages = {stage for each in changed for stage in DECIDES[each.option].onwards}
    return tuple(sorted({str(_whole(folder, path)) for stage in stages for path in stage.kept(folder)}))


def _whole(folder: Path, path: Path) -> Path:
    """A file, or the folder of the weight that it belongs to: all of that is made anew."""
    first = path.relative_to(folder).parts[0]
    return folder / first if first.startswith("weight-") else path


def _model(name: str) -> str:
    """A model, or a word in its place; of a path which weights are there."""
    return f"{name} ({card_of(name).fingerprint})" if is_path(name) else name


def _given(prompts: Sequence[Prompt]) -> str:
    lines = "\n".join(json.dumps([each.id, each.text]) for each in prompts)
    return f"{len(prompts)} prompts ({sha256(lines.encode()).hexdigest()[:8]})"


def _read(file: Path) -> Mapping[str, Any]:
    if not file.exists():
        return {}
    try:
        found = json.loads(file.read_text(encoding="utf-8"))
    except ValueError:
        found = None
    options = found.get("options") if isinstance(found, dict) else None
    if not isinstance(options, dict):
        reason, then = "it holds no options", "the run goes on without it"
        raise DiagnosticError([FileDamaged(None, str(file), reason, then)])
    return options
