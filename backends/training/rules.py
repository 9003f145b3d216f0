"""An annotator that needs no model: what stands side by side in a text is promised, what builds upon it waits."""

from __future__ import annotations

import re
from dataclasses import dataclass, field

from ...grammar import MIN_BLOCK_WORDS, Answer, AnswerText, Promise, Sync
from .parallel_parts import Group, Part, parallel_groups, sums_up
from .topics import topic_of

_BACKWARDS = re.compile(
    r"\b(the )?(above|previous|preceding|former|latter|aforementioned)\b|\bmentioned (above|earlier|before)\b|"
    r"\b(these|those|all|both) (\w+ )?(steps?|tips?|points?|items?|ideas?|methods?|ways?|factors?|reasons?|examples?|"
    r"benefits?|features?|uses?|options?|things?)\b|\brepeat\b|\bsteps? \d",
    re.IGNORECASE,
)
_CONTINUES = re.compile(
    r"(?:then|after (that|this)|afterwards|however|similarly|likewise|in addition|moreover|next)\b", re.I
)
_BEFORE_BLANK = re.compile(r"(?<=\S)(?=[^\S\n]*\n\s*\n)")
_MARK = re.compile(r"\s*(?:[-*+•]\s+|(?:step )?\(?\d{1,2}[.):]\)?\s+|#{1,6}\s+|\*\*)*", re.IGNORECASE)
_AHEAD = re.compile(
    r"""
    (?:\s*\n[^\S\n]*)?                                                                     # line breaks
    (?:
        (?:(?:\#{1,6}|[-*+•])\s+)?(?:\*\*)?(?:step\s)?\(?\d{1,2}[.):]\)?(?!\S)      # a number, perhaps in a heading
        | (?:\#{1,6}|[-*+•])(?!\S)                                                            # a heading or a bullet
    )?
    """,
    re.IGNORECASE | re.VERBOSE,
)
"""What stands before a part's own words. It may match nothing."""


def annotate_by_rules(answer: str) -> Answer:
    """An `Annotator`: lists, enumerations, sections and paragraphs that begin alike.

    A part is promised if it has enough words, a topic, and does not itself build upon others; a group with less than two
    such parts is left alone. What marks a part is not in its block: no fork sees which number the one beside it has, but
    the main thread says one after the other. A sync stands before the first text that builds upon blocks which are still
    open.
    """
    writing = _Writing(answer)
    for group in parallel_groups(answer):
        topics = {part: topic for part in group if (topic := _topic(answer[part.start : part.end]))}
        if len(topics) >= 2:
            writing.group(group, topics)
    writing.plain(len(answer))
    return Answer(tuple(writing.items))


def _topic(part: str) -> str | None:
    """The topic of a part that can be promised."""
    if len(_AHEAD.sub("", part, count=1).split()) < MIN_BLOCK_WORDS or _builds_upon(part):
        return None
    return topic_of(part)


def _builds_upon(text: str) -> bool:
    """Whether it takes up what stands before it."""
    bare = _MARK.sub("", text, count=1)
    return sums_up(bare) or _CONTINUES.match(bare) is not None or _BACKWARDS.search(bare) is not None


@dataclass(slots=True)
class _Writing:
    """An annotated answer, as far as it has come."""

    answer: str
    items: list[AnswerText | Promise | Sync] = field(default_factory=list)
    at: int = 0
    is_open: bool = False
    """Are there blocks that no sync has joined yet?"""

    def group(self, group: Group, topics: dict[Part, str]) -> None:
        """The parts of a group, those with a topic as blocks."""
        for part in group:
            if part in topics:
                self.plain(self._begins(part))
                self.items.append(Promise(topics[part], 1, AnswerText(self.answer[self.at : part.end])))
                self.at, self.is_open = part.end, True
            else:
                self.plain(part.end)

    def _begins(self, part: Part) -> int:
        """Where the block of a part begins: behind its mark, or with the space before it."""
        before = self.answer[self.at : part.start]
        ahead = _AHEAD.match(self.answer, self.at + len(before.rstrip()), part.end)
        assert ahead is not None, "it matches nothing at all, too"
        return ahead.end()

    def plain(self, end: int) -> None:
        """The main thread's text up to here, paragraph by paragraph."""
        for paragraph in filter(None, _BEFORE_BLANK.split(self.answer[self.at : end])):
            if self.is_open and not _AHEAD.fullmatch(paragraph) and _builds_upon(paragraph):
                self.items.append(Sync())
                self.is_open = False
            self._say(paragraph)
        self.at = end

    def _say(self, text: str) -> None:
        last = self.items[-1] if self.items else None
        if isinstance(last, AnswerText):
            self.items[-1] = AnswerText(last.text + text)
        else:
            self.items.append(AnswerText(text))
