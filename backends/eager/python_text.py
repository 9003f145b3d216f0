"""Python source as text: names that are free, strings that stay strings, calls laid out as a formatter would.

Whatever a plan says reaches emitted code through `literal` or `Names`: nothing of it is ever taken for code.
"""

from __future__ import annotations

import ast
import keyword
import re
from collections.abc import Iterable
from typing import Any

WIDTH = 120
_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")


def literal(value: Any) -> str:
    r"""A value as Python writes it, strings in double quotes where that needs no more escapes.

    >>> print(literal("END"), literal('say "x"'), literal("\n\u202e"), literal(("a",)), literal(None))
    "END" 'say "x"' "\n\u202e" ("a",) None
    """
    match value:
        case str():
            text = repr(value)
            if text[0] == "'" and '"' not in value:
                text = f'"{text[1:-1]}"'
        case tuple():
            text = tuple_of(map(literal, value))
        case float():
            text = repr(value).replace("inf", "1e999")
        case bool() | int() | None:
            text = repr(value)
        case _:
            raise AssertionError(f"no field of a node is a {type(value).__name__}")
    assert ast.literal_eval(text) == value, f"{text} does not say what it should"
    return text


def tuple_of(parts: Iterable[str]) -> str:
    """A tuple of what stands in these texts, with no more commas than it needs.

    >>> tuple_of(["a"]), tuple_of(["a", "b"])
    ('(a,)', '(a, b)')
    """
    written = [*parts]
    return f"({written[0]},)" if len(written) == 1 else f"({', '.join(written)})"


class Names:
    """Python names for the names of a graph: the same where that is possible, each used once.

    >>> names = Names(taken=["accept"])
    >>> [names.of(each) for each in ("path", "draft.2", "accept", "class", "draft_2", "path")]
    ['path', 'draft_2', 'accept_', 'class_', 'draft_2_', 'path']
    """

    def __init__(self, taken: Iterable[str] = ()) -> None:
        """Names that mean something else already."""
        self._taken = {*taken, *keyword.kwlist, *keyword.softkwlist}
        self._names: dict[str, str] = {}

    def of(self, name: str) -> str:
        """The Python name of a graph's name."""
        if name not in self._names:
            python = name.replace(".", "_")
            if python.startswith("__"):
                python = f"its{python}"  # such names mean something to modules and classes
            while python in self._taken:
                python += "_"
            assert _NAME.fullmatch(python), f"{python!r} is no name"
            self._taken.add(python)
            self._names[name] = python
        return self._names[name]

    def all(self) -> tuple[str, ...]:
        """Every Python name given so far."""
        return tuple(self._names.values())


def laid_out(statement: str, indent: int = 0, comment: str = "") -> str:
    """A statement whose last part is a call, on one line or with its arguments below each other.

    The comment stands behind it, or before it where a line would get too long.
    """
    tree = ast.parse(statement.strip()).body
    assert len(tree) == 1, "a template writes one statement"
    left, call = _halves(statement.strip(), tree[0])
    space = " " * indent
    parts = [_part(statement.strip(), each) for each in (*call.args, *call.keywords)]
    head = f"{space}{left}{ast.unparse(call.func)}("
    line = f"{head}{', '.join(parts)})"
    remark = f"  # {comment}" if comment else ""
    if len(line + remark) <= WIDTH:
        return line + remark
    above = f"{space}# {comment}\n" if comment else ""
    if len(line) <= WIDTH:
        return above + line
    inner = f"{space}    {', '.join(parts)}"
    if len(inner) > WIDTH:
        inner = "\n".join(f"{space}    {part}," for part in parts)
    return f"{above}{head}\n{inner}\n{space})"


def _halves(text: str, statement: ast.stmt) -> tuple[str, ast.Call]:
    """What is assigned to, and the call."""
    match statement:
        case ast.Expr(value=ast.Call() as call):
            return "", call
        case ast.Assign(targets=[target], value=ast.Call() as call):
            found = ast.get_source_segment(text, target)
            return f"{found} = ", call
    raise AssertionError(f"a template writes a call: {text}")


def _part(text: str, part: ast.AST) -> str:
    if isinstance(part, ast.keyword):
        return f"{part.arg}={_part(text, part.value)}"
    found = ast.get_source_segment(text, part)
    assert found is not None and "\n" not in found, "an argument stands on one line"
    return found
