"""A compiler for how a language model decodes: plans in, execution graphs and what runs them out."""

__version__ = "0.1.0"
