"""A comparison as people read it: speeds and ratios, what became of drafts, categories, and what has to be said besides."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

from ...grammar import visible
from .comparison import Comparison, Measured, Ratio
from .forking import Threads, Times
from .page import circumstances, page, rows, table
from .statistics import Acceptance, Quartiles

if TYPE_CHECKING:
    from rich.table import Table

_NONE = "-"
_DEEPEST = 8
"""Depths of acceptance that a table has columns' room for."""


def comparison_text(comparison: Comparison, width: int = 120) -> str:
    """The tables and notes of a comparison, at most `width` columns wide."""
    return page(_heading(comparison), _tables(comparison), _notes(comparison), width)


def _heading(comparison: Comparison) -> Iterator[str]:
    setting = comparison.setting
    law = "greedy" if setting.greedy else "sampled"
    yield f"{setting.plan}: {_counted(comparison)}, up to {setting.max_new_tokens} new tokens, {law}, {rows(setting)}"
    yield circumstances(setting)
    if comparison.partial:
        yield "PARTIAL: measuring was interrupted, and only what was complete until then is told"


def _counted(comparison: Comparison) -> str:
    prompts, repeats = comparison.prompts, comparison.setting.repeats
    return f"{prompts} prompt{'s' * (prompts != 1)} x {repeats} repeat{'s' * (repeats != 1)}"


def _tables(comparison: Comparison) -> Iterator[tuple[str, Table]]:
    measured = comparison.measured
    pairs = [(each, ratio) for each in measured for ratio in each.ratios if each.threads and ratio.whole]
    if measured:
        fast = "times as fast (in whole answers, where one forks)" if pairs else "times as fast"
        yield f"medians over prompts (quartiles); {fast}, paired by prompt: above 1 is faster", _speeds(measured)
    if pairs:
        yield "whole answers: geometric means over prompts; medians (quartiles)", _whole_answers(pairs)
    if any(each.threads for each in measured):
        yield (
            "threads: tokens of text per token of the critical path; the forks' share of all tokens",
            _threads(measured),
        )
    if any(each.acceptance for each in measured):
        yield (
            "steps, prompts not included, and drafts; by depth: % of steps that kept at least 1, 2, ... drafts",
            _drafts(measured),
        )
    if measured and any(each.categories for each in measured[0].ratios):
        yield f"times as fast, by category: {measured[0].name}", _categories(measured[0])


def _speeds(measured: Sequence[Measured]) -> Table:
    rivals = [each.name for each in measured[1:]]
    found = table("", "tokens/s", *(f"vs {each}" for each in rivals))
    for each in measured:
        ratios = (each.ratio(rival) for rival in rivals)
        shown = ("1" if ratio is None else _times(ratio.overall) for ratio in ratios)
        found.add_row(each.name, _figures(each.tokens_per_s), *shown)
    return found


def _whole_answers(pairs: Sequence[tuple[Measured, Ratio]]) -> Table:
    found = table("", "times as fast", "in theory", "times as long")
    for each, ratio in pairs:
        if ratio.whole is not None:
            figures = (ratio.whole.realised, ratio.whole.theoretical, ratio.whole.length)
            found.add_row(f"{each.name} vs {ratio.against}", *map(_mean, figures))
    return found


def _threads(measured: Sequence[Measured]) -> Table:
    found = table("", "parallelism", "in forks", "forks/answer", "tags/answer", "malformed")
    for each in measured:
        if each.threads is not None:
            found.add_row(each.name, *_woven(each.threads))
    return found


def _woven(threads: Threads) -> tuple[str, ...]:
    return (
        f"{threads.parallelism:.2f}",
        _share(threads.share),
        f"{threads.forks / threads.answers:.1f}",
        f"{threads.tags_per_answer:.1f}",
        str(threads.tags.malformed),
    )


def _drafts(measured: Sequence[Measured]) -> Table:
    columns = ("tokens/s", "tokens/step", "acceptance length", "accepted", "by depth", "outside passes")
    found = table("", *columns)
    for each in measured:
        if each.acceptance is not None:
            speed, share = _figures(each.decode_tokens_per_s), _share(each.outside_passes)
            found.add_row(each.name, speed, *_accepted(each.acceptance), share)
    return found


def _accepted(drafts: Acceptance) -> tuple[str, ...]:
    reached = " ".join(f"{100 * share:.0f}" for share in drafts.reached[:_DEEPEST])
    return (
        f"{drafts.tokens_per_step:.2f}",
        f"{drafts.mean_acceptance_length:.2f}",
        _share(drafts.draft_acceptance_rate),
        reached or _NONE,
    )


def _categories(plan: Measured) -> Table:
    found = table(
        "category",
        "prompts",
        *(f"vs {each.against}" for each in plan.ratios),
    )
    by_rival = [dict(each.categories) for each in plan.ratios]
    for category in by_rival[0]:
        ratios = [each.get(category) for each in by_rival]
        count = next(each.count for each in ratios if each is not None)
        found.add_row(visible(category), str(count), *(_times(each) for each in ratios))
    return found


def _notes(comparison: Comparison) -> Iterator[str]:
    for each in comparison.measured:
        if each.differing is not None:
            yield _same(each, comparison.prompts)
    for each in comparison.measured:
        if each.acceptance is not None and each.acceptance.rested:
            yield f"{each.name}: its guard let rows rest for {each.acceptance.rested} of {each.acceptance.steps} steps"
    for each in comparison.measured:
        if each.acceptance is not None and each.acceptance.translation is not None:
            yield f"{each.name}: {_translated(each.acceptance)}"
    for each in comparison.measured:
        if each.threads is not None and each.threads.tags.malformed:
            faults = (f"{count} {fault.value}" for fault, count in each.threads.tags.faults.items())
            yield f"{each.name}: malformed tags in {each.threads.answers} answers: {', '.join(faults)}"
    for skipped in comparison.skipped:
        yield f"skipped {skipped.name}: {skipped.reason}"
    for left in comparison.left_out:
        yield f"left out for all: prompt {visible(str(left.id))}, which {left.contender} refused"


def _same(measured: Measured, prompts: int) -> str:
    """Whether greedy answers were those of the target alone."""
    differing = measured.differing or ()
    if not differing:
        return f"{measured.name}: the same tokens as autoregressive on all {prompts} prompts"
    first = min(differing, key=lambda each: each.position)
    return (
        f"{measured.name}: other tokens than autoregressive on {len(differing)} of {prompts} prompts, the earliest at "
        f"token {first.position + 1} of {visible(str(first.id))}; where the two likeliest tokens nearly tie, passes of other "
        "widths may round to either"
    )


def _translated(drafts: Acceptance) -> str:
    """What went between two vocabularies, a step, and what it took."""
    crossed = drafts.translation
    assert crossed is not None, "something crossed"
    cut = (
        f", {_share(crossed.canonical / crossed.respellings)} of the time cut as the target would"
        if crossed.respellings
        else ""
    )
    share = "" if drafts.translation_share is None else f"; {100 * drafts.translation_share:.2f} % of the steps' time"
    return (
        f"guesses were {crossed.candidates / drafts.steps:.2f} tokens of the target a step{cut}; "
        f"{crossed.encoded_bytes / drafts.steps:.0f} bytes a step were spelled in other words{share}"
    )


def _figures(found: Quartiles | None) -> str:
    return _NONE if found is None else f"{found.median:.1f} ({found.low:.1f}-{found.high:.1f})"


def _times(found: Quartiles | None) -> str:
    return _NONE if found is None else f"{found.median:.2f}x ({found.low:.2f}-{found.high:.2f})"


def _mean(found: Times) -> str:
    return f"{found.geometric_mean:.2f}x; {_times(found.quartiles)}"


def _share(found: float | None) -> str:
    return _NONE if found is None else f"{100 * found:.0f} %"
