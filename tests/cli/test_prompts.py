"""Prompts files: what is read, and every way in which a line can be none."""

import io
from pathlib import Path

import pytest

from specplan.backends.runtime import Prompt
from specplan.cli.prompts import gather_prompts, read_prompts
from specplan.grammar import DiagnosticError, render


def test_ids_are_kept_and_else_lines_are_counted() -> None:
    data = b'\xef\xbb\xbf{"prompt": "one"}\n\n{"id": "b", "prompt": "two", "category": "x"}\r\n{"id": 7, "prompt": ""}'
    assert read_prompts(data, "p.jsonl") == [Prompt(1, "one"), Prompt("b", "two"), Prompt(7, "")]


@pytest.mark.parametrize(
    ("line", "reason", "column"),
    [
        (b'{"prompt": "a"', "not JSON (expecting ',' delimiter)", 15),
        (b"[" * 100_000, "not JSON that can be read", 1),
        (b'{"id": ' + b"9" * 5000 + b', "prompt": "a"}', "not JSON that can be read", 1),
        (b'"a"', "not a JSON object", 1),
        (b'{"promt": "a"}', "it has no `prompt`", 1),
        (b'{"prompt": 3}', "`prompt` is not a text", 1),
        (b'{"id": true, "prompt": "a"}', "`id` is neither a text nor a whole number", 1),
        (b'{"id": null, "prompt": "a"}', "`id` is neither a text nor a whole number", 1),
        (b'{"prompt": "a", "category": 3}', "`category` is not a text", 1),
        (b'{"prompt": "a", "category": null}', "`category` is not a text", 1),
        (b'{"prompt": "a", "category": "\\ud800"}', "it is not valid Unicode", 1),
        (b'{"prompt": "\\ud800"}', "it is not valid Unicode", 1),
        (b'{"prompt": "\xff"}', "it is not valid Unicode", 1),
    ],
)
def test_a_line_that_is_no_prompt_is_pointed_at(line: bytes, reason: str, column: int) -> None:
    with pytest.raises(DiagnosticError) as caught:
        read_prompts(b'{"prompt": "fine"}\n' + line + b"\n", "p.jsonl")
    (mistake,) = caught.value.diagnostics
    assert mistake.message() == f"this line is no prompt: {reason}"
    assert mistake.span is not None
    assert (mistake.span.line, mistake.span.column) == (2, column)
    render([mistake], colour=False)


def test_all_bad_lines_are_told_at_once() -> None:
    with pytest.raises(DiagnosticError) as caught:
        read_prompts(b"1\n2\n", "p.jsonl")
    assert len(caught.value.diagnostics) == 2


@pytest.mark.parametrize("data", [b"", b"\n \n"])
def test_no_prompt_at_all(data: bytes) -> None:
    with pytest.raises(DiagnosticError, match="SP0907"):
        read_prompts(data, "p.jsonl")


@pytest.mark.parametrize(
    ("data", "text"), [(b"  a\n", "  a"), (b"a\r\n", "a"), (b"a\n\n", "a\n"), (b" \n", " "), (b"a", "a")]
)
def test_standard_input_is_taken_as_it_is_but_for_the_end_of_its_last_line(
    data: bytes, text: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("sys.stdin", io.TextIOWrapper(io.BytesIO(data)))
    assert gather_prompts((), None) == [Prompt(1, text)]


def test_nothing_is_no_prompt_wherever_it_stands(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.stdin", io.TextIOWrapper(io.BytesIO(b"\n")))
    for texts in ((), ("",)):
        with pytest.raises(DiagnosticError, match="SP0907"):
            gather_prompts(texts, None)


def test_prompts_without_a_name_count_on(tmp_path: Path) -> None:
    file = tmp_path / "prompts.jsonl"
    file.write_text('{"prompt": "b"}\n\n{"prompt": "c", "id": "x"}\n')
    assert [each.id for each in gather_prompts(("a",), str(file))] == [1, 2, "x"]


@pytest.mark.parametrize(
    "second", ['{"prompt": "b", "id": "x"}', '{"prompt": "b", "id": 1}', '{"prompt": "b", "id": "1"}']
)
def test_no_two_prompts_have_one_name(second: str) -> None:
    with pytest.raises(DiagnosticError, match="another prompt has the id"):
        read_prompts(b'{"prompt": "a", "id": "x"}\n' + second.encode(), "prompts.jsonl", behind=1)
