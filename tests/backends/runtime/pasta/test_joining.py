"""Threads and answers are two forms of one thing, whatever the threads said, and in whatever order."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from specplan.backends.models import Detokenizer, TokenizerWords
from specplan.backends.runtime.pasta import (
    Joining,
    Promised,
    TagCounts,
    TagVocabulary,
    TokenMachine,
    threads_of,
)
from specplan.grammar import Answer, AnswerText, Promise, SourceFile, Sync, Tag, parse_pasta, print_pasta, strip_pasta

from ...joining import join_threads

pieces = st.sampled_from(
    [
        *(tag.value for tag in Tag),
        "<sync",
        "&lt;sync/>",
        "&amp;",
        "é",
        "日",
        "a",
        " b ",
        "\n",
        "\r",
        "12",
        '"',
        "<|pasta_sync|>",
    ]
)
texts = st.lists(pieces, max_size=8).map("".join)
words = st.text(st.sampled_from("aé日0&'/."), min_size=1, max_size=4)
topics = st.lists(words, min_size=1, max_size=3).flatmap(lambda each: st.sampled_from([" ".join(each), " " + each[0]]))
items = st.one_of(
    texts.filter(bool).map(AnswerText),
    st.builds(Promise, topics, st.integers(1, 99), st.none() | texts.map(AnswerText)),
    st.builds(Sync),
)


def whole(parts: list[AnswerText | Promise | Sync]) -> Answer:
    kept: list[AnswerText | Promise | Sync] = []
    for part in parts:
        if not (kept and isinstance(part, AnswerText) and isinstance(kept[-1], AnswerText)):
            kept.append(part)
    return Answer(tuple(kept))


answers = st.lists(items, max_size=8).map(whole)


def read(text: str) -> Answer:
    answer, mistakes = parse_pasta(SourceFile("answer", text))
    assert answer is not None, mistakes
    return answer


def round_trip(answer: Answer, vocabulary: TagVocabulary, encode: Any, text_of: Any) -> None:
    """Text, tree, text, tokens, tree."""
    again = read(print_pasta(answer))
    assert again == answer
    threads = threads_of(again, vocabulary, encode)
    assert threads is not None
    joined = join_threads(TokenMachine(vocabulary), text_of, threads.main, threads.blocks)
    assert joined.answer == answer
    assert joined.counts.malformed == joined.counts.idle_sync
    assert joined.counts.promises == len(answer.promises)
    assert joined.counts.unopened == sum(each.block is None for each in answer.promises)


@settings(max_examples=300, deadline=None)
@given(answers)
def test_text_and_tree_and_tokens_are_one(toy: Any, answer: Answer) -> None:
    round_trip(answer, toy.vocabulary, toy.encode, toy.text)


@settings(max_examples=200, deadline=None)
@given(answers)
def test_text_and_tree_and_tokens_are_one_for_a_real_tokenizer(smollm2: Any, answer: Answer) -> None:
    vocabulary, encode, detokenizer = smollm2
    round_trip(answer, vocabulary, encode, lambda continues: detokenizer.stream(continues=True))


def test_what_a_vocabulary_cannot_spell(toy: Any) -> None:
    answer = Answer((Promise("sums", 2, AnswerText("日")),))
    assert threads_of(answer, toy.vocabulary, lambda text: None if text == "日".encode() else toy.encode(text)) is None
    assert threads_of(Answer((Promise("x" * 33, 2),)), toy.vocabulary, toy.encode) is None


WHOLE_PROMISE = [0, 8 + ord("a"), 1, 8 + ord("2"), 2]
chunks = st.just(WHOLE_PROMISE) | st.builds(lambda token: [token], st.integers(0, 8) | st.integers(0, 280))
streams = st.lists(chunks, max_size=25).map(lambda parts: [token for part in parts for token in part])


@settings(max_examples=400, deadline=None)
@given(streams, st.lists(st.none() | streams, max_size=5))
def test_hostile_streams_give_well_formed_answers(toy: Any, main: list[int], blocks: list[list[int] | None]) -> None:
    joined = join_threads(toy.machine, toy.text, main, blocks)
    text = print_pasta(joined.answer)
    assert read(text) == joined.answer
    assert strip_pasta(read(text)) == strip_pasta(joined.answer)


def test_malformed_tags_are_counted_and_gone(toy: Any) -> None:
    main = toy.spell("one SYNC PROMISE TOKENS x END two ASYNC three ENDASYNC PROMISE END four PROMISE five")
    joined = join_threads(toy.machine, toy.text, main, [toy.spell("a SYNC b"), None])
    assert print_pasta(joined.answer) == (
        'one<sync/><promise topic="untitled" tokens=4/><async>ab</async>twothree<promise topic="untitled" tokens=4/>fourfive'
    )
    assert joined.counts == TagCounts(
        promises=2, syncs=1, unopened=1, topic=2, length=2, unfinished=1, nested=1, idle_sync=1, own_async=1, stray=1,
        unclosed=1,
    )  # fmt: skip


class Told:
    """Threads told to a joining in a drawn order; what was shown after each turn."""

    def __init__(self, toy: Any, main: list[int], blocks: list[list[int] | None], data: st.DataObject) -> None:
        self.joining = Joining(toy.machine, toy.text)
        self.shown = ""
        left: dict[int, list[int]] = {0: list(main)}
        rest = iter(enumerate(blocks, start=1))
        while left:
            thread = data.draw(st.sampled_from(sorted(left)))
            if left[thread]:
                for meaning in self.joining.say(thread, [left[thread].pop(0)]):
                    if isinstance(meaning, Promised):
                        number, block = next(rest, (0, None))
                        self.shown += self.joining.shown()
                        if block is not None:
                            self.joining.open(number)
                            left[number] = list(block)
            else:
                self.joining.stop(thread)
                del left[thread]
            self.shown += self.joining.shown()


@settings(max_examples=200, deadline=None)
@given(streams, st.lists(st.none() | streams, max_size=4), st.data())
def test_the_order_of_threads_does_not_matter(
    toy: Any, main: list[int], blocks: list[list[int] | None], data: st.DataObject
) -> None:
    told = Told(toy, main, blocks, data)
    joined = join_threads(toy.machine, toy.text, main, blocks)
    assert (told.joining.answer, told.joining.counts) == (joined.answer, joined.counts)
    assert told.shown == strip_pasta(joined.answer)


def test_what_is_shown_when(toy: Any) -> None:
    """The main thread up to the first block that is still being written, and that block as it is written."""
    joining = Joining(toy.machine, toy.text)

    def say(thread: int, script: str) -> str:
        if any(isinstance(each, Promised) for each in joining.say(thread, toy.spell(script))):
            joining.open(thread + len(joining.answer.promises))
        return joining.shown()

    assert say(0, "First_ PROMISE sum") == "First "
    assert say(0, "s TOKENS 2 END") == ""
    assert say(0, ",_then_ PROMISE sums TOKENS 2 END") == ""
    assert say(2, "second") == ""
    assert say(1, "fir") == "fir"
    assert say(2, "_block ENDASYNC") == ""
    assert say(0, "SYNC done") == ""
    assert say(1, "st ENDASYNC") == "st, then second blockdone"
    assert say(0, ". EOS") == "."


def test_a_character_that_a_tag_cuts_in_two(toy: Any) -> None:
    first, second = toy.numbers[b"\xc3"], toy.numbers[b"\xa9"]
    joined = join_threads(
        toy.machine, toy.text, [first, toy.tag(Tag.ENDASYNC), second, first, toy.tag(Tag.SYNC), second], []
    )
    assert joined.answer == Answer((AnswerText("é\ufffd"), Sync(), AnswerText("\ufffd")))


def test_queued_threads_are_counted(toy: Any) -> None:
    joining = Joining(toy.machine, toy.text)
    joining.say(0, toy.spell("PROMISE sums TOKENS 2 END"))
    joining.open(1)
    joining.wait()
    assert joining.counts == TagCounts(promises=1, queued=1)


@pytest.mark.parametrize("script", ["PROMISE sums TOKENS 2 END", "PROMISE END x", "SYNC", "PROMISE sums", "a"])
def test_thousands(toy: Any, script: str) -> None:
    main = toy.spell(script) * 10_000
    joined = join_threads(toy.machine, toy.text, main, [toy.spell("text ENDASYNC")] * 10_000)
    assert read(print_pasta(joined.answer)) == joined.answer
    kept = joined.counts.promises
    assert strip_pasta(joined.answer).count("text") == kept == (10_000 if "END" in script else 0)


@pytest.fixture(scope="session")
def smollm2(smollm2_path: Any) -> tuple[TagVocabulary, Any, Detokenizer]:
    """The words of the real tokenizer with tags."""
    from tokenizers import AddedToken
    from transformers import AutoTokenizer

    tokenizer = AutoTokenizer.from_pretrained(smollm2_path)
    tokenizer.add_tokens([AddedToken(tag.token, special=True, normalized=False) for tag in Tag], special_tokens=True)
    words = TokenizerWords(tokenizer, len(tokenizer), source="smollm2")
    ids = {tag: tokenizer.convert_tokens_to_ids(tag.token) for tag in Tag}
    return TagVocabulary(ids, words.spelled, frozenset([2])), words.encode, Detokenizer(tokenizer)
