"""The catalogue of mistakes in writing the strategy expression: SP0201 to SP0221 (its meaning is the planner's)."""

from __future__ import annotations

from typing import ClassVar

from .diagnostic import Diagnostic, ExampleKind, Label
from .source import Span

_TARGET = "speculate(target, draft=ngram(max_ngram=3))"


class ExpressionError(Diagnostic):
    """What the mistakes of this file share: their examples are expressions."""

    example: ClassVar[ExampleKind] = "expression"
    right: ClassVar[str] = _TARGET


class EmptyExpression(ExpressionError):
    """Nothing but space and comments where a strategy belongs."""

    code: ClassVar[str] = "SP0201"
    title: ClassVar[str] = "the strategy is empty"
    label: ClassVar[str] = "expected a decoder"
    rule: ClassVar[str] = (
        "`decode:` says how to decode, so it holds one expression. The shortest is `autoregressive(target)`, where "
        "`target` is a name under `models:`."
    )
    wrong: ClassVar[str] = "# later"
    right: ClassVar[str] = "autoregressive(target)"

    def help(self) -> tuple[str, ...]:
        return ("write `autoregressive(MODEL)` for plain decoding, with MODEL a name under `models:`",)


class UnexpectedCharacter(ExpressionError):
    """A character that means nothing in an expression."""

    character: str

    code: ClassVar[str] = "SP0202"
    title: ClassVar[str] = "`{character}` has no meaning in a strategy"
    label: ClassVar[str] = "not part of the language"
    rule: ClassVar[str] = (
        "An expression is made of names, numbers, strings in double quotes, calls `name(...)`, lists `[...]`, commas "
        "and `=`. There is no arithmetic and there are no other brackets."
    )
    wrong: ClassVar[str] = "speculate(target, draft={ngram})"

    def help(self) -> tuple[str, ...]:
        if self.character in "{}":
            return ("lists are written `[4, 2, 1]`, calls `name(...)`",)
        if self.character in "+-*/%^":
            return ("there is no arithmetic here: write the result",)
        if self.character == "(":
            return ("brackets `(...)` only follow the name of a call; lists are written `[4, 2, 1]`",)
        return ()


class WrongQuotes(ExpressionError):
    """Single, typographic or backward quotes."""

    text: str

    code: ClassVar[str] = "SP0203"
    title: ClassVar[str] = "strings are written in double quotes"
    label: ClassVar[str] = "not double quotes"
    rule: ClassVar[str] = (
        "A string stands in straight double quotes, stays on one line, and knows the escapes of JSON. Single quotes, "
        "backquotes and the curly quotes of a word processor are not strings. Names of models are written bare."
    )
    wrong: ClassVar[str] = "speculate(target, draft=ngram(note='a'))"
    right: ClassVar[str] = 'speculate(target, draft=ngram(note="a"))'

    def help(self) -> tuple[str, ...]:
        return (f'write `"{self.text}"`',) if self.text else ()


class StrangeSpace(ExpressionError):
    """A space that looks like one and is another: no-break, zero-width, a line separator."""

    name: str

    code: ClassVar[str] = "SP0204"
    title: ClassVar[str] = "this is not an ordinary space but {name}"
    label: ClassVar[str] = "looks like a space, or like nothing"
    rule: ClassVar[str] = (
        "Between words stand spaces, tabs and line breaks. No-break spaces, zero-width spaces and their relatives come "
        "from copied text; they cannot be told from spaces by eye, so they are refused."
    )
    wrong: ClassVar[str] = "speculate(target,\u00a0draft=none)"

    def help(self) -> tuple[str, ...]:
        return ("type it again as a plain space",)


class WrongEqual(ExpressionError):
    """`:` or another sign where `=` belongs."""

    written: str

    code: ClassVar[str] = "SP0205"
    title: ClassVar[str] = "arguments are named with `=`, not with `{written}`"
    label: ClassVar[str] = "write `=`"
    rule: ClassVar[str] = (
        "YAML gives a key its value with `:`, but inside the expression an argument gets its value with a single `=`."
    )
    wrong: ClassVar[str] = "speculate(target, draft: none)"


class WrongComma(ExpressionError):
    """`;` between values."""

    code: ClassVar[str] = "SP0206"
    title: ClassVar[str] = "values are separated by `,`, not by `;`"
    label: ClassVar[str] = "write `,`"
    rule: ClassVar[str] = "Arguments and list items are separated by commas; one more comma after the last is fine."
    wrong: ClassVar[str] = "speculate(target; draft=none)"


class WrongNumber(ExpressionError):
    """A number that runs into a letter, or is spelled in another way than ours."""

    written: str

    code: ClassVar[str] = "SP0207"
    title: ClassVar[str] = "`{written}` is not a number"
    label: ClassVar[str] = "neither a number nor a name"
    rule: ClassVar[str] = (
        "Numbers are written as in JSON: `5`, `-1`, `0.25`, `1e-3`. No `_` or letters inside, no leading `+` or zeros, "
        "and a digit on both sides of the point. A name does not begin with a digit."
    )
    wrong: ClassVar[str] = "speculate(target, draft=ngram(max_ngram=1_000))"
    right: ClassVar[str] = "speculate(target, draft=ngram(max_ngram=1000))"

    def help(self) -> tuple[str, ...]:
        try:
            value = float(self.written)
        except ValueError:
            return ()
        return (f"write `{int(value) if value.is_integer() and abs(value) < 2**53 else value!r}`",)


class NumberTooLarge(ExpressionError):
    """A number beyond 64 bits."""

    code: ClassVar[str] = "SP0208"
    title: ClassVar[str] = "this number is too large"
    label: ClassVar[str] = "does not fit 64 bits"
    rule: ClassVar[str] = "Integers fit a signed 64-bit word, and other numbers are finite 64-bit floats."
    wrong: ClassVar[str] = "speculate(target, draft=ngram(max_ngram=1e999))"


class WrongName(ExpressionError):
    """A name with characters that names do not have."""

    written: str

    code: ClassVar[str] = "SP0209"
    title: ClassVar[str] = "`{written}` cannot be a name"
    label: ClassVar[str] = "names are letters a to z, digits and `_`"
    rule: ClassVar[str] = (
        "A name is made of the letters A to Z and a to z, digits and `_`, and does not begin with a digit. A model is "
        "called by its short name under `models:`; where it comes from is said there, with `source:`."
    )
    wrong: ClassVar[str] = "autoregressive(qwen2.5-coder)"
    right: ClassVar[str] = "autoregressive(target)"

    def help(self) -> tuple[str, ...]:
        if any(sign in self.written for sign in "-./"):
            return ("a model is called by its short name under `models:`, not by its source",)
        return ()


class UnclosedString(ExpressionError):
    """A string whose closing quote is not on its line."""

    code: ClassVar[str] = "SP0210"
    title: ClassVar[str] = "this string is not closed"
    label: ClassVar[str] = 'no `"` before the end of the line'
    rule: ClassVar[str] = "A string ends on the line on which it begins; a line break inside is written `\\n`."
    wrong: ClassVar[str] = 'speculate(target, draft=ngram(note="a))'
    right: ClassVar[str] = 'speculate(target, draft=ngram(note="a"))'


class WrongEscape(ExpressionError):
    """An escape that JSON does not have, a control character, or half of a surrogate pair."""

    written: str

    code: ClassVar[str] = "SP0211"
    title: ClassVar[str] = "`{written}` cannot stand in a string"
    label: ClassVar[str] = "not an escape that we know"
    rule: ClassVar[str] = (
        'Escapes are those of JSON: `\\"`, `\\\\`, `\\/`, `\\b`, `\\f`, `\\n`, `\\r`, `\\t` and `\\u` with four '
        "hexadecimal digits, surrogates in pairs. Control characters, tabs too, are written as escapes."
    )
    wrong: ClassVar[str] = r'speculate(target, draft=ngram(note="\d"))'
    right: ClassVar[str] = r'speculate(target, draft=ngram(note="\\d"))'

    def help(self) -> tuple[str, ...]:
        return ("a backslash itself is written `\\\\`",) if self.written.startswith("\\") else ()


class UnclosedBracket(ExpressionError):
    """The expression ends inside a bracket."""

    opening: str
    closing: str
    end: Span

    code: ClassVar[str] = "SP0212"
    title: ClassVar[str] = "this `{opening}` is never closed"
    label: ClassVar[str] = "opened here"
    rule: ClassVar[str] = (
        "Every `(` is closed by a `)` and every `[` by a `]`. In a YAML plain scalar a ` #` ends the text, brackets or "
        "not: write `decode: |` and the expression on the lines below."
    )
    wrong: ClassVar[str] = "speculate(target, draft=none"

    def help(self) -> tuple[str, ...]:
        return (f"add `{self.closing}`",)

    def related(self) -> tuple[Label, ...]:
        return (Label(self.end, f"the strategy ends here, without its `{self.closing}`"),)


class WrongBracket(ExpressionError):
    """A bracket closed by one of another kind."""

    expected: str
    written: str
    opening: Span

    code: ClassVar[str] = "SP0213"
    title: ClassVar[str] = "expected `{expected}`, found `{written}`"
    label: ClassVar[str] = "does not close what is open"
    rule: ClassVar[str] = "Brackets close in the order in which they were opened, each by one of its own kind."
    wrong: ClassVar[str] = "speculate(target, draft=static([4, 2))"
    right: ClassVar[str] = "speculate(target, draft=static([4, 2]))"

    def related(self) -> tuple[Label, ...]:
        return (Label(self.opening, "this is open"),)


class MissingComma(ExpressionError):
    """Two values side by side."""

    before: Span
    written: str

    code: ClassVar[str] = "SP0214"
    title: ClassVar[str] = "a comma is missing before `{written}`"
    label: ClassVar[str] = "expected `,`"
    rule: ClassVar[str] = "Arguments and list items are separated by commas; one more comma after the last is fine."
    wrong: ClassVar[str] = "speculate(target draft=none)"

    def related(self) -> tuple[Label, ...]:
        return (Label(self.before, "after this"),)


class MissingValue(ExpressionError):
    """Nothing where a value belongs."""

    written: str

    code: ClassVar[str] = "SP0215"
    title: ClassVar[str] = "a value is missing before `{written}`"
    label: ClassVar[str] = "expected a name, a call, a number, a string or a list"
    rule: ClassVar[str] = (
        "Between two commas, after `=`, and in a list that has a comma, there is a value. To leave an argument out, "
        "leave out its name and comma too."
    )
    wrong: ClassVar[str] = "speculate(target, draft=, accept=auto)"
    right: ClassVar[str] = "speculate(target, accept=auto)"


class MisplacedEqual(ExpressionError):
    """`=` after something that is not the name of an argument."""

    code: ClassVar[str] = "SP0216"
    title: ClassVar[str] = "only a name inside the brackets of a call can be given a value"
    label: ClassVar[str] = "`=` cannot stand here"
    rule: ClassVar[str] = (
        "`name=value` names an argument of a call. The whole expression has no name, list items have none, and a call "
        "or number is not a name."
    )
    wrong: ClassVar[str] = "decoder = speculate(target, draft=none)"


class TextAfterEnd(ExpressionError):
    """Something follows the finished expression."""

    written: str
    whole: Span

    code: ClassVar[str] = "SP0217"
    title: ClassVar[str] = "the strategy ended before `{written}`"
    label: ClassVar[str] = "nothing may follow"
    rule: ClassVar[str] = (
        "`decode:` holds one expression. To use several strategies, nest them: `merge(...)` of drafts, `choose(...)` "
        "between drafts, a decoder inside `draft_model(...)`."
    )
    wrong: ClassVar[str] = "autoregressive(target))"
    right: ClassVar[str] = "autoregressive(target)"

    def related(self) -> tuple[Label, ...]:
        return (Label(self.whole, "the whole strategy"),)


class TooDeep(ExpressionError):
    """More brackets inside brackets than we read."""

    limit: int

    code: ClassVar[str] = "SP0218"
    title: ClassVar[str] = "brackets are nested more than {limit} deep"
    label: ClassVar[str] = "this one is too deep"
    rule: ClassVar[str] = "Calls and lists nest up to 32 deep, which is more than any decoder can use."
    wrong: ClassVar[str] = "f(" * 33 + "a" + ")" * 33
    right: ClassVar[str] = "f(" * 32 + "a" + ")" * 32


class PlaceAfterName(ExpressionError):
    """An argument without a name behind one with a name."""

    named: Span

    code: ClassVar[str] = "SP0219"
    title: ClassVar[str] = "an argument without a name follows one with a name"
    label: ClassVar[str] = "this one needs a name, or to come first"
    rule: ClassVar[str] = "Arguments told by their place come first, those told by their name (`draft=...`) after them."
    wrong: ClassVar[str] = "speculate(draft=none, target)"
    right: ClassVar[str] = "speculate(target, draft=none)"

    def related(self) -> tuple[Label, ...]:
        return (Label(self.named, "the first argument with a name"),)


class RepeatedArgument(ExpressionError):
    """The same name twice in one call."""

    name: str
    first: Span

    code: ClassVar[str] = "SP0220"
    title: ClassVar[str] = "`{name}` is given twice"
    label: ClassVar[str] = "given again"
    rule: ClassVar[str] = "An argument is given once. Neither the first nor the last of two would win silently."
    wrong: ClassVar[str] = "speculate(target, draft=none, draft=ngram)"

    def related(self) -> tuple[Label, ...]:
        return (Label(self.first, "given first"),)


class TooLong(ExpressionError):
    """An expression of a length that no person writes."""

    limit: int

    code: ClassVar[str] = "SP0221"
    title: ClassVar[str] = "the strategy is longer than {limit} characters"
    label: ClassVar[str] = "the limit is here"
    rule: ClassVar[str] = "A strategy is read up to 16384 characters, comments and all."
    wrong: ClassVar[str] = "f(" + "1, " * 6000 + ")"
    right: ClassVar[str] = "f(" + "1, " * 60 + ")"
