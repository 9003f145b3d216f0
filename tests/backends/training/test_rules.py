"""The rules annotate what stands side by side, put syncs where text builds upon it, and change no character."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from specplan.backends.training import annotate_by_rules
from specplan.backends.training.parallel_parts import parallel_groups
from specplan.backends.training.topics import topic_of
from specplan.grammar import MIN_BLOCK_WORDS, AnswerText, Sync, is_topic, strip_pasta, validate_pasta

COPPER = """Here are three uses of copper:

1. **Wiring**: Copper is used in wires because it conducts well.
2. **Plumbing**: Pipes of copper resist corrosion and last for decades.
   They are joined by solder.
3. Pans.
4. **Roofing**: Roofs of copper turn green with the years.

In summary, copper is useful."""


def shape(text: str) -> str:
    """What an answer is made of: topics in brackets, `|` for a sync, `.` for the main thread's text."""
    answer = annotate_by_rules(text)
    assert strip_pasta(answer) == text and validate_pasta(answer) == ()
    return "".join(
        "." if isinstance(item, AnswerText) else "|" if isinstance(item, Sync) else f"[{item.topic}]"
        for item in answer.items
    )


def blocks(text: str) -> list[str]:
    return [each.block.text for each in annotate_by_rules(text).promises if each.block]


def test_a_numbered_list() -> None:
    assert shape(COPPER) == ".[Wiring].[Plumbing].[Roofing]|."
    assert blocks(COPPER)[1] == (
        " **Plumbing**: Pipes of copper resist corrosion and last for decades.\n   They are joined by solder."
    )
    assert [item.text for item in annotate_by_rules(COPPER).items if isinstance(item, AnswerText)] == [
        "Here are three uses of copper:\n\n1.",
        "\n2.",
        "\n3. Pans.\n4.",
        "\n\nIn summary, copper is useful.",
    ]


FIVE = "that is said in five words"


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (f"- Red {FIVE}.\n- Blue {FIVE}.\n", ".[Red said five].[Blue said five]."),
        (f"* Red {FIVE}.\n\n* Blue {FIVE}.", ".[Red said five].[Blue said five]"),
        (f"A:\n- B is {FIVE}.\n- C {FIVE}.\n\nD:\n- E {FIVE}.\n- F: {FIVE}", ".[B said five].[C said five].[E said five].[F]"),
        (f"(1) Red {FIVE}.\n(2) Blue {FIVE}.", ".[Red said five].[Blue said five]"),
        (f"Step 1: Mix. Red {FIVE}.\nStep 2: Bake. Blue {FIVE}.", ".[Mix Red said].[Bake Blue said]"),
        (f"1. Red\n- one {FIVE}\n- two {FIVE}\n2. Blue\n- one {FIVE}", ".[Red].[Blue]"),
        (f"1. Red\n\nThis is red. {FIVE}\n\n2. Blue\n\nIt is blue. {FIVE}\n\nAsk me more.", ".[Red].[Blue]."),
        (f"1. Red {FIVE}.\n\n1. Blue {FIVE}.", "."),
        (f"## Red\nA {FIVE}.\n## Blue\nB {FIVE}.\n## Conclusion\nWell.", ".[Red].[Blue]|."),
        (f"# Title\n\n## Red\n- A {FIVE}.\n- B {FIVE}.\n\n## Blue\nB {FIVE}.", ".[Red].[Blue]"),
        (f"**Red**\nA {FIVE}.\n\n**Blue**\nB {FIVE}.\n\nOverall, colours.", "[Red].[Blue]|."),
        (f"Red: it is {FIVE}.\n\nBlue: it is {FIVE}.", "[Red].[Blue]"),
        (f"In May, {FIVE}.\n\nIn June, {FIVE}.\n\nOn Sundays, {FIVE}.", "[May said five].[June said five]."),
        (f"One way is {FIVE}.\n\nOne way was {FIVE}.", "[way said five].[way said five]"),
        (f"First, red {FIVE}. Second, tea {FIVE}. Lastly, B {FIVE}. This.", "[red said five][tea said five][B said five]|."),
        (f"First, red {FIVE}.\n\nSecond, blue {FIVE}.", "[red said five].[blue said five]"),
    ],
)  # fmt: skip
def test_what_stands_side_by_side(text: str, expected: str) -> None:
    assert shape(text) == expected


@pytest.mark.parametrize(
    "text",
    [
        "",
        " \n",
        "One sentence.",
        "1. Milk\n2. Eggs\n3. Bread",
        f"1. Red {FIVE}.\n2. Eggs",
        f"Second, red {FIVE}. Third, blue {FIVE}.",
        f"```\n- Red {FIVE}.\n- Blue {FIVE}.\n```",
        f"It is {FIVE}.\n\nThey are {FIVE}.",
    ],
)
def test_what_does_not(text: str) -> None:
    assert annotate_by_rules(text).promises == ()
    assert strip_pasta(annotate_by_rules(text)) == text


@pytest.mark.parametrize(
    "item",
    ["Repeat steps 1 and 2 until it is done.", "Then add all the milk to it.", "Mix the above with some cold milk."],
)
def test_an_item_that_builds_upon_others_waits_for_them(item: str) -> None:
    assert shape(f"1. Red {FIVE}.\n2. Blue {FIVE}.\n3. {item}\n4. Tea {FIVE}.") == (
        ".[Red said five].[Blue said five]|.[Tea said five]"
    )


def test_only_the_first_text_that_builds_upon_blocks_waits() -> None:
    text = f"- Red {FIVE}.\n- Blue {FIVE}.\n\nAsk me.\n\nThese points matter.\n\nOverall, it is good."
    assert shape(text) == ".[Red said five].[Blue said five].|."


@pytest.mark.parametrize(
    ("part", "topic"),
    [
        ("\n3) *Milk* and honey", "Milk and honey"),
        ("- **The best of all possible worlds**: is this", "best all possible"),
        ("## Heat", "Heat"),
        ("It is what it is.", "what"),
        ("1. \"Quoted\" <b>", "Quoted b"),
        ("- 日本 – a land", "日本"),
        ("...", None),
    ],
)  # fmt: skip
def test_topics(part: str, topic: str | None) -> None:
    assert topic_of(part) == topic


marks = st.sampled_from(
    [
        "1. ",
        "2. ",
        "3) ",
        "- ",
        "* ",
        "## ",
        "# ",
        "**",
        "First, ",
        "Second, ",
        "Overall, ",
        "In ",
        "```",
        "Step 1: ",
        "  ",
    ]
)
words = st.sampled_from(["red ", "blue ", "tea. ", "cup: ", ", ", "\n", "\n\n", "These ", "</async>", '"', "é"])
texts = st.lists(st.one_of(marks, words, st.just(FIVE)), max_size=40).map("".join)


@settings(max_examples=300, deadline=None)
@given(texts)
def test_any_text_is_annotated_and_comes_back(text: str) -> None:
    answer = annotate_by_rules(text)
    assert strip_pasta(answer) == text and validate_pasta(answer) == ()
    assert all(
        is_topic(each.topic) and len(each.block.text.split()) >= MIN_BLOCK_WORDS
        for each in answer.promises
        if each.block
    )
    assert len(answer.promises) != 1
    edges = [edge for group in parallel_groups(text) for part in group for edge in (part.start, part.end)]
    assert edges == sorted(edges) and len(edges) == len(set(edges))
