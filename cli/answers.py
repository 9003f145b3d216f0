"""Answers as they come: text that streams, statistics when a row has ended, or an object per answer."""

from __future__ import annotations

import json
import sys
from collections import defaultdict
from collections.abc import Iterable

from ..backends.runtime import Event, Finished, Refused, Result, Started, Stepped, Timing
from ..grammar import Diagnostic, visible
from .output import Output


def show_answers(events: Iterable[Event], output: Output, *, headed: bool, stats: bool) -> tuple[Diagnostic, ...]:
    """Write what happens as it happens; the diagnostics of the prompts that could not be answered.

    `headed` puts a prompt's id before its answer; `stats` tells on standard error how each row went.
    """
    tell = _Objects(output) if output.format == "json" else _Stream(output, headed=headed, stats=stats)
    refused: list[Diagnostic] = []
    for event in events:
        if isinstance(event, Refused):
            refused.extend(event.diagnostics)
            output.diagnostics(event.diagnostics)
        tell.event(event)
    return tuple(refused)


class _Objects:
    """A line of JSON for each answer."""

    def __init__(self, output: Output) -> None:
        self._output = output

    def event(self, event: Event) -> None:
        if isinstance(event, Finished):
            self._output.text(json.dumps(event.result.to_json(), ensure_ascii=False) + "\n")


class _Stream:
    """The text of one row at a time, as it is written; rows that run beside it wait for their turn."""

    def __init__(self, output: Output, *, headed: bool, stats: bool) -> None:
        self._output, self._headed, self._stats = output, headed, stats
        self._shown: str | int | None = None
        self._waiting: dict[str | int, list[Event]] = {}
        self._timing: Timing | None = None
        self._seconds: dict[str | int, dict[str, float]] = defaultdict(lambda: defaultdict(float))
        self._clean = _for_terminal if sys.stdout.isatty() else str

    def event(self, event: Event) -> None:
        if isinstance(event, Stepped):
            self._count(event)
        self._take(event)

    def _count(self, event: Stepped) -> None:
        """A step's time is told by its first row, and is that of each."""
        self._timing = event.timing or self._timing
        for node, spent in self._timing.nodes.items() if self._timing else ():
            self._seconds[event.id][node] += spent

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
            case Started(id=name) if self._headed:
                self._output.text(f"--- {visible(str(name))}\n")
            case Stepped(text=text):
                self._output.text(self._clean(text))
            case Finished(result=result):
                self._output.text("\n")
                if self._stats:
                    sys.stderr.write(statistics(result, self._seconds.pop(result.id, {})))
            case _:
                pass


def _for_terminal(text: str) -> str:
    """What a model says is shown and never obeyed: no escape sequence of its reaches a terminal."""
    return "".join(each if each in "\n\t" else visible(each) for each in text)


def statistics(result: Result, seconds: dict[str, float]) -> str:
    """How a row went, in a few lines; `seconds` are those of the nodes of its steps, by keyword and model."""
    stats = result.stats
    kept = ", ".join(f"{count}x {drafts}" for drafts, count in enumerate(stats.acceptance_histogram) if count)
    rate = f" ({100 * stats.accepted / stats.drafted:.0f} %)" if stats.drafted else ""
    total = sum(seconds.values())
    slowest = sorted(seconds.items(), key=lambda item: -item[1])
    shares = ", ".join(f"{node} {100 * spent / total:.0f} %" for node, spent in slowest if spent >= 0.01 * total)
    lines = [
        "",
        f"prompt   {result.prompt_tokens} tokens, read in {stats.prefill_s:.2f} s",
        f"answer   {stats.generated} tokens in {stats.decode_s:.2f} s: {stats.tokens_per_s:.1f} tokens/s",
        f"steps    {stats.steps}: {stats.tokens_per_step:.2f} tokens per step",
        f"drafts   {stats.accepted} of {stats.drafted} accepted{rate}; mean acceptance length "
        f"{stats.mean_acceptance_length:.2f}; steps that kept so many: {kept}",
        *([f"guard    {stats.rested} of {stats.steps} steps without guesses"] if stats.rested else []),
        f"time     {shares}" if shares else "",
    ]
    return "\n".join(lines).rstrip() + "\n"
