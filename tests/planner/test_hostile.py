"""Whatever a file holds, compiling it ends soon, in a graph or in diagnostics that can be shown."""

import re
from datetime import timedelta
from pathlib import Path

from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from specplan.grammar import DiagnosticError, has_errors, render
from specplan.planner import compile_source
from specplan.planner.graph import check_graph, read_graph
from specplan.planner.signatures import NEEDED, SIGNATURES, Parameter, Signature, Sort

ROOT = Path(__file__).parents[2]
GRAPHS = [
    file.read_text(encoding="utf-8").rpartition("----\n\n")[2]
    for file in sorted((ROOT / "tests" / "golden" / "graphs").glob("*.txt"))
]
TOKEN = re.compile(r'[A-Za-z_][\w.]*|\d+|"[^"]*"|\n *|.')
WORDS = sorted({word for text in GRAPHS for word in TOKEN.findall(text)})
ODD = [
    "999999999999999",
    "0",
    "-1",
    "1.5",
    "1e300",
    "0..",
    "0|1|2",
    "none",
    '"\\ud800"',
    '"',
    "\t",
    "\u2028",
    "é",
    "\n",
]

# A run is cut off where it would be felt; a quiet machine takes a tenth of that.
brief = settings(max_examples=150, deadline=timedelta(seconds=2), suppress_health_check=list(HealthCheck))


def compile_whatever(text: str, name: str) -> None:
    """Nothing but a diagnostic may come out, it can be drawn, and what compiles is sound."""
    try:
        plan = compile_source(text.encode("utf-8", "surrogatepass"), name, ROOT / "specs" / "plans")
    except DiagnosticError as refused:
        assert has_errors(refused.diagnostics)
        assert render(refused.diagnostics, colour=False)
        return
    assert check_graph(plan.graph) == ()
    assert read_graph(str(plan.graph)) == (plan.graph, ())


# Graphs ------------------------------------------------------------------------------------------------------------------


@st.composite
def mutated_graphs(draw: st.DrawFn) -> str:
    """A real graph with a few words, numbers or lines changed."""
    tokens = TOKEN.findall(draw(st.sampled_from(GRAPHS)))
    for _ in range(draw(st.integers(1, 4))):
        place = draw(st.integers(0, len(tokens) - 1))
        numbers = [index for index, token in enumerate(tokens) if token.isdigit()]
        match draw(st.integers(0, 4)):
            case 0:
                tokens[place] = draw(st.sampled_from(ODD + WORDS))
            case 1:
                tokens.insert(place, draw(st.sampled_from(ODD + WORDS)))
            case 2 if len(tokens) > 1:
                del tokens[place]
            case 3 if numbers:
                tokens[draw(st.sampled_from(numbers))] = str(draw(st.sampled_from([0, 1, 2, 3, 64, 10**6, 10**14])))
            case _:
                lines = "".join(tokens).split("\n")
                one, other = (draw(st.integers(0, len(lines) - 1)) for _ in range(2))
                lines[one], lines[other] = lines[other], lines[one]
                tokens = TOKEN.findall("\n".join(lines)) or [" "]
    return "".join(tokens)


@brief
@given(mutated_graphs())
def test_mutated_graphs(text: str) -> None:
    compile_whatever(text, "graph.txt")


@brief
@given(st.lists(st.sampled_from(ODD + WORDS), max_size=60).map("".join))
def test_token_soup(soup: str) -> None:
    read_graph(soup)
    compile_whatever("graph soup : " + soup, "graph.txt")


@brief
@given(st.text(max_size=200))
def test_any_text(text: str) -> None:
    read_graph(text)
    compile_whatever("graph any : exact by " + text, "graph.txt")


def test_deep_and_long_graphs() -> None:
    ngram = next(text for text in GRAPHS if text.startswith("graph ngram"))
    head, step = ngram.split("  step(", 1)
    deep = head + "  step(" + step
    for depth in range(2, 40):
        deep += "  " * depth + "a = repeat(b) until=1 : c\n" + "  " * (depth + 1) + "step(d: e)\n"
    compile_whatever(deep, "graph.txt")
    compile_whatever(ngram.replace("0..8", "|".join(["0..8"] * 20_000)), "graph.txt")
    compile_whatever(ngram.replace("fresh", "f" * 50_000), "graph.txt")
    compile_whatever(ngram.replace("max_ngram=3", "max_ngram=[" + "[" * 5_000), "graph.txt")
    compile_whatever(ngram + "\n" * 500_000, "graph.txt")
    compile_whatever(ngram.replace("(fresh, cache)", f"({', '.join(['fresh'] * 20_000)})"), "graph.txt")


# Plans -------------------------------------------------------------------------------------------------------------------

MODELS = """\
specplan: 1
models:
  target: {source: smollm2-135m-instruct, tags: pasta}
  kin: {source: smollm2-135m-pard}
  other: {source: pard-qwen2.5-0.5b}
  hints: {source: ppd-smollm2-135m, rides: target}
"""
BY_SORT = {sort: [each for each in SIGNATURES if each.sort is sort] for sort in Sort}
NUMBERS = st.sampled_from(["0", "1", "2", "3", "5", "64", "0.3", "1e9", "-1", "99999999999999999999"])


def arguments(parameter: Parameter, depth: int) -> st.SearchStrategy[str]:
    """Texts that a parameter may take, mostly."""
    made: list[st.SearchStrategy[str]] = []
    for sort in parameter.sorts:
        match sort:
            case Sort.MODEL:
                made.append(st.sampled_from(["target", "kin", "kin", "other", "hints", "nobody"]))
            case Sort.INTEGER | Sort.NUMBER:
                made.append(NUMBERS)
            case Sort.INTEGERS:
                made.append(st.lists(NUMBERS, max_size=3).map(lambda items: f"[{', '.join(items)}]"))
            case Sort.WORD:
                made.append(st.sampled_from([*parameter.words, "else"]))
            case _:
                made.append(expressions(sort, depth - 1))
    return st.one_of(*made)


def expressions(sort: Sort, depth: int) -> st.SearchStrategy[str]:
    """Nestings out of the signature table."""
    known = BY_SORT[sort]
    if depth <= 0:
        known = [each for each in known if not each.parameters] or known[:1]
    return st.sampled_from(known).flatmap(lambda signature: calls(signature, depth))


def calls(signature: Signature, depth: int) -> st.SearchStrategy[str]:
    if not signature.parameters:
        return st.just(signature.word)
    named = [
        arguments(each, depth).map(lambda text, name=each.name, many=each.many: text if many else f"{name}={text}")
        for each in signature.parameters
    ]
    needed = [each.default is NEEDED for each in signature.parameters]

    def some(texts: tuple[str, ...], wanted: list[bool]) -> str:
        kept = [text for text, need, want in zip(texts, needed, wanted, strict=True) if need or want]
        return f"{signature.word}({', '.join(kept)})"

    wanted = st.lists(st.booleans(), min_size=len(named), max_size=len(named))
    return st.builds(some, st.tuples(*named), wanted)


@brief
@given(expressions(Sort.DECODER, 5), st.sampled_from(["0", "0.7"]), st.sampled_from([1, 3]))
@example("speculate(target, draft=draft_model(kin, 5, tree=static([64, 64, 64, 64, 64])))", "0", 1)
@example("speculate(target, draft=merge(ngrm, none))", "0", 1)
def test_plans_out_of_the_signatures(decode: str, temperature: str, batch: int) -> None:
    rest = f"prompt: {{template: none}}\nsampling: {{temperature: {temperature}}}\nlimits: {{batch: {batch}}}\n"
    compile_whatever(f"{MODELS}decode: {decode}\n{rest}", "plan.yaml")


@brief
@given(st.text(st.sampled_from('speculate(targ, =[])"#\n1.5_none|:'), max_size=80))
def test_scribbled_strategies(text: str) -> None:
    compile_whatever(f"{MODELS}decode: |\n  {text}\n", "plan.yaml")


def test_deep_and_long_plans() -> None:
    for text in (
        "merge(" * 200 + "none" + ")" * 200,
        f"merge({', '.join(['ngram'] * 2_000)})",
        f"choose({', '.join(['ngram'] * 500)}, none)",
        f"ppd(hints, tree=[{', '.join(f'[{rank}]' for rank in range(3_000))}])",
        f"ppd(hints, tree={'[' * 500})",
    ):
        compile_whatever(f"{MODELS}decode: speculate(target, draft={text})\nprompt: {{template: none}}\n", "plan.yaml")
