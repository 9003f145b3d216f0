"""`specplan calibrate pair`: what it prints, what it writes where, and what it refuses."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from itertools import count
from pathlib import Path

import pytest

from specplan.backends.bench import rehearsal
from specplan.cli import calibrate
from specplan.cli.exits import Exit
from specplan.cli.program import program

SMOLLM2, QWEN2 = "smollm2-135m-instruct", "qwen2.5-coder-1.5b-instruct"


class Letters:
    """The words of a model as letters, so that none has to be fetched."""

    def __init__(self, tokenizer: str, rows: int, *, source: str) -> None:
        self.spelled = [chr(each).encode() for each in range(32, 100 if source == SMOLLM2 else 127)]

    def bytes_of(self, ids: Iterable[int]) -> bytes:
        return b"".join(self.spelled[each] for each in ids)

    def encode(self, text: bytes) -> tuple[int, ...]:
        return tuple(self.spelled.index(bytes([each])) for each in text if 32 <= each < 100)

    def encode_each(self, texts: Sequence[bytes]) -> list[tuple[int, ...]]:
        return [self.encode(each) for each in texts]


@pytest.fixture(autouse=True)
def letters(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(calibrate, "TokenizerWords", Letters)
    monkeypatch.setattr(calibrate, "load_tokenizer", lambda source, folder: source)
    monkeypatch.setattr(calibrate, "model_folder", lambda source, progress: Path(source))
    monkeypatch.setattr(rehearsal, "processor", lambda: "a processor")
    ticks = count()
    monkeypatch.setattr(rehearsal, "perf_counter", lambda: next(ticks) / 8192)


def pair(*words: str) -> object:
    return program.main(["calibrate", "pair", *words], standalone_mode=False)


def test_the_file_is_the_result(capsys: pytest.CaptureFixture[str], golden: Callable[[str, str], None]) -> None:
    assert pair(SMOLLM2, QWEN2) is Exit.DONE
    golden("calibrate/pair.yaml", capsys.readouterr().out)


def test_on_a_text_of_ones_own_into_a_file(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    prompts, file = tmp_path / "prompts.jsonl", tmp_path / "pair.yaml"
    prompts.write_text('{"prompt": "abc"}\n')
    file.write_text("what was there before")
    assert pair(SMOLLM2, QWEN2, "--prompts", str(prompts), "-o", str(file)) is Exit.DONE
    assert capsys.readouterr().out == ""
    assert 'prompts.jsonl: 1 texts, 3 tokens of smollm2, 3 of qwen2"\n' in file.read_text()
    assert sorted(each.name for each in tmp_path.iterdir()) == ["pair.yaml", "prompts.jsonl"]


@pytest.mark.parametrize(
    ("words", "exit_code", "code"),
    [
        ((SMOLLM2, SMOLLM2), Exit.DIAGNOSTICS, "SP0918"),
        ((SMOLLM2, "ppd-smollm2-135m"), Exit.DIAGNOSTICS, "SP0919"),
        ((SMOLLM2, "qwen"), Exit.DIAGNOSTICS, "SP0400"),
        ((SMOLLM2, "./none"), Exit.DIAGNOSTICS, "SP0401"),
        ((SMOLLM2, QWEN2, "--prompts", "none.jsonl"), Exit.USAGE, "SP0901"),
        ((SMOLLM2, QWEN2, "-o", "/proc/none/pair.yaml"), Exit.USAGE, "SP0904"),
        ((SMOLLM2, QWEN2, "-o", "."), Exit.USAGE, "SP0904"),
    ],
)
def test_what_is_refused(
    words: tuple[str, ...], exit_code: Exit, code: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert pair(*words) is exit_code
    said = capsys.readouterr()
    assert said.out == "" and f"[{code}]" in said.err


def test_a_text_without_prompts(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "prompts.jsonl").write_text("\n")
    assert pair(SMOLLM2, QWEN2, "--prompts", str(tmp_path / "prompts.jsonl")) is Exit.USAGE
    assert "SP0907" in capsys.readouterr().err
