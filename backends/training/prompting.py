"""Prompts that an instruct model makes up itself, by the seed: it writes on where its chat template begins a user's turn."""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Iterable
from dataclasses import replace
from enum import Enum
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

from ...grammar import DiagnosticError
from ..models import Progress, TokenizerWords, eos_ids, load_tokenizer, model_folder
from ..runtime import Prompt
from .answering import Answered, Open, Speaker, answer, card_of
from .errors import NothingToAsk
from .openings import OPENINGS

if TYPE_CHECKING:
    from transformers import PreTrainedTokenizerBase

_SHIPPED = Path(__file__).resolve().parents[2] / "specs" / "prompts"
MAX_PROMPT_TOKENS = 64
_TURN_TOKENS = 192
"""The beginning of a user's turn, a system message included, and the opening."""
_TEMPERATURE, _TOP_P = 0.9, 0.95
_WORDS = range(4, 49)
_MOST_LINES = 3
_ALIKE_WORDS, _MOST_ALIKE = 4, 12
"""Of prompts that begin with the same words so many are kept."""
_MOST_TRIES = 4
"""For each prompt that is wanted, at most so many are sampled."""


class Useless(Enum):
    """Why a text is no prompt to train on; the value says it in words."""

    UNENDED = "it did not end"
    LENGTH = "it is too short or too long"
    GARBLED = "it has characters that nobody types"
    LINES = "it has too many lines"
    KNOWN = "another prompt is the same, but for its spelling"
    MEASURED = "models are measured on it"
    ALIKE = "too many prompts begin like it"


def own_prompts(
    answering: Speaker, count: int, file: Path, open_plan: Open, watch: Progress
) -> tuple[list[Prompt], Counter[Useless]]:
    """So many prompts that a model makes up, or fewer where it repeats itself; and what was dropped.

    `answering` is how the model will answer them. What is sampled is kept in `file`. Raises `DiagnosticError` (SP0853) for a
    model without a chat template.
    """
    model, card = answering.model, card_of(answering.model)
    if not card.chat_template:
        raise DiagnosticError([NothingToAsk(None, model)])
    tokenizer = load_tokenizer(model, model_folder(model))
    asking = replace(
        answering,
        temperature=_TEMPERATURE,
        top_p=_TOP_P,
        max_new_tokens=MAX_PROMPT_TOKENS,
        longest_prompt=_TURN_TOKENS,
        template="chat",
        chat_template=users_turn(tokenizer),
        # A template that ends within a turn does not say how the model ends one.
        stops=eos_ids(tokenizer, card.eos),
    )
    words = TokenizerWords(tokenizer, card.vocab_size, source=model)
    opened: list[Answered] = []
    first, last = 0, count
    while True:
        tried = [Prompt(number, _opening(number, asking.seed)) for number in range(first, last)]
        opened += answer(tried, asking, file, open_plan, watch, "prompts")
        kept, dropped = useful((_whole(each, words) for each in opened), count)
        if len(kept) == count or last == _MOST_TRIES * count:
            return kept, dropped
        # Which are kept depends on their order alone, not on how many are tried at a time.
        first, last = last, min(last + max(2 * (count - len(kept)), asking.batch), _MOST_TRIES * count)


def users_turn(tokenizer: PreTrainedTokenizerBase) -> str:
    """A chat template that ends within the user's turn; the tokenizer has one that ends it."""
    mark = "wxyz"
    turn = tokenizer.apply_chat_template([{"role": "user", "content": mark}], tokenize=False)
    head, _, _ = str(turn).partition(mark)
    return "{{ " + repr(head) + " }}{{ messages[-1]['content'] }}"


def useful(found: Iterable[tuple[str | int, str, bool]], count: int) -> tuple[list[Prompt], Counter[Useless]]:
    """The first so many of some prompts (id, text, did it end?) that are worth answering, and what was dropped before."""
    kept: list[Prompt] = []
    dropped: Counter[Useless] = Counter()
    measured, seen = _measured(), set[str]()
    alike: Counter[str] = Counter()
    for id, text, ended in found:
        if len(kept) == count:
            break
        plain = _plain(text)
        beginning = " ".join(plain.split()[:_ALIKE_WORDS])
        reason = _form(text, ended)
        if reason is None and plain in measured | seen:
            reason = Useless.MEASURED if plain in measured else Useless.KNOWN
        if reason is None and alike[beginning] >= _MOST_ALIKE:
            reason = Useless.ALIKE
        if reason is None:
            kept.append(Prompt(id, text.strip()))
            seen.add(plain)
            alike[beginning] += 1
        else:
            dropped[reason] += 1
    return kept, dropped


def _form(text: str, ended: bool) -> Useless | None:
    if not ended:
        return Useless.UNENDED
    if len(text.split()) not in _WORDS:
        return Useless.LENGTH
    if "\ufffd" in text or not all(map(str.isprintable, text.splitlines())):
        return Useless.GARBLED
    return Useless.LINES if len(text.strip().splitlines()) > _MOST_LINES else None


def _plain(text: str) -> str:
    """Its words alone."""
    return " ".join(re.findall(r"\w+", text.casefold()))


@cache
def _measured() -> frozenset[str]:
    """The prompts that come with specplan: what is trained on them cannot be measured on them."""
    lines = (line for file in sorted(_SHIPPED.glob("*.jsonl")) for line in file.read_text("utf-8").splitlines())
    return frozenset(_plain(json.loads(line)["prompt"]) for line in lines)


def _opening(number: int, seed: int) -> str:
    return OPENINGS[(number + seed) % len(OPENINGS)]


def _whole(opened: Answered, words: TokenizerWords) -> tuple[str | int, str, bool]:
    # By bytes: the text of an answer leaves out a space before its first word.
    text = opened.prompt + words.bytes_of(opened.ids).decode("utf-8", "replace")
    return opened.id, text, opened.ended
