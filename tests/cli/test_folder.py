"""Output folders appear whole or not at all, and nobody else's files are touched."""

import hashlib
import json
from pathlib import Path

import pytest

from specplan.cli import folder
from specplan.cli.folder import write_folder
from specplan.grammar import DiagnosticError

FILES = {"graph.txt": "graph a\n", "eager/decode.py": "pass\n"}


def contents(place: Path) -> dict[str, str]:
    return {each.relative_to(place).as_posix(): each.read_text() for each in place.rglob("*") if each.is_file()}


def test_a_new_folder_has_the_files_and_a_manifest(tmp_path: Path) -> None:
    write_folder(str(tmp_path / "deep" / "build"), FILES, {"engine": "eager"}, force=False)
    found = contents(tmp_path / "deep" / "build")
    manifest = json.loads(found.pop("manifest.json"))
    assert found == FILES
    assert manifest["format_version"] == 1
    assert manifest["engine"] == "eager"
    assert manifest["files"]["graph.txt"] == {"bytes": 8, "sha256": hashlib.sha256(b"graph a\n").hexdigest()}
    assert sorted(path.name for path in (tmp_path / "deep").iterdir()) == ["build"]


def test_the_same_files_are_the_same_bytes(tmp_path: Path) -> None:
    for name in ("one", "two"):
        write_folder(str(tmp_path / name), FILES, {}, force=False)
    assert contents(tmp_path / "one") == contents(tmp_path / "two")


def test_a_folder_of_ours_is_replaced_as_a_whole(tmp_path: Path) -> None:
    write_folder(str(tmp_path / "build"), FILES, {}, force=False)
    write_folder(str(tmp_path / "build"), {"graph.txt": "graph b\n"}, {}, force=False)
    assert {*contents(tmp_path / "build")} == {"graph.txt", "manifest.json"}
    assert [path.name for path in tmp_path.iterdir()] == ["build"]


def test_an_empty_folder_is_taken(tmp_path: Path) -> None:
    write_folder(str(tmp_path), FILES, {}, force=False)
    assert {*FILES} < {*contents(tmp_path)}


@pytest.mark.parametrize("stranger", ["thesis.tex", "eager/notes.txt", "manifest.json"])
def test_a_folder_with_something_of_somebody_else_is_refused(tmp_path: Path, stranger: str) -> None:
    place = tmp_path / "build"
    if stranger != "manifest.json":
        write_folder(str(place), FILES, {}, force=False)
    place.mkdir(exist_ok=True)
    (place / stranger).write_text("mine")
    before = contents(place)
    with pytest.raises(DiagnosticError, match=rf"SP0905.*{stranger}"):
        write_folder(str(place), FILES, {}, force=False)
    assert contents(place) == before


def test_force_leaves_what_is_not_ours(tmp_path: Path) -> None:
    (tmp_path / "thesis.tex").write_text("mine")
    write_folder(str(tmp_path), FILES, {}, force=True)
    assert contents(tmp_path)["thesis.tex"] == "mine"
    assert {*FILES} < {*contents(tmp_path)}


def test_a_file_is_no_folder(tmp_path: Path) -> None:
    (tmp_path / "build").write_text("mine")
    for force in (False, True):
        with pytest.raises(DiagnosticError, match="SP0913"):
            write_folder(str(tmp_path / "build"), FILES, {}, force=force)
    assert (tmp_path / "build").read_text() == "mine"


def test_nothing_half_written_stays(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write_folder(str(tmp_path / "build"), FILES, {}, force=False)
    before = contents(tmp_path / "build")
    write = Path.write_bytes

    def full_disk(path: Path, data: bytes) -> int:
        if path.name == "manifest.json":
            raise OSError(28, "No space left on device")
        return write(path, data)

    monkeypatch.setattr(Path, "write_bytes", full_disk)
    with pytest.raises(DiagnosticError, match=r"SP0904.*No space left"):
        write_folder(str(tmp_path / "build"), {"graph.txt": "graph b\n"}, {}, force=False)
    assert contents(tmp_path / "build") == before
    assert [path.name for path in tmp_path.iterdir()] == ["build"]


def test_a_stopped_swap_puts_the_old_folder_back(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write_folder(str(tmp_path / "build"), FILES, {}, force=False)
    before = contents(tmp_path / "build")
    rename = Path.rename

    def interrupted(path: Path, target: Path) -> Path:
        if target.name == "build" and "graph b" in (path / "graph.txt").read_text():
            raise KeyboardInterrupt
        return rename(path, target)

    monkeypatch.setattr(folder.Path, "rename", interrupted)
    with pytest.raises(KeyboardInterrupt):
        write_folder(str(tmp_path / "build"), {"graph.txt": "graph b\n"}, {}, force=False)
    assert contents(tmp_path / "build") == before


@pytest.mark.parametrize("name", ["my__pycache__/thesis.txt", "__pycache__/thesis.txt", "drafts/", "link/"])
def test_nothing_of_somebody_else_is_lost(tmp_path: Path, name: str) -> None:
    place = tmp_path / "build"
    write_folder(str(place), FILES, {}, force=False)
    mine = place / name
    if name == "link/":
        mine.symlink_to(tmp_path)
    elif name.endswith("/"):
        mine.mkdir()
    else:
        mine.parent.mkdir()
        mine.write_text("mine")
    with pytest.raises(DiagnosticError, match="SP0905"):
        write_folder(str(place), FILES, {}, force=False)
    assert mine.exists()


def test_what_running_a_program_leaves_is_replaced(tmp_path: Path) -> None:
    write_folder(str(tmp_path / "build"), FILES, {}, force=False)
    (tmp_path / "build" / "__pycache__").mkdir()
    (tmp_path / "build" / "__pycache__" / "decode.cpython-311.pyc").write_bytes(b"")
    write_folder(str(tmp_path / "build"), FILES, {}, force=False)
    assert not (tmp_path / "build" / "__pycache__").exists()


def test_the_folder_in_which_we_run_stays_itself(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    before = tmp_path.stat().st_ino
    write_folder(".", FILES, {}, force=False)
    write_folder(".", {"graph.txt": "graph b\n"}, {}, force=False)
    assert tmp_path.stat().st_ino == before
    assert {each.name for each in tmp_path.iterdir()} == {"graph.txt", "manifest.json"}


def test_an_empty_name_is_no_folder() -> None:
    with pytest.raises(DiagnosticError, match="the name is empty"):
        write_folder("", FILES, {}, force=False)
