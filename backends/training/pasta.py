"""`specplan train pasta`: the whole recipe, from prompts to a model that writes its own promises.

    prompts -> the model's own answers -> annotated -> fine-tuned -> sampled, judged and preferred

Every stage keeps what it has finished in the run's folder, so that a run that was stopped goes on where it stopped.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from hashlib import sha256
from pathlib import Path
from typing import Any, cast

from ...grammar import DiagnosticError, strip_pasta
from ..models import Dtype, LoadedModel, Progress, add_tags, load_model
from ..runtime import Prompt
from .adapters import with_adapter
from .alone import alone_in
from .annotating import Annotator
from .answering import Answered, Open, answer, card_of, opening_on
from .artifact import Kind
from .asking import ModelAnnotator, annotation_prompt
from .candidates import Sampling
from .corpus import Corpus, gather_corpus, named
from .errors import NothingToLearn, NothingToMeasure
from .finetuning import finetune
from .front import front_picture
from .gathering import Example, gather
from .judging import JudgedQuality, LikelihoodQuality, ModelJudge
from .lessons import School, split
from .metrics import METRICS, read_metrics
from .model_card import model_card, plan_of
from .options import begin, options_of
from .publishing import publish
from .recipe import LIKELIHOOD, RULES, PastaRecipe
from .refusing import SEQUENTIAL, SUPERVISED, refuse_impossible
from .rounds import Asked, Point, PreferenceRecipe, Preferring, name_of_weight
from .rules import annotate_by_rules
from .scoring import Quality
from .unfit import fit

SUMMARY, PICTURE, CARD = "summary.json", "front.svg", "README.md"
_INSTRUCTIONS = 1024
"""More tokens than an annotator is told beside the answer."""
_MOST_HELD_OUT = 32
"""Held-out prompts that the front is measured on."""


@dataclass(frozen=True, slots=True)
class Lessons:
    """Examples, those to learn from and those to measure on, and what became of all that was written."""

    learned: list[Example]
    held_out: list[Example]
    counts: Mapping[str, Any]

    @property
    def digest(self) -> str:
        """A short name of just these examples."""
        lines = "\n".join(each.to_json() for each in (*self.learned, *self.held_out))
        return sha256(lines.encode()).hexdigest()[:16]

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
    command: str,
    watch: Progress,
) -> Mapping[str, Any]:
    """Run a recipe in a folder, and leave the trained model there; what the run was like, as data.

    `command` is what somebody can type to do it again. Raises `DiagnosticError` (SP0850 to SP0863, and whatever stands in
     the way of running the model).
    """
    with alone_in(folder):
        return _Run(recipe, folder, command, watch).run(prompts)


@dataclass(frozen=True)
class _Run:
    """A recipe in a folder."""

    recipe: PastaRecipe
    folder: Path
    command: str
    watch: Progress

    def run(self, prompts: Sequence[Prompt] | None) -> Mapping[str, Any]:
        """Stage by stage."""
        refuse_impossible(self.recipe, self.folder)
        begin(self.folder, options_of(self.recipe, prompts))
        corpus = gather_corpus(self.recipe.corpus, prompts, self.data, self.open_plan, self.watch)
        loaded = self.load()
        tagged = add_tags(loaded)
        school = School.of(tagged, self.recipe.corpus.speaker.template, self.recipe.tuning.width)
        lessons = self.annotate(corpus, school)
        self.refuse_unmeasurable(lessons, school)
        model = self.supervise(tagged, school, lessons, "pasta", SUPERVISED)
        if self.recipe.sequential:
            self.supervise(self.load(), school, lessons.sequential, "sequential", SEQUENTIAL)
        if self.recipe.preferences is None:
            self.publish(model, tagged, "pasta", self.folder)
            return self.summarise(lessons, [])
        ids = {each.prompt: each.id for each in corpus.answers}
        return self.summarise(lessons, self.prefer(self.recipe.preferences, model, tagged, school, lessons, ids))

    @property
    def data(self) -> Path:
        """Where prompts and answers are kept."""
        return self.folder / "data"

    @property
    def open_plan(self) -> Open:
        """Loads a plan's models."""
        return opening_on(self.recipe.device, self.watch)

    def about(self, lessons: Lessons) -> dict[str, Any]:
        """What a checkpoint depends on beside the recipe of its own training."""
        recipe = self.recipe
        return {
            "fingerprint": card_of(recipe.corpus.model).fingerprint,
            "corpus": {**asdict(recipe.corpus), "count": None, "batch": None},
            "annotator": recipe.annotator,
            "plain": recipe.plain,
            "held_out": recipe.held_out,
            "lora": None if recipe.lora is None else asdict(recipe.lora),
            "data": lessons.digest,
        }

    def load(self, model: str | None = None) -> LoadedModel:
        """The model that is trained, or another; weights that are trained themselves are in float32."""
        dtype = self.recipe.corpus.dtype if self.recipe.lora is not None else "float32"
        return load_model(
            model or self.recipe.corpus.model, dtype=cast(Dtype, dtype), device=self.recipe.device, progress=self.watch
        )

    def annotate(self, corpus: Corpus, school: School) -> Lessons:
        """The examples that the model can be trained on. Raises `DiagnosticError` (SP0851) where there are too few."""
        answers, unfit = fit(corpus.answers)
        gathered = gather(
            [(each.prompt, each.text) for each in answers],
            self.annotator(answers),
            school.words,
            school.spoken.encode,
            plain=self.recipe.plain,
            seed=self.recipe.corpus.seed,
        )
        examples, unlearnable = school.learnable(gathered.examples)
        counts = {
            **corpus.to_json(),
            "unfit_answers": named(unfit),
            "annotation": gathered.to_json(),
            "unlearnable": named(unlearnable),
        }
        if len(examples) < 2:
            raise DiagnosticError([NothingToLearn(None, f"{len(examples)} examples are left", json.dumps(counts))])
        learned, held_out = split(examples, self.recipe.held_out, self.recipe.corpus.seed)
        return Lessons(learned, held_out, {**counts, "learned": len(learned), "held_out": len(held_out)})

    def annotator(self, answers: Sequence[Answered]) -> Annotator:
        """The rules; or a model, which has then been asked about all answers."""
        if self.recipe.annotator == RULES:
            return annotate_by_rules
        speaker = replace(
            self.recipe.corpus.speaker,
            model=self.recipe.annotator,
            temperature=0.0,
            max_new_tokens=self.recipe.most_annotated,
            longest_prompt=_INSTRUCTIONS + self.recipe.corpus.max_new_tokens,
            template="chat",
        )
        asked = [Prompt(each.id, annotation_prompt(each.text.strip())) for each in answers]
        said = answer(asked, speaker, self.data / "annotations.jsonl", self.open_plan, self.watch, "annotations")
        written = {each.prompt: each.text for each in said}
        return ModelAnnotator(lambda prompt: written.get(prompt, ""))

    def refuse_unmeasurable(self, lessons: Lessons, school: School) -> None:
        """Raises `DiagnosticError` (SP0862) where answers leave room for none of the prompts that are measured on."""
        measured = lessons.held_out[:_MOST_HELD_OUT]
        room = self.sampling.room(school.positions)
        if self.recipe.preferences is not None and all(
            len(school.encoder.encode(each.prompt)) > room for each in measured
        ):
            raise DiagnosticError([NothingToMeasure(None, len(measured), room)])

    def trainable(self, loaded: LoadedModel, kind: Kind) -> Any:
        """The model of a loaded one, ready to be trained as the recipe has it."""
        lora = self.recipe.lora
        if lora is None:
            return loaded.model.requires_grad_(True)
        return with_adapter(loaded, lora, tagged=kind == "pasta")

    def supervise(self, loaded: LoadedModel, school: School, lessons: Lessons, kind: Kind, stage: str) -> Any:
        """Fine-tune a model on examples, and publish it; the model as it is then."""
        model, place = self.trainable(loaded, kind), self.folder / stage
        learned, held_out = school.rows(lessons.learned), school.rows(lessons.held_out)
        self.watch.say(f"{stage}: {len(learned)} examples, {sum(map(len, learned))} tokens")
        finetune(
            model, learned, self.recipe.tuning, place, held_out=held_out, about=self.about(lessons), watch=self.watch
        )
        self.publish(model, loaded, kind, place)
        return model

    def prefer(
        self,
        preferences: PreferenceRecipe,
        model: Any,
        tagged: LoadedModel,
        school: School,
        lessons: Lessons,
        ids: Mapping[str, str | int],
    ) -> list[Point]:
        """Preference optimisation for each weight; the first weight's model is the run's."""
        learned = [_asked(each, ids, school) for each in lessons.learned if each.answer.promises]
        held_out = [_asked(each, ids, school) for each in lessons.held_out][:_MOST_HELD_OUT]
        asked = learned[: preferences.prompts]
        preferring = Preferring(
            model,
            tagged,
            school,
            self.quality([*asked, *held_out]),
            self.sampling,
            preferences,
            self.folder,
            {**self.about(lessons), "tuning": asdict(self.recipe.tuning), "judge": self.recipe.judge},
            self.watch,
        )

        def publish(name: str) -> None:
            self.publish(model, tagged, "pasta", self.folder / name)
            if name == name_of_weight(preferences.weights[0]):
                self.publish(model, tagged, "pasta", self.folder)

        return preferring.run(asked, held_out, publish)

    def quality(self, asked: Sequence[Asked]) -> Quality:
        """How good answers are: the untouched model's view of them, or a judge's."""
        references = {each.prompt.text: each.reference for each in asked}
        if self.recipe.judge == LIKELIHOOD:
            return LikelihoodQuality(self.load(), references, self.recipe.corpus.speaker.template)
        return JudgedQuality(ModelJudge(self.load(self.recipe.judge)), references)

    @property
    def sampling(self) -> Sampling:
        """How answers in threads are drawn."""
        corpus, speaker = self.recipe.corpus, self.recipe.corpus.speaker
        return Sampling(
            count=1,
            seed=corpus.seed,
            max_new_tokens=self.recipe.most_annotated,
            longest_prompt=speaker.longest_prompt,
            template=speaker.template,
            batch=corpus.batch,
            dtype=corpus.dtype,
        )

    def publish(self, model: Any, loaded: LoadedModel, kind: Kind, place: Path) -> None:
        """Write a model into a folder of the run."""
        publish(model, loaded, place, kind=kind, seed=self.recipe.corpus.seed, command=self.command)

    def summarise(self, lessons: Lessons, points: Sequence[Point]) -> Mapping[str, Any]:
        """Leave a card, a picture, all metrics and a summary, and give that."""
        model, settings = self.recipe.corpus.model, self.recipe.to_json()
        summary = {"counts": lessons.counts, "settings": settings, "front": [each.to_json() for each in points]}
        name = Path(model).name
        plan = plan_of(model, self.folder, card_of(model).positions, whole=self.recipe.lora is None)
        texts = {
            CARD: model_card(name, plan, self.command, lessons.counts, points, settings),
            METRICS: "".join(_all_metrics(self.folder)),
            SUMMARY: json.dumps(summary, indent=2) + "\n",
        }
        if points:
            title = f"{name}, seed {self.recipe.corpus.seed}, {len(lessons.learned)} examples"
            texts[PICTURE] = front_picture(points, title)
        for file, text in texts.items():
            (self.folder / file).write_text(text, encoding="utf-8")
        return summary


def _all_metrics(folder: Path) -> Iterator[str]:
    """The metrics of all stages as lines, each with its stage."""
    for file in sorted(folder.glob(f"*/**/{METRICS}")):
        stage = file.parent.relative_to(folder).as_posix()
        for line in read_metrics(file):
            yield json.dumps({"stage": stage, **line}) + "\n"


def _asked(example: Example, ids: Mapping[str, str | int], school: School) -> Asked:
    reference = strip_pasta(example.answer)
    said = school.spoken.encode(reference.encode())
    assert said is not None, "what the model wrote its vocabulary can spell"
    return Asked(Prompt(ids[example.prompt], example.prompt), reference, len(said) + 1)
