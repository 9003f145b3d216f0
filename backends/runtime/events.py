"""The one stream of events that running a graph gives, and what is made of it: streaming, statistics, results.

Prefill reads all of the prompt but its last token, which is the first root. Steps are target passes after that, so tokens
per step are generated tokens over steps. Of what each thread says in a step at most the last token is the target's own: the
others are accepted drafts (without forks a row is one thread).
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any, Protocol, TypeAlias
from zlib import crc32

from ...grammar import Diagnostic
from .forks import Fork, Phase
from .pasta import TagCounts
from .translation import Translation


@dataclass(frozen=True, slots=True)
class Prompt:
    """What to answer, and the name under which the answer is given."""

    id: str | int
    text: str


@dataclass(frozen=True, slots=True)
class ThreadStats:
    """How the threads of one row went."""

    forks: int
    said: int
    """Tokens of all threads, tags and all."""
    forked: int
    """Those of them that forks said."""
    critical_path: int
    """Tokens that had to be said one after the other: steps, if every thread said one in each."""
    spoken: int
    """Tokens of text; the others are tags and promises."""
    tags: TagCounts

    @property
    def share(self) -> float:
        """Of all tokens, those that forks said."""
        return self.forked / self.said if self.said else 0.0

    @property
    def parallelism(self) -> float:
        """Tokens of text for each that had to wait for the one before it (PASTA section 3.5)."""
        return self.spoken / self.critical_path if self.critical_path else 0.0

    def to_json(self) -> dict[str, Any]:
        """The object under `threads`."""
        return {
            **asdict(self),
            "share": self.share,
            "parallelism": self.parallelism,
            "tags": self.tags.to_json(),
            "malformed": self.tags.malformed,
        }


@dataclass(frozen=True, slots=True)
class Stats:
    """How one row went; seconds are wall time, without what the consumer of the events took."""

    generated: int
    steps: int
    drafted: int
    """Nodes of draft trees that the target scored, or began to: a pipeline does so layer by layer."""
    accepted: int
    """Generated tokens that were drafts."""
    acceptance_histogram: tuple[int, ...]
    """Entry k counts the steps that kept k drafts."""
    prefill_s: float
    decode_s: float
    rested: int = 0
    """Steps without guesses, for which a guard let the row rest."""
    translation: Translation | None = None
    """What crossed between vocabularies; None where there is one."""
    translation_s: float = 0.0
    """Of `decode_s`: spelling text in other words."""
    threads: ThreadStats | None = None
    """None where none may fork."""

    @property
    def tokens_per_step(self) -> float:
        """Generated tokens per target pass."""
        return self.generated / self.steps if self.steps else 0.0

    @property
    def mean_acceptance_length(self) -> float:
        """One and the mean number of drafts kept per step."""
        return 1.0 + self.accepted / self.steps if self.steps else 0.0

    @property
    def tokens_per_s(self) -> float:
        """Generated tokens per second of decoding, prefill not included."""
        return self.generated / self.decode_s if self.decode_s else 0.0

    def to_json(self) -> dict[str, Any]:
        """The object under `stats`."""
        return {
            "steps": self.steps,
            "drafted": self.drafted,
            "accepted": self.accepted,
            "tokens_per_step": self.tokens_per_step,
            "mean_acceptance_length": self.mean_acceptance_length,
            "acceptance_histogram": list(self.acceptance_histogram),
            "rested": self.rested,
            "translation": self.translation and {**asdict(self.translation), "seconds": self.translation_s},
            "threads": self.threads and self.threads.to_json(),
            "prefill_s": self.prefill_s,
            "decode_s": self.decode_s,
            "tokens_per_s": self.tokens_per_s,
        }


@dataclass(frozen=True, slots=True)
class Result:
    """A finished row. `token_ids` hold the token that ended it, if one did; a special token has no part in `text`.

    Of a row that forked they are in reading order, each block behind its promise; what was promised is not in `text`. A stop
    string is not in `text` either; the token that completed it is the last of `token_ids`, whatever threads had said by then
    that would be read behind it: `stats` count that too.
    """

    id: str | int
    text: str
    token_ids: tuple[int, ...]
    prompt_tokens: int
    stats: Stats
    annotated: str | None = None
    """`text` with its tags, as PASTA-LANG is written; None where rows cannot fork."""

    def to_json(self) -> dict[str, Any]:
        """One line of `specplan run --format json`."""
        return {
            "id": self.id,
            "text": self.text,
            "annotated": self.annotated,
            "token_ids": list(self.token_ids),
            "prompt_tokens": self.prompt_tokens,
            "stats": self.stats.to_json(),
        }


@dataclass(frozen=True, slots=True)
class Started:
    """A prompt was read, all but its last token."""

    id: str | int
    prompt_tokens: int
    prefill_s: float


@dataclass(frozen=True, slots=True)
class Timing:
    """Where the time of one step went, for all of its rows together; seconds of wall time."""

    wall_s: float
    passes_s: float
    """In the models' own passes; the rest is ours."""
    nodes: Mapping[str, float]
    """By keyword and model, as in `verify target`."""
    translation_s: float = 0.0
    """Spelling text in other words."""


@dataclass(frozen=True, slots=True)
class ThreadStep:
    """What a thread of a row did in a step: what it said, and how far it is now. Forks count from 1, and say who they are.

    The texts of a thread's steps, one behind the other, are what it says: as soon as it can be read, wherever in the answer
    that will be.
    """

    thread: int
    token_ids: tuple[int, ...]
    phase: Phase
    fork: Fork | None = None
    text: str = ""


@dataclass(frozen=True, slots=True)
class Stepped:
    """A row went one step: what it shows, and of how many drafts it kept how many.

    The texts of all steps, one behind the other, are the result's text: what reads on behind what was shown before. The
    tokens are those that were said in the step, thread by thread. Rows of a batch step together: the first of them
    tells the step's `timing`, the others none.
    """

    id: str | int
    text: str
    token_ids: tuple[int, ...]
    drafted: int
    accepted: int
    timing: Timing | None
    translation: Translation | None = None
    """What crossed between vocabularies in the step; None where nothing did."""
    threads: tuple[ThreadStep, ...] = ()
    """Where a row may fork: its main thread, and each fork until it is joined."""


@dataclass(frozen=True, slots=True)
class Finished:
    """A row has ended."""

    id: str | int
    result: Result


@dataclass(frozen=True, slots=True)
class Refused:
    """A prompt that cannot be answered, and why; the other prompts go on."""

    id: str | int
    diagnostics: tuple[Diagnostic, ...]


Event: TypeAlias = Started | Stepped | Finished | Refused


class Decoder(Protocol):
    """A graph that is ready to run, whatever the engine."""

    @property
    def notes(self) -> tuple[Diagnostic, ...]:
        """What a person should know before it runs: suggestions of a checkpoint that are not followed."""

    def generate(self, prompts: Sequence[str | Prompt]) -> list[Result]:
        """Answer prompts, in their order. Raises `DiagnosticError` for the first that cannot be answered."""

    def stream(self, prompts: Iterable[str | Prompt]) -> Iterator[Event]:
        """The events of all prompts as they happen; whoever stops iterating has ended the rest."""


def numbered(prompts: Iterable[str | Prompt]) -> Iterator[Prompt]:
    """Bare texts get their number, from 1, as id.

    >>> [prompt.id for prompt in numbered(["Hello", Prompt("a", "Hi"), "Bye"])]
    [1, 'a', 3]

    Raises:
        TypeError: for what is no prompt, a bare text in place of a list among them.
    """
    if isinstance(prompts, str):
        raise TypeError("prompts come in a list, also when there is one")
    for number, prompt in enumerate(prompts, 1):
        if not isinstance(prompt, str | Prompt):
            raise TypeError(f"a prompt is a text or a Prompt, not {type(prompt).__name__}")
        yield Prompt(number, prompt) if isinstance(prompt, str) else prompt


def row_key(id: str | int) -> int:
    """The 32 bits that key a row's draws: a function of its id alone, so neither batch nor order can change them.

    >>> row_key(7), row_key("7") == row_key("7")
    (7, True)
    """
    if isinstance(id, int) and 0 <= id < 1 << 32:
        return id
    return crc32(str(id).encode("utf-8", "surrogatepass"))
