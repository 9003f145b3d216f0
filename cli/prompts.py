"""The prompts to answer: from the command line, from a file with one JSON object per line, or from standard input."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator

from ..backends.bench import Case
from ..backends.runtime import Prompt
from ..grammar import DiagnosticError, SourceFile
from .errors import BadPromptLine, NoPrompt, StdinTwice
from .files import read_input


def refuse_stdin_twice(plan: str, texts: tuple[str, ...], file: str | None) -> None:
    """Raises DiagnosticError where standard input would have to be both the plan and the prompts."""
    if plan == "-" and (file == "-" or (file is None and not texts)):
        raise DiagnosticError([StdinTwice(None)])


def gather_prompts(texts: tuple[str, ...], file: str | None) -> list[Prompt]:
    """Every prompt of a command, in order: the texts, then those of the file; without either, standard input.

    Raises DiagnosticError for a bad line, all of them at once, and where there is no prompt at all.
    """
    said = [Prompt(number, text) for number, text in enumerate(texts, 1)]
    if file is not None:
        source = read_input(file)
        said += read_prompts(source.data, source.name, behind=len(said))
    if file is None and texts and not any(texts):  # as with standard input: somebody's text got lost on its way here
        raise DiagnosticError([NoPrompt(None)])
    if said:
        return said
    if sys.stdin is not None and sys.stdin.isatty():
        raise DiagnosticError([NoPrompt(None)])
    # What ends the last line is the shell's or the editor's; any other space is somebody's.
    text = read_input("-").data.decode("utf-8", "replace").removesuffix("\n").removesuffix("\r")
    if not text:
        raise DiagnosticError([NoPrompt(None)])
    return [Prompt(1, text)]


def read_prompts(data: bytes, name: str, *, behind: int = 0) -> list[Prompt]:
    """The prompts of a file with one JSON object per line; those without an id count on from `behind`.

    Raises DiagnosticError with every line that is none, or whose id another prompt has.

    >>> read_prompts(b'{"id": "a", "prompt": "Hello"}', "prompts.jsonl")
    [Prompt(id='a', text='Hello')]
    """
    return [case.prompt for case in read_cases(data, name, behind=behind)]


def read_cases(data: bytes, name: str, *, behind: int = 0) -> list[Case]:
    """The prompts of such a file with their categories; raises as `read_prompts` does."""
    source = SourceFile(name, data.decode("utf-8-sig", "surrogateescape"))
    results = [*_lines(source, behind)]
    mistakes = [each for each in results if isinstance(each, BadPromptLine)]
    cases = [each for each in results if isinstance(each, Case)]
    if mistakes:
        raise DiagnosticError(mistakes)
    if not cases:
        raise DiagnosticError([NoPrompt(None)])
    return cases


def _lines(source: SourceFile, behind: int) -> Iterator[Case | BadPromptLine]:
    # Draws are keyed by a prompt's id, so two of the same would be answered with the same luck; and results are shown
    # under it, where 1 and "1" look alike.
    taken = set(map(str, range(1, behind + 1)))
    for number in range(1, source.line_count + 1):
        line = source.line_text(number)
        if not line.strip():
            continue
        found = _line(line, source, number, behind)
        if isinstance(found, Case) and str(found.prompt.id) in taken:
            start = source.line_start(number)
            reason = f"another prompt has the id {found.prompt.id!r}"
            found = BadPromptLine(source.span(start, start + len(line)), reason)
        elif isinstance(found, Case):
            taken.add(str(found.prompt.id))
        yield found


def _line(line: str, source: SourceFile, number: int, behind: int) -> Case | BadPromptLine:
    start = source.line_start(number)

    def bad(reason: str, begin: int = 0, end: int = len(line)) -> BadPromptLine:
        return BadPromptLine(source.span(start + begin, start + min(end, len(line))), reason)

    try:
        value = json.loads(line)
    except json.JSONDecodeError as error:
        return bad(f"not JSON ({error.msg.lower()})", error.pos, error.pos + 1)
    except (RecursionError, ValueError):  # nested too deep, or a number of more digits than Python converts
        return bad("not JSON that can be read")
    match value:
        case {"prompt": str(text), "id": str() | int() as name} if not isinstance(name, bool):
            pass
        case {"prompt": str(text)} if "id" not in value:
            name = number + behind
        case {"prompt": str()}:
            return bad("`id` is neither a text nor a whole number")
        case {"prompt": _}:
            return bad("`prompt` is not a text")
        case dict():
            return bad("it has no `prompt`")
        case _:
            return bad("not a JSON object")
    category = value.get("category")
    if "category" in value and not isinstance(category, str):
        return bad("`category` is not a text")
    if not all(map(_is_text, (text, str(name), category or ""))):
        return bad("it is not valid Unicode")
    return Case(Prompt(name, text), category)


def _is_text(text: str) -> bool:
    return not any("\ud800" <= character <= "\udfff" for character in text)
