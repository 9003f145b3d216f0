"""Where rows end, and what they show till then."""

from collections.abc import Sequence

from specplan.backends.models import StopStrings
from specplan.backends.runtime import Ending, Reason


class Letters:
    """A tokenizer in which token 97 is `a`; 0 has no text, and the text of 1 waits for the next token."""

    def __init__(self) -> None:
        self._waiting = ""

    def push(self, ids: Sequence[int]) -> str:
        text = ""
        for each in ids:
            if each == 1:
                self._waiting += "1"
            else:
                text += self._waiting + (chr(each) if each else "")
                self._waiting = ""
        return text

    def flush(self) -> str:
        text, self._waiting = self._waiting, ""
        return text


def ending(*strings: str, ends: Sequence[int] = (0,), max_new_tokens: int = 100, context: int = 100) -> Ending:
    return Ending(Letters(), StopStrings(strings), ends=ends, max_new_tokens=max_new_tokens, context=context)


def ids(text: str) -> list[int]:
    return [*map(ord, text)]


def test_an_end_token_inside_a_path_is_its_last() -> None:
    row = ending()
    assert row.cut([97, 98, 0, 99], start=5) == (3, "ab")
    assert row.reason is Reason.END_TOKEN


def test_a_limit_inside_a_path_counts_over_steps() -> None:
    row = ending(max_new_tokens=4)
    assert row.cut(ids("ab"), start=5) == (2, "ab")
    assert row.reason is None
    assert row.cut(ids("cdef"), start=7) == (2, "cd")
    assert row.reason is Reason.LIMIT


def test_a_stop_string_across_tokens_and_steps_is_cut_out_of_the_text() -> None:
    row = ending("END")
    assert row.cut(ids("one E"), start=5) == (5, "one ")
    assert row.cut(ids("NDtwo"), start=10) == (2, "")
    assert row.reason is Reason.STOP_STRING


def test_what_was_held_back_is_shown_at_the_end() -> None:
    row = ending("END", max_new_tokens=3)
    assert row.cut(ids("xEN"), start=5) == (3, "xEN")
    row = ending("END", max_new_tokens=2)
    assert row.cut([97, 1], start=5) == (2, "a1")


def test_the_last_token_of_the_context_is_not_read() -> None:
    row = ending(context=8)
    assert row.cut(ids("abcdef"), start=5) == (4, "abcd")
    assert row.reason is Reason.CONTEXT


def test_a_row_that_has_ended_keeps_nothing() -> None:
    row = ending()
    row.cut([0], start=5)
    assert row.cut([97], start=6) == (0, "")
