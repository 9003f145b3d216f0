"""A tokenizer's twin for text that is a part of a longer one: nothing is put before it, nothing in it is changed."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from tokenizers import Tokenizer
    from transformers import PreTrainedTokenizerBase

_Json = dict[str, Any]
_SHELL: _Json = {
    "version": "1.0",
    "truncation": None,
    "padding": None,
    "added_tokens": [],
    "post_processor": None,
    "decoder": None,
    "model": {"type": "BPE", "vocab": {}, "merges": []},
}


def continuing(tokenizer: PreTrainedTokenizerBase) -> Tokenizer:
    """The twin: it has the same tokens, takes the names of special tokens for text, and leaves the other untouched.

    Of the normaliser only what spells remains (`▁` for a space), so that combining marks and capitals come back as
    they were. Whatever the library raises for parts that are not its own is passed on.
    """
    from tokenizers import Tokenizer

    backend = tokenizer.backend_tokenizer
    shell = _SHELL | {
        "normalizer": _only_spelling(_as_json(backend.normalizer)),
        "pre_tokenizer": _without_prefix(_as_json(backend.pre_tokenizer)),
    }
    twin = Tokenizer.from_str(json.dumps(shell))
    twin.model = backend.model  # shared, not copied: it holds the whole vocabulary
    added = tokenizer.added_tokens_decoder
    twin.add_tokens([added[number] for number in sorted(added)])
    twin.encode_special_tokens = True
    return twin


def _as_json(part: Any) -> _Json | None:
    found: _Json | None = None if part is None else json.loads(part.__getstate__())
    return found


def _only_spelling(normalizer: _Json | None) -> _Json | None:
    match normalizer:
        case {"type": "Sequence", "normalizers": steps}:
            kept = [each for each in map(_only_spelling, steps) if each is not None]
            return {"type": "Sequence", "normalizers": kept}
        case {"type": "ByteLevel"} | {"type": "Replace", "pattern": {"String": " "}, "content": "▁"}:
            return normalizer
        case _:
            return None


def _without_prefix(pre_tokenizer: _Json | None) -> _Json | None:
    if pre_tokenizer is None:
        return None
    match pre_tokenizer:
        case {"type": "Sequence", "pretokenizers": steps}:
            return {"type": "Sequence", "pretokenizers": [_without_prefix(each) for each in steps]}
        case {"type": "ByteLevel"}:
            return pre_tokenizer | {"add_prefix_space": False}
        case {"type": "Metaspace"}:
            rest = {name: value for name, value in pre_tokenizer.items() if name != "add_prefix_space"}
            return rest | {"prepend_scheme": "never"}
        case _:
            return pre_tokenizer
