"""What an adapter was trained on: written beside its weights when it is trained, compared whenever it is used."""

from __future__ import annotations

import json
from dataclasses import dataclass, fields
from typing import Literal

from .model_card import ModelCard

FORMAT_VERSION = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class Trained:
    """The base model and its tokenizer, what was trained, and how it can be trained again.

    `fingerprint` names the base's weights, as its card does; `dtype` is the type in which they are kept, and `vocabulary` its
    tokenizer's family. `entries` and `vocab_size` count tokens and rows of logits; of an adapter that writes PASTA's `tags`
    the six words are included, and `tags` are their ids, in the order of the language. The `sequential` one is its counterpart,
    trained on the same answers without tags. `sha256` is that of the adapter's weights.
    """

    kind: Literal["pasta", "sequential"]
    base: str
    fingerprint: str | None = None
    dtype: str
    vocabulary: str
    entries: int
    vocab_size: int
    tags: tuple[int, ...] = ()
    sha256: str
    seed: int
    command: str

    def fits(self, model: ModelCard) -> bool:
        """Whether it was trained on those weights."""
        if self.fingerprint is not None and model.fingerprint is not None:
            return self.fingerprint == model.fingerprint
        return self.base in (model.name, model.hub)

    def to_yaml(self) -> str:
        """The file that `read_trained` reads."""
        given = {each.name: getattr(self, each.name) for each in fields(self)}
        lines = [
            f"{name}: {json.dumps(value, ensure_ascii=False)}" for name, value in given.items() if value is not None
        ]
        return "\n".join([f"format_version: {FORMAT_VERSION}", *lines, ""])
