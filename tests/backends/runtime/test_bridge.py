"""Tables between two vocabularies: end tokens go together by hand, and a table without an image is refused."""

from collections.abc import Callable, Iterable, Sequence

import pytest

from specplan.backends.runtime.bridge import bridge
from specplan.backends.runtime.errors import NothingShared
from specplan.grammar import DiagnosticError, Severity, render
from specplan.planner.graph import Ref, Table


class Spelled:
    """Words whose longest tokens come first."""

    def __init__(self, *spelled: bytes | None) -> None:
        self.spelled: Sequence[bytes | None] = spelled

    def bytes_of(self, ids: Iterable[int]) -> bytes:
        return b"".join(self.spelled[each] or b"" for each in ids)

    def encode(self, text: bytes) -> tuple[int, ...] | None:
        if not text:
            return ()
        fitting = [number for number, each in enumerate(self.spelled) if each and text.startswith(each)]
        first = max(fitting, key=lambda number: len(self.spelled[number] or b""), default=None)
        rest = None if first is None else self.encode(text[len(self.spelled[first] or b"") :])
        return None if first is None or rest is None else (first, *rest)

    def encode_each(self, texts: Sequence[bytes]) -> list[tuple[int, ...] | None]:
        return [self.encode(each) for each in texts]


def table(method: str) -> Table:
    return Table(name="shared", method=Ref(method), source=Ref("letters"), target=Ref("words"))


LETTERS = Spelled(b"a", b"b", None)
WORDS = Spelled(b"ab", None, b"b")


def test_by_equal_bytes_and_by_the_first_token() -> None:
    assert bridge(table("tli"), LETTERS, WORDS, {2: 1}).images == (None, 2, 1)
    assert bridge(table("slrs"), WORDS, LETTERS, {}).images == (0, None, 1)
    assert bridge(table("slrs"), LETTERS, WORDS, {}).images == (None, 2, None)


def test_a_token_that_is_written_and_not_the_single_byte_of_the_same_text() -> None:
    """Words that have `,` twice write the later one: the earlier is for what has no token."""

    class Sentence(Spelled):
        def encode(self, text: bytes) -> tuple[int, ...] | None:
            return (2,) if text == b"," else super().encode(text)

    sentence = Sentence(b",", None, b",")
    assert bridge(table("tli"), Spelled(b","), sentence, {}).images == (2,)
    assert bridge(table("tli"), sentence, Spelled(b","), {}).images == (None, None, 0)


@pytest.mark.parametrize("method", ["tli", "slrs"])
def test_nothing_shared(method: str) -> None:
    """A pair of end tokens alone is nothing to draft with."""
    with pytest.raises(DiagnosticError) as error:
        bridge(table(method), Spelled(b"c", None), WORDS, {1: 1})
    (found,) = error.value.diagnostics
    assert isinstance(found, NothingShared)
    assert found.severity is Severity.ERROR


def test_what_it_says(golden: Callable[[str, str], None]) -> None:
    found = NothingShared(None, "letters", "words")
    golden("diagnostics/SP0808.txt", f"Words and letters.\n\n----\n\n{render([found], colour=False)}")
