"""The emitted program: its text, that no plan can write code into it, and that it is laid out as a formatter would."""

from __future__ import annotations

import ast
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from specplan.backends import CAPABILITIES
from specplan.backends.eager import emit
from specplan.backends.eager.python_text import Names, laid_out, literal
from specplan.backends.eager.run import load_program
from specplan.backends.runtime.nodes import Model, Sampling
from specplan.planner import compile_source, legalise
from specplan.planner.graph import NODES, Graph, read_graph

PLANS = Path(__file__).parents[3] / "specs" / "plans"
TEMPLATES = Path(__file__).parents[3] / "backends" / "eager" / "templates"
HOSTILE = '"; import os; os.system("x") #\n\\\'\'\'"""{{ 1 }} {% raw %}\u2028\u202e\x00'

ODD_NAMES = """graph odd : exact by exact_match
  vocab bytes size=257
  model print = "tiny" vocab=bytes, dtype=float64, positions=512
  lookup machine max_ngram=3
  sampling accept temperature=0.5, seed=123456789012345

  start(prompt: chat)
    class = encode(prompt) by=print, template=none, system="be \\"good\\"\\n" : tokens[1..200]
    def, verify = prefill(class) by=print : path[1], kv[print, 256]
    yield def, verify

  step(def: path[1..6], verify: kv[print, 256])
    guess = lookup(def, verify) by=machine, tokens=5 : guess[0..5]
    guess.2 = lookup(def, verify) by=machine, tokens=5 : guess[0..5]
    guess_2 = chain(def, guess) : tree[1+0..5]
    accept = chain(def, guess.2) : tree[1+0..5]
    match = merge(guess_2, accept) : tree[1+0..10, depth=0..5]
    scores, emit = verify(match, verify) by=print : logits[1..11], kv[print, 256+11]
    __doc__ = accept(match, scores) rule=exact_match, sampling=accept : path[1..6]
    said, None = stop(__doc__) max_new_tokens=32, strings={strings}, token_ids=[7] : path[1..6], done
    start = commit(emit, said) : kv[print, 256]
    emit said
    yield said, start until None
""".replace("{strings}", r"""["\"; import os #", "it's \u2028 {{ 1 }}"]""")


def shown(graph: Graph) -> str:
    return f"The graph, and what is emitted for it.\n\n{graph}\n\n{emit(graph)['decode.py']}"


def formatted(text: str) -> str:
    """What ruff would make of a program."""
    command = [sys.executable, "-m", "ruff", "format", "--isolated", "--line-length", "120", "-"]
    return subprocess.run(command, input=text, capture_output=True, text=True, check=True).stdout


@pytest.mark.parametrize(
    "name",
    ["autoregressive", "ngram", "draft_model", "merge", "batch", "draft_tree", "dynamic_tree", "nested", "pasta_ngram"],
)
def test_shipped_plans(name: str, golden: Callable[[str, str], None]) -> None:
    compiled = compile_source((PLANS / f"{name}.yaml").read_bytes(), f"{name}.yaml", PLANS)
    assert legalise(compiled.graph, "eager", CAPABILITIES) == ()
    golden(f"eager/{name}.txt", shown(compiled.graph))
    assert formatted(emit(compiled.graph)["decode.py"]) == emit(compiled.graph)["decode.py"]


def test_names_that_mean_something_in_python(golden: Callable[[str, str], None]) -> None:
    graph, found = read_graph(ODD_NAMES, "odd")
    assert graph is not None and not found
    golden("eager/odd_names.txt", shown(graph))
    text = emit(graph)["decode.py"]
    assert formatted(text) == text
    program = load_program(text, "<odd>")
    assert program.__doc__ is not None and "`odd`" in program.__doc__


@given(st.text(max_size=40))
def test_a_string_of_a_plan_stays_a_string(text: str) -> None:
    source = hostile_graph(HOSTILE + text)
    program = load_program(emit(source)["decode.py"], "<hostile>")
    models = [each for each in vars(program).values() if isinstance(each, Model)]
    assert [each.source for each in models] == [HOSTILE + text]
    (call,) = [
        each
        for each in ast.walk(ast.parse(emit(source)["decode.py"]))
        if isinstance(each, ast.Call) and isinstance(each.func, ast.Name) and each.func.id == "stop"
    ]
    (strings,) = [each.value for each in call.keywords if each.arg == "strings"]
    assert ast.literal_eval(strings) == (HOSTILE + text, text or "x")


def hostile_graph(text: str) -> Graph:
    """A graph whose every string is the text; built without its reader, which refuses most of these."""
    from dataclasses import replace

    from specplan.planner.graph import Stop

    graph, _ = read_graph(ODD_NAMES, "odd")
    assert graph is not None
    declared = tuple(replace(each, source=text) if isinstance(each, Model) else each for each in graph.declarations)
    rest = text[len(HOSTILE) :]
    nodes = tuple(
        replace(each, strings=(text, rest or "x")) if isinstance(each, Stop) else each for each in graph.step.nodes
    )
    return replace(graph, declarations=declared, step=replace(graph.step, nodes=nodes))


@given(st.one_of(st.text(), st.integers(), st.floats(allow_nan=False), st.tuples(st.text(), st.text())))
def test_literals_say_what_they_should(value: object) -> None:
    text = literal(value)
    assert ast.literal_eval(text) == value
    assert text.isprintable()


@given(st.lists(st.from_regex(r"\A[A-Za-z_][A-Za-z0-9_.]{0,8}\Z"), unique=True, max_size=12))
def test_every_name_of_a_graph_gets_a_python_name_of_its_own(names: list[str]) -> None:
    taken = Names(["accept", "machine"])
    made = [taken.of(name) for name in names]
    assert len(set(made)) == len(made)
    assert all(each.isidentifier() and each.isascii() for each in made)
    assert not {"accept", "machine", "None", "class", "__doc__"} & set(made)
    assert [taken.of(name) for name in names] == made


@pytest.mark.parametrize("count", [1, 4, 12])
def test_calls_are_laid_out_as_ruff_does(count: int) -> None:
    arguments = ", ".join([*(f"value_{number}" for number in range(count)), 'word="eight", number=-1.5e-07'])
    line = laid_out(f"first, second = function({arguments})", comment="guess[5]")
    assert formatted(f"{line}\n") == f"{line}\n"


def test_every_template_is_a_kind_of_node_and_every_kind_that_runs_has_one() -> None:
    templates = {each.stem for each in TEMPLATES.glob("*.j2")} - {"module"}
    assert templates <= set(NODES)
    assert templates == CAPABILITIES["eager"].nodes


def test_what_a_person_changes_in_the_program_counts() -> None:
    graph, _ = read_graph(ODD_NAMES, "odd")
    assert graph is not None
    text = emit(graph)["decode.py"].replace("temperature=0.5", "temperature=0.25")
    program = load_program(text, "<changed>")
    assert [each.temperature for each in vars(program).values() if isinstance(each, Sampling)] == [0.25]
