"""Mistakes that no small example provokes, several in one run, and where in a YAML file a caret points."""

from collections.abc import Callable
from pathlib import Path

import pytest

from specplan.grammar import Diagnostic, DiagnosticError, Severity, render
from specplan.planner import Capabilities, compile_source
from specplan.planner.graph import check_graph, read_graph

Golden = Callable[[str, str], None]
ROOT = Path(__file__).parents[2]
GRAPHS = Path(__file__).parents[1] / "golden" / "graphs"

ONE = "specplan: 1\nmodels:\n  target: {source: smollm2-135m-instruct}\n  kin: {source: smollm2-135m-pard}\n"


def refused(text: str, base: Path = ROOT) -> tuple[Diagnostic, ...]:
    with pytest.raises(DiagnosticError) as caught:
        compile_source(text.encode(), "plan.yaml", base)
    return tuple(each for each in caught.value.diagnostics if each.severity is Severity.ERROR)


def wrong_graph(text: str) -> tuple[Diagnostic, ...]:
    graph, found = read_graph(text)
    return found if graph is None else check_graph(graph)


def final_graph(plan: str) -> str:
    return (GRAPHS / f"{plan}.txt").read_text(encoding="utf-8").partition("----\n\n")[2]


def shown(text: str, found: tuple[Diagnostic, ...]) -> str:
    return f"{text.rstrip()}\n\n----\n\n{render(found, colour=False)}"


# Codes whose examples are words ------------------------------------------------------------------------------------------


def test_wrong_place(golden: Golden) -> None:
    """Nobody told the other ranks what was accepted."""
    lines = [line for line in final_graph("pipeline").splitlines() if "send(" not in line]
    text = "\n".join(lines).replace("told", "said").replace("over", "done")
    found = wrong_graph(text)
    assert {each.code for each in found} == {"SP0513"}
    golden("diagnostics/SP0513.txt", shown(text, found))


def test_uncut_path(golden: Golden) -> None:
    """Guesses behind a tag were made with a view that the tag changes."""
    lines = [line for line in final_graph("pasta_ngram").splitlines() if "cut(" not in line]
    text = "\n".join(lines).replace("heard", "path")
    found = wrong_graph(text)
    assert [each.code for each in found] == ["SP0514"]
    golden("diagnostics/SP0514.txt", shown(text, found))


def test_too_large_a_graph(golden: Golden) -> None:
    deep = "graph deep : exact by definition\n" + "".join(" " * depth + "step()\n" for depth in range(1, 60))
    assert [each.code for each in wrong_graph(deep)] == ["SP0502"]
    long = final_graph("ngram") + "# and so on\n" * 100_000
    found = wrong_graph(long)
    assert [each.code for each in found] == ["SP0502"]
    golden("diagnostics/SP0502.txt", shown("a graph, and after it `# and so on` for more than a megabyte", found))


def test_no_accuracies(tmp_path: Path, golden: Golden) -> None:
    card = "kind: prompts\nrides: smollm2-135m-instruct\ndepth: 3\ntop: 10\n"
    (tmp_path / "prompts.yaml").write_text(card, encoding="utf-8")
    plan = ONE + "  hints: {source: ./prompts.yaml, rides: target}\ndecode: speculate(target, draft=ppd(hints))\n"
    found = refused(plan, tmp_path)
    assert [each.code for each in found] == ["SP0476"]
    text = f"{plan}\nprompts.yaml:\n{card}"
    golden("diagnostics/SP0476.txt", shown(text, found))
    written = plan.replace("ppd(hints)", "ppd(hints, tree=[[0], [1], [0, 0]])")
    assert compile_source(written.encode(), "plan.yaml", tmp_path).graph


def test_an_engine_that_cannot(golden: Golden) -> None:
    plan = ONE + "decode: speculate(target, draft=pard(kin, num_speculative_tokens=4))\nbackend: {engine: onnx}\n"
    known = frozenset({"encode", "prefill", "chain", "verify", "accept", "stop", "commit"})
    engines = {"onnx": Capabilities("onnx", known), "reference": Capabilities("reference", known | {"draft"})}
    found = compile_source(plan.encode(), "plan.yaml", ROOT, backends=engines).diagnostics
    assert [each.code for each in found] == ["SP0601"]
    golden("diagnostics/SP0601.txt", shown(plan, found))
    assert compile_source(plan.encode(), "plan.yaml", ROOT, backends=engines, engine="reference").diagnostics == ()


def test_an_engine_that_there_is_not(golden: Golden) -> None:
    plan = ONE + "decode: autoregressive(target)\n"
    engines = {name: Capabilities(name, frozenset()) for name in ("eager", "onnx", "tensorrt", "reference")}
    with pytest.raises(DiagnosticError) as caught:
        compile_source(plan.encode(), "plan.yaml", ROOT, backends=engines, engine="egaer")
    assert [each.code for each in caught.value.diagnostics] == ["SP0602"]
    golden("diagnostics/SP0602.txt", shown('engine="egaer"', caught.value.diagnostics))


# Several in one run, and what was meant ----------------------------------------------------------------------------------


def test_several_mistakes_in_one_run() -> None:
    plan = ONE + (
        "decode: |\n"
        "  speculate(tagret,\n"
        "    draft = merge(ngrm(max_ngram=99), pard(kin, num_speculative_token=4), draft_model(kin)),\n"
        "    acept = rejection)\n"
        "limits: {context: 16, max_new_tokens: 32}\n"
    )
    found = refused(plan)
    places = {(each.code, each.span.line, each.span.column) for each in found if each.span is not None}
    assert {("SP0256", 6, 13), ("SP0250", 7, 19), ("SP0251", 7, 49), ("SP0253", 7, 75), ("SP0251", 8, 5)} <= places


@pytest.mark.parametrize(
    ("decode", "meant"),
    [
        ("autoregresive(target)", "autoregressive"),
        ("target", "autoregressive(target)"),
        ("pipeline(target, stages=2)", "autoregressive(target)"),
        ("speculate(target, draft=ngrams)", "ngram"),
        ("speculate(target, draft=ngram(max_ngrams=3))", "max_ngram"),
        ("speculate(target, draft=pard(kim, 4))", "kin"),
        ("speculate(target, draft=draft_model(kni, 4))", "kin"),
        ("speculate(target, draft=draft_model(kin, 4, tree=chian))", "chain"),
        ("speculate(target, draft=draft_model(kin, 4, vocab=slim))", "slem"),
        ("speculate(target, draft=ngram, accept=rejecton)", "rejection"),
        ("speculate(target, draft=choose(ngram, none, per=row))", "rows"),
        ("speculate(target, draft=draft_model(kin, 4, vocab=slrs(form=chains)))", "chain"),
    ],
)
def test_what_was_meant(decode: str, meant: str) -> None:
    (found,) = refused(f"{ONE}decode: {decode}\n")
    assert f"did you mean `{meant}`?" in found.help()


# Places in the YAML ------------------------------------------------------------------------------------------------------

LAYOUTS = {
    "plain": "decode: speculate(target, draft=ngrm)\n",
    "plain over lines": "decode:\n  speculate(target,\n    draft=ngrm)\n",
    "literal": "decode: |\n  speculate(\n    target,  # the target\n    draft=ngrm)\n",
    "literal, kept": "decode: |2+  # as it stands\n    speculate(target,\n  draft=ngrm)\n\n",
    "folded": "decode: >-\n  speculate(target,\n\n  draft=ngrm)\n",
    "single quotes": "decode: 'speculate(target,\n  draft=ngrm)'\n",
    "double quotes": 'decode: "speculate(target, \\\n  draft=\\x6egrm)"\n',
    "anchor": "decode: &how speculate(target, draft=ngrm)\n",
    "flow": '"decode": "speculate(target, draft=ngrm)"\n',
    "wide characters": "decode: |\n  # 深い木 é\n  speculate(target, draft=ngrm)\n",
}


@pytest.mark.parametrize("layout", LAYOUTS)
def test_the_caret_stands_in_the_yaml(layout: str) -> None:
    text = ONE + LAYOUTS[layout]
    (found,) = refused(text)
    word = "\\x6egrm" if layout == "double quotes" else "ngrm"
    assert found.span is not None
    assert (found.span.start, found.span.text) == (text.index(word), word)
    line = text[: text.index(word)].count("\n") + 1
    assert (found.span.line, found.span.column) == (line, text.splitlines()[line - 1].index(word) + 1)


def test_the_caret_stands_in_the_yaml_with_windows_line_ends() -> None:
    text = (ONE + LAYOUTS["literal"]).replace("\n", "\r\n")
    (found,) = refused(text)
    assert found.span is not None and (found.span.line, found.span.column, found.span.text) == (8, 11, "ngrm")
