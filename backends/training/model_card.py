"""What is said beside a trained model: how it came about, and how it did, as a page for people."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from ...planner.cards import is_path
from .publishing import ADAPTER, MODEL
from .rounds import Point

_PLAN = """```yaml
specplan: 1
models: {{target: {{{source}, tags: pasta}}}}
decode: fork_join(pasta(max_forks=8), autoregressive(target))
limits: {{max_new_tokens: {new}, context: {context}}}
```

This plan stands beside the folder `{folder}`: paths in a plan begin where the plan is."""
_NEW, _CONTEXT = 1024, 4096


def plan_of(model: str, folder: Path, positions: int, *, whole: bool) -> str:
    """A plan for what a run has trained in a folder, of a model with so many positions, and where it has to stand."""
    context = min(_CONTEXT, positions)
    source = f"source: {_from(folder.parent, model)}, adapter: ./{folder.name}/{ADAPTER}"
    if whole:
        source = f"source: ./{folder.name}/{MODEL}"
    return _PLAN.format(source=source, new=min(_NEW, context // 2), context=context, folder=folder.name)


def _from(folder: Path, model: str) -> str:
    """A model as a plan in that folder names it."""
    if not is_path(model) or model.startswith(("/", "~")):
        return model
    return f"./{Path(os.path.relpath(model, folder)).as_posix()}"


def model_card(
    model: str,
    plan: str,
    command: str,
    counts: Mapping[str, Any],
    points: Sequence[Point],
    settings: Mapping[str, Any],
) -> str:
    """The page of a run, in Markdown; `plan` is what `plan_of` says."""
    lines = [
        f"# {model}, trained to promise",
        "",
        "Made by `specplan train pasta`: the model's own answers, annotated with PASTA's tags, were learned by low-rank "
        "additions and the rows of the six tags, or by all weights.",
        "",
        plan,
        "",
        "```sh",
        command,
        "```",
        "",
        "## Data",
        "",
        *_table(("", "count"), _flat(counts)),
        "",
        "## Settings",
        "",
        *_table(("", "value"), _flat(settings)),
    ]
    if points:
        lines += ["", "## On prompts that no training saw", "", *_front(points)]
    return "\n".join(lines) + "\n"


def _front(points: Sequence[Point]) -> Iterator[str]:
    yield from _table(
        ("model", "theoretical speed-up", "quality", "tokens in forks", "all threads ended"),
        [
            (each.name, f"{each.speedup:.2f}", f"{each.quality:.2f}", f"{each.forked:.0%}", f"{each.whole:.0%}")
            for each in points
        ],
    )
    yield ""
    yield (
        "The speed-up is that of steps, the geometric mean over prompts: tokens of the model's own plain answer over tokens "
        "that had to be said one after the other. Quality 1 is that of the plain answers."
    )


def _table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> Iterator[str]:
    yield f"| {' | '.join(head)} |"
    yield f"|{'---|' * len(head)}"
    for row in rows:
        yield f"| {' | '.join(row)} |"


def _flat(facts: Mapping[str, Any], above: str = "") -> list[tuple[str, str]]:
    """Nested facts as lines, named by all the words that lead to them."""
    found: list[tuple[str, str]] = []
    for name, value in facts.items():
        words = f"{above}{name.replace('_', ' ')}"
        found += _flat(value, f"{words}: ") if isinstance(value, Mapping) else [(words, str(value))]
    return found
