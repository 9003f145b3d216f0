"""What a person writes, read into typed trees that know their places, or answered with diagnostics."""

from .diagnostic import (
    Diagnostic,
    DiagnosticError,
    ExampleKind,
    Label,
    Severity,
    catalogue,
    closest,
    did_you_mean,
    has_errors,
)
from .render import render, to_json, visible
from .source import SourceFile, Span

__all__ = [
    "Diagnostic",
    "DiagnosticError",
    "ExampleKind",
    "Label",
    "Severity",
    "SourceFile",
    "Span",
    "catalogue",
    "closest",
    "did_you_mean",
    "has_errors",
    "render",
    "to_json",
    "visible",
]
