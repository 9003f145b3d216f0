"""What a target is trained on, for whatever method: prompts, given or made up, and the target's own answers to them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from enum import Enum
from pathlib import Path
from typing import Any

from ..models import Progress
from ..runtime import Prompt
from .answering import Answered, Open, Speaker, answer, card_of
from .prompting import Useless, own_prompts


@dataclass(frozen=True, slots=True)
class CorpusRecipe:
    """Whose answers, and how many."""

    model: str = "smollm2-135m-instruct"
    count: int = 1000
    """Prompts that the model makes up, where none are given."""
    temperature: float = 0.7
    top_p: float = 0.95
    max_new_tokens: int = 384
    dtype: str = "bfloat16"
    """The type of the weights that answer."""
    batch: int = 32
    seed: int = 0

    @property
    def speaker(self) -> Speaker:
        """How the target answers."""
        template = "chat" if card_of(self.model).chat_template else "none"
        return Speaker(
            self.model,
            self.dtype,
            self.temperature,
            self.top_p,
            self.seed,
            self.max_new_tokens,
            template=template,
            batch=self.batch,
        )


@dataclass(frozen=True, slots=True)
class Corpus:
    """All answers, those that were cut off at the limit too, and how many prompts there were."""

    answers: tuple[Answered, ...]
    prompts: int
    repeated: int
    """Prompts whose text an earlier one has: they are not answered."""
    useless: Counter[Useless]
    """Of what was sampled as a prompt."""

    def to_json(self) -> dict[str, Any]:
        """The counts; of the reasons those that occurred."""
        return {
            "prompts": self.prompts,
            "useless_prompts": named(self.useless),
            "repeated_prompts": self.repeated,
            "refused_prompts": self.prompts - self.repeated - len(self.answers),
        }


def gather_corpus(
    recipe: CorpusRecipe, prompts: Sequence[Prompt] | None, folder: Path, open_plan: Open, watch: Progress
) -> Corpus:
    """The corpus of a recipe, on prompts that were given or, where that is None, made up by the model.

    All that was sampled is kept in `folder`: whoever was interrupted goes on, and a larger count adds to what there is.
    Raises `DiagnosticError` (SP0850, SP0853, SP0855, and whatever stands in the way of running the model).
    """
    useless: Counter[Useless] = Counter()
    if prompts is None:
        prompts, useless = own_prompts(recipe.speaker, recipe.count, folder / "prompts.jsonl", open_plan, watch)
    distinct: dict[str, Prompt] = {}
    for each in prompts:
        distinct.setdefault(each.text, each)
    answers = answer([*distinct.values()], recipe.speaker, folder / "answers.jsonl", open_plan, watch, "answers")
    return Corpus(tuple(answers), len(prompts), len(prompts) - len(distinct), useless)


def named(counts: Counter[Any]) -> dict[str, int]:
    """Counts by reasons, as JSON has them."""
    kinds: list[Enum] = sorted(counts, key=lambda kind: kind.name)
    return {kind.name.lower(): counts[kind] for kind in kinds}
