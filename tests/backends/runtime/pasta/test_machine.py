"""The token machine: every stream of tokens means something, nothing is lost, and what is malformed is counted by kind."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from specplan.backends.runtime.pasta import (
    FORK,
    MAIN,
    MOST_NUMBER_TOKENS,
    MOST_TOPIC_TOKENS,
    Closed,
    Ended,
    Fault,
    Place,
    Promised,
    Said,
    Synced,
    TagCounts,
    TagVocabulary,
    TokenMachine,
    Wrong,
)
from specplan.grammar import USUAL_TENS, Tag

streams = st.lists(st.integers(0, 60) | st.integers(0, 8), max_size=60)
starts = st.sampled_from([MAIN, FORK])


def told(toy: Any, script: str, place: Place = MAIN) -> list[str]:
    """What a script means, in short, with what the end of the thread adds to it."""
    place, said = toy.machine.read(place, toy.spell(script))
    text = ""
    found: list[str] = []
    for meaning in [*said, *toy.machine.end(place)[1]]:
        if isinstance(meaning, Said):
            text += toy.vocabulary.bytes_of(meaning.tokens).decode()
            continue
        if text:
            found.append(f"text {text!r}")
            text = ""
        match meaning:
            case Promised(topic=topic, tens=tens):
                found.append(f"promise {topic!r} {tens}")
            case Wrong(fault=fault):
                found.append(f"wrong {fault.name}")
            case Synced() | Closed() | Ended():
                found.append(type(meaning).__name__)
    return [*found, *([f"text {text!r}"] if text else [])]


def test_what_is_well_formed(toy: Any) -> None:
    assert told(toy, "See PROMISE sums TOKENS 12 END and PROMISE two_sums TOKENS 3 END SYNC so EOS") == [
        "text 'See'", "promise 'sums' 12", "text 'and'", "promise 'two sums' 3", "Synced", "text 'so'", "Ended",
    ]  # fmt: skip
    assert told(toy, "1+1 ENDASYNC", FORK) == ["text '1+1'", "Closed"]


@pytest.mark.parametrize(
    ("script", "meant"),
    [
        # a promise that reaches its end is one
        ("PROMISE sums END", ["wrong LENGTH", "promise 'sums' 4"]),
        ("PROMISE TOKENS 2 END", ["wrong TOPIC", "promise '' 2"]),
        ("PROMISE END", ["wrong TOPIC", "wrong LENGTH", "promise '' 4"]),
        ("PROMISE sums TOKENS END", ["wrong LENGTH", "promise 'sums' 4"]),
        ("PROMISE sums TOKENS two END", ["wrong LENGTH", "promise 'sums' 4"]),
        ("PROMISE sums TOKENS 0 END", ["wrong LENGTH", "promise 'sums' 4"]),
        ("PROMISE sums TOKENS 240 END", ["wrong LENGTH", "promise 'sums' 4"]),
        ("PROMISE sums TOKENS _2_ END", ["promise 'sums' 2"]),
        ("PROMISE a_b_c_d TOKENS 2 END", ["wrong TOPIC", "promise '' 2"]),
        ("PROMISE a\"b TOKENS 2 END", ["wrong TOPIC", "promise '' 2"]),
        ("PROMISE <sync/> TOKENS 2 END", ["wrong TOPIC", "promise '' 2"]),
        # one that does not is none
        ("PROMISE", ["wrong UNFINISHED"]),
        ("PROMISE sums TOKENS 2", ["wrong UNFINISHED", "text 'sums2'"]),
        ("PROMISE sums EOS", ["wrong UNFINISHED", "text 'sums'", "Ended"]),
        ("PROMISE sums SYNC", ["wrong UNFINISHED", "text 'sums'", "wrong IDLE_SYNC", "Synced"]),
        ("PROMISE a PROMISE b TOKENS 2 END", ["wrong UNFINISHED", "text 'a'", "promise 'b' 2"]),
        ("PROMISE a TOKENS 2 TOKENS 3 END",
         ["wrong UNFINISHED", "text 'a2'", "wrong STRAY", "text '3'", "wrong STRAY"]),
        ("PROMISE a ASYNC b ENDASYNC", ["wrong UNFINISHED", "text 'a'", "wrong OWN_ASYNC", "text 'b'", "wrong STRAY"]),
        # all other tags in the wrong place are dropped
        ("a TOKENS b", ["text 'a'", "wrong STRAY", "text 'b'"]),
        ("a END b", ["text 'a'", "wrong STRAY", "text 'b'"]),
        ("a ENDASYNC b", ["text 'a'", "wrong STRAY", "text 'b'"]),
        ("a ASYNC b", ["text 'a'", "wrong OWN_ASYNC", "text 'b'"]),
        ("SYNC", ["wrong IDLE_SYNC", "Synced"]),
        ("PROMISE a TOKENS 2 END PROMISE b SYNC", ["promise 'a' 2", "wrong UNFINISHED", "text 'b'", "Synced"]),
        ("PROMISE a TOKENS 2 END SYNC SYNC", ["promise 'a' 2", "Synced", "wrong IDLE_SYNC", "Synced"]),
        # and what is spelled like a tag is text
        ("<sync/><async></async>", ["text '<sync/><async></async>'"]),
        # behind the end nothing means anything
        ("a EOS b SYNC EOS", ["text 'a'", "Ended"]),
    ],
)  # fmt: skip
def test_recovery_in_the_main_thread(toy: Any, script: str, meant: list[str]) -> None:
    assert told(toy, script) == meant


@pytest.mark.parametrize(
    ("script", "meant"),
    [
        ("a", ["text 'a'", "wrong UNCLOSED"]),
        ("a EOS", ["text 'a'", "wrong UNCLOSED", "Ended"]),
        ("a SYNC b ENDASYNC", ["text 'a'", "wrong NESTED", "text 'b'", "Closed"]),
        ("a ASYNC b ENDASYNC", ["text 'a'", "wrong OWN_ASYNC", "text 'b'", "Closed"]),
        ("a PROMISE sums TOKENS 2 END b ENDASYNC", ["text 'a'", "wrong NESTED", "text 'b'", "Closed"]),
        ("a PROMISE sums ENDASYNC", ["text 'a'", "wrong UNFINISHED", "text 'sums'", "Closed"]),
        ("PROMISE", ["wrong UNFINISHED", "wrong UNCLOSED"]),
        ("a END b TOKENS ENDASYNC c", ["text 'a'", "wrong STRAY", "text 'b'", "wrong STRAY", "Closed"]),
    ],
)
def test_recovery_in_a_fork(toy: Any, script: str, meant: list[str]) -> None:
    assert told(toy, script, FORK) == meant


def test_a_promise_without_end_becomes_text(toy: Any) -> None:
    letters = "x" * (MOST_TOPIC_TOKENS + 5)
    assert told(toy, f"PROMISE {letters} TOKENS 2 END") == [
        "wrong UNFINISHED", f"text {letters!r}", "wrong STRAY", "text '2'", "wrong STRAY",
    ]  # fmt: skip
    digits = "x" * (MOST_NUMBER_TOKENS + 1)
    assert told(toy, f"PROMISE a TOKENS {digits} END") == ["wrong UNFINISHED", f"text 'a{digits}'", "wrong STRAY"]


def test_a_topic_of_special_tokens_ends_too(toy: Any) -> None:
    """They add no bytes, so that only counting tokens ends it."""
    _, said = toy.machine.read(MAIN, toy.spell("PROMISE" + " SPECIAL" * (MOST_TOPIC_TOKENS + 1)))
    assert said[0] == Wrong(Fault.UNFINISHED)


def test_a_topic_may_end_within_a_character(toy: Any) -> None:
    broken = [toy.tag(Tag.PROMISE), toy.numbers[b"\xc3"], toy.tag(Tag.TOKENS), *toy.encode(b"12"), toy.tag(Tag.END)]
    assert toy.machine.read(MAIN, broken)[1] == [Promised("\ufffd", 12)]


def test_a_table_whose_end_is_a_whole_promise() -> None:
    machine = TokenMachine(TagVocabulary({Tag.END: 1, Tag.ENDASYNC: 2, Tag.SYNC: 3}, (b"a", None, None, None), whole=7))
    assert machine.read(MAIN, [0, 1, 3])[1] == [Said((0,)), Promised("", 7), Synced()]
    assert machine.read(FORK, [1, 2])[1] == [Wrong(Fault.NESTED), Closed()]


@settings(max_examples=300, deadline=None)
@given(starts, streams, st.data())
def test_a_run_means_what_its_tokens_mean(toy: Any, place: Place, stream: list[int], data: st.DataObject) -> None:
    whole = toy.machine.read(place, stream)
    cut = data.draw(st.integers(0, len(stream)))
    middle, first = toy.machine.read(place, stream[:cut])
    end, second = toy.machine.read(middle, stream[cut:])
    assert (end, first + second) == whole
    assert hash(end) == hash(whole[0])
    assert len(end.topic) <= MOST_TOPIC_TOKENS and len(end.number) <= MOST_NUMBER_TOKENS


@settings(max_examples=300, deadline=None)
@given(starts, streams)
def test_no_word_is_lost_but_in_whole_promises(toy: Any, place: Place, stream: list[int]) -> None:
    """What is said is a part of the stream, in order; what is missing stood in promises, or behind the end."""
    end, said = toy.machine.read(place, stream)
    said += toy.machine.end(end)[1]
    spoken = [token for meaning in said if isinstance(meaning, Said) for token in meaning.tokens]
    ordinary = [token for token in stream if token >= SPECIAL_AND_WORDS]
    rest = iter(ordinary)
    assert all(token in rest for token in spoken)
    whole = sum(isinstance(each, Promised) or each == Wrong(Fault.NESTED) for each in said)
    if not whole and not end.is_over:
        assert spoken == ordinary


SPECIAL_AND_WORDS = 7


@settings(max_examples=300, deadline=None)
@given(starts, streams)
def test_every_tag_is_heard_or_wrong(toy: Any, place: Place, stream: list[int]) -> None:
    """Up to the end of a thread, a tag is a part of something, or it is counted."""
    end, said = toy.machine.read(place, stream)
    said += toy.machine.end(end)[1]
    counts = TagCounts().heard(said)
    closed = sum(isinstance(each, Closed) for each in said)
    if not end.is_over:
        tags = sum(token in toy.vocabulary.tag_of for token in stream)
        assert 3 * (counts.promises + counts.malformed) + counts.syncs + closed >= tags
    assert counts.topic + counts.length <= 2 * counts.promises
    assert all(each.tens == USUAL_TENS or each.tens <= 99 for each in said if isinstance(each, Promised))


HOSTILE = [
    "PROMISE",
    "PROMISE a",
    "END",
    "PROMISE a TOKENS",
    "SYNC",
    "ASYNC",
    "ENDASYNC",
    "PROMISE a TOKENS 2 END",
    "TOKENS a",
]


@pytest.mark.parametrize("script", HOSTILE)
@pytest.mark.parametrize("place", [MAIN, FORK], ids=["main", "fork"])
def test_long_hostile_streams_leave_nothing_behind(toy: Any, script: str, place: Place) -> None:
    stream = toy.spell(script) * 30_000
    end, said = toy.machine.read(place, stream)
    assert len(said) <= 3 * len(stream)
    counts = TagCounts().heard([*said, *toy.machine.end(end)[1]])
    assert counts.malformed >= 29_999 or counts.promises == 30_000 or end.is_over


def test_counts_add_up() -> None:
    one = TagCounts().heard([Promised("a", 1), Synced(), Wrong(Fault.STRAY), Said((1,)), Closed(), Ended()])
    assert one + TagCounts(queued=2) == TagCounts(promises=1, syncs=1, queued=2, stray=1)
    assert one.malformed == 1 and TagCounts().to_json() == {}
    every = TagCounts().heard(map(Wrong, Fault))
    assert every.malformed == len(Fault) and set(every.to_json().values()) == {1}
