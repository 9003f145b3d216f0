"""Training data obeys the rules of training text, and every answer is counted."""

from __future__ import annotations

import json
from collections import Counter

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from specplan.backends.runtime.pasta import TagVocabulary
from specplan.backends.training import (
    Drop,
    Example,
    ModelAnnotator,
    annotate_by_rules,
    annotated,
    annotation_prompt,
    gather,
    tens_of,
    with_estimates,
)
from specplan.grammar import Answer, AnswerText, Promise, SourceFile, Sync, Tag, parse_pasta, print_pasta, strip_pasta

WORDS = TagVocabulary(dict(zip(Tag, range(256, 262), strict=True)), [bytes([each]) for each in range(256)])
LIST = "Here:\n- A block of just five words.\n- Another one that has seven words.\n\nIn short, lists."


def encode(text: bytes) -> tuple[int, ...] | None:
    """A token for each byte of ASCII, and none for the rest."""
    return tuple(text) if text.isascii() else None


def read(text: str) -> Answer:
    answer, mistakes = parse_pasta(SourceFile("answer", text))
    assert answer is not None, mistakes
    return answer


@pytest.mark.parametrize(("tokens", "tens"), [(0, 1), (12, 1), (14, 2), (98, 10), (900, 90), (987, 99), (10**6, 99)])
def test_estimates_count_the_tags_of_the_block(tokens: int, tens: int) -> None:
    assert tens_of(tokens) == tens


def test_estimates_come_from_the_tokens() -> None:
    answer = read(
        'a<promise topic="b" tokens=77/><async>0123456789 123456789</async><sync/><promise topic="c" tokens=5/>'
    )
    estimated = with_estimates(answer, encode)
    assert estimated is not None and [each.tens for each in estimated.promises] == [2, 5]
    assert strip_pasta(estimated) == strip_pasta(answer) and len(estimated.items) == len(answer.items)
    assert with_estimates(read('<promise topic="b" tokens=1/><async>é</async>'), encode) is None


FIVE = "one two three four five"
VOW = '<promise topic="t" tokens=1/>'


@pytest.mark.parametrize(
    ("made", "found"),
    [
        (None, Drop.UNREADABLE),
        (f"{VOW}<async>{FIVE}</async>!", Drop.CHANGED),
        (FIVE, Drop.NOTHING),
        (f"{FIVE}<sync/>", Drop.NOTHING),
        (f"{VOW}{FIVE}", Drop.BROKEN),
        (f"one {VOW}<async>two three four five</async>", Drop.SHORT),
        (f"{VOW}<async>{FIVE}</async>", '<promise topic="t" tokens=2/>'),
    ],
)
def test_why_answers_are_dropped(made: str | None, found: Drop | str) -> None:
    result = annotated(FIVE, lambda _: None if made is None else read(made), WORDS, encode)
    if isinstance(found, Drop):
        assert result is found
    else:
        assert isinstance(result, Answer) and print_pasta(result).startswith(found)


@pytest.mark.parametrize(
    "made",
    [
        f"{VOW}<async>{FIVE} é</async>",
        f"é {VOW}<async>{FIVE}</async>",
        f'<promise topic="é" tokens=1/><async>{FIVE}</async>',
    ],
)
def test_what_the_vocabulary_cannot_spell(made: str) -> None:
    answer = read(made)
    assert annotated(strip_pasta(answer), lambda _: answer, WORDS, encode) is Drop.UNSPELLED


@pytest.mark.parametrize(("plain", "kept"), [(0.0, 0), (0.5, 4), (0.2, 1), (0.9, 5)])
def test_gathering(plain: float, kept: int) -> None:
    lists = [(f"list {number}", LIST) for number in range(4)]
    others = [(f"plain {number}", f"Only {number} here.") for number in range(5)]
    pairs = [pair for both in zip(lists, others, strict=False) for pair in both] + others[4:]
    data = gather(pairs, annotate_by_rules, WORDS, encode, plain=plain, seed=3)
    assert (data.annotated, data.plain, data.dropped) == (4, kept, Counter({Drop.NOTHING: 5}))
    assert data.to_json() == {"seen": 9, "annotated": 4, "plain": kept, "dropped_nothing": 5}
    prompts = [each.prompt for each in data.examples]
    assert prompts == [prompt for prompt, _ in pairs if prompt in prompts] and len(prompts) == 4 + kept
    assert all(strip_pasta(each.answer) == dict(pairs)[each.prompt] for each in data.examples)
    assert gather(pairs, annotate_by_rules, WORDS, encode, plain=plain, seed=3) == data


def test_gathering_counts_every_reason() -> None:
    made = {"a": None, "b": read(f"{VOW}<async>x</async>"), "c": read(VOW), "d": annotate_by_rules(LIST)}
    pairs = [("a", "a"), ("b", "x"), ("b", "x"), ("c", ""), ("d", LIST)]
    texts = iter(prompt for prompt, _ in pairs)
    data = gather(pairs, lambda _: made[next(texts)], WORDS, encode)
    assert data.to_json() == {
        "seen": 5, "annotated": 1, "plain": 0, "dropped_unreadable": 1, "dropped_broken": 1, "dropped_short": 2
    }  # fmt: skip


@settings(max_examples=50, deadline=None)
@given(st.text(), st.sampled_from(["", LIST, "<sync/> é\r\n", '"&lt;sync/>']))
def test_examples_in_json(prompt: str, text: str) -> None:
    example = Example(prompt, annotate_by_rules(text))
    line = example.to_json()
    assert json.loads(line) == {"prompt": prompt, "answer": print_pasta(example.answer)} and "\n" not in line
    sequential = example.sequential.answer
    assert strip_pasta(sequential) == text and not any(isinstance(item, Promise | Sync) for item in sequential.items)


def test_a_model_is_asked_and_read() -> None:
    asked: list[str] = []

    def model(prompt: str) -> str:
        """Marks the answer as the rules do."""
        asked.append(prompt)
        return f"\n{print_pasta(annotate_by_rules(prompt.rsplit('before or after it.', 1)[1].strip()))}\n"

    text = f"  {LIST}\n"
    assert annotated(text, ModelAnnotator(model), WORDS, encode) == annotated(text, annotate_by_rules, WORDS, encode)
    assert asked == [annotation_prompt(LIST)]


@pytest.mark.parametrize("text", ["", "  ", "a <sync/> b"])
def test_a_model_that_changes_nothing(text: str) -> None:
    """Even look-alikes of tags come back, for they are escaped in the prompt."""
    echo = ModelAnnotator(lambda prompt: prompt.rsplit("before or after it.", 1)[1])
    assert echo(text) == annotate_by_rules(text)


@pytest.mark.parametrize(
    ("said", "found"),
    [
        ("Sure! Here it is.", Drop.CHANGED),
        (f"{VOW}<async>{FIVE}", Drop.UNREADABLE),
        (f"{VOW}<async>{VOW}<async>{FIVE}</async></async>", Drop.UNREADABLE),
        (f"<async topic='t'>{FIVE}</async>", Drop.UNREADABLE),
        (f"```{FIVE}```", Drop.CHANGED),
    ],
)
def test_a_model_that_errs(said: str, found: Drop) -> None:
    assert annotated(FIVE, ModelAnnotator(lambda _: said), WORDS, encode) is found


def test_the_prompt_explains_itself_with_a_true_example() -> None:
    prompt = annotation_prompt("Mine: </async>")
    assert prompt.endswith("\n\nMine: &lt;/async>\n") and "{{" not in prompt
    plain, marked = prompt.split("An answer:\n")[1].split("\nNow mark up")[0].split("\nThe same, marked up:\n")
    example = read(marked)
    assert strip_pasta(example) == plain and example.promises and Sync() in example.items
    assert isinstance(annotated(plain, lambda _: example, WORDS, encode), Answer)
    assert AnswerText("Tea and coffee differ in two ways.") in example.items
