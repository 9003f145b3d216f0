"""PASTA's six words in a real tokenizer and model: found, or added with rows that training can begin from."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import TYPE_CHECKING

from ...grammar import DiagnosticError, Span, Tag
from .errors import TagsMissing
from .loaded import LoadedModel

if TYPE_CHECKING:
    from transformers import PreTrainedTokenizerBase


def tag_ids(tokenizer: PreTrainedTokenizerBase, *, source: str, span: Span | None = None) -> Mapping[Tag, int]:
    """The ids of all six; `source` is what the plan calls the model. Raises `DiagnosticError` (SP0746) if one is missing."""
    special = {token.content: number for number, token in tokenizer.added_tokens_decoder.items() if token.special}
    missing = tuple(tag.token for tag in Tag if tag.token not in special)
    if missing:
        raise DiagnosticError([TagsMissing(span, source, missing)])
    return {tag: special[tag.token] for tag in Tag}


def has_tags(tokenizer: PreTrainedTokenizerBase) -> bool:
    """Whether all six are special tokens of it."""
    special = {token.content for token in tokenizer.added_tokens_decoder.values() if token.special}
    return all(tag.token in special for tag in Tag)


def add_tags(loaded: LoadedModel) -> LoadedModel:
    """The model with the six as special tokens, which no text can forge, and with a row for each in embedding and head.

    Its tokenizer and weights are changed in place; saved, they are a model with `tags: pasta`. A new row is the mean of those
    of the tokens that spell its tag in text. A model that pads its vocabulary has its padding used up first; one that has the
    six stays as it is.
    """
    if has_tags(loaded.tokenizer):
        return loaded
    import torch
    from tokenizers import AddedToken

    tokenizer, model = loaded.tokenizer, loaded.model
    spelled = {tag: tokenizer(tag.value, add_special_tokens=False)["input_ids"] for tag in Tag}
    tokenizer.add_tokens([AddedToken(tag.token, special=True, normalized=False) for tag in Tag], special_tokens=True)
    ids = tag_ids(tokenizer, source=loaded.source)
    needed = 1 + max(ids.values())
    if needed > loaded.vocab_size:
        model.resize_token_embeddings(needed, mean_resizing=False)
        model.requires_grad_(False)
    tables = {each.weight for each in (model.get_input_embeddings(), model.get_output_embeddings())}
    with torch.no_grad():
        for table in tables:
            for tag, number in ids.items():
                table[number] = table[spelled[tag]].mean(dim=0)
    return replace(loaded, vocab_size=max(needed, loaded.vocab_size))
