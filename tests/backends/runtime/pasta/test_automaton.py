"""The automaton allows exactly what is in the language: nothing malformed gets through, and nothing well-formed is held back."""

from __future__ import annotations

from typing import Any

import numpy
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from specplan.backends.models import TokenizerWords
from specplan.backends.runtime.pasta import (
    FORK,
    MAIN,
    MOST_TOPIC_TOKENS,
    Automaton,
    Fault,
    Strictness,
    TagCounts,
    TagVocabulary,
    TokenMachine,
    threads_of,
)
from specplan.grammar import Answer, AnswerText, Promise, Sync, Tag

FROM_LIMITS = {Fault.IDLE_SYNC, Fault.UNFINISHED, Fault.UNCLOSED}


@pytest.fixture(scope="module")
def strict(toy: Any) -> Automaton:
    return Automaton(toy.vocabulary)


@pytest.fixture(scope="module")
def free(toy: Any) -> Automaton:
    return Automaton(toy.vocabulary, Strictness.FREE)


def may_come(automaton: Automaton, state: int) -> Any:
    """Which tokens may come behind a state, by the tables, `[V]`."""
    return automaton.allowed[state][automaton.classes]


def drawn(automaton: Automaton, state: int, choices: list[float]) -> list[int]:
    """Tokens that the automaton allows, tags and digits more often than their share of the vocabulary."""
    said: list[int] = []
    for choice in choices:
        may = numpy.flatnonzero(may_come(automaton, state))
        assert len(may), "every state allows something"
        tags = [token for token in may if token < 8]
        few = tags if tags and choice < 0.5 else may
        said.append(int(few[int(2 * choice % 1 * len(few))]))
        state = automaton.next(state, said[-1])
    return said


choices = st.lists(st.floats(0, 1, exclude_max=True), max_size=60)


@settings(max_examples=300, deadline=None)
@given(choices, st.booleans())
def test_nothing_malformed_is_allowed(toy: Any, strict: Automaton, choices: list[float], is_fork: bool) -> None:
    said = drawn(strict, strict.FORK if is_fork else strict.MAIN, choices)
    place, meanings = toy.machine.read(FORK if is_fork else MAIN, said)
    if is_fork and not place.is_over:
        assert TagCounts().heard(meanings).malformed == 0
    faults = {each.fault for each in [*meanings, *toy.machine.end(place)[1]] if hasattr(each, "fault")}
    assert faults <= FROM_LIMITS


words = st.text(st.sampled_from("aé日09'sum"), min_size=1, max_size=6)
topics = st.builds(
    lambda first, gap, rest: first + gap.join(["", *rest]),
    words, st.sampled_from([" ", "  "]), st.lists(words, max_size=2),
)  # fmt: skip
texts = st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=8).map(AnswerText)
promises = st.builds(Promise, topics, st.integers(1, 99), texts)


@settings(max_examples=300, deadline=None)
@given(st.lists(texts | promises | st.builds(Sync), max_size=5))
def test_nothing_well_formed_is_held_back(toy: Any, strict: Automaton, parts: list[Any]) -> None:
    for part in parts:  # each by itself: two texts side by side would be one
        threads = threads_of(Answer((part,)), toy.vocabulary, toy.encode)
        if threads is None:
            continue  # a topic of too many tokens
        assert all_allowed(strict, strict.MAIN, threads.main)
        assert all(all_allowed(strict, strict.FORK, block) for block in threads.blocks if block is not None)


def all_allowed(automaton: Automaton, state: int, tokens: tuple[int, ...]) -> bool:
    for token in tokens:
        if not may_come(automaton, state)[token]:
            return False
        state = automaton.next(state, token)
    return True


@pytest.mark.parametrize(
    ("script", "may", "may_not"),
    [
        ("", "PROMISE SYNC EOS SPECIAL a 2", "TOKENS END ASYNC ENDASYNC"),
        ("PROMISE", 'a 2 sums', 'PROMISE TOKENS END ASYNC ENDASYNC SYNC EOS SPECIAL " < > __ a_b_c_d'),
        ("PROMISE two_", "TOKENS a __", "END EOS"),
        ("PROMISE a_b_c", "TOKENS a __", "_of"),
        ("PROMISE a_b_c_", "TOKENS __", "a _of"),
        ("PROMISE sums TOKENS", "1 9 12", "0 240 a _ END TOKENS EOS"),
        ("PROMISE sums TOKENS 1", "0 9 END", "12 a EOS SYNC"),
        ("PROMISE sums TOKENS 12", "END", "0 1 12"),
        ("PROMISE sums TOKENS 12 END", "PROMISE SYNC EOS a", "END ENDASYNC"),
    ],
)  # fmt: skip
def test_what_may_come_in_the_main_thread(toy: Any, strict: Automaton, script: str, may: str, may_not: str) -> None:
    mask = may_come(strict, strict.walk(strict.MAIN, toy.spell(script)))
    assert [name for name in may.split() if not mask[toy.spell(name)[0]]] == []
    assert [name for name in may_not.split() if mask[toy.spell(name)[0]]] == []


def test_what_may_come_in_a_fork(toy: Any, strict: Automaton, free: Automaton) -> None:
    for automaton in (strict, free):
        allowed = numpy.flatnonzero(may_come(automaton, automaton.FORK))
        assert [token for token in allowed if token in toy.vocabulary.tag_of] == [toy.tag(Tag.ENDASYNC)]
        assert len(allowed) == len(toy.vocabulary.spelled) - 5
    assert may_come(free, free.MAIN).all()


def test_a_topic_has_an_end(toy: Any, strict: Automaton) -> None:
    state = strict.walk(strict.MAIN, toy.spell("PROMISE " + "x" * MOST_TOPIC_TOKENS))
    assert numpy.flatnonzero(may_come(strict, state)).tolist() == [toy.tag(Tag.TOKENS)]


def test_behind_what_may_not_come_all_may(toy: Any, strict: Automaton) -> None:
    for script in ("END", "PROMISE EOS", "EOS", "PROMISE a END a a a"):
        state = strict.walk(strict.MAIN, toy.spell(script))
        assert state == strict.ANYTHING and may_come(strict, state).all()


@pytest.mark.parametrize("lacking", [b"digits", b"letters", b"TOKENS"])
def test_a_vocabulary_that_would_be_stuck_in_a_promise_makes_none(lacking: bytes) -> None:
    tags = {tag: number for number, tag in enumerate(Tag) if tag.name.encode() != lacking}
    spelled = (*[None] * 6, b'"' if lacking == b"letters" else b"sums", b"0" if lacking == b"digits" else b"5")
    if lacking == b"letters":
        spelled = (*spelled[:6], b'"', b"<5")
    automaton = Automaton(TagVocabulary(tags, spelled))
    assert not may_come(automaton, automaton.MAIN)[tags[Tag.PROMISE]]


def test_a_table_whose_end_is_a_whole_promise() -> None:
    words = TagVocabulary({Tag.END: 1, Tag.ASYNC: 2, Tag.ENDASYNC: 3, Tag.SYNC: 4}, (b"a", *[None] * 5), frozenset([5]))
    automaton = Automaton(words)
    assert [may_come(automaton, state).tolist() for state in (automaton.MAIN, automaton.FORK)] == [
        [True, True, False, False, True, True],
        [True, False, False, True, False, True],
    ]
    assert automaton.walk(automaton.MAIN, [0, 1, 4]) == automaton.MAIN


def test_what_is_barred_is_what_may_not_come(toy: Any, strict: Automaton) -> None:
    for state in range(len(strict.allowed)):
        assert sorted([*numpy.flatnonzero(may_come(strict, state)), *strict.barred(state)]) == list(
            range(len(strict.classes))
        )


@settings(max_examples=200, deadline=None)
@given(choices)
def test_where_a_thread_is_shows_in_what_it_sees(toy: Any, strict: Automaton, choices: list[float]) -> None:
    said = drawn(strict, strict.MAIN, choices)
    if toy.vocabulary.ends.isdisjoint(said):
        prompt = [*toy.encode(b"a prompt"), -100]
        assert strict.behind([*prompt, *said], is_fork=False) == strict.walk(strict.MAIN, said)
        block = [toy.tag(Tag.ASYNC), *toy.encode(b"a block")]
        assert strict.behind([*prompt, *said, *block], is_fork=True) == strict.FORK
        assert strict.behind([*prompt, *said, -1, *block, *toy.encode(b"more")], is_fork=False) == strict.MAIN


def test_a_real_vocabulary(smollm2_path: Any) -> None:
    from tokenizers import AddedToken
    from transformers import AutoTokenizer

    tokenizer = AutoTokenizer.from_pretrained(smollm2_path)
    tokenizer.add_tokens([AddedToken(tag.token, special=True, normalized=False) for tag in Tag], special_tokens=True)
    words = TokenizerWords(tokenizer, len(tokenizer), source="smollm2")
    ids = {tag: tokenizer.convert_tokens_to_ids(tag.token) for tag in Tag}
    vocabulary = TagVocabulary(ids, words.spelled, frozenset([2]))
    automaton = Automaton(vocabulary)
    assert automaton.allowed.shape[0] < 256 and automaton.allowed.shape[1] < 64
    machine, draws = TokenMachine(vocabulary), numpy.random.default_rng(3)
    for _ in range(30):
        state, said = automaton.MAIN, []
        for _ in range(60):
            mask = may_come(automaton, state)
            tags = [token for token in vocabulary.tag_of if mask[token]]
            said.append(int(draws.choice(tags if tags and draws.random() < 0.3 else numpy.flatnonzero(mask))))
            state = automaton.next(state, said[-1])
        assert {each.fault for each in machine.read(MAIN, said)[1] if hasattr(each, "fault")} <= {Fault.IDLE_SYNC}
