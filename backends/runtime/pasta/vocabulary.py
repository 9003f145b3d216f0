"""What PASTA's interpreter knows of a vocabulary: the ids of the six words, the bytes of all others, what ends an answer."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

from ....grammar import Tag


@dataclass(frozen=True, eq=False)
class TagVocabulary:
    """A vocabulary that has the words of PASTA-LANG, for one way of decoding.

    `tags` are their ids; `spelled`, `[V]`, is what each id stands for, None where it is nothing (tags, padding); `ends` are
    the tokens that end an answer, none where a plan goes on past them. A table may be too small for all six: without
    PROMISE, its END alone is a whole promise of `whole` tens.
    """

    tags: Mapping[Tag, int]
    spelled: Sequence[bytes | None]
    ends: frozenset[int] = frozenset()
    whole: int = 1

    @cached_property
    def tag_of(self) -> Mapping[int, Tag]:
        """The words by their ids."""
        return {number: tag for tag, number in self.tags.items()}

    @cached_property
    def breaks(self) -> frozenset[int]:
        """Behind these a path is cut: what was guessed further on had a view, or positions, that they change."""
        tags = (self.tags.get(tag) for tag in (Tag.END, Tag.ENDASYNC, Tag.SYNC))
        return self.ends.union(each for each in tags if each is not None)

    def bytes_of(self, tokens: Iterable[int]) -> bytes:
        """What tokens spell; ids without a spelling add nothing."""
        size = len(self.spelled)
        return b"".join(self.spelled[each] or b"" for each in tokens if each < size)
