"""From a checked plan to a graph: regions, drafts and declarations."""

from .decoders import lower, written_states

__all__ = ["lower", "written_states"]
