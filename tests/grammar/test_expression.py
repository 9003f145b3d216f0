"""The strategy expression: what it reads, what it understands of what is wrong, and that nothing breaks it."""

import json
import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from specplan.grammar import (
    Argument,
    Call,
    Excerpt,
    Expr,
    List,
    Name,
    Number,
    SourceFile,
    Span,
    String,
    parse_expression,
    walk,
)

NOWHERE = Span(SourceFile("", ""), 0, 0)


def read(text: str) -> Expr:
    expression, mistakes = parse_expression(Excerpt.cut(SourceFile("plan.yaml", text)))
    assert expression is not None, mistakes
    assert mistakes == ()
    return expression


def codes(text: str) -> list[str]:
    expression, mistakes = parse_expression(Excerpt.cut(SourceFile("plan.yaml", text)))
    assert expression is None
    return [each.code for each in mistakes]


@pytest.mark.parametrize(
    "text",
    [
        "autoregressive(target)",
        "speculate(target, draft=pard(drafter, num_speculative_tokens=8))",
        "pipeline(speculate(target, draft=draft_model(d, tree=dynamic(width=8, children=4))), stages=[7, 7, 7, 7])",
        'f(-1, 0.25, 1e-05, "a\\"b", [], [[1]], g())',
        "none",
        "7",
    ],
)
def test_printed_as_written(text: str) -> None:
    assert str(read(text)) == text


def test_space_comments_and_last_commas_mean_nothing() -> None:
    text = "f( # the first\n\ta ,\r\n  b = [ 1,2, ],  # a list\n)  # the end"
    assert str(read(text)) == "f(a, b=[1, 2])"


def test_every_node_knows_its_place() -> None:
    text = 'f( a, g(), bc = [1, "x"] )'
    assert [each.span.text for each in walk(read(text))] == [text, "a", "g()", '[1, "x"]', "1", '"x"']
    call = read(text)
    assert isinstance(call, Call)
    assert call.named["bc"].span.text == 'bc = [1, "x"]' and call.positional[0].value == Name("a", NOWHERE)


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("1", 1),
        ("-0", 0),
        ("1.5", 1.5),
        ("1e3", 1000.0),
        ("9223372036854775807", 2**63 - 1),
        ('"\\u00e9\\n\\/"', "é\n/"),
        ('"\\ud83d\\ude00 # no comment"', "\U0001f600 # no comment"),
    ],
)
def test_values(text: str, value: object) -> None:
    node = read(text)
    assert isinstance(node, Number | String) and node.value == value and type(node.value) is type(value)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("f(a, b='x', c: 3x, d e", "SP0203 SP0205 SP0207 SP0214 SP0212"),
        ("f((a))", "SP0202"),
        ("f(a == b)", "SP0205"),
        ("f(a=,)", "SP0215"),
        ("[,]", "SP0215"),
        ("f(]", "SP0213"),
        ("f(a=b=c)", "SP0216"),
        ("f(g(x)=3)", "SP0216"),
        ("a b", "SP0217"),
        ("[a](b)", "SP0217"),
        ("f(‘a’, “b”, `c`)", "SP0203 SP0203 SP0203"),
        ("f(.5, 1., +1, 010, 1_0, 0x1)", "SP0207 SP0207 SP0207 SP0207 SP0207 SP0207"),
        ("f(\ufeffa, \u200bb)", "SP0204 SP0204"),
        ('f("\\ud800")', "SP0211"),
        ('f("a\tb")', "SP0211"),
        ("f(größe, a-b, org/name)", "SP0209 SP0209 SP0209"),
        ("f(a=1, a=2, b, a=3)", "SP0220 SP0219 SP0220"),
        ("f(" * 40, "SP0218"),
        ("1" * 5000, "SP0208"),
        ("f(a]) b", "SP0213"),
        ("", "SP0201"),
        ("\n \t", "SP0201"),
        ("{}", "SP0202 SP0202"),
        ("$" * 1000, " ".join(["SP0202"] * 20)),
        ("a" * 20_000, "SP0221"),
    ],
)
def test_mistakes(text: str, expected: str) -> None:
    assert " ".join(codes(text)) == expected


def place_of(text: str) -> str:
    _, mistakes = parse_expression(Excerpt.cut(SourceFile("plan.yaml", text)))
    span = mistakes[0].span
    assert span is not None
    return span.text


def test_mistakes_point_at_the_words_that_are_wrong() -> None:
    assert place_of('f("good", "wr\\ong")') == "\\o"
    assert place_of("speculate(target, draft: none)") == ":"
    assert place_of("f(a, 3x)") == "3x"


names = st.from_regex(r"[A-Za-z_][A-Za-z0-9_]{0,8}", fullmatch=True)
leaves = (
    st.builds(Name, names, st.just(NOWHERE))
    | st.builds(Number, st.integers(-(2**63) + 1, 2**63 - 1), st.just(NOWHERE))
    | st.builds(Number, st.floats(allow_nan=False, allow_infinity=False), st.just(NOWHERE))
    | st.builds(String, st.text(st.characters(exclude_categories=["Cs"])), st.just(NOWHERE))
)


def calls(inner: st.SearchStrategy[Expr]) -> st.SearchStrategy[Call]:
    by_place = st.lists(st.builds(Argument, st.none(), inner), max_size=3)
    by_name = st.dictionaries(names, inner, max_size=3).map(
        lambda given: [Argument(Name(name, NOWHERE), value) for name, value in given.items()]
    )
    arguments = st.builds(lambda first, then: (*first, *then), by_place, by_name)
    return st.builds(Call, st.builds(Name, names, st.just(NOWHERE)), arguments, st.just(NOWHERE))


expressions = st.recursive(
    leaves,
    lambda inner: calls(inner) | st.builds(List, st.lists(inner, max_size=3).map(tuple), st.just(NOWHERE)),
    max_leaves=12,
)


@settings(max_examples=150, deadline=None)
@given(expressions)
def test_print_and_read_are_inverse(expression: Expr) -> None:
    assert read(str(expression)) == expression


pieces = st.sampled_from(
    [*"()[],=:;#'\"\\{}\n\t -+.", "f(", "a", "1", '"s"', "1e9", "“", "\xa0", "draft=", "é", "\x00"]
)


@settings(max_examples=200, deadline=None)
@given(st.lists(pieces, max_size=60).map("".join) | st.text(max_size=200))
def test_any_text_gives_a_tree_or_diagnostics(text: str) -> None:
    expression, mistakes = parse_expression(Excerpt.cut(SourceFile("plan.yaml", text)))
    assert (expression is None) == bool(mistakes)
    assert all(each.message() and each.span is not None for each in mistakes)


@pytest.mark.parametrize("text", ["(" * 16_000, "f(" * 8_000, "[1," * 5_000, '"' * 16_000, "1" * 16_000, "a=" * 8_000])
def test_hostile_texts_end_soon(text: str) -> None:
    before = time.perf_counter()
    parse_expression(Excerpt.cut(SourceFile("plan.yaml", text)))
    assert time.perf_counter() - before < 2


def test_strings_are_those_of_json() -> None:
    node = read(json.dumps("é\u2028\n\\"))
    assert isinstance(node, String) and node.value == "é\u2028\n\\"
