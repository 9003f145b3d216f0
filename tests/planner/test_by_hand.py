"""Graphs that no plan made: they are read, checked and compiled as they stand, and a slip in them is found where it is."""

from collections.abc import Callable
from pathlib import Path

import pytest

from specplan.planner import CompiledPlan
from specplan.planner.graph import Graph, check_graph, read_graph

Compile = Callable[..., CompiledPlan]
Sound = Callable[[Graph], Graph]

GRAPHS = sorted((Path(__file__).parents[1] / "golden" / "graphs").glob("by_hand_*.txt"))


def text_of(name: str) -> str:
    return next(file for file in GRAPHS if file.stem == f"by_hand_{name}").read_text(encoding="utf-8")


@pytest.mark.parametrize("file", GRAPHS, ids=lambda file: file.stem.removeprefix("by_hand_"))
def test_a_graph_stands_as_it_is_written(file: Path, compiled: Compile, sound: Sound) -> None:
    text = file.read_text(encoding="utf-8")
    graph, found = read_graph(text, file.name)
    assert found == () and graph is not None
    assert str(sound(graph)) == text
    plan = compiled(text, file.name)
    # Rows that a person has packed, and prompts that ride already, are left alone.
    assert str(plan.graph) == text


def test_there_are_graphs_of_every_method() -> None:
    assert len(GRAPHS) == 10


def test_comments_and_blank_lines_say_nothing(sound: Sound) -> None:
    text = text_of("ngram")
    strewn = "# by hand\n\n" + text.replace("\n", "  # why\n\n", 5).replace("\n  step", "\n\n  # each step\n  step")
    graph, found = read_graph(strewn)
    assert found == () and graph is not None
    assert str(sound(graph)) == text


def test_line_ends_do_not_matter() -> None:
    text = text_of("pard")
    for other in (text.replace("\n", "\r\n"), text.rstrip("\n"), text + "\n\n"):
        graph, found = read_graph(other)
        assert found == () and str(graph) == text


# A slip: the graph, what is written instead of what, and the codes, each with the line and a part of the message.
SLIPS = [
    ("ngram", "tokens=8 : guess[0..8]", "tokens=6 : guess[0..8]", [("SP0507", 13, "guess[0..6]")]),
    ("ngram", "path[1..9], done", "path[1..8], done", [("SP0507", 17, "`said` is path[1..9]")]),
    ("ngram", "step(fresh: path[1..9]", "step(fresh: path[1..4]", [("SP0510", 20, "takes path[1..4]")]),
    ("ngram", "lookup(fresh, cache)", "lookup(fresh, held)", [("SP0504", 13, "`held`")]),
    ("ngram", "lookup(fresh, cache)", "lookup(cache, fresh)", [("SP0508", 13, "`lookup`")]),
    ("ngram", "by=recent", "by=recnt", [("SP0508", 13, "`recnt` is not declared")]),
    ("ngram", "by=recent", "bye=recent", [("SP0503", 13, "`bye`")]),
    ("ngram", "rule=exact_match", "rule=rejection", [("SP0512", 1, "exact by rejection")]),
    ("ngram", "rule=exact_match", "rule=typical", [("SP0508", 16, "epsilon")]),
    ("ngram", "max_ngram=3", "max_ngram=-3", [("SP0501", 4, "does not go on")]),
    ("ngram", "by recent", "", []),
    ("hetero_tli", "within=shared, ", "", [("SP0507", 17, "guess[0..5, smol, drawn]")]),
    ("hetero_tli", "chain(fresh, words)", "chain(fresh, guess)", [("SP0508", 19, "not in the vocabulary")]),
    ("hetero_tli", "tli(smol, qwen)", "tli(smol, gemma)", [("SP0508", 6, "`gemma` is not declared")]),
    ("hetero_tli", "draft(owed, memory)", "draft(fresh, memory)", [("SP0508", 17, "not in the vocabulary")]),
    ("hetero_tli", "commit(ahead, said)", "commit(held, said)", [("SP0509", 0, "taken twice")]),
    ("slem", "rule=exact_match", "rule=rejection", [("SP0508", 20, "law is not known")]),
    ("pard", "mask=151665", "dtype=bfloat16", [("SP0505", 4, "`dtype`")]),
    ("pard", ", mask=151665", "", [("SP0508", 14, "mask")]),
    ("pard", "masks=7", "masks=6", [("SP0508", 14, "7 masks")]),
    ("ppd", "nodes=0|2|4|4", "nodes=0|2|4|5", [("SP0508", 5, "its states make")]),
    ("ppd", "00:2 000:0", "00:2 100:0", [("SP0508", 5, "which is not there")]),
    ("ppd", "00:2 000:0", "00:2 0a:0", [("SP0508", 5, "10 ranked guesses")]),
    ("ppd", "depth=3, top=10", "depth=2, top=10", [("SP0508", 5, "2 prompts make 3 states")]),
    ("ppd", "rides=target", "rides=nobody", [("SP0508", 4, "`nobody` is not declared")]),
    ("ppd", ", asks=trees : ", " : ", [("SP0508", 15, "2 results")]),
    ("ppd_drafter", "rule=exact_match", "rule=typical, epsilon=0.1, delta=0.3", [("SP0507", 17, "unknown")]),
    ("ppd_drafter", "until=5", "until=6", [("SP0507", 17, "guess[6..9, drawn]")]),
    ("pipedec", "from=4, to=0..3", "from=3, to=0..3", [("SP0513", 22, "rank 3")]),
    ("pipedec", "commit(ahead, told) keep=frontier", "commit(ahead, said) keep=frontier", [("SP0513", 26, "rank 0")]),
    ("pasta", "stop(heard, threads)", "stop(path, threads)", [("SP0514", 22, "not cut")]),
    ("pasta", "max_forks=8", "max_forks=7", [("SP0508", 24, "7 forks")]),
    ("batch", "cases=1|2|4 : tree", "cases=1|4 : tree", [("SP0508", 15, "one region per case")]),
    ("ngram", "max_ngram=3", "max_ngram=0", [("SP0516", 4, "at least 1, not 0")]),
    (
        "ngram",
        "encode(prompt) by=target",
        "encode(prompt) by=target, template=foo",
        [("SP0516", 8, "one of chat, none")],
    ),
    ("ngram", "max_new_tokens=256", "max_new_tokens=0", [("SP0516", 17, "`max_new_tokens` of `stop`")]),
    ("ngram", "max_new_tokens=256", "max_new_tokens=256, token_ids=[2, 999999]", [("SP0517", 17, "no token 999999")]),
    ("ngram", "tokens[1..", "tokens[1..9", [("SP0508", 9, "and the cache holds")]),
    ("ngram", "until done", "until said", [("SP0511", 20, "`said` is path[1..9]")]),
    ("ngram", " until done", "", [("SP0511", 20, "until when")]),
    ("ngram", "    emit said\n", "", [("SP0511", 19, "emits nothing")]),
    ("ngram", "emit said", "emit kept", [("SP0511", 20, "`step` emits a path")]),
    (
        "ngram",
        "    yield fresh, cache\n\n",
        "    emit fresh\n    yield fresh, cache\n\n",
        [("SP0511", 11, "only a step")],
    ),
    ("ngram", "  lookup recent", "  engine xx\n  lookup recent", [("SP0516", 4, "one of eager")]),
    ("ngram", "  lookup recent", "  engine eager\n  engine onnx\n  lookup recent", [("SP0505", 5, "`onnx`")]),
    ("ngram", "positions=", "positions=0, mask=", [("SP0516", 3, "`positions` of `target` is at least 1")]),
    ("ngram", "entries=151665", "entries=0", [("SP0516", 2, "`entries`")]),
    ("hetero_tli", "top_p=0.95", "top_p=5.0", [("SP0516", 0, "above 0, up to 1")]),
    ("hetero_tli", "temperature=", "top_k=0, temperature=", [("SP0516", 0, "`top_k`")]),
    ("hetero_tli", "temperature=0.7", "temperature=-1.0", [("SP0516", 0, "0 to 100, not -1.0")]),
    ("ppd_drafter", "until=5", "until=0", [("SP0516", 17, "`until` of `repeat`")]),
    ("ppd_drafter", "rule=exact_match", "rule=typical, epsilon=1.5, delta=0.3", [("SP0516", 0, "0 to 1, not 1.5")]),
    ("batch", "cases=1|2|4 : path", "cases=0|2|4 : path", [("SP0516", 0, "not 0|2|4")]),
    ("batch", "yield tree, ahead\n      two", "yield tree\n      two", [("SP0508", 15, "equally many")]),
]


@pytest.mark.parametrize(
    ("name", "old", "new", "wanted"), SLIPS, ids=lambda part: part if isinstance(part, str) else ""
)
def test_a_slip(name: str, old: str, new: str, wanted: list[tuple[str, int, str]]) -> None:
    text = text_of(name)
    graph, found = read_graph(text.replace(old, new, 1))
    found = found or (() if graph is None else check_graph(graph))
    assert bool(found) == bool(wanted)
    for code, line, part in wanted:
        hits = [each for each in found if each.code == code and each.span is not None]
        assert any(line in (0, each.span.line) and part in each.message() for each in hits), found
