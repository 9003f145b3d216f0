"""What a person writes, read into typed trees that know their places, or answered with diagnostics."""

from .ast import Argument, Call, Excerpt, Expr, List, Located, Name, Number, String, walk
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
from .parse import parse_expression
from .render import render, to_json, visible
from .source import SourceFile, Span

__all__ = [
    "Argument",
    "Call",
    "Diagnostic",
    "DiagnosticError",
    "ExampleKind",
    "Excerpt",
    "Expr",
    "Label",
    "List",
    "Located",
    "Name",
    "Number",
    "Severity",
    "SourceFile",
    "Span",
    "String",
    "catalogue",
    "closest",
    "did_you_mean",
    "has_errors",
    "parse_expression",
    "render",
    "to_json",
    "visible",
    "walk",
]
