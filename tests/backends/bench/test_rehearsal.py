"""Rounds that are rehearsed on a text, between vocabularies of which every encoding is known."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from specplan.backends.bench import GUESSES, rehearse


class Pieces:
    """Words that take the longest piece each time."""

    def __init__(self, *pieces: str) -> None:
        self.spelled = [each.encode() for each in pieces]

    def bytes_of(self, ids: Iterable[int]) -> bytes:
        return b"".join(self.spelled[each] for each in ids)

    def encode(self, text: bytes) -> tuple[int, ...] | None:
        ids: tuple[int, ...] = ()
        while text:
            fitting = [each for each in range(len(self.spelled)) if text.startswith(self.spelled[each])]
            if not fitting:
                return None
            ids = (*ids, max(fitting, key=lambda each: len(self.spelled[each])))
            text = text[len(self.spelled[ids[-1]]) :]
        return ids

    def encode_each(self, texts: Sequence[bytes]) -> list[tuple[int, ...] | None]:
        return [self.encode(each) for each in texts]


LETTERS, PAIRS = Pieces("a", "b"), Pieces("a", "b", "ab", "ba")


def test_a_vocabulary_translates_into_itself() -> None:
    found = rehearse(LETTERS, LETTERS, ["ab" * 9])
    assert found is not None
    # Behind the first token 17 are left: rounds of five guesses and one token more, the last of five.
    assert (found.guesses, found.candidates, found.own, found.canonical) == (GUESSES, 5.0, 5.0, 1.0)
    # The guesses, and what the round before had said that was not read: six letters, at first one.
    assert found.encoded_bytes == round(5 + (1 + 6 + 6) / 3, 1)
    assert found.guess_us > 0 and found.text_us > 0


def test_letters_for_a_target_of_pairs() -> None:
    found = rehearse(LETTERS, PAIRS, ["ab" * 9])
    assert found is not None
    # Behind `ab` come five letters, `ababa`: the target spells `ab ab` with them, and an `a` that is not its own; twice so,
    # and at the end four letters.
    assert (found.candidates, found.own) == (2.67, 2.0)
    assert 0 <= found.canonical <= 1


def test_what_nobody_can_spell_is_not_rehearsed() -> None:
    assert rehearse(LETTERS, PAIRS, ["xyz", ""]) is None
    assert rehearse(LETTERS, Pieces("x"), ["xx"]) is None
    assert rehearse(Pieces("x"), LETTERS, ["ab"]) is None


def test_a_character_that_has_begun_is_waited_for() -> None:
    """The target says bytes, the drafter whole characters: it guesses from the last whole one on."""
    halves, whole = Pieces("a"), Pieces("é", "a")
    halves.spelled += [b"\xc3", b"\xa9"]
    found = rehearse(whole, halves, ["aéaéaéaéa"])
    assert found is not None and found.own > 0
