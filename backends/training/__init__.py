"""What plans refer to and has to be trained first: data, what a model learns from it, and how well it then does."""

from .adapters import Lora, with_adapter
from .annotating import Annotator, tens_of, with_estimates
from .answering import Answered, Speaker, answer, opening_on
from .asking import Complete, ModelAnnotator, annotation_prompt
from .batching import Batch, batch, fill_rows
from .bonbon import Pair, beta, bonbon_loss, target_margin
from .corpus import Corpus, CorpusRecipe, gather_corpus
from .finetuning import finetune
from .gathering import Drop, Example, Gathered, annotated, gather
from .judging import JudgedQuality, LikelihoodQuality, ModelJudge, mean_nats
from .likelihood import attention_mask, log_likelihoods, logits_of, losses
from .loop import Recipe, Task, train
from .packing import IGNORED, Packed, pack
from .pasta import train_pasta
from .recipe import PastaRecipe
from .rounds import PreferenceRecipe, name_of_weight
from .rules import annotate_by_rules
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
    "Answered",
    "Batch",
    "Complete",
    "Corpus",
    "CorpusRecipe",
    "Drop",
    "Example",
    "Gathered",
    "Judge",
    "JudgedQuality",
    "LikelihoodQuality",
    "Lora",
    "ModelAnnotator",
    "ModelJudge",
    "Packed",
    "Pair",
    "PastaRecipe",
    "PreferenceRecipe",
    "Quality",
    "Recipe",
    "Speaker",
    "Task",
    "Verdict",
    "annotate_by_rules",
    "annotated",
    "annotation_prompt",
    "answer",
    "attention_mask",
    "batch",
    "best_and_worst",
    "beta",
    "bonbon_loss",
    "fill_rows",
    "finetune",
    "gather",
    "gather_corpus",
    "judged_quality",
    "log_likelihoods",
    "logits_of",
    "losses",
    "mean_nats",
    "name_of_weight",
    "opening_on",
    "pack",
    "quality_of_likelihood",
    "quality_of_verdicts",
    "score",
    "target_margin",
    "tens_of",
    "train",
    "train_pasta",
    "with_adapter",
    "with_estimates",
]
