"""Decoders, drafts, trees, vocabularies, rules, batches, pipelines and forks put together, sensibly and not.

Every plan compiles to a sound graph that tells the truth about its law, or is refused with a place and a reason.
"""

from collections.abc import Callable, Iterator
from itertools import cycle

import pytest

from specplan.grammar import Diagnostic, DiagnosticError, Severity
from specplan.planner import CompiledPlan
from specplan.planner.graph import Graph

Compile = Callable[..., CompiledPlan]
Sound = Callable[[Graph], Graph]

# `kin` has the target's vocabulary and a mask, `other` has a mask and another vocabulary.
PLAN = """\
specplan: 1
models:
  target: {{source: smollm2-135m-instruct{tags}}}
  kin: {{source: smollm2-135m-pard}}
  other: {{source: pard-qwen2.5-0.5b}}
  hints: {{source: ppd-smollm2-135m, rides: target}}
  big: {{source: qwen2.5-coder-1.5b-instruct}}
  foreign: {{source: ppd-qwen2.5-coder-1.5b, rides: big}}
decode: |
  {decode}
prompt: {{template: none}}
sampling: {{temperature: {temperature}}}
limits: {{batch: {batch}}}
{guard}"""

BY_A_MODEL = [
    "draft_model(kin, 3)",
    "draft_model(kin, 2, tree=static([3, 2]))",
    "draft_model(kin, 3, tree=dynamic(width=4, children=2, depth=3))",
    "draft_model(kin, 3, temperature=0)",
    "draft_model(kin, 3, temperature=0.5)",
    "draft_model(kin, 3, min_confidence=0.4)",
    "draft_model(kin, 2, tree=static([2, 2]), min_confidence=0.4)",
    "draft_model(kin, 3, tree=dynamic(depth=3), temperature=0.5)",
    "draft_model(kin, 3, tree=sparse(9))",
    "draft_model(kin, 3, tree=static([3]))",
    "draft_model(target, 2)",
    "draft_model(hints, 2)",
    "pard(kin, 3)",
    "pard(kin, 1)",
    "pard(kin, 3, tree=product(6))",
    "pard(target, 2)",
    "pard(hints, 2)",
    "ppd(hints)",
    "ppd(hints, tree=[[0], [1], [0, 0]])",
    "ppd(hints, tree=[])",
    "ppd(hints, tree=[[0, 0, 0, 0]])",
    "ppd(hints, tree=chain)",
    "ppd(kin)",
    "ppd(foreign)",
]
FOREIGN = [
    f"draft_model(other, {tokens}, vocab={vocab}{more})"
    for tokens, vocab, more in [
        (3, "same", ""),
        (3, "auto", ""),
        (3, "slem", ""),
        (3, "slem(max_candidates=4)", ", min_confidence=0.5"),
        (2, "slem", ", tree=static([3, 2])"),
        (3, "slem", ", tree=dynamic(depth=3)"),
        (3, "tli", ""),
        (3, "tli", ", temperature=0"),
        (2, "tli", ", tree=static([2, 2])"),
        (3, "tli", ", tree=dynamic(depth=3)"),
        (3, "slrs", ""),
        (3, "slrs", ", temperature=0"),
        (2, "slrs", ", tree=static([2, 2])"),
        (3, "slrs(form=chain, empty=mask)", ""),
        (1, "slrs(form=one_token)", ""),
        (1, "slrs(form=one_token, empty=mask)", ", temperature=0"),
        (1, "slrs(form=one_token)", ", tree=static([2])"),
        (1, "slrs(form=one_token)", ", min_confidence=0.4"),
        (3, "slrs(form=one_token)", ""),
    ]
]
FOREIGN += [
    f"pard(other, 3, vocab={vocab})" for vocab in ("auto", "slem", "tli", "slrs", "slrs(form=one_token)", "same")
]
FOREIGN += [f"pard(other, 3, tree=product(6), vocab={vocab})" for vocab in ("tli", "slem", "slrs")]
NESTED = [
    "draft_model(speculate(kin, draft=ngram), 3)",
    "draft_model(speculate(kin, draft=none), 3)",
    "draft_model(autoregressive(kin), 3)",
    "draft_model(speculate(kin, draft=pard(kin, 2)), 4)",
    "draft_model(speculate(kin, draft=pard(kin, 2), accept=rejection), 4)",
    "draft_model(speculate(kin, draft=ngram, accept=typical(0.1, 0.3)), 3)",
    "draft_model(speculate(kin, draft=choose(ngram, none)), 3)",
    "draft_model(speculate(kin, draft=choose(pard(kin, 2), none, per=rows)), 3)",
    "draft_model(speculate(kin, draft=merge(ngram, pard(kin, 2))), 3)",
    "draft_model(speculate(kin, draft=draft_model(kin, 2, tree=static([2, 2]))), 3)",
    "draft_model(speculate(kin, draft=draft_model(other, 2, vocab=slem)), 3)",
    "draft_model(speculate(kin, draft=draft_model(speculate(kin, draft=ngram), 2)), 3)",
    "draft_model(speculate(target, draft=ppd(hints)), 3)",
    "draft_model(speculate(kin, draft=ngram), 3, temperature=0)",
    "draft_model(speculate(kin, draft=ngram), 3, temperature=0.5, min_confidence=0.5)",
    "draft_model(speculate(kin, draft=ngram), 2, tree=static([2, 2]))",
    "draft_model(speculate(other, draft=ngram), 3, vocab=tli)",
    "draft_model(speculate(other, draft=ngram), 3, vocab=slem)",
    "draft_model(speculate(other, draft=ngram), 3, vocab=slrs)",
    "draft_model(speculate(other, draft=draft_model(kin, 2, vocab=slem)), 3, vocab=tli)",
    "draft_model(speculate(other, draft=pard(big, 2)), 3, vocab=tli)",
    "draft_model(speculate(big, draft=pard(other, 2)), 3, vocab=tli)",
    "draft_model(speculate(big, draft=ppd(foreign)), 3, vocab=tli)",
    "draft_model(speculate(big, draft=ppd(foreign, tree=[[0]]), accept=typical), 3, vocab=slem)",
    "draft_model(fork_join(pasta(2), autoregressive(kin)), 3)",
    "draft_model(pipeline(autoregressive(kin), 2), 3)",
]
TOGETHER = [
    "merge(ngram, draft_model(kin, 3))",
    "merge(ngram, ppd(hints))",
    "merge(ngram, draft_model(other, 3, vocab=slem))",
    "merge(draft_model(kin, 3), draft_model(other, 3, vocab=tli))",
    "merge(pard(kin, 2), draft_model(kin, 2))",
    "merge(ngram, none)",
    "merge(choose(ngram, none), draft_model(kin, 2))",
    "merge(pard(kin, 2, tree=product(4)), ppd(hints))",
    "merge(draft_model(speculate(kin, draft=ngram), 3), ngram)",
    "merge(merge(ngram, pard(kin, 2)), draft_model(kin, 1))",
    "merge(ppd(hints, tree=[[0]]), ppd(hints, tree=[[0], [1]]))",
    "merge(draft_model(kin, 3, tree=dynamic(depth=3)), ngram)",
    "choose(ngram, none)",
    "choose(ngram, none, per=rows)",
    "choose(ngram, ngram)",
    "choose(choose(ngram, none), none)",
    "choose(draft_model(kin, 5), draft_model(kin, 2), none, per=rows)",
    "choose(ppd(hints), none, per=rows)",
    "choose(ppd(hints), ngram, none)",
    "choose(draft_model(other, 3, vocab=slem), none, per=rows)",
    "choose(draft_model(other, 1, vocab=slrs(form=one_token)), none, per=rows)",
    "choose(merge(ngram, draft_model(kin, 2)), none, per=rows)",
    "choose(draft_model(speculate(kin, draft=ngram), 3), none, per=rows)",
    "choose(pard(kin, 3), draft_model(kin, 3), draft_model(other, 2, vocab=tli), none, per=rows)",
    "choose(pard(kin, 3, tree=product(6)), none, per=rows)",
    "choose(draft_model(kin, 2, tree=static([2, 2])), draft_model(kin, 3, tree=dynamic(depth=3)), none, per=rows)",
]
DRAFTS = ["none", "ngram", "ngram(2, 64)", *BY_A_MODEL, *FOREIGN, *NESTED, *TOGETHER]
AROUND = ["{}", "pipeline({}, stages=2)", "fork_join(pasta(2), {})", "pipeline(fork_join(pasta(2), {}), stages=3)"]
ACCEPTS = ["", "exact_match", "rejection", "typical(0.09, 0.3)"]
# Five against four and three: over all drafts, every rule meets every setting.
SETTINGS = [("0", 1, False), ("0.7", 1, False), ("0.7", 3, False), ("0", 3, True), ("0.7", 1, True)]


def plans(draft: str) -> Iterator[tuple[str, str, str]]:
    """Plans around a draft, each with its accept rule and what is around it."""
    place = DRAFTS.index(draft)
    accepts, settings = cycle(ACCEPTS), cycle(SETTINGS)
    for _ in range(place):
        next(accepts), next(settings)
    for around in AROUND:
        accept, (temperature, batch, guarded) = next(accepts), next(settings)
        decode = around.format(f"speculate(target, draft={draft}{', accept=' if accept else ''}{accept})")
        guard = "guard: {min_speedup: 1.1, window: 8}\n" if guarded else ""
        tags = ", tags: pasta" if "fork" in around else ""
        text = PLAN.format(tags=tags, decode=decode, temperature=temperature, batch=batch, guard=guard)
        yield text, accept, around
        next(accepts)


@pytest.mark.parametrize("draft", DRAFTS)
def test_a_sound_graph_or_a_reason(draft: str, compiled: Compile, sound: Sound) -> None:
    for text, accept, around in plans(draft):
        try:
            plan = compiled(text)
        except DiagnosticError as refused:
            check_reasons(refused.diagnostics)
            continue
        for _, graph in plan.stages:
            sound(graph)
        check_law(plan.graph, draft, accept, around)
        assert compiled(str(plan.graph), "graph.txt").graph == plan.graph


def check_reasons(found: tuple[Diagnostic, ...]) -> None:
    errors = [each for each in found if each.severity is Severity.ERROR]
    assert errors
    assert all(each.span is not None and each.span.text for each in errors)


def check_law(graph: Graph, draft: str, accept: str, around: str) -> None:
    law = graph.law
    guesses = any(node.keyword in ("lookup", "draft", "spell", "probe", "read", "repeat") for node in graph.nodes())
    assert ("fork" in law.approximate) == ("fork" in around)
    assert ("typical" in law.approximate) == (accept.startswith("typical") and guesses)
    if accept in ("exact_match", "rejection") and guesses:
        assert law.exact == (accept,)
    if draft == "none":
        assert law.exact == ("definition",)


def test_all_is_covered(compiled: Compile) -> None:
    """Neither everything is refused nor everything let through."""
    made = refused = 0
    for draft in DRAFTS[::7]:
        for text, _, _ in plans(draft):
            try:
                compiled(text)
                made += 1
            except DiagnosticError:
                refused += 1
    assert made > refused > 5
    assert len(DRAFTS) * len(AROUND) > 300


LAWS = {
    "autoregressive(target)": "exact by definition",
    "speculate(target, draft=ngram)": "exact by exact_match",
    "speculate(target, draft=ngram, accept=rejection)": "exact by rejection",
    "speculate(target, draft=draft_model(kin, 3))": "exact by rejection",
    "speculate(target, draft=draft_model(kin, 3, temperature=0))": "exact by exact_match",
    "speculate(target, draft=draft_model(other, 3, vocab=slem))": "exact by exact_match",
    "speculate(target, draft=draft_model(speculate(kin, draft=ngram, accept=typical), 3))": "exact by exact_match",
    "speculate(target, draft=ngram, accept=typical)": "approximate by typical",
    "speculate(target, draft=none, accept=typical)": "exact by definition",
    "fork_join(pasta(2), autoregressive(target))": "approximate by fork; exact to forked by definition",
    "fork_join(pasta(2), speculate(target, draft=draft_model(kin, 3)))": (
        "approximate by fork; exact to forked by rejection"
    ),
    "fork_join(pasta(2), speculate(target, draft=ngram, accept=typical))": "approximate by fork, typical",
    "pipeline(autoregressive(target), stages=2)": "exact by definition",
    "pipeline(speculate(target, draft=draft_model(kin, 4, tree=dynamic(depth=4))), stages=4)": "exact by exact_match",
}


@pytest.mark.parametrize("decode", LAWS)
def test_law(decode: str, compiled: Compile) -> None:
    tags = ", tags: pasta" if "fork" in decode else ""
    text = PLAN.format(tags=tags, decode=decode, temperature="0.7", batch=1, guard="")
    assert str(compiled(text).graph.law) == LAWS[decode]


NAMES = [
    "smollm2",
    "qwen2",
    "eager",
    "shared",
    "warm",
    "recent",
    "x",
    "by",
    "emit",
    "yield",
    "until",
    "none",
    "start",
    "true",
]


@pytest.mark.parametrize("name", NAMES)
def test_models_may_be_called_anything(name: str, compiled: Compile, sound: Sound) -> None:
    """A vocabulary, an engine or a word of the graph's text of the same name does not mind."""
    for decode in (
        f"speculate({name}, draft=merge(draft_model(other, 3, vocab=tli), ngram))",
        f"speculate(other, draft=draft_model({name}, 3, vocab=tli))",
    ):
        plan = compiled(
            f"specplan: 1\nmodels:\n  {name}: {{source: smollm2-135m-instruct}}\n  other: {{source: pard-qwen2.5-0.5b}}\n"
            f"decode: {decode}\nprompt: {{template: none}}\nsampling: {{temperature: 0.7}}\n",
            f"{name}.yaml",
        )
        assert compiled(str(sound(plan.graph)), "graph.txt").graph == plan.graph
