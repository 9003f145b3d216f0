"""Vocabularies as bytes, maps between two of them, and how much they share. No tensors and no tokenizers here."""

from .maps import (
    EncodeEach,
    TokenMap,
    Vocabulary,
    intersection,
    is_whole_characters,
    pushforward,
    pushforward_at_once,
    written,
)
from .overlap import Overlap, overlap, weighted_overlap, weighted_overlap_of_target
from .token_bytes import Spelling, byte_characters, byte_level_bytes, piece_bytes, sentencepiece_bytes, token_bytes

__all__ = [
    "EncodeEach",
    "Overlap",
    "Spelling",
    "TokenMap",
    "Vocabulary",
    "byte_characters",
    "byte_level_bytes",
    "intersection",
    "is_whole_characters",
    "overlap",
    "piece_bytes",
    "pushforward",
    "pushforward_at_once",
    "sentencepiece_bytes",
    "token_bytes",
    "weighted_overlap",
    "weighted_overlap_of_target",
    "written",
]
