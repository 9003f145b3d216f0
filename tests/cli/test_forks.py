"""Threads over time, drawn for a terminal and as a picture, and what the command that draws them refuses."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Sequence
from pathlib import Path
from xml.etree import ElementTree

import pytest

from specplan.backends.runtime import Fork, Phase, Stepped, ThreadStep, Timeline
from specplan.cli.exits import Exit
from specplan.cli.forks import forks_text
from specplan.cli.forks_picture import forks_svg
from specplan.cli.program import program

PLANS = Path(__file__).parents[2] / "specs" / "plans"
PASTA, NGRAM = str(PLANS / "pasta.yaml"), str(PLANS / "ngram.yaml")
Golden = Callable[[str, str], None]


def woven(lengths: Sequence[tuple[str, int, int]], *, before: int = 3, after: int = 4, most: int = 8) -> Timeline:
    """Some text, then promises (topic, tens, what is said) with some text behind each; a sync, text, and one promise more.

    A thread says a token a step, and at most so many forks at once.
    """
    made, left, phases, row = Timeline(), list[int](), list[Phase](), [*lengths]
    script = ["text"] * before + [each for _ in lengths for each in ("promise", "text", "text")] + ["sync"]
    script += ["text"] * after + ["promise", "text"]
    row.append(("last words", 1, 3))
    while script or any(each in (Phase.QUEUED, Phase.RUNNING) for each in phases):
        said = [each is Phase.RUNNING for each in phases]
        left = [count - now for count, now in zip(left, said, strict=True)]
        phases = [
            Phase.ENDED if now and not count else each for each, now, count in zip(phases, said, left, strict=True)
        ]
        waits = bool(script) and script[0] == "waits"
        word = script.pop(0) if script and not waits else ""
        if word == "promise":
            left.append(row[len(left)][2])
            phases.append(Phase.QUEUED)
            said.append(False)
        script = ["waits", *script] if word == "sync" else script
        for place, each in enumerate(phases):
            if each is Phase.QUEUED and phases.count(Phase.RUNNING) < most:
                phases[place] = Phase.RUNNING
        if script[:1] == ["waits"] and all(each in (Phase.ENDED, Phase.JOINED) for each in phases):
            script, phases = script[1:], [Phase.JOINED for _ in phases]
        main = Phase.WAITING if script[:1] == ["waits"] else Phase.RUNNING if script else Phase.ENDED
        told = [ThreadStep(0, (1,) if word else (), main)]
        for number, (phase, now) in enumerate(zip(phases, said, strict=True), 1):
            topic, tens, _ = row[number - 1]
            told.append(ThreadStep(number, (1,) * now, phase, Fork(0, 0, 40 * tens, topic, tens, 0, phase)))
        made.add(Stepped(1, "", (), 0, 0, None, threads=_untold(made, told)))
    return made


def _untold(made: Timeline, told: list[ThreadStep]) -> tuple[ThreadStep, ...]:
    """Without forks that are as ended as they were."""
    known = {each.thread: each.phase for each in made.forks}
    over = (Phase.ENDED, Phase.JOINED)
    return tuple(each for each in told if not (each.phase in over and known.get(each.thread) is each.phase))


SHORT = [("electrical wires", 2, 18), ("pots and pans", 1, 9), ("", 3, 5)]
LONG = [
    ("electrical wires", 20, 210),
    ("the roofs of churches everywhere", 10, 90),
    ("铜线的用途和更多铜线的用途", 30, 120),
]


@pytest.mark.parametrize(
    ("name", "timeline"), [("short", woven(SHORT, most=2)), ("long", woven(LONG)), ("none", Timeline())]
)
def test_as_a_person_sees_them(name: str, timeline: Timeline, golden: Golden) -> None:
    golden(f"forks/{name}.txt", forks_text(timeline, colour=False))


@pytest.mark.parametrize("steps", [1, 5, 40, 47, 48, 93, 1000, 6000])
def test_lines_have_at_most_eighty_columns(steps: int) -> None:
    drawn = forks_text(woven([("wires", 99, steps)]), colour=False).splitlines()
    assert max(map(len, drawn)) <= 80
    signs = "".join(line[33:] for line in drawn if line.startswith(("main", "1 wires")))
    assert {*"━┳┗┛"} <= {*signs} and {*"┻╋"} & {*signs}


def test_colour_adds_nothing_but_colour() -> None:
    timeline = woven(SHORT, most=2)
    coloured = forks_text(timeline, colour=True)
    assert "\x1b[32m━" in coloured
    assert re.sub("\x1b\\[\\d*m", "", coloured) == forks_text(timeline, colour=False)


@pytest.mark.parametrize("topic", ["\x1b[2J", "a\nb", "x" * 500, "\u202eabc", "\ud800", "e\u0301" * 40])
def test_a_topic_cannot_break_the_lines(topic: str) -> None:
    drawn = forks_text(woven([(topic, 1, 9)]), colour=False)
    assert "\x1b" not in drawn and "\u202e" not in drawn
    assert len(drawn.splitlines()) == 1 + 1 + 3 + 1
    drawn.encode()


def test_a_picture(golden: Golden) -> None:
    rows = [("copper", woven(SHORT, most=2)), (2, woven(LONG))]
    drawn = forks_svg(rows)
    golden("forks/picture.svg", drawn)
    assert drawn == forks_svg(rows)


def test_a_picture_is_xml_whatever_it_is_of() -> None:
    hostile = "<script>&\"'\x00\x1b\ufffe\ud800]]>"
    drawn = forks_svg([(hostile, woven([(hostile, 1, 9)])), (1, woven([], before=1))])
    root = ElementTree.fromstring(drawn)
    assert {each.tag.rpartition("}")[2] for each in root.iter()} == {"svg", "title", "style", "rect", "g", "text"}
    texts = ["".join(each.itertext()) for each in root.iter() if each.tag.endswith("text")]
    assert any(each.startswith("1 <script>&\"'\\x00") for each in texts)


def test_all_rows_have_one_scale() -> None:
    rows = [("a", woven(SHORT)), ("b", woven(LONG))]
    widths = [
        float(each) for each in re.findall(r'<rect x="[\d.]+" y="[\d.]+" width="([\d.]+)" height="10"', forks_svg(rows))
    ]
    assert max(widths) < 640 and min(widths) > 0
    shown = re.findall(r"<title>(\w+), steps (\d+) to (\d+)</title>", forks_svg(rows))
    scales = {
        round(width / (int(last) - int(first) + 1)) for width, (_, first, last) in zip(widths, shown, strict=True)
    }
    assert len(scales) == 1


@pytest.fixture
def run() -> Callable[..., Exit]:
    def run(plan: str, *words: str) -> Exit:
        outcome = program.main(["run", plan, "--engine", "reference", *words], standalone_mode=False)
        assert isinstance(outcome, Exit)
        return outcome

    return run


Run = Callable[..., Exit]


def test_forks_are_shown_behind_each_answer(run: Run, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(PASTA, "--prompt", "Hello", "--prompt", "Good morning", "--show", "forks") is Exit.DONE
    said = capsys.readouterr()
    assert said.out.count("---") == 2 and "<async>" not in said.out
    assert said.err.count("thread  ") == 2
    assert "\x1b" not in said.err
    assert run(PASTA, "--prompt", "Hello", "--show", "forks", "--show", "rounds", "--color", "always") is Exit.DONE
    said = capsys.readouterr()
    assert "\x1b[32m━" in said.err and "step  drafted" in said.err


def test_forks_are_part_of_an_answers_object(run: Run, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(PASTA, "--prompt", "Hello", "--show", "forks", "--format", "json") is Exit.DONE
    value = json.loads(capsys.readouterr().out)
    assert value["forks"]["steps"] == value["stats"]["steps"]
    assert [each["thread"] for each in value["forks"]["threads"]] == [0, 1]
    assert run(PASTA, "--prompt", "Hello", "--format", "json") is Exit.DONE
    assert "forks" not in json.loads(capsys.readouterr().out)


def test_one_picture_of_all_answers(run: Run, tmp_path: Path) -> None:
    words = ("--prompt", "Hello", "--prompt", "caf\udce9", "--prompt", "Good morning", "--show", "forks")
    assert run(PASTA, *words, "--svg", str(tmp_path / "forks.svg")) is Exit.DIAGNOSTICS
    drawn = (tmp_path / "forks.svg").read_text()
    assert "prompt 1: " in drawn and "prompt 3: " in drawn and "prompt 2: " not in drawn


def test_no_picture_of_no_answer(run: Run, tmp_path: Path) -> None:
    picture = tmp_path / "forks.svg"
    assert run(PASTA, "--prompt", "caf\udce9", "--show", "forks", "--svg", str(picture)) is Exit.DIAGNOSTICS
    assert not picture.exists()


@pytest.mark.parametrize(
    ("words", "code"),
    [
        (("--svg", "forks.svg"), "SP0917"),
        (("--svg", "forks.svg", "--show", "rounds"), "SP0917"),
        (("--svg", "-", "--show", "forks"), "SP0917"),
        (("--svg", "", "--show", "forks"), "SP0904"),
        (("--svg", ".", "--show", "forks"), "SP0904"),
        (("--svg", "nowhere/forks.svg", "--show", "forks"), "SP0904"),
    ],
)
def test_pictures_that_nobody_could_have(
    words: tuple[str, ...],
    code: str,
    run: Run,
    capsys: pytest.CaptureFixture[str],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.chdir(tmp_path)
    assert run(PASTA, "--prompt", "Hello", *words) is Exit.USAGE
    said = capsys.readouterr()
    assert said.out == "" and code in said.err
    assert not [*tmp_path.iterdir()]


@pytest.mark.parametrize(
    "words", [("--show", "forks"), ("--keep-annotations",), ("--show", "forks", "--keep-annotations")]
)
def test_a_plan_without_forks_is_told_so(words: tuple[str, ...], run: Run, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(NGRAM, "--prompt", "Hello", *words) is Exit.USAGE
    said = capsys.readouterr()
    assert said.out == "" and said.err.count("error[SP0920]") == sum(each.startswith("--") for each in words)


def test_annotations_are_kept(run: Run, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(PASTA, "--prompt", "Hello") is Exit.DONE
    plain = capsys.readouterr().out
    assert run(PASTA, "--prompt", "Hello", "--keep-annotations") is Exit.DONE
    tagged = capsys.readouterr().out
    assert '<promise topic="untitled" tokens=1/><async>' in tagged
    assert re.sub("<[^>]*>", "", tagged) == plain
    assert run(PASTA, "--prompt", "Hello", "--format", "json") is Exit.DONE
    value = json.loads(capsys.readouterr().out)
    assert (value["text"] + "\n", value["annotated"] + "\n") == (plain, tagged)


def test_there_is_nothing_to_keep_in_json(run: Run, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(PASTA, "--prompt", "Hello", "--keep-annotations", "--format", "json") is Exit.USAGE
    said = capsys.readouterr()
    (diagnostic,) = json.loads(said.err)["diagnostics"]
    assert said.out == "" and diagnostic["code"] == "SP0917" and "`annotated`" in diagnostic["help"][0]


def test_statistics_of_threads(run: Run, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(PASTA, "--prompt", "Hello", "--stats") is Exit.DONE
    told = capsys.readouterr().err
    assert (
        "\nthreads  1 fork with 32 % of the tokens; critical path 15 of 22 tokens, for 20 of text: parallelism 1.33, "
        "the theoretical speed-up over a sequential answer as long\ntags     1 promises, 0 syncs; 0 malformed\n"
    ) in told
