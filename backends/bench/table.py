"""A comparison as people read it: speeds and ratios, what became of drafts, categories, and what has to be said besides."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from io import StringIO
from typing import TYPE_CHECKING

from ...grammar import visible
from .comparison import Comparison, Measured
from .setting import Setting
from .statistics import Acceptance, Quartiles

if TYPE_CHECKING:
    from rich.table import Table

_NONE = "-"
_DEEPEST = 8
"""Depths of acceptance that a table has columns' room for."""


def comparison_text(comparison: Comparison, width: int = 120) -> str:
    """The tables and notes of a comparison, at most `width` columns wide."""
    from rich.console import Console

    stream = StringIO()
    console = Console(file=stream, width=width, color_system=None, highlight=False, markup=False, emoji=False)
    console.print("\n".join((*_heading(comparison), "")), soft_wrap=True)
    for title, table in _tables(comparison):
        console.print(title, soft_wrap=True)
        console.print(table)
    for note in _notes(comparison):
        console.print(note)
    return "\n".join(line.rstrip() for line in stream.getvalue().splitlines()) + "\n"


def _heading(comparison: Comparison) -> Iterator[str]:
    setting = comparison.setting
    threads = f", {setting.threads} threads" if setting.threads else ""
    law = "greedy" if setting.greedy else "sampled"
    versions = ", ".join(f"{name} {version}" for name, version in setting.versions.items())
    yield f"{setting.plan}: {_counted(comparison)}, up to {setting.max_new_tokens} new tokens, {law}, {_rows(setting)}"
    yield f"{setting.target} in {setting.dtype} on {setting.device} ({setting.hardware}{threads}); {versions}"
    if comparison.partial:
        yield "PARTIAL: measuring was interrupted, and only what was complete until then is told"


def _counted(comparison: Comparison) -> str:
    prompts, repeats = comparison.prompts, comparison.setting.repeats
    return f"{prompts} prompt{'s' * (prompts != 1)} x {repeats} repeat{'s' * (repeats != 1)}"


def _rows(setting: Setting) -> str:
    return f"{setting.batch} row{'s' * (setting.batch != 1)} at a time"


def _tables(comparison: Comparison) -> Iterator[tuple[str, Table]]:
    measured = comparison.measured
    if measured:
        yield "medians over prompts (quartiles); times as fast, paired by prompt: above 1 is faster", _speeds(measured)
    if any(each.acceptance for each in measured):
        yield (
            "steps, prompts not included, and drafts; by depth: % of steps that kept at least 1, 2, ... drafts",
            _drafts(measured),
        )
    if measured and any(each.categories for each in measured[0].ratios):
        yield f"times as fast, by category: {measured[0].name}", _categories(measured[0])


def _table(first: str, *columns: str) -> Table:
    from rich import box
    from rich.table import Table

    table = Table(box=box.SIMPLE_HEAD)
    table.add_column(first, no_wrap=True)
    for each in columns:
        table.add_column(each, justify="right")
    return table


def _speeds(measured: Sequence[Measured]) -> Table:
    rivals = [each.name for each in measured[1:]]
    table = _table("", "tokens/s", *(f"vs {each}" for each in rivals))
    for each in measured:
        ratios = (each.ratio(rival) for rival in rivals)
        shown = ("1" if ratio is None else _times(ratio.overall) for ratio in ratios)
        table.add_row(each.name, _figures(each.tokens_per_s), *shown)
    return table


def _drafts(measured: Sequence[Measured]) -> Table:
    columns = ("tokens/s", "tokens/step", "acceptance length", "accepted", "by depth", "outside passes")
    table = _table("", *columns)
    for each in measured:
        if each.acceptance is not None:
            speed, share = _figures(each.decode_tokens_per_s), _share(each.outside_passes)
            table.add_row(each.name, speed, *_accepted(each.acceptance), share)
    return table


def _accepted(drafts: Acceptance) -> tuple[str, ...]:
    reached = " ".join(f"{100 * share:.0f}" for share in drafts.reached[:_DEEPEST])
    return (
        f"{drafts.tokens_per_step:.2f}",
        f"{drafts.mean_acceptance_length:.2f}",
        _share(drafts.draft_acceptance_rate),
        reached or _NONE,
    )


def _categories(plan: Measured) -> Table:
    table = _table(
        "category",
        "prompts",
        *(f"vs {each.against}" for each in plan.ratios),
    )
    by_rival = [dict(each.categories) for each in plan.ratios]
    for category in by_rival[0]:
        found = [each.get(category) for each in by_rival]
        count = next(each.count for each in found if each is not None)
        table.add_row(visible(category), str(count), *(_times(each) for each in found))
    return table


def _notes(comparison: Comparison) -> Iterator[str]:
    for each in comparison.measured:
        if each.differing is not None:
            yield _same(each, comparison.prompts)
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


def _figures(found: Quartiles | None) -> str:
    return _NONE if found is None else f"{found.median:.1f} ({found.low:.1f}-{found.high:.1f})"


def _times(found: Quartiles | None) -> str:
    return _NONE if found is None else f"{found.median:.2f}x ({found.low:.2f}-{found.high:.2f})"


def _share(found: float | None) -> str:
    return _NONE if found is None else f"{100 * found:.0f} %"
