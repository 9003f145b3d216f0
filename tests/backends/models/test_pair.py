"""Counting a pair: tokens by their bytes, and a text in both spellings."""

from collections.abc import Sequence

from specplan.backends.models import Named, count_pair


class Letters:
    """Words of one letter each."""

    def __init__(self, letters: str) -> None:
        self.spelled = [None, *(each.encode() for each in letters)]

    def encode_each(self, texts: Sequence[bytes]) -> list[tuple[int, ...] | None]:
        return [self._encode(each) for each in texts]

    def _encode(self, text: bytes) -> tuple[int, ...] | None:
        ids = [self.spelled.index(bytes([each])) if bytes([each]) in self.spelled else None for each in text]
        return None if None in ids else tuple(each for each in ids if each is not None)


DRAFT, TARGET = Named("few", Letters("abc")), Named("more", Letters("bcde"))


def test_tokens_and_text() -> None:
    pair = count_pair(DRAFT, TARGET, ["bb", "bc", "ba", "bd"], "four words")
    assert (pair.draft, pair.target) == ("few", "more")
    assert (pair.draft_tokens, pair.target_tokens, pair.shared) == (3, 4, 2)
    # `bd` is no text of the drafter's, `ba` none of the target's.
    assert pair.weighted_of_draft == 0.8333 and pair.weighted_of_target == 0.8333
    assert pair.counted_on == "four words: 4 texts, 6 tokens of few, 6 of more"


def test_a_text_of_nothing_tells_nothing() -> None:
    pair = count_pair(DRAFT, TARGET, [""], "silence")
    assert pair.weighted_of_draft is None and pair.weighted_of_target is None
    assert "weighted" not in pair.to_yaml()
