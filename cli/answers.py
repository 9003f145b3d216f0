"""Answers as they come: text that streams, statistics when a row has ended, or an object per answer."""

from __future__ import annotations

import json
import sys
from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from ..backends.runtime import Event, Finished, Refused, Result, Started, Stepped, ThreadStats, Timing
from ..grammar import Diagnostic, visible
from .forks import Timelines, forks_text
from .output import Output
from .rounds import rounds_json, rounds_table


@dataclass(frozen=True, slots=True)
class Shown:
    """What is told beside an answer's text: on standard error or, in JSON, in its object."""

    headed: bool = False
    """Its prompt's id, before it."""
    stats: bool = False
    """How its row went."""
    rounds: bool = False
    """How each step of the row went."""
    forks: Timelines | None = None
    """Its threads over time; they are gathered here."""
    annotations: bool = False
    """The text with its tags in place of the text alone; it is whole only when the row has ended."""


def show_answers(events: Iterable[Event], output: Output, shown: Shown) -> tuple[Diagnostic, ...]:
    """Write what happens as it happens; the diagnostics of the prompts that could not be answered."""
    tell = _Objects(output, shown) if output.format == "json" else _Stream(output, shown)
    refused: list[Diagnostic] = []
    for event in events if shown.forks is None else shown.forks.watch(events):
        if isinstance(event, Refused):
            refused.extend(event.diagnostics)
            output.diagnostics(event.diagnostics)
        tell.event(event)
    return tuple(refused)


class _Steps:
    """The steps of the rows that are under way; a step's time is told by its first row, and is that of each."""

    def __init__(self) -> None:
        self._timing: Timing | None = None
        self._steps: dict[str | int, list[tuple[Stepped, Timing]]] = defaultdict(list)

    def add(self, step: Stepped) -> None:
        self._timing = step.timing or self._timing
        assert self._timing is not None, "the first row of a batch tells the timing"
        self._steps[step.id].append((step, self._timing))

    def pop(self, id: str | int) -> list[tuple[Stepped, Timing]]:
        """Those of a row, which is over."""
        return self._steps.pop(id, [])


class _Objects:
    """A line of JSON for each answer."""

    def __init__(self, output: Output, shown: Shown) -> None:
        self._output, self._shown, self._steps = output, shown, _Steps()

    def event(self, event: Event) -> None:
        match event:
            case Stepped() if self._shown.rounds:
                self._steps.add(event)
            case Finished(id=name, result=result):
                rounds = {"rounds": rounds_json(self._steps.pop(name))} if self._shown.rounds else {}
                forks = {"forks": self._shown.forks[name].to_json()} if self._shown.forks is not None else {}
                self._output.text(json.dumps(result.to_json() | rounds | forks, ensure_ascii=False) + "\n")
            case _:
                pass


class _Stream:
    """The text of one row at a time, as it is written; rows that run beside it wait for their turn."""

    def __init__(self, output: Output, shown: Shown) -> None:
        self._output, self._told = output, shown
        self._shown: str | int | None = None
        self._waiting: dict[str | int, list[Event]] = {}
        self._steps = _Steps()
        self._clean = _for_terminal if sys.stdout.isatty() else str

    def event(self, event: Event) -> None:
        if isinstance(event, Stepped) and (self._told.stats or self._told.rounds):
            self._steps.add(event)
        if isinstance(event, Refused):
            self._steps.pop(event.id)
        self._take(event)

    def _take(self, event: Event) -> None:
        if self._shown is None:
            self._shown = event.id
        if event.id != self._shown:
            self._waiting.setdefault(event.id, []).append(event)
            return
        self._tell(event)
        if isinstance(event, Finished | Refused):
            self._turn()

    def _turn(self) -> None:
        self._shown = next(iter(self._waiting), None)
        if self._shown is not None:
            for event in self._waiting.pop(self._shown):
                self._take(event)

    def _tell(self, event: Event) -> None:
        match event:
            case Started(id=name) if self._told.headed:
                self._output.text(f"--- {visible(str(name))}\n")
            case Stepped(text=text) if not self._told.annotations:
                self._output.text(self._clean(text))
            case Finished(result=result):
                annotated = result.annotated if self._told.annotations else None
                self._output.text(self._clean(annotated or "") + "\n")
                self._tell_more(result)
            case _:
                pass

    def _tell_more(self, result: Result) -> None:
        steps = self._steps.pop(result.id)
        if self._told.rounds:
            sys.stderr.write(rounds_table(steps))
        if self._told.forks is not None:
            sys.stderr.write(forks_text(self._told.forks[result.id], colour=self._output.colour))
        if self._told.stats:
            sys.stderr.write(statistics(result, [timing for _, timing in steps]))


def _for_terminal(text: str) -> str:
    """What a model says is shown and never obeyed: no escape sequence of its reaches a terminal."""
    return "".join(each if each in "\n\t" else visible(each) for each in text)


def statistics(result: Result, timings: Sequence[Timing]) -> str:
    """How a row went, in a few lines; `timings` are those of its steps."""
    stats = result.stats
    seconds: dict[str, float] = defaultdict(float)
    for timing in timings:
        for node, spent in timing.nodes.items():
            seconds[node] += spent
    kept = ", ".join(f"{count}x {drafts}" for drafts, count in enumerate(stats.acceptance_histogram) if count)
    rate = f" ({100 * stats.accepted / stats.drafted:.0f} %)" if stats.drafted else ""
    total = sum(seconds.values())
    slowest = sorted(seconds.items(), key=lambda item: -item[1])
    shares = ", ".join(f"{node} {100 * spent / total:.0f} %" for node, spent in slowest if spent >= 0.01 * total)
    translating = f", {100 * stats.translation_s / stats.decode_s:.1f} % of the time" if stats.decode_s else ""
    lines = [
        "",
        f"prompt   {result.prompt_tokens} tokens, read in {stats.prefill_s:.2f} s",
        f"answer   {stats.generated} tokens in {stats.decode_s:.2f} s: {stats.tokens_per_s:.1f} tokens/s",
        f"steps    {stats.steps}: {stats.tokens_per_step:.2f} tokens per step",
        f"drafts   {stats.accepted} of {stats.drafted} accepted{rate}; mean acceptance length "
        f"{stats.mean_acceptance_length:.2f}; steps that kept so many: {kept}",
        *([f"words    {stats.translation}{translating}"] if stats.translation is not None else []),
        *([] if stats.threads is None else _threads(stats.threads)),
        *([f"guard    {stats.rested} of {stats.steps} steps without guesses"] if stats.rested else []),
        f"time     {shares}" if shares else "",
    ]
    return "\n".join(lines).rstrip() + "\n"


def _threads(stats: ThreadStats) -> Iterator[str]:
    """How the threads of a row went, and its tags."""
    forks = f"{stats.forks} fork{'s' * (stats.forks != 1)} with {100 * stats.share:.0f} % of the tokens"
    path = f"critical path {stats.critical_path} of {stats.said} tokens, for {stats.spoken} of text"
    theory = "the theoretical speed-up over a sequential answer as long"
    yield f"threads  {forks}; {path}: parallelism {stats.parallelism:.2f}, {theory}"
    tags = stats.tags
    waited = f" ({tags.queued} waited for room)" if tags.queued else ""
    unopened = f", {tags.unopened} of them without a fork, for nothing was left to say" if tags.unopened else ""
    wrong = "; ".join(f"{count} {fault.value}" for fault, count in tags.faults.items())
    malformed = f"{tags.malformed} malformed" + (f": {wrong}" if wrong else "")
    yield f"tags     {tags.promises} promises{waited}{unopened}, {tags.syncs} syncs; {malformed}"
