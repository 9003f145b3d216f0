"""The types of values in a graph: they carry the arithmetic of sizes, batches, cases and caches.

A size is written `5`, `1..6`, `0..` (nobody can say) or, in cases that are chosen together by position, `0|10|33`.
Types are compared, printed and joined here; what a node makes of its operands is said in `infer.py`.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from enum import Enum
from itertools import zip_longest


@dataclass(frozen=True, slots=True)
class Range:
    """From `low` to `high` things, both included; `high` None means that nobody can say."""

    low: int
    high: int | None

    def __str__(self) -> str:
        if self.low == self.high:
            return str(self.low)
        return f"{self.low}.." if self.high is None else f"{self.low}..{self.high}"

    def __add__(self, other: Range) -> Range:
        return Range(self.low + other.low, _plus(self.high, other.high))

    def __mul__(self, factor: int) -> Range:
        return Range(self.low * factor, None if self.high is None else self.high * factor)

    def holds(self, other: Range) -> bool:
        """Is every count of `other` one of ours?"""
        return self.low <= other.low and (self.high is None or (other.high is not None and other.high <= self.high))

    def hull(self, other: Range) -> Range:
        """The smallest range that holds both."""
        return Range(min(self.low, other.low), None if None in (self.high, other.high) else _larger(self, other))


def _plus(left: int | None, right: int | None) -> int | None:
    return None if left is None or right is None else left + right


def _larger(left: Range, right: Range) -> int:
    assert left.high is not None and right.high is not None, "an open range has no larger end"
    return max(left.high, right.high)


@dataclass(frozen=True, slots=True)
class Size:
    """A count in one or several cases; all sizes of a step with as many cases take the same case together."""

    cases: tuple[Range, ...]

    @staticmethod
    def of(low: int, high: int | None = -1) -> Size:
        """`Size.of(5)` is exactly five, `Size.of(1, 6)` one to six, `Size.of(0, None)` open.

        >>> print(Size.of(5), Size.of(1, 6), Size.of(0, None), Size.each(0, 10, 33))
        5 1..6 0.. 0|10|33
        """
        return Size((Range(low, low if high == -1 else high),))

    @staticmethod
    def each(*counts: int) -> Size:
        """Exact counts, one per case."""
        return Size(tuple(Range(count, count) for count in counts))

    def __str__(self) -> str:
        return "|".join(map(str, self.cases))

    def __add__(self, other: Size | int) -> Size:
        right = Size.of(other) if isinstance(other, int) else other
        return Size(tuple(left + right_ for left, right_ in _aligned(self, right)))

    def __mul__(self, factor: int) -> Size:
        return Size(tuple(case * factor for case in self.cases))

    def times(self, other: Size) -> Size:
        """Case by case, the product of the largest counts."""
        return Size.each(*(_limit(left) * _limit(right) for left, right in _aligned(self, other)))

    @property
    def tops(self) -> Size:
        """Case by case, the largest count: what has to be set aside."""
        return Size.each(*map(_limit, self.cases))

    @property
    def low(self) -> int:
        """The smallest count of any case."""
        return min(case.low for case in self.cases)

    @property
    def high(self) -> int | None:
        """The largest count of any case; None if open."""
        highs = [case.high for case in self.cases]
        return None if None in highs else max(high for high in highs if high is not None)

    @property
    def limit(self) -> int:
        """The largest count, where types promise that there is one."""
        assert self.high is not None, f"the size {self} is open"
        return self.high

    @property
    def one(self) -> Range:
        """All cases in one range."""
        return Range(self.low, self.high)

    def holds(self, other: Size) -> bool:
        """Does every case of `other` fit: its own case here, or the one range that we have?"""
        if len(self.cases) == len(other.cases):
            return all(mine.holds(theirs) for mine, theirs in zip(self.cases, other.cases, strict=True))
        return self.one.holds(other.one) if len(self.cases) == 1 else any(c.holds(other.one) for c in self.cases)

    def hull(self, other: Size) -> Size:
        """The smallest size that holds both: case by case where both have the same cases or one, else one range."""
        if len(self.cases) == len(other.cases):
            return Size(tuple(mine.hull(theirs) for mine, theirs in zip(self.cases, other.cases, strict=True)))
        for many, single in ((self, other), (other, self)):
            if len(single.cases) == 1 and many.holds(single):
                return many
        return Size((self.one.hull(other.one),))

    def at_least(self, low: int) -> Size:
        """The same upper bounds, none of them reached from below `low`."""
        return Size(tuple(Range(max(low, case.low), case.high) for case in self.cases))

    def from_zero(self) -> Size:
        """The same upper bounds, and possibly nothing."""
        return Size(tuple(Range(0, case.high) for case in self.cases))


def _limit(case: Range) -> int:
    assert case.high is not None, f"the range {case} is open"
    return case.high


def _aligned(left: Size, right: Size) -> Iterable[tuple[Range, Range]]:
    count = max(len(left.cases), len(right.cases))
    assert len(left.cases) in (1, count) and len(right.cases) in (1, count), f"{left} and {right} have other cases"
    return zip(left.cases * (count // len(left.cases)), right.cases * (count // len(right.cases)), strict=True)


ONE = Size.of(1)


class Certainty(Enum):
    """What is known of a guess: a function of what was known, a draw from a law that is kept, or nothing."""

    CERTAIN = "certain"
    DRAWN = "drawn"
    UNKNOWN = "unknown"

    def with_(self, other: Certainty) -> Certainty:
        """What is known of both together."""
        order = (Certainty.CERTAIN, Certainty.DRAWN, Certainty.UNKNOWN)
        return max(self, other, key=order.index)


@dataclass(frozen=True, slots=True)
class Type:
    """What a value is. Subclasses print themselves as the graph's text has them."""


@dataclass(frozen=True, slots=True)
class Chat(Type):
    """A conversation, in characters."""

    def __str__(self) -> str:
        return "chat"


@dataclass(frozen=True, slots=True)
class Done(Type):
    """Which rows have ended."""

    def __str__(self) -> str:
        return "done"


@dataclass(frozen=True, slots=True)
class Trust(Type):
    """Which rows still speculate, and how well that went lately."""

    def __str__(self) -> str:
        return "trust"


@dataclass(frozen=True, slots=True)
class Nothing(Type):
    """The literal `none`: no guess, an empty flow, a new trust."""

    def __str__(self) -> str:
        return "none"


@dataclass(frozen=True, slots=True)
class Tokens(Type):
    """Some tokens per row, of `vocab` (None: the target's)."""

    size: Size
    vocab: str | None = None
    rows: Size = ONE

    def __str__(self) -> str:
        return _spell("tokens", self.rows, str(self.size), self.vocab)


@dataclass(frozen=True, slots=True)
class Path(Type):
    """Tokens per row that follow each other, and where they start; an empty path is a row that rests."""

    size: Size
    vocab: str | None = None
    rows: Size = ONE

    def __str__(self) -> str:
        return _spell("path", self.rows, str(self.size), self.vocab)


@dataclass(frozen=True, slots=True)
class Guess(Type):
    """Guessed tokens per row: a line, `top` ranked guesses on each of `size` levels, or a bush of some `depth`.

    `vocab` may name a table: then every guess has an image in the table's other vocabulary.
    """

    size: Size
    certainty: Certainty = Certainty.CERTAIN
    vocab: str | None = None
    top: int | None = None
    depth: Size | None = None
    rows: Size = ONE

    def __str__(self) -> str:
        depth = None if self.depth is None else f"depth={self.depth}"
        top = None if self.top is None else f"top={self.top}"
        return _spell("guess", self.rows, str(self.size), self.vocab, top, depth, _mark(self.certainty))


@dataclass(frozen=True, slots=True)
class Tree(Type):
    """Per row a root and `nodes` guesses below it, in `depth` layers (as many as nodes, if it is a chain)."""

    nodes: Size
    depth: Size
    certainty: Certainty = Certainty.CERTAIN
    vocab: str | None = None
    rows: Size = ONE

    def __str__(self) -> str:
        if self.nodes == Size.of(0):
            return _spell("tree", self.rows, "1", self.vocab)
        depth = None if self.depth == self.nodes else f"depth={self.depth}"
        return _spell("tree", self.rows, f"1+{self.nodes}", self.vocab, depth, _mark(self.certainty))


@dataclass(frozen=True, slots=True)
class Logits(Type):
    """Scores per row: a line of the vocabulary's length for the root and every node."""

    size: Size
    rows: Size = ONE

    def __str__(self) -> str:
        return _spell("logits", self.rows, str(self.size))


@dataclass(frozen=True, slots=True)
class Hidden(Type):
    """Hidden states per row of `model`, kept for a later read-out."""

    model: str
    size: Size
    rows: Size = ONE

    def __str__(self) -> str:
        return f"hidden[{self.model}, {_rows(self.rows)}{self.size}]"


@dataclass(frozen=True, slots=True)
class Kv(Type):
    """The cache of `model`: per row room for `capacity` committed positions and, on top, levels that await a verdict."""

    model: str
    capacity: int
    levels: tuple[Size, ...] = ()
    rows: int = 1

    def __str__(self) -> str:
        room = "+".join([str(self.capacity), *map(str, self.levels)])
        return f"kv[{self.model}, {_rows(Size.of(self.rows))}{room}]"

    @property
    def slots(self) -> int:
        """Positions to set aside per row: the capacity and the largest case of every level."""
        return self.capacity + sum(level.limit for level in self.levels)


@dataclass(frozen=True, slots=True)
class Flow(Type):
    """Rows of one layer each, in the `gaps` between the stages of `model`'s pipeline."""

    gaps: int
    size: Size
    model: str

    def __str__(self) -> str:
        return f"flow[{self.gaps} x {self.size}, {self.model}]"


@dataclass(frozen=True, slots=True)
class Threads(Type):
    """Per request a main thread and up to `forks` others, who sees whom, and the queue of promises."""

    forks: int
    rows: int = 1

    def __str__(self) -> str:
        return f"threads[{_rows(Size.of(self.rows))}1+{self.forks}]"


def _rows(rows: Size) -> str:
    return "" if rows == ONE else f"{rows} x "


def _mark(certainty: Certainty) -> str | None:
    return None if certainty is Certainty.CERTAIN else certainty.value


def _spell(name: str, rows: Size, *parts: str | None) -> str:
    first, *rest = (part for part in parts if part is not None)
    return f"{name}[{', '.join([_rows(rows) + first, *rest])}]"


@dataclass(frozen=True, slots=True)
class Value:
    """A named result of a node or a parameter of a region, with its type."""

    name: str
    type: Type = field(default_factory=Nothing)

    def __str__(self) -> str:
        return self.name


NONE = Value("none")


def fits(given: Type, wanted: Type, contains: dict[str, str | None] | None = None) -> bool:
    """May a value of type `given` stand where `wanted` is declared (a smaller size, fewer rows, fewer pending rows)?

    `contains` maps a table to the vocabulary whose tokens it translates: a guess that has an image is a token of it.
    """
    match given, wanted:
        case Nothing(), Guess() | Flow() | Trust() | Threads():
            return not isinstance(wanted, Guess) or wanted.size.low == 0
        case Kv(), Kv():
            return (given.model, given.capacity) == (wanted.model, wanted.capacity) and _levels_fit(given, wanted)
        case ((Path() | Tokens()), (Path() | Tokens())):
            return (
                (type(given) is type(wanted) or isinstance(wanted, Tokens))
                and _vocab_fits(given.vocab, wanted.vocab, contains)
                and _size_fits(given.size, wanted.size, wanted.rows != given.rows)
                and given.rows.limit <= wanted.rows.limit
            )
        case Guess(), Guess():
            return (
                wanted.size.holds(given.size)
                and given.top == wanted.top
                and given.certainty.with_(wanted.certainty) is wanted.certainty
                and _vocab_fits(given.vocab, wanted.vocab, contains)
                and given.rows.limit <= wanted.rows.limit
            )
        case Tree(), Tree():
            return (
                wanted.nodes.holds(given.nodes)
                and wanted.depth.holds(given.depth)
                and given.certainty.with_(wanted.certainty) is wanted.certainty
                and given.vocab == wanted.vocab
            )
        case Flow(), Flow():
            return given.gaps == wanted.gaps and given.model == wanted.model and wanted.size.holds(given.size)
        case Threads(), Threads():
            return given.forks == wanted.forks and given.rows <= wanted.rows
        case _:
            return given == wanted


def _levels_fit(given: Kv, wanted: Kv) -> bool:
    if given.rows > wanted.rows:
        return False
    pairs = zip_longest(given.levels, wanted.levels, fillvalue=Size.of(0))
    return all(mine.limit <= theirs.limit for mine, theirs in pairs)


def _size_fits(given: Size, wanted: Size, other_rows: bool) -> bool:
    # Rows that a packed value leaves out rest, so their path is empty.
    return wanted.holds(Size((given.one,)) if other_rows else given)


def _vocab_fits(given: str | None, wanted: str | None, contains: dict[str, str | None] | None) -> bool:
    return given == wanted or (contains is not None and given in contains and contains[given] == wanted)
