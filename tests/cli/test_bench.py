"""The command around measurements: what it takes, what it writes where, and how it ends."""

import json
import shlex
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import click
import pytest

from specplan.backends.bench import GreedyCertificate, Match, Setting
from specplan.backends.bench.certificate.greedy import Departure, Identity
from specplan.cli.exits import Exit
from specplan.cli.program import program

PLANS = Path(__file__).parents[2] / "specs" / "plans"
NGRAM, TOYS = str(PLANS / "ngram.yaml"), ("--engine", "reference")
Bench = Callable[..., Exit]


@pytest.fixture
def bench(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Bench:
    """`specplan bench` with two prompts and, unless they are told, the toy tables of the reference engine."""
    pytest.importorskip("numpy")
    pytest.importorskip("rich")
    prompts = tmp_path / "prompts.jsonl"
    prompts.write_text('{"id": "a", "prompt": "Hello", "category": "short"}\n{"prompt": "Good morning"}\n')

    def bench(*words: str) -> Exit:
        monkeypatch.setattr("sys.argv", ["specplan", "bench", *words])
        outcome = program.main(["bench", *words, "--prompts", str(prompts)], standalone_mode=False)
        assert isinstance(outcome, Exit)
        return outcome

    return bench


def test_a_table(bench: Bench, capsys: pytest.CaptureFixture[str]) -> None:
    assert bench(NGRAM, *TOYS) is Exit.DONE
    said = capsys.readouterr()
    assert said.out.startswith("ngram: 2 prompts x 1 repeat, ")
    assert "vs autoregressive" in said.out
    assert "\n  short  " in said.out
    assert "skipped transformers: the reference engine runs toy tables" in said.out
    assert "ngram: the same tokens as autoregressive on all 2 prompts\n" in said.out
    assert "SP0915" in said.err and "measuring answers: 6\n" in said.err


def test_json(bench: Bench, capsys: pytest.CaptureFixture[str]) -> None:
    words = (NGRAM, *TOYS, "--against", "autoregressive", "--repeats", "2", "--limit", "1", "--format", "json")
    assert bench(*words) is Exit.DONE
    value = json.loads(capsys.readouterr().out)
    assert value["format_version"] == 1
    assert value["setting"]["command"] == shlex.join(["specplan", "bench", *words])
    assert (value["setting"]["repeats"], value["prompts"]) == (2, 1)
    assert [each["name"] for each in value["contenders"]] == ["ngram", "autoregressive"]


def test_another_plan(bench: Bench, capsys: pytest.CaptureFixture[str]) -> None:
    assert bench(NGRAM, *TOYS, "--against", str(PLANS / "merge.yaml"), "--format", "json") is Exit.DONE
    names = [each["name"] for each in json.loads(capsys.readouterr().out)["contenders"]]
    assert names == ["ngram", "merge"]


def test_a_picture(bench: Bench, tmp_path: Path) -> None:
    pytest.importorskip("matplotlib")
    assert bench(NGRAM, *TOYS, "--plot", str(tmp_path / "ngram.svg")) is Exit.DONE
    assert "<svg" in (tmp_path / "ngram.svg").read_text()


def test_a_picture_needs_its_library_before_anything_is_measured(
    bench: Bench, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    monkeypatch.setitem(sys.modules, "matplotlib", None)
    assert bench(NGRAM, *TOYS, "--plot", str(tmp_path / "ngram.svg")) is Exit.MISSING
    said = capsys.readouterr()
    assert said.out == "" and "SP0906" in said.err and "specplan[bench]" in said.err


def test_an_engine_that_cannot(bench: Bench, capsys: pytest.CaptureFixture[str]) -> None:
    assert bench(NGRAM, "--engine", "onnx") is Exit.MISSING
    assert "SP0912" in capsys.readouterr().err


def test_a_rival_that_cannot_be_read(bench: Bench, capsys: pytest.CaptureFixture[str]) -> None:
    assert bench(NGRAM, *TOYS, "--against", "./nowhere.yaml") is Exit.USAGE
    assert "SP0901" in capsys.readouterr().err


def interrupted_after(count: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """As if somebody pressed Ctrl-C when so many rounds were over."""
    play = Match.play

    def cut(self: Match, counting: Any) -> Iterator[Any]:
        for number, event in enumerate(play(self, counting)):
            if number == count:
                raise KeyboardInterrupt
            yield event

    monkeypatch.setattr(Match, "play", cut)


def test_what_was_measured_before_ctrl_c_is_shown(
    bench: Bench, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    interrupted_after(1, monkeypatch)
    assert bench(NGRAM, *TOYS, "--format", "json") is Exit.INTERRUPTED
    value = json.loads(capsys.readouterr().out)
    assert (value["partial"], value["prompts"]) == (True, 1)


def test_ctrl_c_before_anything_was_measured(
    bench: Bench, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    interrupted_after(0, monkeypatch)
    with pytest.raises(click.Abort):
        bench(NGRAM, *TOYS)
    assert capsys.readouterr().out == ""


SETTING = Setting("ngram", "eager", "cpu", "abacus", 1, "tiny", "float32", True, 1, 8, 1, 0, {})
FAR = Departure("a", 2, token=5, argmax=6, behind=0.5, gap=0.5, unit=1e-6, near=False)


@pytest.mark.parametrize(("departures", "end"), [((), Exit.DONE), ((FAR,), Exit.DIAGNOSTICS)])
def test_a_certificate_is_given_or_not(
    departures: tuple[Departure, ...],
    end: Exit,
    bench: Bench,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    class Examined:
        notes = ()

        def certificate(self, counting: Any) -> GreedyCertificate:
            return GreedyCertificate(SETTING, "exact by exact_match", False, (Identity("a", 8, departures),), ())

    asked: dict[str, Any] = {}
    monkeypatch.setattr("specplan.cli.bench.examine", lambda plan, **how: asked.update(how) or Examined())
    assert bench(NGRAM, "--certify", "--limit", "1") is end
    assert ("NOT EXACT" if departures else "EXACT: all 8 tokens") in capsys.readouterr().out
    assert (asked["limit"], len(asked["cases"])) == (1, 2)
    assert bench(NGRAM, "--certify", "--format", "json") is end
    value = json.loads(capsys.readouterr().out)
    assert (value["format_version"], value["certified"]) == (1, not departures)


def test_toy_tables_are_not_certified(bench: Bench, capsys: pytest.CaptureFixture[str]) -> None:
    assert bench(NGRAM, *TOYS, "--certify") is Exit.DIAGNOSTICS
    said = capsys.readouterr()
    assert said.out == "" and "SP0820" in said.err


@pytest.mark.parametrize(
    "words",
    [("--certify", "--warmup", "1"), ("--certify", "--against", "transformers"), ("--certify", "--plot", "x.svg"),
     ("--redraws", "10"), ("--certify", "--redraws", "10"), ("--plot", "-"), ("--plot", "-", "--format", "json")],
)  # fmt: skip
def test_options_that_would_be_ignored(
    words: tuple[str, ...], bench: Bench, capsys: pytest.CaptureFixture[str]
) -> None:
    assert bench(NGRAM, *TOYS, *words) is Exit.USAGE
    said = capsys.readouterr()
    assert said.out == "" and "SP0917" in said.err


def test_redraws_are_told_to_a_plan_that_samples(bench: Bench, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    plan, asked = tmp_path / "warm.yaml", {}
    plan.write_text(Path(NGRAM).read_text() + "\nsampling: {temperature: 0.7}\n")

    def examine(plan: object, **how: Any) -> None:
        asked.update(how)
        raise click.Abort

    monkeypatch.setattr("specplan.cli.bench.examine", examine)
    with pytest.raises(click.Abort):
        bench(str(plan), "--certify", "--redraws", "70")
    assert asked["redraws"] == 70


@pytest.mark.parametrize("file", ["", "nowhere/plan.svg", "folder", "prompts.jsonl/plan.svg"])
def test_a_picture_that_cannot_be_written_is_refused_before_anything_is_measured(
    file: str, bench: Bench, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    (tmp_path / "folder").mkdir()
    before = sorted(tmp_path.rglob("*"))
    monkeypatch.chdir(tmp_path)
    assert bench(NGRAM, *TOYS, "--plot", file) is Exit.USAGE
    said = capsys.readouterr()
    assert said.out == "" and "SP0904" in said.err and "measuring" not in said.err
    assert sorted(tmp_path.rglob("*")) == before


@pytest.mark.slow
@pytest.mark.parametrize(
    ("sampling", "verdict"), [("", "exact"), ("sampling: {temperature: 0.7, top_p: 0.95}\n", "lossless")]
)
def test_a_real_certificate(sampling: str, verdict: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    pytest.importorskip("torch")
    plan = tmp_path / "short.yaml"
    plan.write_text((PLANS / "ngram.yaml").read_text() + f"\n{sampling}limits: {{max_new_tokens: 16}}\n")
    redraws = ["--redraws", "300"] if sampling else []
    words = ["bench", str(plan), "--certify", "--limit", "2", *redraws, "--format", "json"]
    assert program.main(words, standalone_mode=False) is Exit.DONE
    value = json.loads(capsys.readouterr().out)
    assert (value["verdict"], value["left_out"]) == (verdict, [])


@pytest.mark.slow
def test_real_contenders(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    pytest.importorskip("torch")
    plan = tmp_path / "short.yaml"
    plan.write_text((PLANS / "ngram.yaml").read_text() + "\nlimits: {max_new_tokens: 8}\n")
    words = ["bench", str(plan), "--limit", "2", "--warmup", "0", "--format", "json"]
    assert program.main(words, standalone_mode=False) is Exit.DONE
    value = json.loads(capsys.readouterr().out)
    names = ["short", "autoregressive", "transformers", "transformers-assisted"]
    assert [each["name"] for each in value["contenders"]] == names
    assert [each["name"] for each in value["skipped"]] == ["transformers-assisted-default"]
    assert (value["prompts"], value["left_out"]) == (2, [])
    assert all(each["tokens_per_s"]["median"] > 0 for each in value["contenders"])


def test_a_plan_that_forks_beside_one_that_does_not(bench: Bench, capsys: pytest.CaptureFixture[str]) -> None:
    sequential = str(PLANS / "autoregressive.yaml")
    assert bench(str(PLANS / "pasta.yaml"), *TOYS, "--against", sequential, "--format", "json") is Exit.DONE
    plan, rival = json.loads(capsys.readouterr().out)["contenders"]
    whole = plan["ratios"][0]["whole_answers"]
    assert plan["threads"]["forks"] > 0 and rival["threads"] is None
    assert {"geometric_mean", "median"} <= whole["realised"].keys() & whole["theoretical"].keys()
    assert plan["differing"] is None


def test_the_target_of_a_plan_that_forks_is_no_baseline(bench: Bench, capsys: pytest.CaptureFixture[str]) -> None:
    assert bench(str(PLANS / "pasta.yaml"), *TOYS, "--against", "autoregressive") is Exit.DONE
    assert "skipped autoregressive: alone, the target leaves out what it promises" in capsys.readouterr().out


def test_forks_have_no_certificate(bench: Bench, capsys: pytest.CaptureFixture[str]) -> None:
    assert bench(str(PLANS / "pasta.yaml"), "--certify") is Exit.DIAGNOSTICS
    assert "SP0820" in capsys.readouterr().err
