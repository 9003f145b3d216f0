"""The eager engine: graphs as readable Python over unmodified transformers models. Emitting needs no torch, running does."""

from .emit import PROGRAM, emit

__all__ = ["PROGRAM", "emit"]
