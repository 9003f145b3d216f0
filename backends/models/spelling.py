"""How a tokenizer spells its tokens, read from what it decodes with, and which of them are no text at all."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from ...planner.vocabulary import Spelling

if TYPE_CHECKING:
    from transformers import PreTrainedTokenizerBase


def spelling_of(tokenizer: PreTrainedTokenizerBase) -> Spelling | None:
    """The spelling of its tokens; None for one that we do not know."""
    kinds = {each["type"] for each in _decoder_steps(tokenizer)}
    if "ByteLevel" in kinds:
        return Spelling.BYTE_LEVEL
    return Spelling.SENTENCEPIECE if kinds & {"ByteFallback", "Metaspace"} else None


def drops_first_space(tokenizer: PreTrainedTokenizerBase) -> bool:
    """Whether it spells a space before every text, which `decode` drops again."""
    steps = list(_decoder_steps(tokenizer))
    if any(each["type"] == "ByteLevel" for each in steps):
        return False
    strips = any(each["type"] == "Strip" and each.get("start", 0) > 0 and each.get("content") == " " for each in steps)
    prepends = any(each["type"] == "Metaspace" and each.get("prepend_scheme", "always") != "never" for each in steps)
    return strips or prepends


def special_ids(tokenizer: PreTrainedTokenizerBase) -> frozenset[int]:
    """The tokens that stand for no text."""
    return frozenset(number for number, token in tokenizer.added_tokens_decoder.items() if token.special)


def _decoder_steps(tokenizer: PreTrainedTokenizerBase) -> Iterator[dict[str, Any]]:
    found = getattr(getattr(tokenizer, "backend_tokenizer", None), "decoder", None)
    if found is not None:
        decoder: Any = json.loads(found.__getstate__())  # its JSON; the whole tokenizer's is megabytes
        yield from decoder["decoders"] if decoder["type"] == "Sequence" else [decoder]
