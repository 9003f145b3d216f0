"""Lines and columns are those of an editor; carets stand under what they point at."""

import pytest

from specplan.grammar import SourceFile, catalogue, closest, render, to_json, visible
from specplan.grammar.errors import DuplicateKey, UnknownKey


@pytest.mark.parametrize(
    ("text", "index", "line", "column"),
    [
        ("a\nb", 2, 2, 1),
        ("a\r\nb", 3, 2, 1),
        ("a\rb", 2, 2, 1),
        ("a\x85b", 2, 1, 3),
        ("a\u2028b", 2, 1, 3),
        ("é\U0001f600b", 2, 1, 3),
        ("", 0, 1, 1),
        ("a\n", 2, 2, 1),
    ],
)
def test_places(text: str, index: int, line: int, column: int) -> None:
    source = SourceFile("a", text)
    assert (source.line_of(index), source.column_of(index)) == (line, column)


def test_lines_have_no_breaks() -> None:
    source = SourceFile("a", "one\r\ntwo\rthree\n")
    assert [source.line_text(line) for line in range(1, source.line_count + 1)] == ["one", "two", "three", ""]


def unknown(source: SourceFile, word: str) -> UnknownKey:
    start = source.text.index(word)
    return UnknownKey(source.span(start, start + len(word)), word, "`limits`", ("batch", "context"))


def test_one_mistake() -> None:
    assert render([unknown(SourceFile("plan.yaml", "limits:\n  bach: 3\n"), "bach")], colour=False) == (
        "error[SP0122]: `limits` has no key `bach`\n"
        " --> plan.yaml:2:3\n"
        "  |\n"
        "2 |   bach: 3\n"
        "  |   ^^^^ unknown key\n"
        "  |\n"
        "help: did you mean `batch`?\n"
        "note: run `specplan explain-code SP0122` for the rule\n"
    )


def test_carets_stand_in_terminal_cells() -> None:
    text = render([unknown(SourceFile("a", "\t漢字 e\u0301 word"), "word")], colour=False).splitlines()
    assert text[3:5] == ["1 |         漢字 e\u0301 word", "  |                ^^^^ unknown key"]


def test_control_characters_are_spelled_out() -> None:
    text = render([unknown(SourceFile("a\x07", "\x1b[31m \u202e word"), "word")], colour=False)
    assert text.splitlines()[1:4] == [" --> a\\x07:1:9", "  |", "1 | \\x1b[31m \\u{202e} word"]
    assert visible("\ud800") == "\\u{d800}"


def test_long_lines_are_shown_through_a_window() -> None:
    source = SourceFile("a", "x" * 100_000 + "word" + "y" * 100_000)
    shown = render([unknown(source, "word")], colour=False).splitlines()[3]
    assert len(shown) < 200 and shown[:5] == "1 | …" and shown[-1] == "…" and "word" in shown


def test_both_places() -> None:
    source = SourceFile("a", "one: 1\n\n\none: 2\n")
    text = render([DuplicateKey(source.span(9, 12), "one", source.span(0, 3))], colour=False)
    assert text.splitlines()[2:8] == [
        "  |",
        "1 | one: 1",
        "  | --- given first",
        "...",
        "4 | one: 2",
        "  | ^^^ given again",
    ]


def test_another_file() -> None:
    here, there = SourceFile("here", "word"), SourceFile("there", "\n word")
    text = render([DuplicateKey(here.span(0, 4), "word", there.span(2, 6))], colour=False)
    assert " ::: there:2:2\n" in text


def test_many_lines() -> None:
    source = SourceFile("a", "a: {\n  b,\n  c}\n")
    text = render([UnknownKey(source.span(3, 14), "b", "it", ())], colour=False)
    assert text.splitlines()[3:8] == ["1 | a: {", "  |    ^", "...", "3 |   c}", "  |   ^^ unknown key"]


def test_ordered_by_place_and_noted_once() -> None:
    source = SourceFile("a", "one two")
    text = render([unknown(source, "two"), unknown(source, "one")], colour=False)
    assert text.index("`one`") < text.index("`two`") and text.count("note:") == 1


def test_colour_changes_nothing_else() -> None:
    import re

    source = SourceFile("a", "one two")
    plain, coloured = (render([unknown(source, "one")], colour=on) for on in (False, True))
    assert coloured != plain and re.sub(r"\x1b\[[0-9;]*m", "", coloured) == plain


def test_aliases_are_shown() -> None:
    source = SourceFile("a", "&a word *a")
    text = render([UnknownKey(source.span(3, 7).used_at(source.span(8, 10)), "word", "it", ())], colour=False)
    assert "-- used here, through an alias" in text


def test_json() -> None:
    report = to_json([unknown(SourceFile("a", "é\r\n word"), "word")])
    (diagnostic,) = report["diagnostics"]
    assert report["format_version"] == 1 and report["error_count"] == 1 and diagnostic["code"] == "SP0122"
    assert diagnostic["spans"] == [
        {
            "file": "a", "line": 2, "column": 2, "end_line": 2, "end_column": 6, "start": 4, "end": 8,
            "is_primary": True, "label": "unknown key",
        }
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("word", "meant"),
    [("tagret", "target"), ("Target", "target"), ("num-tokens", "num_tokens"), ("zzz", None), ("t" * 100_000, None)],
)
def test_did_you_mean(word: str, meant: str | None) -> None:
    assert closest(word, ("target", "num_tokens", "drafter")) == meant


def test_a_template_is_not_fooled_by_braces() -> None:
    source = SourceFile("a", "{x}")
    assert UnknownKey(source.span(0, 3), "{x}", "it", ()).message() == "it has no key `{x}`"


def test_catalogue_is_sorted() -> None:
    assert [*catalogue()] == sorted(catalogue())
