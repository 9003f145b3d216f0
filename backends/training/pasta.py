"""`specplan train pasta`: the whole recipe, from prompts to a model that writes its own promises.

    prompts -> the model's own answers -> annotated -> fine-tuned -> sampled, judged and preferred

Every stage keeps what it has finished in the run's folder, so that a run that was stopped goes on where it stopped.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from functools import partial
from pathlib import Path
from typing import Any

from ...grammar import DiagnosticError, strip_pasta
from ..models import LoadedModel, Progress, add_tags, load_model
from ..runtime import Prompt
from .adapters import Lora, with_adapter
from .annotating import Annotator
from .answering import Answered, Open, answer, card_of, opening_on
from .asking import ModelAnnotator, annotation_prompt
from .candidates import Sampling
from .corpus import Corpus, CorpusRecipe, gather_corpus, named
from .errors import NothingToLearn
from .finetuning import finetune
from .front import front_picture
from .gathering import Example, gather
from .judging import JudgedQuality, LikelihoodQuality, ModelJudge
from .lessons import School, Unlearnable, split
from .loop import Recipe
from .packing import Packed
from .publishing import publish
from .rounds import Asked, Point, PreferenceRecipe, Preferring, name_of
from .rules import annotate_by_rules
from .scoring import Quality
from .unfit import fit
from .watching import Watch

RULES, LIKELIHOOD = "rules", "likelihood"
SUMMARY, PICTURE = "summary.json", "front.svg"
_MAX_ANNOTATION = 1024
_MOST_HELD_OUT = 32
"""Held-out prompts that the front is measured on."""


@dataclass(frozen=True, slots=True)
class PastaRecipe:
    """All that a run is made of; the defaults are for a model of a hundred million parameters on a CPU."""

    corpus: CorpusRecipe = field(default_factory=CorpusRecipe)
    annotator: str = RULES
    """`rules`, or an instruct model that is asked."""
    plain: float = 0.1
    """The share of examples in which nothing is promised."""
    held_out: float = 0.05
    """The share of examples that are measured on, and not learned."""
    tuning: Recipe = field(default_factory=lambda: Recipe(2e-4, epochs=3))
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


@dataclass(frozen=True, slots=True)
class Lessons:
    """Examples, those to learn from and those to measure on, and what became of all that was written."""

    learned: list[Example]
    held_out: list[Example]
    counts: Mapping[str, Any]

    @property
    def sequential(self) -> Lessons:
        """The same without tags."""
        return Lessons(
            [each.sequential for each in self.learned], [each.sequential for each in self.held_out], self.counts
        )


def train_pasta(
    recipe: PastaRecipe,
    folder: Path,
    prompts: Sequence[Prompt] | None = None,
    *,
    watch: Watch,
    progress: Progress | None = None,
) -> Mapping[str, Any]:
    """Run a recipe in a folder, and leave the trained model there; what the run was like, as data.

    Raises `DiagnosticError` (SP0850 to SP0855, and whatever stands in the way of running the model).
    """
    load = partial(load_model, recipe.corpus.model, device=recipe.device, progress=progress)
    open_plan = opening_on(recipe.device, progress)
    corpus = gather_corpus(recipe.corpus, prompts, folder / "data", open_plan, watch)
    tagged = add_tags(load())
    school = School.of(tagged, recipe.corpus.speaker.template, recipe.tuning.width)
    lessons = _lessons(recipe, corpus, school, folder / "data", open_plan, watch)
    model = _supervise(recipe, tagged, school, lessons, folder / "supervised", watch)
    stages = ["supervised"]
    if recipe.sequential:
        _supervise(recipe, load(), school, lessons.sequential, folder / "sequential", watch, is_tagged=False)
        stages.append("sequential")
    _publish(model, tagged, folder)
    summary: dict[str, Any] = {"counts": lessons.counts}
    if recipe.preferences is not None:
        ids = {each.prompt: each.id for each in corpus.answers}
        points = _prefer(recipe, recipe.preferences, model, tagged, school, lessons, ids, folder, watch, load)
        summary["front"] = [each.to_json() for each in points]
        title = f"{recipe.corpus.model}, seed {recipe.corpus.seed}"
        (folder / PICTURE).write_text(front_picture(points, title), encoding="utf-8")
    (folder / SUMMARY).write_text(json.dumps(summary, indent=2) + "\n", encoding="utf-8")
    return summary


def _lessons(
    recipe: PastaRecipe, corpus: Corpus, school: School, folder: Path, open_plan: Open, watch: Watch
) -> Lessons:
    """Annotate answers, and keep the examples that the model can be trained on."""
    answers, unfit = fit(corpus.answers)
    gathered = gather(
        [(each.prompt, each.text) for each in answers],
        _annotator(recipe, answers, folder, open_plan, watch),
        school.words,
        school.spoken.encode,
        plain=recipe.plain,
        seed=recipe.corpus.seed,
    )
    rows = [(example, school.row(example)) for example in gathered.examples]
    examples = [example for example, row in rows if isinstance(row, Packed)]
    unlearnable = Counter(row for _, row in rows if isinstance(row, Unlearnable))
    counts = {
        **corpus.to_json(),
        "unfit_answers": named(unfit),
        "annotation": gathered.to_json(),
        "unlearnable": named(unlearnable),
    }
    if len(examples) < 2:
        raise DiagnosticError([NothingToLearn(None, f"{len(examples)} examples are left", json.dumps(counts))])
    learned, held_out = split(examples, recipe.held_out, recipe.corpus.seed)
    return Lessons(learned, held_out, {**counts, "learned": len(learned), "held_out": len(held_out)})


def _annotator(
    recipe: PastaRecipe, answers: Sequence[Answered], folder: Path, open_plan: Open, watch: Watch
) -> Annotator:
    """The rules; or a model, which has then been asked about all answers."""
    if recipe.annotator == RULES:
        return annotate_by_rules
    asked = [Prompt(each.id, annotation_prompt(each.text.strip())) for each in answers]
    speaker = replace(
        recipe.corpus.speaker,
        model=recipe.annotator,
        temperature=0.0,
        max_new_tokens=_MAX_ANNOTATION,
        longest_prompt=_MAX_ANNOTATION + recipe.corpus.max_new_tokens,
        template="chat",
    )
    said = answer(asked, speaker, folder / "annotations.jsonl", open_plan, watch, "annotations")
    written = {each.prompt: each.text for each in said}
    return ModelAnnotator(lambda prompt: written.get(prompt, ""))


def _supervise(
    recipe: PastaRecipe,
    loaded: LoadedModel,
    school: School,
    lessons: Lessons,
    folder: Path,
    watch: Watch,
    *,
    is_tagged: bool = True,
) -> Any:
    """Fine-tune a model on examples, and publish it; the model as it is then."""
    lora = recipe.lora
    model = loaded.model.requires_grad_(True) if lora is None else with_adapter(loaded, lora, tagged=is_tagged)
    learned, _ = school.rows(lessons.learned)
    held_out, _ = school.rows(lessons.held_out)
    finetune(model, learned, recipe.tuning, folder, held_out=held_out, about=_about(recipe), watch=watch)
    _publish(model, loaded, folder)
    return model


def _prefer(
    recipe: PastaRecipe,
    preferences: PreferenceRecipe,
    model: Any,
    tagged: LoadedModel,
    school: School,
    lessons: Lessons,
    ids: Mapping[str, str | int],
    folder: Path,
    watch: Watch,
    load: Any,
) -> list[Point]:
    """Preference optimisation for each weight; the first weight's model is the run's."""
    learned = [_asked(each, ids, school) for each in lessons.learned if each.answer.promises]
    held_out = [_asked(each, ids, school) for each in lessons.held_out]
    asked = learned[: preferences.prompts]
    preferring = Preferring(
        model,
        tagged,
        school,
        _quality(recipe, [*asked, *held_out], load),
        _sampling(recipe),
        preferences,
        folder,
        {**_about(recipe), "tuning": asdict(recipe.tuning), "judge": recipe.judge},
        watch,
    )

    def publish_as(name: str) -> None:
        _publish(model, tagged, folder / name)
        if name == name_of(preferences.weights[0]):
            _publish(model, tagged, folder)

    return preferring.run(asked, held_out[:_MOST_HELD_OUT], publish_as)


def _asked(example: Example, ids: Mapping[str, str | int], school: School) -> Asked:
    reference = strip_pasta(example.answer)
    said = school.spoken.encode(reference.encode())
    assert said is not None, "what the model wrote its vocabulary can spell"
    return Asked(Prompt(ids[example.prompt], example.prompt), reference, len(said) + 1)


def _quality(recipe: PastaRecipe, asked: Sequence[Asked], load: Any) -> Quality:
    references = {each.prompt.text: each.reference for each in asked}
    if recipe.judge == LIKELIHOOD:
        return LikelihoodQuality(load(), references, recipe.corpus.speaker.template)
    judge = load_model(recipe.judge, device=recipe.device)
    return JudgedQuality(ModelJudge(judge), references)


def _sampling(recipe: PastaRecipe) -> Sampling:
    corpus, speaker = recipe.corpus, recipe.corpus.speaker
    # A third more, for the tags and the topics.
    most = corpus.max_new_tokens * 4 // 3
    return Sampling(
        count=1,
        seed=corpus.seed,
        max_new_tokens=most,
        longest_prompt=speaker.longest_prompt,
        template=speaker.template,
        batch=corpus.batch,
        dtype=corpus.dtype,
    )


def _publish(model: Any, loaded: LoadedModel, folder: Path) -> None:
    publish(model, None if hasattr(model, "peft_config") else loaded.tokenizer, folder)


def _about(recipe: PastaRecipe) -> dict[str, Any]:
    """What a checkpoint depends on beside the recipe of its own training."""
    return {
        "fingerprint": card_of(recipe.corpus.model).fingerprint,
        "corpus": {**asdict(recipe.corpus), "count": None, "batch": None},
        "annotator": recipe.annotator,
        "plain": recipe.plain,
        "held_out": recipe.held_out,
        "lora": None if recipe.lora is None else asdict(recipe.lora),
    }
