"""YAML: every word keeps its place in every layout, and no file is too hostile for an answer."""

import time
from collections.abc import Callable

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from specplan.grammar import (
    Call,
    Expr,
    SourceFile,
    YamlEntry,
    YamlList,
    YamlMap,
    YamlNode,
    YamlScalar,
    parse_expression,
    read_yaml,
    render,
    walk,
)


def read(text: str) -> YamlNode:
    node, source, mistakes = read_yaml(text.encode(), "plan.yaml")
    assert node is not None, mistakes
    assert mistakes == () and source == SourceFile("plan.yaml", text.removeprefix("\ufeff"))
    return node


def entry(text: str, key: str) -> YamlEntry:
    node = read(text)
    assert isinstance(node, YamlMap)
    return next(each for each in node.entries if each.key.value == key)


def strategy(text: str, key: str = "decode") -> Expr:
    value = entry(text, key).value
    assert isinstance(value, YamlScalar)
    expression, mistakes = parse_expression(value.excerpt)
    assert expression is not None, mistakes
    return expression


def words(expression: Expr) -> list[str]:
    """What stands in the file where the names, numbers and strings of an expression say that they are."""
    found = []
    for node in walk(expression):
        if isinstance(node, Call):
            found.append(node.function.span.text)
            found += [name for name in node.named if node.named[name].name is not None]
        elif not hasattr(node, "items"):
            found.append(node.span.text)
    return found


LAYOUTS = {
    "literal": "decode: |\n  speculate(target,\n    draft=none)\n",
    "literal, indicators and a comment": "decode: |2-  # why\n   speculate(target,  # one\n   draft=none) # two\n\n",
    "folded": "decode: >\n  speculate(target,  # the target\n    draft=none)\nother: 1\n",
    "folded, kept": "decode: >+\n\n  speculate(target,\n\n    draft=none)\n\n",
    "plain": "decode: speculate(target, draft=none)\n",
    "plain with a comment": "decode: speculate(target, draft=none)  # like this\n",
    "plain on several lines": "decode:\n  speculate(target,\n\n    draft=none)\n",
    "single quotes": "decode: 'speculate(target,\n\n  draft=none)'\n",
    "double quotes": 'decode: "speculate(target,\n  draft=none)"\n',
    "an escaped break": 'decode: "speculate(tar\\\n    get, dra\\\n  ft=none)"\n',
    "escapes": 'decode: "spec\\x75late(t\\u0061rget,\\n\\tdraft=\\U0000006eone)"\n',
    "flow": '{decode: "speculate(target, draft=none)", other: 1}\n',
    "anchor": "decode: &d speculate(target, draft=none)\n",
    "anchor, comment, block": "decode: &d  # named\n  |\n  speculate(target,\n   draft=none)\n",
    "crlf": "other: 1\r\ndecode: |\r\n  speculate(target,\r\n    draft=none)\r\n",
    "lone cr": "other: 1\rdecode: |\r  speculate(target,\r    draft=none)\r",
    "bom": "\ufeffdecode: speculate(target, draft=none)\n",
    "astral": "\U0001f600: é\ndecode: speculate(target, draft=none)\n",
    "no line break at the end": "decode: |\n  speculate(target, draft=none)",
    "document marks": "%YAML 1.1\n---\ndecode: speculate(target, draft=none)\n...\n",
    "a comment that ends at a rare break": "decode: &d # named\u2028  speculate(target, draft=none)\n",
    "question mark": "? decode\n: speculate(target, draft=none)\n",
    "less-indented comment behind": "decode: |\n    speculate(target, draft=none)\n # so much for that\nother: 1\n",
}


@pytest.mark.parametrize("text", LAYOUTS.values(), ids=LAYOUTS)
def test_layouts(text: str) -> None:
    expression = strategy(text)
    assert str(expression) == "speculate(target, draft=none)"
    joined = [word.replace("\\\n    ", "").replace("\\\n  ", "") for word in words(expression)]
    escaped = [yaml.safe_load(f'"{word}"') if "\\" in word else word for word in joined]
    assert escaped == ["speculate", "draft", "target", "none"]


def test_alias_points_at_both_places() -> None:
    text = "one: &s speculate(target, draft=none)\ndecode: *s\n"
    span = strategy(text).span
    assert (span.line, span.text) == (1, "speculate(target, draft=none)")
    assert span.via is not None and (span.via.line, span.via.text) == (2, "*s")


def test_alias_in_an_alias() -> None:
    value = entry("a: &a x\nb: &b [*a]\nc: *b\n", "c").value
    assert isinstance(value, YamlList) and value.span.via is not None
    span = value.items[0].span
    assert span.text == "x" and span.via is not None and span.via.text == "*a"
    assert span.via.via is not None and span.via.via.text == "*b"


def test_nothing_is_guessed() -> None:
    node = read("[no, on, 010, 1:30, 1e-5, ~, 2001-01-01, =, 0x1]")
    assert isinstance(node, YamlList)
    values = [each.value for each in node.items if isinstance(each, YamlScalar)]
    assert values == ["no", "on", "010", "1:30", "1e-5", "~", "2001-01-01", "=", "0x1"]


@pytest.mark.parametrize(
    ("text", "code", "line", "words"),
    [
        ("a: 1\n\tb: 2\n", "SP0106", 2, "\t"),
        ("decode: f(a,  # x\n  b)\n", "SP0116", 1, "# x"),
        ("decode: f(a,\n  b,  # x\n  c)\nlimits: {batch: 1}\n", "SP0116", 2, "# x"),
        ("decode: |\n    f(a,\n  # no\n    b)\n", "SP0118", 3, "# no"),
        ("decode: |\n    f(a,\nb)\n", "SP0118", 3, "b)"),
        ("a: 1\nlimits:{batch: 1}\n", "SP0117", 2, "limits:"),
        ("{temperature:0.7}\n", "SP0117", 1, "temperature:"),
        ("{decode: f(a, [1, 2], b)}\n", "SP0115", 1, "f(a, [1, 2], b)"),
        ("{decode: f(a, b=[1, {x}])}\n", "SP0115", 1, "f(a, b=[1, {x}])}"),
        ("a: 'x\n", "SP0119", 2, ""),
        ("a: \"\\q\"\n", "SP0119", 1, "q"),
        ('a: "\\UFFFFFFFF"\n', "SP0119", 1, ""),
        ('a: "\\ud800"\n', "SP0103", 1, '"\\ud800"'),
        ("a: *b\n", "SP0111", 1, "*b"),
        ("&a [*a]\n", "SP0112", 1, "*a"),
        ("a: !!python/object:os.system x\n", "SP0109", 1, "!!python/object:os.system"),
        ("a: &x !t y\n", "SP0109", 1, "!t"),
        ("- a\n- b\n--- c\n", "SP0105", 3, "---"),
        ("*a : 1", "SP0111", 1, "*a"),
        ("x: &a y\n*a : 1", "SP0120", 1, "y"),
        ("? \n: 1", "SP0120", 1, ""),
        ("--- \n", "SP0104", 1, "---"),
        ("%YAML " + "1" * 5000 + ".1\n--- a", "SP0119", 1, ""),
    ],
)  # fmt: skip
def test_mistakes(text: str, code: str, line: int, words: str) -> None:
    _, _, mistakes = read_yaml(text.encode(), "plan.yaml")
    assert [each.code for each in mistakes] == [code]
    span = mistakes[0].span
    assert span is not None
    if words:
        assert (span.line, span.text) == (line, words)


def test_not_utf8() -> None:
    node, source, (mistake,) = read_yaml("a: é".encode("latin-1"), "plan.yaml")
    assert node is None and mistake.code == "SP0101" and mistake.span == source.span(3, 4)
    assert read_yaml("a: 1".encode("utf-16"), "plan.yaml")[2][0].code == "SP0101"


def test_too_large() -> None:
    _, _, (mistake,) = read_yaml(b"#" * 300_000, "plan.yaml")
    assert mistake.code == "SP0102" and "300000" in mistake.message()


def test_several_mistakes_in_one_run() -> None:
    _, _, mistakes = read_yaml(b"a: 1\na: !t 2\n<<: {}\n", "plan.yaml")
    assert [each.code for each in mistakes] == ["SP0109", "SP0108", "SP0110"]


LAUGHS = "a0: &a0 [x, x]\n" + "".join(f"a{n}: &a{n} [*a{n - 1}, *a{n - 1}]\n" for n in range(1, 40))
LADDER = "a0: &a0 [x]\n" + "".join(f"a{n}: &a{n} [*a{n - 1}]\n" for n in range(1, 200))
HOSTILE = {
    "nested lists": "[" * 100_000,
    "nested maps": "{a: " * 50_000,
    "nested blocks": "- " * 100_000,
    "indented blocks": "".join(" " * n + "a:\n" for n in range(600)),
    "billion laughs": LAUGHS,
    "a ladder of aliases": LADDER,
    "one key": "a" * 200_000,
    "quotes": '"' * 200_000,
    "anchors": "&a " * 60_000,
    "many keys": "".join(f"k{n}: 1\n" for n in range(20_000)),
    "the same key": "a: 1\n" * 40_000,
    "digits": "a: " + "9" * 200_000,
    "questions": "? " * 50_000,
    "colons": ": " * 50_000,
    "comments": "#\n" * 100_000,
    "tabs": "\t" * 200_000,
    "bad characters": "\x00" * 100_000,
    "blank lines in quotes": "'" + "\n" * 200_000 + "'",
}


@pytest.mark.parametrize("text", HOSTILE.values(), ids=HOSTILE)
def test_hostile_files_end_soon(text: str) -> None:
    before = time.perf_counter()
    node, _, mistakes = read_yaml(text.encode(), "plan.yaml")
    assert node is not None or mistakes
    assert len(mistakes) < 50
    assert time.perf_counter() - before < 10


names = st.from_regex(r"[a-z_][a-z0-9_]{0,5}", fullmatch=True)
gaps = st.sampled_from(["", " ", "  ", "\n", "\n\n", " \n "])


@st.composite
def tokens(draw: st.DrawFn) -> list[str]:
    """The tokens of a call."""
    arguments = draw(
        st.lists(st.tuples(names, names | st.just('"q\'s"') | st.just("[1,2]")), max_size=4, unique_by=lambda x: x[0])
    )
    flat = [part for name, value in arguments for part in (name, "=", value, ",")]
    return [draw(names), "(", *flat, ")"]


def layout(style: str, text: str) -> str:
    lines = text.split("\n")
    match style:
        case "literal" | "folded":
            sign = "|" if style == "literal" else ">"
            return f"before: 1\ndecode: {sign}\n" + "".join(f"    {line}\n" for line in lines) + "after: 2\n"
        case "single":
            return "decode: '" + "\n  ".join(text.replace("'", "''").split("\n")) + "'\n"
        case "double":
            escaped = text.replace("\\", "\\\\").replace('"', '\\"').replace("e", "\\x65")
            return 'decode: "' + "\n  ".join(escaped.split("\n")) + '"\n'
        case _:
            return "decode: &a\n  " + "\n  ".join(lines) + "\nafter: 2\n"


@settings(max_examples=200, deadline=None)
@given(tokens(), st.data(), st.sampled_from(["literal", "folded", "single", "double", "plain"]))
def test_positions_in_random_layouts(parts: list[str], data: st.DataObject, style: str) -> None:
    text = parts[0] + "".join(data.draw(gaps) + part for part in parts[1:])
    value = entry(layout(style, text), "decode").value
    assert isinstance(value, YamlScalar)
    expression, mistakes = parse_expression(value.excerpt)
    assert expression is not None and not mistakes
    for node in walk(expression):
        written = node.function if isinstance(node, Call) else node
        spelled = written.span.text.replace("\\x65", "e").replace('\\"', '"').replace("''", "'")
        assert "".join(spelled.split()) == "".join(str(written).split())


yaml_pieces = st.sampled_from(
    [*"abc:-[]{},#&*!|>'\"%@`? \n\t\r\\~=<", "\n  ", ": ", "- ", "&a ", "*a", "!!str ", "<<: ", "--- ", "...\n", "|\n  ",
     "\\x", "\x85", "\u2028", "\ufeff", "é", "\U0001f600", "\x00", "decode: f(a, b)", '"\\u', "? "]
)  # fmt: skip


@settings(max_examples=300, deadline=None)
@given(
    st.binary(max_size=200)
    | st.text(max_size=100).map(str.encode)
    | st.lists(yaml_pieces, max_size=40).map(lambda parts: "".join(parts).encode("utf-8"))
)
def test_any_bytes_give_nodes_or_diagnostics(data: bytes) -> None:
    node, source, mistakes = read_yaml(data, "plan.yaml")
    assert node is not None or mistakes
    for each in mistakes:
        assert each.message() and (each.span is None or each.span.source == source)


@settings(max_examples=150, deadline=None)
@given(
    st.recursive(
        st.text(max_size=8),
        lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(min_size=1, max_size=6), inner, max_size=3),
        max_leaves=8,
    ),
    st.booleans(),
)
def test_ordinary_yaml_keeps_its_values(value: object, flow: bool) -> None:
    text = yaml.safe_dump(value, default_style='"', default_flow_style=flow, allow_unicode=True)
    node, _, mistakes = read_yaml(text.encode(), "plan.yaml")
    assert mistakes == () and node is not None
    assert plain(node) == value


def plain(node: YamlNode) -> object:
    match node:
        case YamlScalar(value=value):
            return value
        case YamlList(items=items):
            return [plain(each) for each in items]
        case YamlMap(entries=entries):
            return {each.key.value: plain(each.value) for each in entries}


def test_goldens_of_files_that_no_text_can_show(golden: Callable[[str, str], None]) -> None:
    _, _, latin = read_yaml("# café\n".encode("latin-1"), "plan.yaml")
    golden("diagnostics/SP0101.txt", f"a file in Latin-1\n\n----\n\n{render(latin, colour=False)}")
    _, _, large = read_yaml(b"#" * 300_000, "plan.yaml")
    golden("diagnostics/SP0102.txt", f"a file of 300000 bytes\n\n----\n\n{render(large, colour=False)}")
