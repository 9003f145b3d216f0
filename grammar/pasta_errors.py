"""The catalogue of mistakes in PASTA-LANG: SP0301 to SP0309."""

from __future__ import annotations

from typing import ClassVar

from .diagnostic import Diagnostic, ExampleKind, Label, Severity
from .source import Span

_PROMISE = '<promise topic="its height" tokens=2/>'
_BLOCK = "<async>The tower is 324 metres tall.</async>"


class PastaError(Diagnostic):
    """What the mistakes of this file share: their examples are annotated answers."""

    example: ClassVar[ExampleKind] = "pasta"
    right: ClassVar[str] = f"I looked it up. {_PROMISE}{_BLOCK} <sync/>So yes."


class WrongTag(PastaError):
    """A tag that is not written as tags are."""

    problem: str

    code: ClassVar[str] = "SP0301"
    title: ClassVar[str] = "this is not a tag of PASTA-LANG: {problem}"
    label: ClassVar[str] = "not a tag"
    rule: ClassVar[str] = (
        'There are four tags: `<promise topic="..." tokens=N/>`, `<async>`, `</async>` and `<sync/>`, written just so; '
        "one space may stand before `/>`. Text that only looks like one is written with `&lt;` for `<`."
    )
    wrong: ClassVar[str] = '<promise topic="its height"/>'

    def help(self) -> tuple[str, ...]:
        return ('write `<promise topic="at most three words" tokens=N/>`, or `&lt;` if it is text',)


class LongTopic(PastaError):
    """A topic of no words, or of more than three."""

    words: int

    code: ClassVar[str] = "SP0302"
    title: ClassVar[str] = "a topic has one to three words, and this one has {words}"
    label: ClassVar[str] = "the topic"
    rule: ClassVar[str] = (
        "A promise names its topic in at most three words: they are decoded before anything is gained."
    )
    wrong: ClassVar[str] = '<promise topic="the height of the tower" tokens=2/>'


class TokensOutOfRange(PastaError):
    """An estimate of 0, or of three digits."""

    value: str

    code: ClassVar[str] = "SP0303"
    title: ClassVar[str] = "`tokens` is 1 to 99, and {value} is not"
    label: ClassVar[str] = "tens of tokens"
    rule: ClassVar[str] = (
        "`tokens` estimates the length of the block in tens of tokens, its two tags counted: 2 means about 20. It is 1 "
        "to 99, without a leading zero."
    )
    wrong: ClassVar[str] = '<promise topic="its height" tokens=240/>'


class BlockWithoutPromise(PastaError):
    """`<async>` that does not directly follow a promise."""

    code: ClassVar[str] = "SP0304"
    title: ClassVar[str] = "an async block follows its promise directly"
    label: ClassVar[str] = "no promise right before this"
    rule: ClassVar[str] = "`<async>` stands directly behind the promise that it keeps: no text, space or tag between."
    wrong: ClassVar[str] = f"{_PROMISE} {_BLOCK}"


class UnclosedBlock(PastaError):
    """`<async>` without `</async>`."""

    code: ClassVar[str] = "SP0305"
    title: ClassVar[str] = "this async block is never closed"
    label: ClassVar[str] = "opened here"
    rule: ClassVar[str] = "Every `<async>` has its `</async>`."
    wrong: ClassVar[str] = f"{_PROMISE}<async>The tower is"


class StrayEnd(PastaError):
    """`</async>` without `<async>`."""

    code: ClassVar[str] = "SP0306"
    title: ClassVar[str] = "`</async>` closes nothing"
    label: ClassVar[str] = "no block is open"
    rule: ClassVar[str] = "Every `</async>` closes the `<async>` before it."
    wrong: ClassVar[str] = f"{_PROMISE}{_BLOCK} The end.</async>"


class TagInBlock(PastaError):
    """A promise, a sync or another block inside a block."""

    tag: str
    block: Span

    code: ClassVar[str] = "SP0307"
    title: ClassVar[str] = "`{tag}` cannot stand in an async block"
    label: ClassVar[str] = "only text may stand here"
    rule: ClassVar[str] = "An async block holds text alone: only the main thread promises, forks and waits."
    wrong: ClassVar[str] = f"{_PROMISE}<async>The tower <sync/>is tall.</async>"

    def related(self) -> tuple[Label, ...]:
        return (Label(self.block, "the block begins here"),)


class PromiseNotKept(PastaError):
    """Training text with a promise that no block follows."""

    topic: str

    code: ClassVar[str] = "SP0308"
    title: ClassVar[str] = "the promise `{topic}` has no async block"
    label: ClassVar[str] = "`<async>` should follow"
    rule: ClassVar[str] = (
        "In training text every promise is followed by its block. (While an answer is being decoded, blocks are "
        "written elsewhere, and the main thread holds promises alone.)"
    )
    wrong: ClassVar[str] = f"I looked it up. {_PROMISE} <sync/>So yes."


class ShortBlock(PastaError):
    """A block that is hardly worth a fork."""

    words: int
    least: int

    code: ClassVar[str] = "SP0309"
    severity: ClassVar[Severity] = Severity.WARNING
    title: ClassVar[str] = "this block has {words} words, and {least} are the least that pay"
    label: ClassVar[str] = "a short block"
    rule: ClassVar[str] = "A block has at least five words: a fork costs its tags and a thread."
    wrong: ClassVar[str] = f"{_PROMISE}<async>324 metres.</async>"
