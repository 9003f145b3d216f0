"""Answers as they come: text that streams, statistics when a row has ended, or an object per answer."""

from __future__ import annotations

import json
import sys
from collections import defaultdict
from collections.abc import Iterable, Sequence

from ..backends.runtime import Event, Finished, Refused, Result, Started, Stepped, Timing
from ..grammar import Diagnostic, visible
from .output import Output
from .rounds import rounds_json, rounds_table


def show_answers(
    events: Iterable[Event], output: Output, *, headed: bool, stats: bool, rounds: bool = False
) -> tuple[Diagnostic, ...]:
    """Write what happens as it happens; the diagnostics of the prompts that could not be answered.

    `headed` puts a prompt's id before its answer; `stats` tells on standard error how each row went, `rounds` how each of
    its steps went (in JSON it is part of the answer's object).
    """
    told = _Objects(output, rounds=rounds)
    tell = told if output.format == "json" else _Stream(output, headed=headed, stats=stats, rounds=rounds)
    refused: list[Diagnostic] = []
    for event in events:
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

    def __init__(self, output: Output, *, rounds: bool) -> None:
        self._output, self._rounds, self._steps = output, rounds, _Steps()

    def event(self, event: Event) -> None:
        match event:
            case Stepped() if self._rounds:
                self._steps.add(event)
            case Finished(id=name, result=result):
                rounds = {"rounds": rounds_json(self._steps.pop(name))} if self._rounds else {}
                self._output.text(json.dumps(result.to_json() | rounds, ensure_ascii=False) + "\n")
            case _:
                pass


class _Stream:
    """The text of one row at a time, as it is written; rows that run beside it wait for their turn."""

    def __init__(self, output: Output, *, headed: bool, stats: bool, rounds: bool) -> None:
        self._output, self._headed, self._stats, self._rounds = output, headed, stats, rounds
        self._shown: str | int | None = None
        self._waiting: dict[str | int, list[Event]] = {}
        self._steps = _Steps()
        self._clean = _for_terminal if sys.stdout.isatty() else str

    def event(self, event: Event) -> None:
        if isinstance(event, Stepped) and (self._stats or self._rounds):
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
            case Started(id=name) if self._headed:
                self._output.text(f"--- {visible(str(name))}\n")
            case Stepped(text=text):
                self._output.text(self._clean(text))
            case Finished(result=result):
                self._output.text("\n")
                steps = self._steps.pop(result.id)
                if self._rounds:
                    sys.stderr.write(rounds_table(steps))
                if self._stats:
                    sys.stderr.write(statistics(result, [timing for _, timing in steps]))
            case _:
                pass


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
        *([f"guard    {stats.rested} of {stats.steps} steps without guesses"] if stats.rested else []),
        f"time     {shares}" if shares else "",
    ]
    return "\n".join(lines).rstrip() + "\n"
