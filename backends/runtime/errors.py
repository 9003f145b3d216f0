"""The catalogue of what goes wrong while a graph runs: SP0801 to SP0819."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from ...grammar import Diagnostic, DiagnosticError, ExampleKind
from ...planner import ModelMemory, shown_bytes
from .slots import NoRoom


@dataclass(frozen=True)
class PromptTooLong(Diagnostic):
    """A prompt that the graph has no room for."""

    id: str | int
    tokens: int
    longest: int

    code: ClassVar[str] = "SP0801"
    title: ClassVar[str] = "prompt `{id}` has {tokens} tokens, and the plan has room for {longest}"
    rule: ClassVar[str] = (
        "A prompt, in the model's template and tokens, and the answer must fit into the context together. The longest "
        "prompt is `limits.context` less `limits.max_new_tokens`; a graph says it in the type of `encode`."
    )
    wrong: ClassVar[str] = 'specplan run plan.yaml --prompt "$(cat war-and-peace.txt)"'
    right: ClassVar[str] = 'specplan run plan.yaml --prompt "$(head -c 4000 war-and-peace.txt)"'
    example: ClassVar[ExampleKind] = "none"

    def help(self) -> tuple[str, ...]:
        """More room, or less text."""
        return (
            f"shorten it by {self.tokens - self.longest} tokens, raise `limits.context`, or lower `max_new_tokens`",
        )


@dataclass(frozen=True)
class NothingToRead(Diagnostic):
    """A prompt without a single token."""

    id: str | int

    code: ClassVar[str] = "SP0802"
    title: ClassVar[str] = "prompt `{id}` has no tokens"
    rule: ClassVar[str] = (
        "A model continues a text, so there has to be at least one token. With `template: none` an empty prompt has none "
        "unless the model's texts begin with a token of their own."
    )
    wrong: ClassVar[str] = "specplan run raw.yaml --prompt ''"
    right: ClassVar[str] = "specplan run raw.yaml --prompt 'Once upon a time'"
    example: ClassVar[ExampleKind] = "none"


@dataclass(frozen=True)
class CacheFull(Diagnostic):
    """More rows than the graph set aside."""

    model: str
    reason: str

    code: ClassVar[str] = "SP0803"
    title: ClassVar[str] = "the cache of `{model}` is full: {reason}"
    rule: ClassVar[str] = (
        "A cache has as many slots as its type says. `stop` ends a row before the target's cache is full; a graph "
        "written by hand that commits what it did not `stop` has to make room itself."
    )
    wrong: ClassVar[str] = "kv[target, 64] for a row that never stops"
    right: ClassVar[str] = "said, done = stop(path) max_new_tokens=32 : path[1], done"
    example: ClassVar[ExampleKind] = "none"


def full(model: str, error: NoRoom) -> DiagnosticError:
    """More rows than the cache of a model has slots."""
    return DiagnosticError([CacheFull(None, model, str(error))])


@dataclass(frozen=True)
class NotAProgram(Diagnostic):
    """An edited program that cannot be run."""

    file: str
    reason: str

    code: ClassVar[str] = "SP0804"
    title: ClassVar[str] = "`{file}` is no program that decodes: {reason}"
    label: ClassVar[str] = "here"
    rule: ClassVar[str] = (
        "The emitted program may be changed as one likes. It has to stay Python, with the functions `start(machine, "
        "prompt)` and `step(machine, ...)` and at least one `Model`."
    )
    wrong: ClassVar[str] = "def step(machine, fresh, cache:"
    right: ClassVar[str] = "def step(machine, fresh, cache):"
    example: ClassVar[ExampleKind] = "none"


@dataclass(frozen=True)
class WeightsDiffer(Diagnostic):
    """Weights that are not those the graph was made for."""

    model: str
    what: str
    found: int
    declared: int

    code: ClassVar[str] = "SP0805"
    title: ClassVar[str] = "`{model}` has {found} {what}, and the graph was made for {declared}"
    label: ClassVar[str] = "this model"
    rule: ClassVar[str] = (
        "A graph's sizes come from what is known of its models when it is compiled: a card, a config.json or a GGUF "
        "header. The weights that are loaded have to agree with it."
    )
    wrong: ClassVar[str] = "vocab smol size=32000  # and weights with 49152 tokens"
    right: ClassVar[str] = "vocab smol size=49152"
    example: ClassVar[ExampleKind] = "none"

    def help(self) -> tuple[str, ...]:
        """Compile anew."""
        return ("compile the plan again where the weights are, or correct the model's card",)


@dataclass(frozen=True)
class AttentionUnknown(Diagnostic):
    """A model whose layers look back in a way that we have no mask for."""

    model: str
    kind: str

    code: ClassVar[str] = "SP0806"
    title: ClassVar[str] = "`{model}` has layers of the kind `{kind}`, which the eager engine cannot give a tree to"
    label: ClassVar[str] = "this model"
    rule: ClassVar[str] = (
        "A tree of guesses is verified in one pass by a mask that shows each guess its ancestors only. That takes "
        "attention over all of the text or a sliding window of it; recurrent layers and fixed chunks have no such mask."
    )
    wrong: ClassVar[str] = "source: org/a-state-space-model"
    right: ClassVar[str] = "source: smollm2-135m-instruct"
    example: ClassVar[ExampleKind] = "none"


@dataclass(frozen=True)
class OutOfMemory(Diagnostic):
    """Less memory than a plan needs."""

    what: str
    asked: str | None
    planned: tuple[ModelMemory, ...]

    code: ClassVar[str] = "SP0807"
    exit_code: ClassVar[int] = 3
    title: ClassVar[str] = "there is not enough memory for {what}"
    rule: ClassVar[str] = (
        "Weights and caches are held whole while a plan runs, and every pass needs some room of its own. What a plan is "
        "estimated to need is what `explain` shows; what others use on the same device is not part of it."
    )
    wrong: ClassVar[str] = "limits: {context: 8192, batch: 64}"
    right: ClassVar[str] = "limits: {context: 1024, batch: 4}"
    example: ClassVar[ExampleKind] = "none"

    def help(self) -> tuple[str, ...]:
        """What was refused, what was expected, and how to need less."""
        refused = () if self.asked is None else (f"{self.asked} at once were refused",)
        needed = shown_bytes(sum(each.needed for each in self.planned))
        estimate = f"the plan was estimated to need {needed}: {'; '.join(map(str, self.planned))}"
        return (
            *refused,
            *([estimate] if self.planned else []),
            "lower `limits.context` or `limits.batch`, or give a model a smaller `dtype`",
        )


@dataclass(frozen=True)
class NothingShared(Diagnostic):
    """A map between two vocabularies in which no token has an image."""

    source: str
    target: str

    code: ClassVar[str] = "SP0808"
    title: ClassVar[str] = "no token of {source} can be carried over to {target}"
    label: ClassVar[str] = "this table"
    rule: ClassVar[str] = (
        "`vocab=tli` drafts within the tokens that both vocabularies spell in the same bytes, and `vocab=slrs` takes the "
        "first target token of each draft token. Where there is none, nothing could ever be drafted."
    )
    wrong: ClassVar[str] = "vocab=tli  # between a vocabulary of letters and one of words"
    right: ClassVar[str] = "vocab=slem"
    example: ClassVar[ExampleKind] = "none"

    def help(self) -> tuple[str, ...]:
        """The rule that needs no common token."""
        return ("say `vocab=slem`, which needs nothing in common but bytes",)
