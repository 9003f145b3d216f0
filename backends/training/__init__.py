"""What plans refer to and has to be trained first: data, what a model learns from it, and how well it then does."""

from .adapters import Lora, with_adapter
from .annotating import Annotator, tens_of, with_estimates
from .asking import Complete, ModelAnnotator, annotation_prompt
from .batching import Batch, batch, fill_rows
from .bonbon import Pair, beta, bonbon_loss, target_margin
from .finetuning import Recipe, finetune
from .gathering import Drop, Example, Gathered, annotated, gather
from .likelihood import attention_mask, log_likelihoods, logits_of, losses
from .packing import IGNORED, Packed, pack
from .rules import annotate_by_rules
from .schedule import Schedule, replay
from .scoring import (
    Judge,
    Quality,
    Verdict,
    best_and_worst,
    judged_quality,
    quality_of_likelihood,
    quality_of_verdicts,
    score,
)

__all__ = [
    "IGNORED",
    "Annotator",
    "Batch",
    "Complete",
    "Drop",
    "Example",
    "Gathered",
    "Judge",
    "Lora",
    "ModelAnnotator",
    "Packed",
    "Pair",
    "Quality",
    "Recipe",
    "Schedule",
    "Verdict",
    "annotate_by_rules",
    "annotated",
    "annotation_prompt",
    "attention_mask",
    "batch",
    "best_and_worst",
    "beta",
    "bonbon_loss",
    "fill_rows",
    "finetune",
    "gather",
    "judged_quality",
    "log_likelihoods",
    "logits_of",
    "losses",
    "pack",
    "quality_of_likelihood",
    "quality_of_verdicts",
    "replay",
    "score",
    "target_margin",
    "tens_of",
    "with_adapter",
    "with_estimates",
]
