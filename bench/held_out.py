"""What promising gives on prompts that no training saw, and what it costs: one table.

`python bench/held_out.py RUN`, where RUN is the folder of `specplan train pasta --sequential -o RUN`. The sequential model, of
the same answers without tags, is what the others are held against: prompt by prompt, each contender answers greedily, twice,
in turns, and the second run counts. Seconds are those of whole answers. Likelihood is that of the joined answer, without its
tags, under the model that was never trained, in nats per token; a judge, who sees each pair in both orders, wins an answer
that it prefers in both. With `--json FILE` all answers are kept, and a table that was interrupted goes on. A figure to read
on a quiet machine, and no test.
"""

from __future__ import annotations

import argparse
import json
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from functools import partial
from pathlib import Path
from statistics import fmean, geometric_mean, median
from time import perf_counter
from typing import Any

from specplan.backends import decoder
from specplan.backends.models import load_model
from specplan.backends.runtime import Decoder, Prompt
from specplan.backends.training import Judge, ModelJudge, mean_nats
from specplan.cli.prompts import read_prompts
from specplan.planner import compile_source

SHIPPED = Path(__file__).parents[1] / "specs" / "prompts" / "lists.jsonl"
SEQUENTIAL = "sequential"
PLAN = """
specplan: 1
models: {{target: {{source: {base}, adapter: {adapter}, dtype: bfloat16{tags}}}}}
decode: {decode}
limits: {{max_new_tokens: 1024, context: 4096}}
"""
FORKED = "fork_join(pasta(max_forks=8), autoregressive(target))"


@dataclass(frozen=True)
class Answer:
    """An answer; of one without forks all of it is the critical path."""

    text: str
    annotated: str | None
    seconds: float
    tokens: int
    critical_path: int
    spoken: int
    forked: int
    forks: int
    malformed: int


@dataclass(frozen=True)
class Figures:
    """A contender beside the sequential model."""

    realised: float
    """Geometric mean of seconds over seconds."""
    theoretical: float
    """Geometric mean of its tokens over our critical path."""
    forked: float
    """The share of all tokens that forks said."""
    length: float
    """Median tokens of text over its median."""
    nats: float
    """Mean log-likelihood of a token, less its."""
    wins: int
    ties: int
    losses: int
    forking: int
    """How many answers forked."""
    malformed: int


def adapters(run: Path) -> dict[str, Path]:
    """Those that the run has trained, by contender; without rounds of preferences there are two."""
    folders = {SEQUENTIAL: run / SEQUENTIAL, "supervised": run / "supervised"}
    if any(run.glob("weight-*")):
        folders["preferred"] = run
    return {name: folder / "adapter" for name, folder in folders.items()}


def _plan(name: str, base: str, adapter: Path) -> object:
    forks = name != SEQUENTIAL
    source = PLAN.format(
        base=base,
        adapter=json.dumps(str(adapter.resolve())),
        tags=", tags: pasta" if forks else "",
        decode=FORKED if forks else "autoregressive(target)",
    )
    return compile_source(source.encode(), f"{name}.yaml", Path())


def answer(contender: Decoder, prompt: Prompt) -> Answer:
    began = perf_counter()
    (result,) = contender.generate([prompt])
    seconds = perf_counter() - began
    threads, tokens = result.stats.threads, len(result.token_ids)
    if threads is None:
        return Answer(result.text, None, seconds, tokens, tokens, tokens, 0, 0, 0)
    return Answer(
        result.text,
        result.annotated,
        seconds,
        threads.said,
        threads.critical_path,
        threads.spoken,
        threads.forked,
        threads.forks,
        threads.tags.malformed,
    )


class Kept:
    """What was measured of each prompt, in a file that is written behind every piece of it; or in none."""

    def __init__(self, file: Path | None) -> None:
        self.file = file
        self.rows: dict[str, dict[str, Any]] = {}
        if file is not None and file.exists():
            self.rows = json.loads(file.read_text(encoding="utf-8"))["rows"]

    def get(self, prompt: Prompt, part: str, measure: Callable[[], object]) -> Any:
        """A part of what is known of a prompt, measured if it is not."""
        row = self.rows.setdefault(str(prompt.id), {"prompt": prompt.text})
        if part not in row:
            row[part] = measure()
            self.write({})
        return row[part]

    def write(self, table: Mapping[str, Figures]) -> None:
        if self.file is not None:
            made = {"table": {name: asdict(row) for name, row in table.items()}, "rows": self.rows}
            self.file.write_text(json.dumps(made, indent=1) + "\n", encoding="utf-8")


def answers(found: Mapping[str, Decoder], prompts: Sequence[Prompt], runs: int, kept: Kept) -> list[dict[str, Answer]]:
    """The last of some answers of each to every prompt; which of them begins changes."""
    said = []
    for number, prompt in enumerate(prompts):
        turn = number % len(found)
        measure = partial(in_turns, [*found][turn:] + [*found][:turn], found, prompt, runs)
        said.append({name: Answer(**each) for name, each in kept.get(prompt, "answers", measure).items()})
        seconds = ", ".join(f"{name} {each.seconds:.1f} s" for name, each in said[-1].items())
        print(f"{number + 1} of {len(prompts)}: {seconds}", flush=True)
    return said


def in_turns(names: Sequence[str], found: Mapping[str, Decoder], prompt: Prompt, runs: int) -> dict[str, Any]:
    for _ in range(runs):
        said = {name: asdict(answer(found[name], prompt)) for name in names}
    return said


def likelihoods(
    base: str, prompts: Sequence[Prompt], said: Sequence[Mapping[str, Answer]], kept: Kept
) -> list[dict[str, float]]:
    """Nats per token of each answer to every prompt."""
    loaded = load_model(base)

    def measured(prompt: Prompt, mine: Mapping[str, Answer]) -> dict[str, float]:
        nats = mean_nats(loaded, prompt.text, [each.text for each in mine.values()], "chat")
        return {name: each for name, each in zip(mine, nats, strict=True) if each is not None}

    return [
        kept.get(prompt, "nats", partial(measured, prompt, mine)) for prompt, mine in zip(prompts, said, strict=True)
    ]


def verdicts(
    judge: Judge, name: str, prompts: Sequence[Prompt], said: Sequence[Mapping[str, Answer]], kept: Kept
) -> Counter[str]:
    """How often the judge finds a contender's answer better than the sequential model's, or worse."""
    both = zip(prompts, said, strict=True)
    return Counter(
        kept.get(prompt, f"{name} judged", partial(judged, judge, prompt, mine[name].text, mine[SEQUENTIAL].text))
        for prompt, mine in both
    )


def judged(judge: Judge, prompt: Prompt, ours: str, theirs: str) -> str:
    """`win`, `tie` or `loss`."""
    first, second = judge(prompt.text, ours, theirs).prefers_first, judge(prompt.text, theirs, ours).prefers_first
    return {(True, False): "win", (False, True): "loss"}.get((first, second), "tie")


def figures(
    name: str, said: Sequence[Mapping[str, Answer]], nats: Sequence[Mapping[str, float]], counts: Counter[str]
) -> Figures:
    pairs = [(each[name], each[SEQUENTIAL]) for each in said]
    return Figures(
        realised=geometric_mean(theirs.seconds / ours.seconds for ours, theirs in pairs),
        theoretical=geometric_mean(theirs.critical_path / ours.critical_path for ours, theirs in pairs),
        forked=sum(ours.forked for ours, _ in pairs) / sum(ours.tokens for ours, _ in pairs),
        length=median(ours.spoken for ours, _ in pairs) / median(theirs.spoken for _, theirs in pairs),
        nats=fmean(each[name] - each[SEQUENTIAL] for each in nats if name in each),
        wins=counts["win"],
        ties=counts["tie"],
        losses=counts["loss"],
        forking=sum(ours.forks > 0 for ours, _ in pairs),
        malformed=sum(ours.malformed for ours, _ in pairs),
    )


def main() -> None:
    arguments = argparse.ArgumentParser()
    arguments.add_argument("run", type=Path)
    arguments.add_argument("--base", default="smollm2-135m-instruct")
    arguments.add_argument("--prompts", type=Path, default=SHIPPED)
    arguments.add_argument("--judge", help="An instruct model; without one nothing is judged.")
    arguments.add_argument("--runs", type=int, default=2, help="Answers to each prompt, of which the last counts.")
    arguments.add_argument("--json", type=Path, help="Where all answers and figures go; what it has is not made again.")
    given = arguments.parse_args()
    trained = adapters(given.run)
    if missing := [str(folder) for folder in trained.values() if not folder.is_dir()]:
        arguments.error(
            f"there is no {' and no '.join(missing)}: `specplan train pasta --sequential -o {given.run}` makes them"
        )
    prompts, kept = read_prompts(given.prompts.read_bytes(), str(given.prompts)), Kept(given.json)
    found = {name: decoder(_plan(name, given.base, adapter)) for name, adapter in trained.items()}
    said = answers(found, prompts, given.runs, kept)
    nats = likelihoods(given.base, prompts, said, kept)
    judge = ModelJudge(load_model(given.judge, dtype="bfloat16")) if given.judge else None
    table = {}
    for name in [name for name in found if name != SEQUENTIAL]:
        counts = verdicts(judge, name, prompts, said, kept) if judge else Counter[str]()
        table[name] = figures(name, said, nats, counts)
    show(table)
    kept.write(table)


def show(table: Mapping[str, Figures]) -> None:
    print(f"\n{'':<12}" + "".join(f"{field:>12}" for field in Figures.__dataclass_fields__))
    for name, row in table.items():
        cells = (f"{each:.2f}" if isinstance(each, float) else str(each) for each in asdict(row).values())
        print(f"{name:<12}" + "".join(f"{cell:>12}" for cell in cells))


if __name__ == "__main__":
    main()
