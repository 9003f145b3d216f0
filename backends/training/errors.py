"""The catalogue of what stands in the way of training: SP0850 to SP0857."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from ...grammar import Diagnostic, ExampleKind


@dataclass(frozen=True)
class TrainingError(Diagnostic):
    """What is shown by commands that take long rather than by an example."""

    example: ClassVar[ExampleKind] = "shell"


@dataclass(frozen=True)
class OtherRun(TrainingError):
    """What an earlier run left behind, made with other options."""

    path: str
    option: str
    was: str
    now: str

    code: ClassVar[str] = "SP0850"
    title: ClassVar[str] = "`{path}` was made with {option} {was}, and not {now}"
    rule: ClassVar[str] = (
        "A run that was stopped goes on where it stopped, so what it left in its folder is used again: prompts, answers, "
        "checkpoints. That is right only where they were made with the same options."
    )
    wrong: ClassVar[str] = "specplan train pasta -o my-pasta --seed 1 && specplan train pasta -o my-pasta --seed 2"
    right: ClassVar[str] = "specplan train pasta -o my-pasta --seed 1 && specplan train pasta -o other-pasta --seed 2"

    def help(self) -> tuple[str, ...]:
        """The ways out."""
        return (f"say the same again, name another folder with -o, or delete `{self.path}` to make it anew",)


@dataclass(frozen=True)
class NothingToLearn(TrainingError):
    """Data of which nothing is left."""

    what: str
    counts: str

    code: ClassVar[str] = "SP0851"
    title: ClassVar[str] = "there is nothing to learn from: {what}"
    rule: ClassVar[str] = (
        "Training needs at least two examples, one of them to measure on. Answers are dropped that did not end, that repeat "
        "themselves, or in which nothing can be promised; all of them are counted."
    )
    wrong: ClassVar[str] = "specplan train pasta -o my-pasta --prompts yes-or-no-questions.jsonl"
    right: ClassVar[str] = "specplan train pasta -o my-pasta --prompts questions-that-ask-for-lists.jsonl"

    def help(self) -> tuple[str, ...]:
        """What became of the answers."""
        return (f"of the answers: {self.counts}",) if self.counts else ()


@dataclass(frozen=True)
class LossNotFinite(TrainingError):
    """Training that has run away."""

    step: int
    rate: float

    code: ClassVar[str] = "SP0852"
    title: ClassVar[str] = "the loss of step {step} is not a finite number, at a learning rate of {rate:g}"
    rule: ClassVar[str] = (
        "A loss that is no number makes every weight none, so training ends there. What the run had learned is deleted; "
        "prompts and answers are kept."
    )
    wrong: ClassVar[str] = "specplan train pasta -o my-pasta --learning-rate 100"
    right: ClassVar[str] = "specplan train pasta -o my-pasta --learning-rate 0.0002"

    def help(self) -> tuple[str, ...]:
        """What mostly helps."""
        return (f"run it again with a lower --learning-rate, {self.rate / 10:g} say",)


@dataclass(frozen=True)
class NothingToAsk(TrainingError):
    """A model that cannot make up prompts, and none were given."""

    source: str

    code: ClassVar[str] = "SP0853"
    title: ClassVar[str] = "`{source}` has no chat template, so it cannot make up prompts of its own"
    rule: ClassVar[str] = (
        "Without --prompts the model itself is asked for prompts: it writes on where its chat template begins a user's turn. "
        "A model without a chat template has no such turns."
    )
    wrong: ClassVar[str] = "specplan train pasta -o my-pasta --model gemma-3-270m"
    right: ClassVar[str] = "specplan train pasta -o my-pasta --model gemma-3-270m --prompts prompts.jsonl"

    def help(self) -> tuple[str, ...]:
        """How to give some."""
        return ('give prompts with --prompts FILE, {"prompt": ...} on each line',)


@dataclass(frozen=True)
class WindowsRefused(TrainingError):
    """A model whose layers count positions to know what they see."""

    source: str

    code: ClassVar[str] = "SP0854"
    title: ClassVar[str] = "`{source}` has layers with sliding windows, which cannot be trained to promise"
    rule: ClassVar[str] = (
        "Behind a promise positions jump ahead by the promised length. A sliding window counts positions, so what lies before "
        "a few promises would be out of its sight. Models whose layers all see the whole context can be trained."
    )
    wrong: ClassVar[str] = "specplan train pasta -o my-pasta --model gemma-3-270m --prompts prompts.jsonl"
    right: ClassVar[str] = "specplan train pasta -o my-pasta --model smollm2-135m-instruct"


@dataclass(frozen=True)
class CacheDamaged(TrainingError):
    """A file of finished rows that somebody has changed."""

    path: str
    line: int
    reason: str

    code: ClassVar[str] = "SP0855"
    title: ClassVar[str] = "line {line} of `{path}` is not what training wrote there: {reason}"
    rule: ClassVar[str] = (
        "What a run has finished is kept as a JSON object on each line, behind a first line that says with which options it "
        "was made. A line that was cut off at the end of the file is made again; any other has been changed."
    )
    wrong: ClassVar[str] = "echo 'oops' >> my-pasta/data/answers.jsonl && specplan train pasta -o my-pasta"
    right: ClassVar[str] = "rm my-pasta/data/answers.jsonl && specplan train pasta -o my-pasta"

    def help(self) -> tuple[str, ...]:
        """The way out."""
        return (f"delete `{self.path}`, and it is made again",)


@dataclass(frozen=True)
class FolderBusy(TrainingError):
    """Two runs in one folder."""

    path: str

    code: ClassVar[str] = "SP0856"
    exit_code: ClassVar[int] = 2
    title: ClassVar[str] = "another run is at work in `{path}`"
    rule: ClassVar[str] = (
        "A run keeps in its folder what it has finished, and two of them would write over each other's. A run that was killed "
        "keeps nobody out."
    )
    wrong: ClassVar[str] = "specplan train pasta -o my-pasta & specplan train pasta -o my-pasta"
    right: ClassVar[str] = "specplan train pasta -o my-pasta"

    def help(self) -> tuple[str, ...]:
        """The ways out."""
        return ("wait for it, or name another folder with -o",)


@dataclass(frozen=True)
class NoModel(TrainingError):
    """Prompt tokens where a model is wanted."""

    name: str

    code: ClassVar[str] = "SP0857"
    title: ClassVar[str] = "`{name}` is prompt tokens that ride a model, and writes nothing by itself"
    rule: ClassVar[str] = (
        "What is trained, annotates or judges is a model, named as under `source:` of a plan. What rides a model is trained for "
        "that model."
    )
    wrong: ClassVar[str] = "specplan train pasta -o my-pasta --model ppd-smollm2-135m"
    right: ClassVar[str] = "specplan train pasta -o my-pasta --model smollm2-135m-instruct"
