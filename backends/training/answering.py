"""What a model writes by itself, as training data: sampled by our own runtime, many rows together, each kept once it is done.

A row is a function of the seed, its id and its prompt, so neither the batch nor an interruption changes it, as far as
rounding allows: passes over more or fewer rows round otherwise, and a draw may fall on an edge.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import yaml

from ...grammar import Diagnostic, DiagnosticError
from ...planner import CompiledPlan, compile_source
from ...planner.cards import ModelCard, PromptsCard, find_source
from .. import CAPABILITIES, runner
from ..models import Progress, load_declared
from ..runtime import Decoder, Finished, Prompt, Refused
from .errors import NoModel
from .rows import Rows, all_told, told

_UNBATCHED = ("batch",)
"""What of a `Speaker` does not change what it says."""


@dataclass(frozen=True, slots=True)
class Speaker:
    """A model, and how it is made to write."""

    model: str
    dtype: str = "float32"
    temperature: float = 0.7
    top_p: float = 0.95
    seed: int = 0
    max_new_tokens: int = 384
    longest_prompt: int = 640
    """In tokens, the chat template's included; a prompt that is longer is refused."""
    template: str = "chat"
    chat_template: str | None = None
    """In place of the model's own."""
    stops: tuple[int, ...] = ()
    """Tokens that end a text beside the model's own."""
    batch: int = 32

    def plan(self) -> CompiledPlan:
        """The plan by which it writes. Raises `DiagnosticError` for a model that there is not."""
        target = {"source": self.model, "dtype": self.dtype}
        if self.chat_template is not None:
            target["chat_template"] = self.chat_template
        text = {
            "specplan": 1,
            "models": {"target": target},
            "decode": "autoregressive(target)",
            "prompt": {"template": self.template},
            "stop": {"token_ids": [*self.stops]},
            "sampling": {"temperature": self.temperature, "top_p": self.top_p, "seed": self.seed},
            "limits": {
                "batch": self.batch,
                "max_new_tokens": self.max_new_tokens,
                "context": min(self.longest_prompt + self.max_new_tokens, card_of(self.model).positions),
            },
        }
        return compile_source(yaml.safe_dump(text).encode(), "answers.yaml", Path(), backends=CAPABILITIES)

    def made_by(self) -> dict[str, Any]:
        """What decides what it says: its own settings, and which weights they are."""
        named = {name: getattr(self, name) for name in self.__dataclass_fields__ if name not in _UNBATCHED}
        return {**named, "fingerprint": card_of(self.model).fingerprint}


@dataclass(frozen=True, slots=True)
class Answered:
    """A prompt and what the model wrote behind it."""

    id: str | int
    prompt: str
    text: str
    ids: tuple[int, ...]
    """Its tokens, with the one that ended it, if one did."""
    ended: bool
    """Did it end by itself, and not at the limit?"""


@dataclass(frozen=True, slots=True)
class Unanswered:
    """A prompt that is too long for the model."""

    prompt: str


Open = Callable[[CompiledPlan], Decoder]
"""Loads the models of a plan."""


def opening_on(device: str, progress: Progress | None = None) -> Open:
    """Loads models onto a device, as torch calls it, or `auto`; what cannot be loaded has no place, for nobody wrote the plan."""

    def load(plan: CompiledPlan) -> Decoder:
        onto = partial(load_declared, device=device, base=plan.base, progress=progress)
        decoder: Decoder = runner(plan.engine)(plan.graph, load=onto)
        return decoder

    return load


def card_of(model: str) -> ModelCard:
    """What is known of a model. Raises `DiagnosticError` for one that there is not (SP0857 for what is none)."""
    card = find_source(model, None, Path())
    if isinstance(card, Diagnostic):
        raise DiagnosticError([card])
    if isinstance(card, PromptsCard):
        raise DiagnosticError([NoModel(None, model)])
    return card


def answer(
    prompts: Sequence[Prompt], speaker: Speaker, file: Path, open_plan: Open, watch: Progress, what: str
) -> list[Answered]:
    """What the speaker writes behind each prompt, in their order, without those that are too long for it.

    Rows are kept in `file`, and those that it has already are not written again; `what` names them to whoever watches.
    Raises `DiagnosticError` (SP0850, SP0855, and whatever stands in the way of running the model).
    """
    rows = Rows(file, speaker.made_by(), _read)
    waiting = [prompt for prompt in prompts if _known(rows, prompt) is None]
    watch.stage(what, len(prompts), done=len(prompts) - len(waiting))
    if waiting:
        texts = {prompt.id: prompt.text for prompt in waiting}
        for event in open_plan(speaker.plan()).stream(waiting):
            match event:
                case Finished(id=id, result=result):
                    ended = len(result.token_ids) < speaker.max_new_tokens
                    rows.add(id, {"prompt": texts[id], "text": result.text, "ids": result.token_ids, "ended": ended})
                    watch.step()
                case Refused(id=id, diagnostics=diagnostics):
                    rows.add(id, {"prompt": texts[id], "refused": diagnostics[0].message()})
                    watch.step()
    found = (_known(rows, prompt) for prompt in prompts)
    return [row for row in found if isinstance(row, Answered)]


def _known(rows: Rows[Answered | Unanswered], prompt: Prompt) -> Answered | Unanswered | None:
    row = rows.get(prompt.id)
    return row if row is not None and row.prompt == prompt.text else None


def _read(row: Mapping[str, Any]) -> Answered | Unanswered:
    prompt = told(row, "prompt", str)
    if "refused" in row:
        return Unanswered(prompt)
    return Answered(row["id"], prompt, told(row, "text", str), all_told(row, "ids", int), told(row, "ended", bool))
