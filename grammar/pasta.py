"""PASTA-LANG: an annotated answer as a tree and back, its plain text, and what training text must obey.

The language is that of "Learning to Keep a Promise" (arXiv 2502.11517), section 3; how its tags are spelled is our
choice, since the paper's figures differ.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import cache
from typing import TYPE_CHECKING, Any

from . import pasta_errors as errors
from .diagnostic import Diagnostic, has_errors
from .pasta_tags import MAX_TENS, MAX_TOPIC_WORDS, Tag, is_topic, read_tens, topic_words
from .source import SourceFile, Span

if TYPE_CHECKING:
    from lark import Lark, Token
    from lark.parsers.lalr_interactive_parser import InteractiveParser

MIN_BLOCK_WORDS = 5
_MAX_MISTAKES = 50
_TAG_WORD = r"/?(?:promise|async|sync)\b"
_LOOK_ALIKE = re.compile(rf"<(?={_TAG_WORD})|&(?=(?:amp;)*lt;{_TAG_WORD})")
_ESCAPED = re.compile(rf"&lt;(?={_TAG_WORD})|&amp;(?=(?:amp;)*lt;{_TAG_WORD})")
_PROMISE = re.compile(f'{re.escape(Tag.PROMISE.value)}([^"]*){re.escape(Tag.TOKENS.value)}([0-9]+)')


@dataclass(frozen=True, slots=True)
class Text:
    """What the reader sees, look-alikes of tags unescaped."""

    text: str
    span: Span | None = field(default=None, compare=False, repr=False)


@dataclass(frozen=True, slots=True)
class Promise:
    """A chunk about `topic` belongs here, about `tens` times ten tokens long; `block` is the chunk, once written."""

    topic: str
    tens: int
    block: Text | None = None
    span: Span | None = field(default=None, compare=False, repr=False)


@dataclass(frozen=True, slots=True)
class Sync:
    """The main thread waits for all open chunks, and can read them from here on."""

    span: Span | None = field(default=None, compare=False, repr=False)


Item = Text | Promise | Sync


@dataclass(frozen=True, slots=True)
class Answer:
    """An annotated answer; no text in it is empty, and no two stand side by side."""

    items: tuple[Item, ...]

    def __post_init__(self) -> None:
        for before, item in zip((None, *self.items), self.items, strict=False):
            if isinstance(item, Text):
                assert item.text and not isinstance(before, Text), "texts of an answer are whole and not empty"

    @property
    def promises(self) -> tuple[Promise, ...]:
        """The promises in the order of the text."""
        return tuple(each for each in self.items if isinstance(each, Promise))


def parse_pasta(source: SourceFile) -> tuple[Answer | None, tuple[Diagnostic, ...]]:
    """The tree of an annotated answer, or None and what is wrong; in linear time on any text.

    >>> answer, _ = parse_pasta(SourceFile("answer", 'See <promise topic="sums" tokens=2/><sync/>!'))
    >>> answer.items
    (Text(text='See '), Promise(topic='sums', tens=2, block=None), Sync(), Text(text='!'))
    """
    reading = _Reading(source)
    tree = reading.parse()
    answer = None if tree is None else Answer(tuple(reading.items(tree.children)))
    return (None if has_errors(reading.mistakes) else answer), tuple(reading.mistakes)


def print_pasta(answer: Answer) -> str:
    """The annotated text; `parse_pasta` gives the same tree again.

    >>> print_pasta(Answer((Promise("sums", 2, Text("1+1 is <sync/>")), Sync())))
    '<promise topic="sums" tokens=2/><async>1+1 is &lt;sync/></async><sync/>'
    """
    return "".join(map(_print_item, answer.items))


def strip_pasta(answer: Answer) -> str:
    """What the reader of the answer sees: every block in the place of its promise, and no tags."""
    pieces: list[str] = []
    for item in answer.items:
        match item:
            case Text(text=text) | Promise(block=Text(text=text)):
                pieces.append(text)
            case Promise() | Sync():
                pass
    return "".join(pieces)


def validate_pasta(answer: Answer) -> tuple[Diagnostic, ...]:
    """What training text must obey beyond the grammar: each promise is kept, by a block worth a fork (a warning)."""
    mistakes: list[Diagnostic] = []
    for promise in answer.promises:
        if promise.block is None:
            mistakes.append(errors.PromiseNotKept(promise.span, promise.topic))
        elif (words := len(promise.block.text.split())) < MIN_BLOCK_WORDS:
            mistakes.append(errors.ShortBlock(promise.block.span, words, MIN_BLOCK_WORDS))
    return tuple(mistakes)


def escape_tags(text: str) -> str:
    """Ordinary text, spelled so that nothing in it reads as a tag; all other text is left as it is.

    >>> escape_tags("a < b, <sync/>, &lt;sync/>")
    'a < b, &lt;sync/>, &amp;lt;sync/>'
    """
    return _LOOK_ALIKE.sub(lambda match: "&lt;" if match[0] == "<" else "&amp;", text)


def unescape_tags(text: str) -> str:
    """The exact inverse of `escape_tags`."""
    return _ESCAPED.sub(lambda match: "<" if match[0] == "&lt;" else "&", text)


def _print_item(item: Item) -> str:
    match item:
        case Text(text=text):
            return escape_tags(text)
        case Sync():
            return Tag.SYNC.value
        case Promise(topic=topic, tens=tens, block=block):
            assert is_topic(topic), f"a legal topic: {topic!r}"
            assert 1 <= tens <= MAX_TENS, f"a legal estimate: {tens}"
            kept = "" if block is None else f"{Tag.ASYNC.value}{escape_tags(block.text)}{Tag.ENDASYNC.value}"
            return f"{Tag.PROMISE.value}{topic}{Tag.TOKENS.value}{tens}{Tag.END.value}{kept}"


@cache
def _parser() -> Lark:
    from lark import Lark  # late: 40 ms that other commands need not spend

    return Lark.open(
        "pasta.lark", rel_to=__file__, parser="lalr", lexer="basic", start=["start", "mistake"], import_paths=[_words]
    )


def _words(_: object, path: str) -> tuple[str, str]:
    """What `%import words` finds."""
    return path, "\n".join(f"{tag.name}.2: {json.dumps(tag.value)}" for tag in Tag)


class _Reading:
    """One pass over an answer; a tag that cannot stand in its place is reported and left out."""

    def __init__(self, source: SourceFile) -> None:
        self.source = source
        self.mistakes: list[Diagnostic] = []
        self.state: InteractiveParser = _parser().parse_interactive("", start="start")
        self.block: Token | None = None  # the block that is open
        self.inner = 0  # blocks that were opened, wrongly, inside of it

    def parse(self) -> Any:
        """Lark's tree, or None when anything is wrong."""
        for token in _parser().lex(self.source.text):
            if (mistake := self._judge(token)) is not None:
                self.mistakes.append(mistake)
            if token.type == "WRONG_TAG":
                token = token.update(type=_meant(str(token)))
            self._feed(token)
            if len(self.mistakes) >= _MAX_MISTAKES:
                return None
        if self.block is not None:
            self.mistakes.append(errors.UnclosedBlock(self._span(self.block)))
        return None if self.mistakes else self.state.feed_eof()  # type: ignore[no-untyped-call]

    def _feed(self, token: Token) -> None:
        """Hands a token to the parser; one that cannot stand here is reported, and what follows is still read."""
        from lark import UnexpectedToken

        if self.block is not None and token.type == "ENDASYNC" and self.inner:
            self.inner -= 1
            return
        try:
            self.state.feed_token(token)
        except UnexpectedToken:
            self._misplaced(token)
            return
        if token.type in ("ASYNC", "ENDASYNC"):
            self.block = token if token.type == "ASYNC" else None

    def _misplaced(self, token: Token) -> None:
        span = self._span(token)
        if self.block is not None:
            self.mistakes.append(errors.TagInBlock(span, str(token)[:60], self._span(self.block)))
            self.inner += token.type == "ASYNC"
        elif token.type == "ENDASYNC":
            self.mistakes.append(errors.StrayEnd(span))
        else:
            assert token.type == "ASYNC", "outside of a block everything else is welcome"
            self.mistakes.append(errors.BlockWithoutPromise(span))
            self.state.feed_token(token.update(type="PROMISE_TAG"))
            self._feed(token)

    def items(self, children: list[Any]) -> Iterator[Item]:
        """Our nodes for the parser's."""
        for child in children:
            match getattr(child, "type", None):
                case "TEXT":
                    yield self._text(child)
                case "SYNC_TAG":
                    yield Sync(self._span(child))
                case _:
                    tag, *blocks = child.children
                    yield self._promise(tag, blocks[0] if blocks else None)

    def _promise(self, tag: Token, block: Any) -> Promise:
        match = _PROMISE.match(tag)
        assert match is not None, "the grammar's promise has both attributes"
        text = None
        if block is not None:
            opening, *rest = block.children
            end = self._span(opening).end
            inside = [each for each in rest if each.type == "TEXT"]
            text = self._text(inside[0]) if inside else Text("", self.source.span(end, end))
        return Promise(match[1], int(match[2]), text, self._span(tag))

    def _text(self, token: Token) -> Text:
        return Text(unescape_tags(str(token)), self._span(token))

    def _judge(self, token: Token) -> Diagnostic | None:
        """What is wrong with a tag by itself."""
        if token.type == "WRONG_TAG":
            return errors.WrongTag(self._span(token), _tag_problem(str(token)))
        match = _PROMISE.match(token) if token.type == "PROMISE_TAG" else None
        if match is None:
            return None
        start = self._span(token).start
        words = topic_words(match[1])
        if not 1 <= words <= MAX_TOPIC_WORDS:
            return errors.LongTopic(self.source.span(start + match.start(1), start + match.end(1)), words)
        if read_tens(match[2]) is None:
            place = self.source.span(start + match.start(2), start + match.end(2))
            return errors.TokensOutOfRange(place, match[2][:20])
        return None

    def _span(self, token: Token) -> Span:
        assert token.start_pos is not None, "the lexer gives every token its place"
        return self.source.span(token.start_pos, token.start_pos + len(token))


def _meant(tag: str) -> str:
    kinds = {"<promise": "PROMISE_TAG", "<async": "ASYNC", "</async": "ENDASYNC"}
    return next((kind for start, kind in kinds.items() if tag.startswith(start)), "SYNC_TAG")


def _tag_problem(tag: str) -> str:
    if not tag.endswith(">"):
        return "it is not closed by `>`"
    if not tag.startswith("<promise"):
        return "`<async>`, `</async>` and `<sync/>` have no attributes and no other spelling"
    missing = [name for name in ("topic", "tokens") if not re.search(rf"\s{name}\s*=", tag)]
    if missing:
        return " and ".join(f"`{name}`" for name in missing) + (" is missing" if len(missing) == 1 else " are missing")
    if not tag.endswith("/>"):
        return "a promise ends in `/>`"
    if not re.search(r'topic="[^"\r\n]*"', tag):
        return "the topic stands in double quotes, on one line"
    if not re.search(r"tokens=[0-9]", tag):
        return "`tokens` is a number without quotes"
    return "its attributes are `topic` and `tokens`, in this order and with one space between"
