"""The catalogue of what stands in the way of training: SP0850 to SP0863."""

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
        lower = f"a lower --learning-rate, {self.rate / 10:g} say"
        return (f"run it again with {lower}, or --preference-rate where preferences are learned",)


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
class LineDamaged(TrainingError):
    """A line of a file of the run that somebody has changed."""

    path: str
    line: int
    reason: str
    then: str = "it is made again"

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
        return (f"delete `{self.path}`, and {self.then}",)


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


@dataclass(frozen=True, slots=True)
class Changed:
    """An option that has another value than before, and the stages that were made with that."""

    option: str
    was: str
    now: str
    stages: tuple[str, ...]


@dataclass(frozen=True)
class OtherOptions(TrainingError):
    """A run that is to go on with other options than it was begun with."""

    folder: str
    options: str
    changed: tuple[Changed, ...]
    stale: tuple[str, ...]

    code: ClassVar[str] = "SP0858"
    title: ClassVar[str] = "`{folder}` holds a run with another {options}"
    rule: ClassVar[str] = (
        "A run that was stopped goes on where it stopped, so what it left in its folder is used again. That is right only where "
        "it was made with the same options; `run.json` there says with which. An option may change as long as nothing that "
        "depends on it was finished, and --sequential, --batch, --device and a further --weight at any time."
    )
    wrong: ClassVar[str] = "specplan train pasta -o my-pasta --seed 1 && specplan train pasta -o my-pasta --seed 2"
    right: ClassVar[str] = "specplan train pasta -o my-pasta --seed 1 && specplan train pasta -o other-pasta --seed 2"

    def help(self) -> tuple[str, ...]:
        """What each option has decided, and the ways out."""
        facts = (
            f"{each.option} was {each.was}, and is {each.now} now; made with the old value: {', '.join(each.stages)}"
            for each in self.changed
        )
        return (
            *facts,
            "name another folder with -o, or say what was said before",
            f"to keep the rest and have that made anew, delete {', '.join(f'`{each}`' for each in self.stale)}",
        )


@dataclass(frozen=True)
class FileDamaged(TrainingError):
    """A file of the run that somebody has changed, or that was cut off."""

    path: str
    reason: str
    then: str

    code: ClassVar[str] = "SP0859"
    title: ClassVar[str] = "`{path}` is not what training wrote there: {reason}"
    rule: ClassVar[str] = (
        "A run keeps in its folder how far it has come, and puts every checkpoint in place whole, so one that cannot be read "
        "was changed or cut off by something else."
    )
    wrong: ClassVar[str] = "echo > my-pasta/supervised/checkpoint.pt && specplan train pasta -o my-pasta"
    right: ClassVar[str] = "rm my-pasta/supervised/checkpoint.pt && specplan train pasta -o my-pasta"

    def help(self) -> tuple[str, ...]:
        """The way out."""
        return (f"delete `{self.path}`, and {self.then}",)


@dataclass(frozen=True)
class Diverged(TrainingError):
    """Trained numbers that nobody can use."""

    tensor: str

    code: ClassVar[str] = "SP0860"
    title: ClassVar[str] = (
        "what was trained cannot be kept: `{tensor}` has numbers in it that are none, or far too large"
    )
    rule: ClassVar[str] = (
        "An adapter is kept in 16 bits, whose largest number is 65504, and trained weights are around 1. Where they are not, "
        "training has diverged, and nothing is written."
    )
    wrong: ClassVar[str] = "specplan train pasta -o my-pasta --learning-rate 10"
    right: ClassVar[str] = "specplan train pasta -o my-pasta --learning-rate 0.0002"

    def help(self) -> tuple[str, ...]:
        """What mostly helps."""
        return ("train again with a lower learning rate",)


@dataclass(frozen=True)
class NoRoomToAnswer(TrainingError):
    """Answers that fill all positions of a model."""

    source: str
    positions: int
    answer: int
    prompt: int
    most: int

    code: ClassVar[str] = "SP0861"
    title: ClassVar[str] = (
        "answers of {answer} tokens, tags included, leave no room for {prompt} tokens of prompt in the {positions} positions "
        "of `{source}`"
    )
    rule: ClassVar[str] = (
        "A prompt and its answer share the positions of a model. With its tags an answer may be a third longer than "
        "--max-new-tokens, and who annotates an answer reads all of it first."
    )
    wrong: ClassVar[str] = "specplan train pasta -o my-pasta --max-new-tokens 8192"
    right: ClassVar[str] = "specplan train pasta -o my-pasta --max-new-tokens 384"

    def help(self) -> tuple[str, ...]:
        """The longest answers that fit."""
        return (f"say --max-new-tokens {self.most}, or less",) if self.most > 0 else ()


@dataclass(frozen=True)
class NothingToMeasure(TrainingError):
    """Held-out prompts that no answer fits behind."""

    prompts: int
    room: int

    code: ClassVar[str] = "SP0862"
    title: ClassVar[str] = (
        "all {prompts} held-out prompts are longer than the {room} tokens that answers leave room for"
    )
    rule: ClassVar[str] = (
        "How a model does is measured on prompts that it has not learned from. Those that with the longest answer go beyond "
        "the model's positions are left out, and here none is left."
    )
    wrong: ClassVar[str] = "specplan train pasta -o my-pasta --prompts long-documents.jsonl --max-new-tokens 4096"
    right: ClassVar[str] = "specplan train pasta -o my-pasta --prompts long-documents.jsonl --max-new-tokens 384"

    def help(self) -> tuple[str, ...]:
        """The ways out."""
        return ("say a lower --max-new-tokens, give shorter --prompts, or train without preferences: --rounds 0",)


@dataclass(frozen=True)
class NotOurModel(TrainingError):
    """Somebody else's file where a trained model is put."""

    path: str
    found: str

    code: ClassVar[str] = "SP0863"
    exit_code: ClassVar[int] = 2
    title: ClassVar[str] = "`{path}` holds `{found}`, which training did not write"
    rule: ClassVar[str] = (
        "The folder of a trained model is replaced as a whole, so it may hold nothing else. What a run has finished is kept "
        "beside it, and used when it goes on."
    )
    wrong: ClassVar[str] = "touch my-pasta/adapter/notes.txt && specplan train pasta -o my-pasta"
    right: ClassVar[str] = "touch my-pasta/notes.txt && specplan train pasta -o my-pasta"

    def help(self) -> tuple[str, ...]:
        """The way out."""
        return (f"move `{self.found}` out of `{self.path}`, and give the command again",)
