"""What can be wrong with the words of a strategy and their arguments."""

from __future__ import annotations

from typing import ClassVar

from ..grammar import Diagnostic, ExampleKind, Label, Span, did_you_mean

_PLAN = """specplan: 1
models:
  target: {{source: smollm2-135m-instruct}}
  drafter: {{source: smollm2-135m-instruct}}
decode: {}
"""


def plan(decode: str) -> str:
    """A plan with that strategy, for examples."""
    return _PLAN.format(decode)


class SignatureDiagnostic(Diagnostic):
    """Common to mistakes in strategies: their examples are plans."""

    example: ClassVar[ExampleKind] = "yaml-plan"
    right: ClassVar[str] = plan("speculate(target, draft=ngram(num_speculative_tokens=4))")


class UnknownMethod(SignatureDiagnostic):
    """A word that the language does not have here."""

    name: str
    wanted: str
    known: tuple[str, ...]
    meant: str | None = None
    code: ClassVar[str] = "SP0250"
    title: ClassVar[str] = "`{name}` is not {wanted}"
    label: ClassVar[str] = "{wanted} is wanted here"
    rule: ClassVar[str] = (
        "Strategies nest: a decoder holds drafts, a draft may hold a decoder. Each place takes the words of its sort."
    )
    wrong: ClassVar[str] = plan("speculate(target, draft=ngrams(num_speculative_tokens=4))")

    def help(self) -> tuple[str, ...]:
        """The word that was probably meant, and all that fit."""
        near = did_you_mean(self.name, self.known) if self.meant is None else (f"did you mean `{self.meant}`?",)
        return (*near, f"{self.wanted} is one of {', '.join(self.known)}")


class UnknownArgument(SignatureDiagnostic):
    """An argument that the word does not take."""

    name: str
    word: str
    known: tuple[str, ...]
    code: ClassVar[str] = "SP0251"
    title: ClassVar[str] = "`{word}` takes no argument `{name}`"
    label: ClassVar[str] = "not an argument of `{word}`"
    rule: ClassVar[str] = "Every argument is named in the word's signature; nothing is silently ignored."
    wrong: ClassVar[str] = plan("speculate(target, drafts=none)")

    def help(self) -> tuple[str, ...]:
        """The argument that was probably meant, and all there are."""
        there = f"`{self.word}` takes {', '.join(self.known)}" if self.known else f"`{self.word}` takes no arguments"
        return (*did_you_mean(self.name, self.known), there)


class TooManyArguments(SignatureDiagnostic):
    """More arguments by place than there are places, or one given by place and by name."""

    word: str
    signature: str
    code: ClassVar[str] = "SP0252"
    title: ClassVar[str] = "one argument too many for `{word}`"
    label: ClassVar[str] = "no place for this one"
    rule: ClassVar[str] = "Arguments are given by place, in the order of the signature, or by name, and each once."
    wrong: ClassVar[str] = plan("speculate(target, none, auto, auto)")

    def help(self) -> tuple[str, ...]:
        """How the word is written."""
        return (f"write `{self.signature}`",)


class MissingArgument(SignatureDiagnostic):
    """An argument without a default that was not given."""

    name: str
    word: str
    doc: str
    signature: str
    code: ClassVar[str] = "SP0253"
    title: ClassVar[str] = "`{word}` needs `{name}`: {doc}"
    label: ClassVar[str] = "`{name}` is missing"
    rule: ClassVar[str] = "Arguments without a default have to be given."
    wrong: ClassVar[str] = plan("speculate(target)")

    def help(self) -> tuple[str, ...]:
        """How the word is written."""
        return (f"write `{self.signature}`",)


class WrongArgument(SignatureDiagnostic):
    """An argument of another sort than its place takes."""

    found: str
    place: str
    wanted: str
    doc: str
    code: ClassVar[str] = "SP0254"
    title: ClassVar[str] = "`{place}` is {wanted}, not {found}"
    label: ClassVar[str] = "{doc}"
    rule: ClassVar[str] = "Each argument has a sort: a model, a decoder, a draft, a tree, a number."
    wrong: ClassVar[str] = plan('speculate(target, draft=ngram(num_speculative_tokens="four"))')


class OutOfRange(SignatureDiagnostic):
    """A number beyond its bounds."""

    found: str
    place: str
    bounds: str
    code: ClassVar[str] = "SP0255"
    title: ClassVar[str] = "{place} is {bounds}, not {found}"
    label: ClassVar[str] = "out of range"
    rule: ClassVar[str] = "Numbers have bounds, which the signatures document."
    wrong: ClassVar[str] = plan("speculate(target, draft=ngram(num_speculative_tokens=0))")


class NotAModel(SignatureDiagnostic):
    """A name that the plan's `models` do not have."""

    name: str
    known: tuple[str, ...]
    models: Span
    code: ClassVar[str] = "SP0256"
    title: ClassVar[str] = "`{name}` is not a model of this plan"
    label: ClassVar[str] = "not declared"
    rule: ClassVar[str] = (
        "Everything with weights is a model and stands under `models:`, where strategies find it by name."
    )
    wrong: ClassVar[str] = plan("autoregressive(tagret)")
    right: ClassVar[str] = plan("autoregressive(target)")

    def help(self) -> tuple[str, ...]:
        """The model that was probably meant."""
        return did_you_mean(self.name, self.known) or (f"the models are {', '.join(self.known)}",)

    def related(self) -> tuple[Label, ...]:
        """Where models are declared."""
        return (Label(self.models, "models are declared here"),)
