"""Where a text says several things side by side: items of lists, sections, paragraphs and sentences that begin alike.

Only the outermost parts are found, and nothing in fenced code is taken for a mark.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import groupby, pairwise
from typing import TypeAlias


@dataclass(frozen=True, slots=True, order=True)
class Part:
    """A part of a text, from its first to behind its last character that is no space."""

    start: int
    end: int


Group: TypeAlias = tuple[Part, ...]
"""At least two parts that stand side by side, in order."""


@dataclass(frozen=True, slots=True)
class Line:
    """A line of a text, and where it begins."""

    text: str
    start: int
    is_code: bool = False

    @property
    def is_blank(self) -> bool:
        """Does it hold spaces alone?"""
        return not self.text.strip()

    @property
    def indent(self) -> int:
        """How many spaces it begins with."""
        return len(self.text) - len(self.text.lstrip())


Lines: TypeAlias = Sequence[Line]

_HEADING = re.compile(r"(#{1,6})\s+\S|(\*\*)[^*]+\*\*:?\s*$")
_NUMBER = re.compile(r"\s*(?:\*\*)?(?:step )?\(?(\d{1,2})[.):]\)?(?:\*\*)?\s+\S", re.IGNORECASE)
_BULLET = re.compile(r"\s*[-*+•]\s+\S")
_LEAD = re.compile(r"(?:\*\*[^*\n]{1,60}\*\*|[A-Z][^.:!?\n]{0,60}):?\s", re.DOTALL)
_ORDINALS = ("first", "second", "third", "fourth", "fifth", "sixth")
_LAST = ("finally", "lastly")
_PHRASE = re.compile(r"(for|in|on|at|as|with|by|to|during|from)\s(?:\S+\s){0,3}\S+,\s", re.IGNORECASE)
_SUMMARY = re.compile(
    r"(?:[#*\s]*)(in (summary|conclusion|short|all|total|the end)|overall|to (sum up|summarize|summarise|conclude)|"
    r"(all )?(these|those)\b|all (of|in all)|altogether|together|therefore|thus|hence|conclusion|summary|"
    r"as (you can see|a result)|by (following|doing|combining|using these)|with (these|this|all)|both\b|this\b)",
    re.IGNORECASE,
)


def sums_up(text: str) -> bool:
    """Whether text begins as one does that builds upon what was said before.

    >>> sums_up("In summary, copper is useful."), sums_up("Copper is useful.")
    (True, False)
    """
    return _SUMMARY.match(text.lstrip()) is not None


def parallel_groups(text: str) -> list[Group]:
    """The groups of a text, in order; none overlaps another."""
    found: list[Group] = []
    regions: list[Lines] = [[*_lines(text)]]
    for finder in _FINDERS:
        left: list[Lines] = []
        for region in regions:
            groups = finder(region)
            found += groups
            left += _uncovered(region, groups)
        regions = left
    return sorted(found)


def _lines(text: str) -> Iterator[Line]:
    start, in_code = 0, False
    for piece in text.splitlines(keepends=True):
        is_fence = piece.lstrip().startswith("```")
        yield Line(piece, start, in_code or is_fence)
        in_code ^= is_fence
        start += len(piece)


def _uncovered(region: Lines, groups: Sequence[Group]) -> list[Lines]:
    """What is left of a region where no group is."""

    def is_free(line: Line) -> bool:
        return all(not group[0].start - line.indent <= line.start < group[-1].end for group in groups)

    return [[*lines] for free, lines in groupby(region, is_free) if free]


def _part(lines: Lines) -> Part:
    text = "".join(line.text for line in lines)
    start = lines[0].start + len(text) - len(text.lstrip())
    return Part(start, lines[0].start + len(text.rstrip()))


def _group(items: Sequence[Lines]) -> list[Group]:
    return [tuple(map(_part, items))] if len(items) >= 2 else []


def _sections(region: Lines) -> list[Group]:
    """Headings of the highest level that has two, each with what stands below it, up to one that concludes."""
    levels = {place: level for place, line in enumerate(region) if (level := _level(line))}
    repeated = [level for level in levels.values() if [*levels.values()].count(level) >= 2]
    starts = [place for place, level in levels.items() if repeated and level == min(repeated)]
    ends = [_section_end(region, start, levels) for start in starts]
    items = [region[start:end] for start, end in zip(starts, ends, strict=True) if not sums_up(region[start].text)]
    return _group([item for item in items if any(not line.is_blank for line in item[1:])])


def _level(line: Line) -> int | None:
    match = None if line.is_code else _HEADING.match(line.text)
    return match and (len(match[1]) if match[1] else 7)


def _section_end(region: Lines, start: int, levels: dict[int, int]) -> int:
    for place in range(start + 1, len(region)):
        level = levels.get(place)
        if level is not None and level <= levels[start]:
            return place
        if level is None and region[place - 1].is_blank and sums_up(region[place].text):
            return place
    return len(region)


def _numbered(region: Lines) -> list[Group]:
    """Items that count up, whatever stands between two of them; the last has as many paragraphs as the others at most."""
    sequences: list[list[int]] = []
    expected, indent = 0, 0
    for place, line in enumerate(region):
        match = None if line.is_code else _NUMBER.match(line.text)
        if match is None or (sequences and line.indent > indent):
            continue
        if int(match[1]) != expected or line.indent != indent:
            sequences.append([])
            indent = line.indent
        sequences[-1].append(place)
        expected = int(match[1]) + 1
    counting = (starts for starts in sequences if len(starts) >= 2)
    return [group for starts in counting for group in _group(_numbered_items(region, starts))]


def _numbered_items(region: Lines, starts: Sequence[int]) -> list[Lines]:
    items = [region[one:other] for one, other in pairwise(starts)]
    most = max(map(_loose_paragraphs, items), default=0)
    end = starts[-1] + 1
    while end < len(region):
        is_new = region[end - 1].is_blank and not region[end].is_blank and region[end].indent == 0
        if is_new and (sums_up(region[end].text) or _loose_paragraphs(region[starts[-1] : end + 1]) > most):
            break
        end += 1
    return [*items, region[starts[-1] : end]]


def _loose_paragraphs(lines: Lines) -> int:
    """Paragraphs of an item, behind its first, that are not indented."""
    return sum(before.is_blank and not line.is_blank and line.indent == 0 for before, line in pairwise(lines))


def _bulleted(region: Lines) -> list[Group]:
    """Bullets that follow each other, with what is indented below them."""
    runs: list[list[list[Line]]] = []
    is_open = False
    for place, line in enumerate(region):
        is_mark = not line.is_code and _BULLET.match(line.text) is not None
        if is_mark and not is_open:
            runs.append([[line]])
        elif is_mark and line.indent <= runs[-1][0][0].indent:
            runs[-1].append([line])
        elif is_open and not (place and region[place - 1].is_blank and not line.is_blank and line.indent == 0):
            runs[-1][-1].append(line)
        else:
            is_open = False
            continue
        is_open = True
    return [group for items in runs for group in _group(items)]


def _paragraphs_of(region: Lines) -> list[Lines]:
    return [[*lines] for blank, lines in groupby(region, lambda line: line.is_blank and not line.is_code) if not blank]


def _paragraphs(region: Lines) -> list[Group]:
    """Paragraphs, one behind the other, that begin alike."""
    beginnings = [(_beginning(lines), lines) for lines in _paragraphs_of(region)]
    runs = [(key, [lines for _, lines in run]) for key, run in groupby(beginnings, lambda each: each[0])]
    return [group for key, items in runs if key is not None for group in _group(items)]


def _beginning(lines: Lines) -> str | None:
    """What paragraphs that begin alike have in common; None for one that is like no other."""
    text = "".join(line.text for line in lines).lstrip()
    if lines[0].is_code or sums_up(text):
        return None
    if _ordinal(text) is not None:
        return "an ordinal"
    lead = _LEAD.match(text)
    if lead is not None and (lead[0].rstrip().endswith(":") or lead[0].startswith("**")) and text[lead.end() :].strip():
        return "a lead"
    if phrase := _PHRASE.match(text):
        return f"{phrase[1].lower()} ...,"
    first = text.lower().split()[:2]
    return " ".join(first) if len(first) == 2 else None


def _ordinal(text: str) -> int | None:
    """The number with which a sentence counts: 0 for `First`, a large one for `Finally`."""
    word = re.match(r"[a-z]+", text.lower())
    if word is None:
        return None
    if word[0] in _LAST:
        return len(_ORDINALS)
    return next((number for number, each in enumerate(_ORDINALS) if word[0] in (each, f"{each}ly")), None)


def _sentences(region: Lines) -> list[Group]:
    """Sentences of a paragraph that count: first, second, finally."""
    return [group for lines in _paragraphs_of(region) if not lines[0].is_code for group in _counting(lines)]


def _counting(lines: Lines) -> list[Group]:
    text = "".join(line.text for line in lines)
    begins = [0, *(match.end() for match in re.finditer(r"[.!?:;][\"')]?\s+", text))]
    starts: list[int] = []
    expected = 0
    for begin in begins:
        number = _ordinal(text[begin:])
        if number is not None and (number == expected or (starts and number == len(_ORDINALS))):
            starts.append(begin)
            expected = number + 1
    if len(starts) < 2:
        return []
    end = next((begin for begin in begins if begin > starts[-1] and sums_up(text[begin:])), len(text))
    edges = [*starts, end]
    first = lines[0].start
    return [tuple(Part(first + one, first + one + len(text[one:other].rstrip())) for one, other in pairwise(edges))]


_FINDERS: tuple[Callable[[Lines], list[Group]], ...] = (
    _sections,  # whole sections before the lists in them
    _numbered,  # numbered items before the bullets below them
    _bulleted,
    _paragraphs,
    _sentences,
)
