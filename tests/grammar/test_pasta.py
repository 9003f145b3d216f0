"""PASTA-LANG: text and tree are inverse, tags cannot be forged, and every text is read in linear time."""

import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from specplan.grammar import (
    Answer,
    AnswerText,
    Promise,
    SourceFile,
    Sync,
    Tag,
    escape_tags,
    parse_pasta,
    print_pasta,
    strip_pasta,
    unescape_tags,
    validate_pasta,
)

EXAMPLE = (
    "Both first. "
    '<promise topic="coordinates" tokens=2/><async>The points are (2,-2) and (10,4).</async>'
    '<promise topic="length formula" tokens=2/><async>The length is a square root. </async>'
    "<sync/>So it is 10."
)


def read(text: str) -> Answer:
    answer, mistakes = parse_pasta(SourceFile("answer.txt", text))
    assert answer is not None, mistakes
    assert mistakes == ()
    return answer


def codes(text: str) -> str:
    answer, mistakes = parse_pasta(SourceFile("answer.txt", text))
    assert answer is None
    return " ".join(each.code for each in mistakes)


def test_the_example_of_the_paper() -> None:
    answer = read(EXAMPLE)
    assert [type(each) for each in answer.items] == [AnswerText, Promise, Promise, Sync, AnswerText]
    assert [(each.topic, each.tens) for each in answer.promises] == [("coordinates", 2), ("length formula", 2)]
    assert print_pasta(answer) == EXAMPLE and validate_pasta(answer) == ()
    assert strip_pasta(answer) == (
        "Both first. The points are (2,-2) and (10,4).The length is a square root. So it is 10."
    )


def test_places() -> None:
    answer = read(EXAMPLE)
    block = answer.promises[0].block
    assert block is not None and block.span is not None and block.span.text == block.text
    assert answer.promises[1].span is not None
    assert answer.promises[1].span.text == '<promise topic="length formula" tokens=2/>'


def test_the_spelling_of_the_figures() -> None:
    assert print_pasta(read('<promise topic="a" tokens=2 /><sync />')) == '<promise topic="a" tokens=2/><sync/>'


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("<sync>", "SP0301"),
        ("</sync/>", "SP0301"),
        ("<promise", "SP0301"),
        ("<promise topic='a' tokens=2/>", "SP0301"),
        ('<promise topic="a" tokens="2"/>', "SP0301"),
        ('<promise tokens=2 topic="a"/>', "SP0301"),
        ('<promise topic="a" tokens=2>', "SP0301"),
        ('<promise topic="a" tokens=-2/>', "SP0301"),
        ('<promise topic="" tokens=2/>', "SP0302"),
        ('<promise topic="a b c d" tokens=2/><async>x</async>', "SP0302"),
        ('<promise topic="a" tokens=0/>', "SP0303"),
        ('<promise topic="a" tokens=07/>', "SP0303"),
        ('<promise topic="a" tokens=100/>', "SP0303"),
        ("<async>x</async>", "SP0304"),
        ('<promise topic="a" tokens=2/><async>x</async><async>y</async>', "SP0304"),
        ('<promise topic="a" tokens=2/><async>x', "SP0305"),
        ("x</async>", "SP0306"),
        ('<promise topic="a" tokens=2/><async>x<sync/>y<promise topic="b" tokens=1/></async>', "SP0307 SP0307"),
        ('<promise topic="a" tokens=2/><async>x<async>y</async>z</async>', "SP0307"),
        ("<promise x><async>y</async>", "SP0301"),
    ],
)
def test_mistakes(text: str, found: str) -> None:
    assert codes(text) == found


def test_a_topic_is_pointed_at() -> None:
    _, (mistake,) = parse_pasta(SourceFile("a", '<promise topic="a b c d" tokens=2/>'))
    assert mistake.span is not None and mistake.span.text == "a b c d"


def test_training_text() -> None:
    answer = read('<promise topic="a" tokens=1/><sync/><promise topic="b" tokens=1/><async>too short</async>')
    assert [each.code for each in validate_pasta(answer)] == ["SP0308", "SP0309"]


def test_the_words_of_the_language() -> None:
    """The tree is read and printed in the words that the token machine reads, too."""
    about = f"{Tag.PROMISE.value}sums{Tag.TOKENS.value}2{Tag.END.value}"
    text = f"{about}{Tag.ASYNC.value}1+1{Tag.ENDASYNC.value}{Tag.SYNC.value}"
    answer = Answer((Promise("sums", 2, AnswerText("1+1")), Sync()))
    assert read(text) == answer and print_pasta(answer) == text
    names = "".join(tag.token for tag in Tag)
    assert len({tag.token for tag in Tag}) == 6 and escape_tags(names) == names


def test_only_spaces_part_the_words_of_a_topic() -> None:
    """Tokens may end within a character, and no part of another character is a space."""
    assert read('<promise topic="a\u00a0b\tc  d e " tokens=2/>').promises[0].topic == "a\u00a0b\tc  d e "
    assert codes('<promise topic=" " tokens=2/>') == "SP0302"


def test_what_is_no_tag_is_text() -> None:
    text = "a < b, <b>bold</b>, <promises>, <asynchronous/>, < sync/>, &amp; <"
    assert read(text).items == (AnswerText(text),) and escape_tags(text) == text


pieces = st.sampled_from(
    [*'<>/&;" =a', "sync", "async", "promise", "amp;", "lt;", "<sync/>", "&lt;", "&amp;", "/>", "é"]
)
texts = st.lists(pieces, max_size=14).map("".join) | st.text(st.characters(exclude_categories=["Cs"]), max_size=20)


@settings(max_examples=300, deadline=None)
@given(texts)
def test_escaped_text_is_text_and_comes_back(text: str) -> None:
    assert unescape_tags(escape_tags(text)) == text
    assert read(escape_tags(text)).items == ((AnswerText(text),) if text else ())


topics = st.lists(st.from_regex(r"[a-zé0-9]{1,5}", fullmatch=True), min_size=1, max_size=3).map(" ".join)
blocks = st.none() | texts.map(AnswerText)
items = st.one_of(
    texts.filter(bool).map(AnswerText), st.builds(Promise, topics, st.integers(1, 99), blocks), st.builds(Sync)
)


def whole(parts: list[AnswerText | Promise | Sync]) -> Answer:
    kept: list[AnswerText | Promise | Sync] = []
    for part in parts:
        if not (kept and isinstance(part, AnswerText) and isinstance(kept[-1], AnswerText)):
            kept.append(part)
    return Answer(tuple(kept))


@settings(max_examples=200, deadline=None)
@given(st.lists(items, max_size=8).map(whole))
def test_print_and_read_are_inverse(answer: Answer) -> None:
    assert read(print_pasta(answer)) == answer
    assert print_pasta(read(print_pasta(answer))) == print_pasta(answer)


tags = st.sampled_from(
    ["<async>", "</async>", "<sync/>", '<promise topic="a" tokens=2/>', '<promise topic="', '" tokens=', "/>", "<", "x ",
     "<promise ", "tokens=999", "\x00", "\n", "&lt;sync/>"]
)  # fmt: skip


@settings(max_examples=200, deadline=None)
@given(st.lists(tags, max_size=30).map("".join) | st.text(max_size=100))
def test_any_text_gives_a_tree_or_diagnostics(text: str) -> None:
    answer, mistakes = parse_pasta(SourceFile("answer.txt", text))
    assert (answer is None) == bool(mistakes)
    if answer is not None:
        assert all(not isinstance(each, AnswerText) or each.text for each in answer.items)
        strip_pasta(answer)


HOSTILE = {
    "open tags": "<promise " * 30_000,
    "blocks": "<async>" * 30_000,
    "angles": "<" * 300_000,
    "ampersands": "&amp;" * 60_000 + "lt;sync/>",
    "an endless tag": "<promise " + "a" * 300_000,
    "an endless number": '<promise topic="a" tokens=' + "9" * 300_000 + "/>",
    "promises": '<promise topic="a" tokens=2/>' * 10_000,
}


@pytest.mark.parametrize("text", HOSTILE.values(), ids=HOSTILE)
def test_hostile_texts_end_soon(text: str) -> None:
    before = time.perf_counter()
    answer, mistakes = parse_pasta(SourceFile("answer.txt", text))
    assert unescape_tags(escape_tags(text)) == text
    assert (answer is None) == bool(mistakes) and len(mistakes) <= 50
    assert time.perf_counter() - before < 5
