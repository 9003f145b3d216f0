"""All that a run of `specplan train pasta` is made of."""

from __future__ import annotations

from dataclasses import asdict, dataclass, field
from typing import Any

from .adapters import Lora
from .corpus import CorpusRecipe
from .loop import Recipe
from .rounds import PreferenceRecipe, name_of_weight

RULES, LIKELIHOOD = "rules", "likelihood"
"""The annotator and the judge that are no models."""


@dataclass(frozen=True, slots=True)
class PastaRecipe:
    """A run; the defaults are for a model of a hundred million parameters on a CPU."""

    corpus: CorpusRecipe = field(default_factory=CorpusRecipe)
    annotator: str = RULES
    """`rules`, or an instruct model that is asked."""
    plain: float = 0.1
    """The share of examples in which nothing is promised."""
    held_out: float = 0.05
    """The share of examples that are measured on, and not learned."""
    tuning: Recipe = field(default_factory=lambda: Recipe(6e-4, epochs=3, answers=4))
    lora: Lora | None = field(default_factory=Lora)
    """None trains all weights."""
    preferences: PreferenceRecipe | None = field(default_factory=PreferenceRecipe)
    """None ends behind supervised fine-tuning."""
    judge: str = LIKELIHOOD
    """`likelihood` under the untouched model, or an instruct model that is asked."""
    sequential: bool = False
    """Train the same answers without tags too, as what promising is measured against."""
    device: str = "cpu"
    """As torch calls it, or `auto`."""

    def to_json(self) -> dict[str, Any]:
        """All settings; weights by their names, since JSON has no infinity."""
        told = asdict(self)
        if self.preferences is not None:
            told["preferences"]["weights"] = [name_of_weight(weight) for weight in self.preferences.weights]
        return told

    @property
    def most_annotated(self) -> int:
        """The most tokens of an answer with tags: a third more than without, for these and the topics."""
        return self.corpus.max_new_tokens * 4 // 3
