"""Annotated answers that a model writes itself: several to a prompt, in threads, as the interpreter runs them."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import yaml

from ...grammar import Tag
from ...planner import CompiledPlan, compile_source
from .. import CAPABILITIES, runner
from ..models import LoadedModel, Progress
from ..runtime import Finished, Prompt, Result, Started, Stepped
from ..runtime.pasta import MAIN, Promised, Threads, TokenMachine
from .rows import Rows, all_told, told

_FAR = 1 << 20
_CONFIGURATION = "configuration"


@dataclass(frozen=True, slots=True)
class Sampling:
    """How answers in threads are drawn, and how many to a prompt."""

    count: int
    temperature: float = 1.0
    seed: int = 0
    max_new_tokens: int = 512
    """Of all threads together, tags included."""
    longest_prompt: int = 640
    template: str = "chat"
    max_forks: int = 8
    batch: int = 32
    dtype: str = "float32"

    def room(self, positions: int | None) -> int:
        """The tokens of the longest prompt that a model of so many positions answers."""
        return min(self.longest_prompt, (positions or _FAR) - self.max_new_tokens)


@dataclass(frozen=True, slots=True)
class Candidate:
    """An answer in threads."""

    text: str
    """As a person reads it, tags stripped."""
    threads: Threads
    """What each said, with its end."""
    steps: int
    """Tokens that had to be said one after the other: the critical path."""
    spoken: int
    """Ordinary tokens of all threads."""
    forked: int
    """Tokens that forks said."""
    whole: bool
    """Did every thread end by itself, and not at a limit?"""

    def to_json(self) -> dict[str, Any]:
        """The object that keeps it."""
        return {**asdict(self), "threads": asdict(self.threads)}

    @classmethod
    def from_json(cls, row: Mapping[str, Any]) -> Candidate:
        """The candidate of such an object. Raises KeyError and TypeError for another."""
        said = told(row, "threads", dict)
        blocks = [
            None if block is None else all_told({"block": block}, "block", int) for block in told(said, "blocks", list)
        ]
        return cls(
            told(row, "text", str),
            Threads(all_told(said, "main", int), tuple(blocks)),
            steps=told(row, "steps", int),
            spoken=told(row, "spoken", int),
            forked=told(row, "forked", int),
            whole=told(row, "whole", bool),
        )


@dataclass(frozen=True, slots=True)
class Sampled:
    """What became of a prompt: a candidate, or, where it is too long, none."""

    prompt: str
    candidate: Candidate | None

    @classmethod
    def from_json(cls, row: Mapping[str, Any]) -> Sampled:
        """What such an object keeps. Raises KeyError and TypeError for another."""
        return cls(told(row, "prompt", str), Candidate.from_json(row) if "text" in row else None)


def write_candidates(
    prompts: Sequence[Prompt],
    policy: Callable[[], LoadedModel],
    sampling: Sampling,
    machine: TokenMachine,
    file: Path,
    made_by: Mapping[str, Any],
    watch: Progress,
) -> list[list[Candidate]]:
    """What a model with tags answers to each prompt, in their order; none to a prompt that is too long.

    Answers are kept in `file`, and those that it has already are not written again; `policy` brings the model if it is needed,
    and `made_by` says which it is.
    Raises `DiagnosticError` (SP0850, SP0855).
    """
    settings = {name: each for name, each in asdict(sampling).items() if name not in ("batch", "count")}
    rows = Rows(file, {**made_by, **settings}, Sampled.from_json)
    numbers = range(sampling.count)
    waiting = [
        Prompt(_id(each, number), each.text) for each in prompts for number in numbers if not _has(rows, each, number)
    ]
    total = len(prompts) * sampling.count
    watch.stage("answers in threads", total, done=total - len(waiting))
    if waiting:
        texts = {prompt.id: prompt.text for prompt in waiting}
        for id, candidate in _written(waiting, policy(), sampling, machine, file.parent):
            rows.add(id, {"prompt": texts[id], **({} if candidate is None else candidate.to_json())})
            watch.step()
    found = [[rows.get(_id(each, number)) for number in numbers] for each in prompts]
    return [[row.candidate for row in each if row is not None and row.candidate is not None] for each in found]


def _id(prompt: Prompt, number: int) -> str:
    return f"{prompt.id}/{number}"


def _has(rows: Rows[Sampled], prompt: Prompt, number: int) -> bool:
    row = rows.get(_id(prompt, number))
    return row is not None and row.prompt == prompt.text


def _written(
    prompts: Sequence[Prompt], policy: LoadedModel, sampling: Sampling, machine: TokenMachine, folder: Path
) -> Iterator[tuple[str | int, Candidate | None]]:
    plan = _plan(policy, sampling, folder)
    decoder = runner(plan.engine)(plan.graph, device=str(policy.device), load=lambda _: policy)
    said: dict[str | int, dict[int, list[int]]] = defaultdict(lambda: defaultdict(list))
    opened: dict[str | int, dict[int, int]] = defaultdict(dict)
    sizes: dict[str | int, int] = {}
    for event in decoder.stream(prompts):
        match event:
            case Started(id=id, prompt_tokens=size):
                sizes[id] = size
            case Stepped(id=id, threads=threads):
                for each in threads:
                    said[id][each.thread] += each.token_ids
                    if each.fork is not None:
                        opened[id][each.fork.end - sizes[id]] = each.thread
            case Finished(id=id, result=result):
                yield id, _candidate(result, said.pop(id), opened.pop(id, {}), machine)
            case _:
                yield event.id, None


def _candidate(
    result: Result, said: Mapping[int, list[int]], opened: Mapping[int, int], machine: TokenMachine
) -> Candidate:
    main = tuple(said[0])
    blocks: list[tuple[int, ...] | None] = []
    place = MAIN
    for number, token in enumerate(main):
        place, meanings = machine.read(place, (token,))
        if any(isinstance(meaning, Promised) for meaning in meanings):
            thread = opened.get(number)
            blocks.append(None if thread is None else tuple(said[thread]))
    threads = result.stats.threads
    assert threads is not None, "the plan forks"
    closing = machine.words.tags[Tag.ENDASYNC]
    is_closed = all(block is not None and block[-1:] == (closing,) for block in blocks)
    # What a limit cut off was closed for it.
    whole = main[-1] in machine.words.ends and is_closed and not threads.tags.unclosed
    return Candidate(
        result.text, Threads(main, tuple(blocks)), threads.critical_path, threads.spoken, threads.forked, whole
    )


def _plan(policy: LoadedModel, sampling: Sampling, folder: Path) -> CompiledPlan:
    """The plan; compiling looks at a model's configuration and tokenizer, which are written into the folder for it."""
    policy.model.config.save_pretrained(folder / _CONFIGURATION)
    policy.tokenizer.save_pretrained(folder / _CONFIGURATION)
    text = {
        "specplan": 1,
        "models": {"target": {"source": f"./{_CONFIGURATION}", "dtype": sampling.dtype}},
        "decode": f"fork_join(pasta(max_forks={sampling.max_forks}), autoregressive(target))",
        "prompt": {"template": sampling.template},
        "sampling": {"temperature": sampling.temperature, "seed": sampling.seed},
        "limits": {
            "batch": sampling.batch,
            "max_new_tokens": sampling.max_new_tokens,
            "context": sampling.room(policy.context) + sampling.max_new_tokens,
        },
    }
    return compile_source(yaml.safe_dump(text).encode(), "candidates.yaml", folder, backends=CAPABILITIES)
