"""The catalogue of mistakes in files and their YAML (SP0101 to SP0120) and in what their keys hold (SP0121 onwards)."""

from __future__ import annotations

from typing import ClassVar

from .diagnostic import Diagnostic, ExampleKind, Label, did_you_mean
from .source import Span

_HEAD = "specplan: 1\nmodels:\n  target: {source: smollm2-135m-instruct}\n"
_PLAN = _HEAD + "decode: autoregressive(target)\n"


class YamlError(Diagnostic):
    """What the mistakes of this file share: their examples are plans."""

    right: ClassVar[str] = _PLAN


class NotUtf8(YamlError):
    """Bytes that are not UTF-8."""

    code: ClassVar[str] = "SP0101"
    title: ClassVar[str] = "the file is not UTF-8 text"
    label: ClassVar[str] = "this byte begins no character"
    rule: ClassVar[str] = "Files are read as UTF-8, with or without a byte order mark. No other encoding is guessed."
    example: ClassVar[ExampleKind] = "none"
    wrong: ClassVar[str] = "a file in Latin-1, in which é is the single byte E9"
    right: ClassVar[str] = "a file in UTF-8, in which é is the two bytes C3 A9"

    def help(self) -> tuple[str, ...]:
        return ("save the file as UTF-8",)


class FileTooLarge(YamlError):
    """More bytes than a person writes."""

    name: str
    size: int
    limit: int

    code: ClassVar[str] = "SP0102"
    title: ClassVar[str] = "`{name}` has {size} bytes, and we read at most {limit}"
    rule: ClassVar[str] = "A plan, card or profile has at most 256 KiB; a larger file is not one of ours."
    example: ClassVar[ExampleKind] = "none"
    wrong: ClassVar[str] = "a file of 300000 bytes"
    right: ClassVar[str] = "a file of 300 bytes"


class ControlCharacter(YamlError):
    """A character that no text holds."""

    number: int

    code: ClassVar[str] = "SP0103"
    title: ClassVar[str] = "the character U+{number:04X} cannot stand in a text"
    label: ClassVar[str] = "not a character of a text"
    rule: ClassVar[str] = (
        "Control characters, other than tabs and line breaks, are refused wherever they stand, and so are halves of "
        "surrogate pairs and the few numbers that are no characters. A control character inside a string is written "
        'as an escape in double quotes: "\\x1b".'
    )
    wrong: ClassVar[str] = "# \x07\n" + _PLAN


class EmptyFile(YamlError):
    """No content at all."""

    code: ClassVar[str] = "SP0104"
    title: ClassVar[str] = "the file is empty"
    label: ClassVar[str] = "nothing here but space and comments"
    rule: ClassVar[str] = "A file holds one YAML document, a mapping of keys to values."
    wrong: ClassVar[str] = "# nothing yet\n"


class SecondDocument(YamlError):
    """`---` begins another document."""

    code: ClassVar[str] = "SP0105"
    title: ClassVar[str] = "the file holds a second document"
    label: ClassVar[str] = "it begins here"
    rule: ClassVar[str] = "A file holds one YAML document. `---` may stand before it, not inside or after it."
    wrong: ClassVar[str] = _PLAN + "---\n" + _PLAN


class TabIndentation(YamlError):
    """A tab where YAML wants spaces."""

    code: ClassVar[str] = "SP0106"
    title: ClassVar[str] = "YAML is indented with spaces, and this is a tab"
    label: ClassVar[str] = "a tab"
    rule: ClassVar[str] = "YAML counts spaces to know what belongs to what, and a tab is no number of spaces."
    wrong: ClassVar[str] = "specplan: 1\nmodels:\n\ttarget: {source: smollm2-135m-instruct}\n"


class NestedTooDeep(YamlError):
    """More levels than we read."""

    limit: int

    code: ClassVar[str] = "SP0107"
    title: ClassVar[str] = "lists and mappings are nested more than {limit} deep"
    label: ClassVar[str] = "this is too deep"
    rule: ClassVar[str] = (
        "YAML is read up to 32 levels deep; our deepest file has 5. Aliases count with what they hold."
    )
    wrong: ClassVar[str] = "models: " + "[" * 40 + "]" * 40


class DuplicateKey(YamlError):
    """The same key twice in one mapping."""

    key: str
    first: Span

    code: ClassVar[str] = "SP0108"
    title: ClassVar[str] = "the key `{key}` is given twice"
    label: ClassVar[str] = "given again"
    rule: ClassVar[str] = "A key is given once in its mapping. Neither the first nor the last of two wins silently."
    wrong: ClassVar[str] = _PLAN + "decode: speculate(target, draft=none)\n"

    def related(self) -> tuple[Label, ...]:
        return (Label(self.first, "given first"),)


class TagRefused(YamlError):
    """A YAML tag: `!!python/object`, `!!str`."""

    tag: str

    code: ClassVar[str] = "SP0109"
    title: ClassVar[str] = "the tag `{tag}` has no use here"
    label: ClassVar[str] = "a tag"
    rule: ClassVar[str] = (
        "Tags ask a YAML reader to build values of some type. Here the type of a value is known from its key, and "
        "nothing is ever built by name, so tags are refused."
    )
    wrong: ClassVar[str] = _HEAD + "decode: !!str autoregressive(target)\n"

    def help(self) -> tuple[str, ...]:
        return ("leave the tag out: a value is read as its key demands",)


class MergeKeyRefused(YamlError):
    """`<<` of YAML 1.1."""

    code: ClassVar[str] = "SP0110"
    title: ClassVar[str] = "`<<` is not supported"
    label: ClassVar[str] = "a merge key"
    rule: ClassVar[str] = (
        "`<<` of YAML 1.1 copies keys out of another mapping and lets others override them, out of sight. Write the "
        "keys out, or give a whole value an anchor (`&name`) and use it again (`*name`)."
    )
    wrong: ClassVar[str] = (
        "specplan: 1\nmodels:\n  target: &base {source: smollm2-135m-instruct}\n"
        "  drafter: {<<: *base, source: other}\ndecode: autoregressive(target)\n"
    )


class UnknownAlias(YamlError):
    """`*name` without `&name` before it."""

    name: str
    known: tuple[str, ...]

    code: ClassVar[str] = "SP0111"
    title: ClassVar[str] = "there is no anchor `&{name}` before this"
    label: ClassVar[str] = "an alias of nothing"
    rule: ClassVar[str] = (
        "`*name` repeats the value that `&name` was put on, earlier in the file. In quotes, `*` is just a star."
    )
    wrong: ClassVar[str] = _HEAD + "decode: *strategy\n"

    def help(self) -> tuple[str, ...]:
        return did_you_mean(self.name, self.known)


class AliasOfItself(YamlError):
    """An alias inside the value that it stands for."""

    name: str
    anchor: Span

    code: ClassVar[str] = "SP0112"
    title: ClassVar[str] = "`*{name}` stands inside the value that it repeats"
    label: ClassVar[str] = "this would never end"
    rule: ClassVar[str] = "An alias repeats a finished value; inside of that value it would hold itself."
    wrong: ClassVar[str] = "specplan: 1\nmodels: &all\n  target: *all\ndecode: autoregressive(target)\n"

    def related(self) -> tuple[Label, ...]:
        return (Label(self.anchor, "the value begins here"),)


class AnchorTwice(YamlError):
    """Two values under one anchor."""

    name: str
    first: Span

    code: ClassVar[str] = "SP0113"
    title: ClassVar[str] = "the anchor `&{name}` is given twice"
    label: ClassVar[str] = "given again"
    rule: ClassVar[str] = "An anchor names one value of the file, so that `*name` has one meaning."
    wrong: ClassVar[str] = "specplan: &a 1\nmodels:\n  target: {source: &a smollm2-135m-instruct}\n"

    def related(self) -> tuple[Label, ...]:
        return (Label(self.first, "given first"),)


class TooMuchRepeated(YamlError):
    """Aliases that multiply into a flood: the "billion laughs"."""

    limit: int

    code: ClassVar[str] = "SP0114"
    title: ClassVar[str] = "aliases repeat more than {limit} values"
    label: ClassVar[str] = "this one is too much"
    rule: ClassVar[str] = (
        "Each alias counts with all that it repeats. Aliases of aliases multiply, and a short file can say more "
        "than fits any memory; so there is a limit of 10000 repeated values."
    )
    wrong: ClassVar[str] = (
        "a: &a [1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1]\n"
        "b: &b [*a, *a, *a, *a, *a, *a, *a, *a, *a, *a, *a, *a]\n"
        "c: &c [*b, *b, *b, *b, *b, *b, *b, *b, *b, *b, *b, *b]\n"
        "d: &d [*c, *c, *c, *c, *c, *c, *c, *c, *c, *c, *c, *c]\n"
    )


class SplitByComma(YamlError):
    """An expression in `{...}`, cut to pieces by its own commas."""

    code: ClassVar[str] = "SP0115"
    title: ClassVar[str] = "inside `{{...}}` YAML cuts this at its commas"
    label: ClassVar[str] = "read as several keys"
    rule: ClassVar[str] = (
        "In a YAML flow mapping a comma begins the next key, brackets of an expression or not. Give `decode` a line "
        "of its own outside of `{...}`, or put the expression in quotes."
    )
    wrong: ClassVar[str] = (
        "{specplan: 1, models: {target: {source: smollm2-135m-instruct}}, decode: speculate(target, draft=none)}\n"
    )
    right: ClassVar[str] = (
        '{specplan: 1, models: {target: {source: smollm2-135m-instruct}}, decode: "speculate(target, draft=none)"}\n'
    )

    def help(self) -> tuple[str, ...]:
        return ("put the expression in quotes, or write `decode: |` and the expression on the lines below",)


class CommentInPlain(YamlError):
    """` #` ends an expression that was to go on."""

    code: ClassVar[str] = "SP0116"
    title: ClassVar[str] = "this comment ends the expression"
    label: ClassVar[str] = "YAML reads no further than here"
    rule: ClassVar[str] = (
        "In a value without quotes a ` #` begins a comment, and the value ends there, brackets or not. After "
        "`decode: |`, the lines below are the expression, and its own comments may stand in it."
    )
    wrong: ClassVar[str] = _HEAD + "decode: speculate(target,  # the big one\n  draft=none)\n"
    right: ClassVar[str] = _HEAD + "decode: |\n  speculate(target,  # the big one\n    draft=none)\n"

    def help(self) -> tuple[str, ...]:
        return ("write `decode: |` and the expression on the lines below",)


class MissingSpace(YamlError):
    """`key:value` without a space."""

    key: str

    code: ClassVar[str] = "SP0117"
    title: ClassVar[str] = "a space is missing after `{key}:`"
    label: ClassVar[str] = "YAML reads this as one word"
    rule: ClassVar[str] = "In YAML a colon ends a key only when a space or a line break follows."
    wrong: ClassVar[str] = "specplan:1\nmodels:\n  target: {source: smollm2-135m-instruct}\n"

    def help(self) -> tuple[str, ...]:
        return (f"write `{self.key}: ` with a space",)


class LessIndented(YamlError):
    """A line to the left of its block's first line."""

    first: Span

    code: ClassVar[str] = "SP0118"
    title: ClassVar[str] = "this line is indented less than the first line of its block"
    label: ClassVar[str] = "the block ended before this line"
    rule: ClassVar[str] = (
        "After `|` or `>` the first line sets the indentation of the block, and the block ends at the first line "
        "(a comment, too) that is indented less."
    )
    wrong: ClassVar[str] = _HEAD + "decode: |\n    speculate(target,\n  draft=none)\n"
    right: ClassVar[str] = _HEAD + "decode: |\n  speculate(target,\n    draft=none)\n"

    def related(self) -> tuple[Label, ...]:
        return (Label(self.first, "the first line of the block"),)


class BrokenYaml(YamlError):
    """Anything else that is not YAML, in the words of the YAML library."""

    problem: str
    context: Label | None

    code: ClassVar[str] = "SP0119"
    title: ClassVar[str] = "this is not YAML: {problem}"
    label: ClassVar[str] = "noticed here"
    rule: ClassVar[str] = (
        "Plans, cards and profiles are YAML. Often the mistake is a little before the place where it is noticed: a "
        "bracket or quote that is not closed, a missing space after a colon, a line that is indented wrongly."
    )
    wrong: ClassVar[str] = "specplan: 1\nmodels: {target: {source: smollm2-135m-instruct}\n"

    def related(self) -> tuple[Label, ...]:
        return () if self.context is None else (self.context,)


class KeyNotText(YamlError):
    """A key that is a list, a mapping, an alias or nothing."""

    code: ClassVar[str] = "SP0120"
    title: ClassVar[str] = "a key is a word, written out"
    label: ClassVar[str] = "not a word"
    rule: ClassVar[str] = "YAML lets lists, mappings, aliases and nothing be keys; here every key is a word."
    wrong: ClassVar[str] = _PLAN + "[a, b]: 1\n"


class WrongType(YamlError):
    """A value of another kind than its key demands."""

    field: str
    expected: str
    found: str
    hint: str | None = None

    code: ClassVar[str] = "SP0121"
    title: ClassVar[str] = "`{field}` takes {expected}, not {found}"
    label: ClassVar[str] = "expected {expected}"
    rule: ClassVar[str] = (
        "Each key demands values of one kind, and a value is read as its key demands: `3` and `0.5` are numbers, "
        "`true` and `false` are the only truth values, text needs quotes only where YAML would misread it. No value "
        "is converted silently."
    )
    wrong: ClassVar[str] = _PLAN + "limits: {max_new_tokens: many}\n"
    right: ClassVar[str] = _PLAN + "limits: {max_new_tokens: 64}\n"

    def help(self) -> tuple[str, ...]:
        return () if self.hint is None else (self.hint,)


class UnknownKey(YamlError):
    """A key that the section does not have."""

    key: str
    section: str
    known: tuple[str, ...]
    elsewhere: str | None = None

    code: ClassVar[str] = "SP0122"
    title: ClassVar[str] = "{section} has no key `{key}`"
    label: ClassVar[str] = "unknown key"
    rule: ClassVar[str] = "Every key is known and documented (`specplan schema`); an unknown one is never ignored."
    wrong: ClassVar[str] = _PLAN + "sampling: {temprature: 0.7}\n"
    right: ClassVar[str] = _PLAN + "sampling: {temperature: 0.7}\n"

    def help(self) -> tuple[str, ...]:
        if self.elsewhere is not None:
            return (f"`{self.key}` belongs under `{self.elsewhere}:`",)
        return did_you_mean(self.key, self.known) or (f"its keys are {', '.join(self.known)}",)


class MissingKey(YamlError):
    """A key that must be there."""

    key: str
    section: str
    doc: str

    code: ClassVar[str] = "SP0123"
    title: ClassVar[str] = "{section} needs the key `{key}`"
    label: ClassVar[str] = "`{key}` is missing"
    rule: ClassVar[str] = "A plan needs `specplan`, `models` and `decode`, and a model needs its `source`."
    wrong: ClassVar[str] = _HEAD

    def help(self) -> tuple[str, ...]:
        return (f"`{self.key}`: {self.doc}",)


class OutOfRange(YamlError):
    """A number or length outside of what its key allows."""

    field: str
    value: str
    allowed: str

    code: ClassVar[str] = "SP0124"
    title: ClassVar[str] = "`{field}` is {allowed}, and {value} is not"
    label: ClassVar[str] = "expected {allowed}"
    rule: ClassVar[str] = "Numbers have the bounds that `specplan schema` states; nothing is clamped silently."
    wrong: ClassVar[str] = _PLAN + "sampling: {top_p: 1.5}\n"
    right: ClassVar[str] = _PLAN + "sampling: {top_p: 0.9}\n"


class NotAChoice(YamlError):
    """A word that is not among the words of its key."""

    field: str
    value: str
    choices: tuple[str, ...]

    code: ClassVar[str] = "SP0125"
    title: ClassVar[str] = "`{field}` cannot be `{value}`"
    label: ClassVar[str] = "not one of the choices"
    rule: ClassVar[str] = "Some keys take one word of a few; `specplan schema` lists them."
    wrong: ClassVar[str] = _PLAN + "backend: {engine: tensorflow}\n"
    right: ClassVar[str] = _PLAN + "backend: {engine: eager}\n"

    def help(self) -> tuple[str, ...]:
        listed = ", ".join(f"`{each}`" for each in self.choices)
        return (*did_you_mean(self.value, self.choices), f"it is one of {listed}")


class WrongKey(YamlError):
    """A key that names a thing, and is not a name."""

    key: str
    expected: str

    code: ClassVar[str] = "SP0126"
    title: ClassVar[str] = "`{key}` cannot be a name here"
    label: ClassVar[str] = "expected {expected}"
    rule: ClassVar[str] = (
        "The names of models are used in the expression, so they are made like its names: letters A to Z and a to z, "
        "digits and `_`, not a digit first."
    )
    wrong: ClassVar[str] = (
        "specplan: 1\nmodels:\n  my-model: {source: smollm2-135m-instruct}\ndecode: autoregressive(my_model)\n"
    )
