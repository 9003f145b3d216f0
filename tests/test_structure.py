"""The walls of the house: which way imports point, that rooms are entered by their doors, and that all of it ships."""

import ast
import shutil
import subprocess
import sys
import tomllib
import venv
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from graphlib import TopologicalSorter
from importlib import metadata
from pathlib import Path

import pytest

from specplan import __version__

ROOT = Path(__file__).parents[1]
# Who may import whom. The root is the public face and `cli` the top of the house: both may import everything.
MAY_IMPORT = {
    "grammar": set(),
    "specs": set(),
    "planner": {"grammar", "specs"},
    "backends": {"grammar", "planner", "specs"},
    "cli": {"", "grammar", "planner", "backends", "specs"},
}
# Within backends: engines stand on what is shared and do not know each other.
SHARED = {"decoding", "models", "runtime"}
ENGINES = {"reference": SHARED, "eager": SHARED, "onnx": SHARED, "tensorrt": SHARED | {"onnx"}}
# A trained model, as it would be dropped into the clone.
TRAINED = [
    f"specs/trained/some-model/{file}"
    for file in ("README.md", "adapter_config.json", "adapter_model.safetensors", "trained.yaml")
]
HEAVY = {"torch", "transformers", "onnx", "onnxruntime", "numpy", "rich", "jsonschema"}


@dataclass(frozen=True)
class Module:
    """A file of ours, by its dotted parts below `specplan`: () is the root itself."""

    parts: tuple[str, ...]
    file: Path

    @property
    def package(self) -> tuple[str, ...]:
        return self.parts if self.file.name == "__init__.py" else self.parts[:-1]


@dataclass(frozen=True)
class Import:
    """Somewhere in `where`, on `line`, the module `target` is imported."""

    where: Module
    line: int
    target: tuple[str, ...]
    at_top: bool

    def __str__(self) -> str:
        return f"{self.where.file.relative_to(ROOT)}:{self.line} imports specplan.{'.'.join(self.target)}"


def code_folders() -> list[Path]:
    folders = (
        each for each in ROOT.iterdir() if each.is_dir() and each.name not in ("bench", "tests", "build", "dist")
    )
    inside = (folder for each in folders if each.name.isidentifier() for folder in (each, *each.rglob("*")))
    # What has no name for Python holds data alone: a trained model, say.
    packages = (each for each in inside if all(part.isidentifier() for part in each.relative_to(ROOT).parts))
    return [folder for folder in packages if folder.is_dir() and folder.name != "__pycache__"]


def modules() -> dict[tuple[str, ...], Module]:
    found = {}
    for folder in (ROOT, *code_folders()):
        for file in folder.glob("*.py"):
            parts = folder.relative_to(ROOT).parts + (() if file.stem == "__init__" else (file.stem,))
            found[parts] = Module(parts, file)
    return found


MODULES = modules()


def imports_of(module: Module) -> Iterator[Import]:
    tree = ast.parse(module.file.read_bytes())
    top = {id(each) for each in tree.body}
    for node in ast.walk(tree):
        for target in targets(node, module):
            yield Import(module, node.lineno, target, id(node) in top)


def targets(node: ast.AST, module: Module) -> Iterator[tuple[str, ...]]:
    """The modules of ours that an import statement names."""
    match node:
        case ast.Import(names=names):
            for name in names:
                first, *rest = name.name.split(".")
                if first == "specplan":
                    yield tuple(rest)
        case ast.ImportFrom(module=name, names=names, level=level):
            parts = tuple((name or "").split(".")) if name else ()
            if level:
                base = module.package[: len(module.package) - level + 1] + parts
            elif parts[:1] == ("specplan",):
                base = parts[1:]
            else:
                return
            for alias in names:
                inner = (*base, alias.name)
                yield inner if inner in MODULES and alias.name not in names_at_the_door(base) else base


@cache
def names_at_the_door(package: tuple[str, ...]) -> frozenset[str]:
    """What a package's `__init__` imports from its files: `render` may be a file and the function in it."""
    if package not in MODULES:
        return frozenset()
    tree = ast.parse(MODULES[package].file.read_bytes())
    imports = (node for node in tree.body if isinstance(node, ast.ImportFrom) and node.module)
    return frozenset(alias.asname or alias.name for node in imports for alias in node.names)


IMPORTS = [each for module in MODULES.values() for each in imports_of(module)]


def test_there_is_something_to_look_at() -> None:
    assert {"grammar", "planner", "cli"} <= {each.where.parts[0] for each in IMPORTS if each.where.parts}


def test_imports_name_modules_that_exist() -> None:
    assert [str(each) for each in IMPORTS if each.target not in MODULES] == []


def test_arrows_point_one_way() -> None:
    def wrong(each: Import) -> bool:
        if each.where.package == ():
            return False
        room, other = each.where.parts[0], (each.target or ("",))[0]
        return room != other and other not in MAY_IMPORT[room]

    assert [str(each) for each in IMPORTS if wrong(each)] == []


def test_engines_do_not_know_each_other() -> None:
    def wrong(each: Import) -> bool:
        match each.where.parts, each.target:
            case ("backends", engine, *_), ("backends", other, *_) if engine in ENGINES and engine != other:
                return other not in ENGINES[engine]
        return False

    assert [str(each) for each in IMPORTS if wrong(each)] == []


def test_rooms_are_entered_by_their_doors() -> None:
    """A file is imported only from its own folder and the folders inside; everyone else asks the folder."""

    def wrong(each: Import) -> bool:
        target = MODULES[each.target]
        is_door = target.package == target.parts
        return not is_door and each.where.package[: len(target.package)] != target.package

    assert [str(each) for each in IMPORTS if wrong(each)] == []


def test_our_own_code_is_imported_at_the_top() -> None:
    """Only the face tells type checkers what it loads when it is asked for."""
    assert [str(each) for each in IMPORTS if not each.at_top and each.where.parts] == []


def test_the_face_and_the_way_into_the_program_load_nothing_of_ours() -> None:
    code = "import sys, specplan.cli; print(*sorted(each for each in sys.modules if each.startswith('specplan')))"
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, cwd=ROOT.parent, check=True)
    ours = {each for each in run.stdout.split() if not each.startswith("specplan_")}
    assert ours == {"specplan", "specplan.cli", "specplan.cli.entry", "specplan.cli.exit_codes"}


def test_no_import_cycles() -> None:
    graph: dict[tuple[str, ...], set[tuple[str, ...]]] = {parts: set() for parts in MODULES}
    for each in IMPORTS:
        graph[each.where.parts].add(each.target)
    TopologicalSorter(graph).prepare()  # raises CycleError with the cycle in it


def test_every_module_begins_with_a_sentence() -> None:
    silent = [str(each.file) for each in MODULES.values() if not ast.get_docstring(ast.parse(each.file.read_bytes()))]
    assert silent == []


def test_the_package_list_is_the_map_of_the_folders() -> None:
    listed = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["setuptools"]["packages"]
    with_files = {folder for folder in code_folders() if any(each.is_file() for each in folder.iterdir())}
    there = {".".join(("specplan", *folder.relative_to(ROOT).parts)) for folder in (ROOT, *with_files)}
    assert sorted(listed) == sorted(there)
    assert [str(each) for each in with_files if not (each / "__init__.py").exists()] == []


def test_there_is_one_version() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    assert project["version"] == __version__


@pytest.mark.parametrize("words", [["-c", "import specplan"], ["-m", "specplan", "check", "PLAN"]])
def test_light_commands_load_nothing_heavy(words: list[str]) -> None:
    plan = next(iter(sorted((ROOT / "specs" / "plans").glob("*.yaml"))), None)
    if plan is None:
        pytest.skip("no plans are shipped yet")
    words = [str(plan) if each == "PLAN" else each for each in words]
    run = subprocess.run([sys.executable, "-X", "importtime", *words], capture_output=True, text=True, cwd=ROOT.parent)
    assert run.returncode == 0, run.stderr
    loaded = {line.rsplit("|", 1)[1].strip().split(".")[0] for line in run.stderr.splitlines() if "|" in line}
    assert "specplan" in loaded
    assert loaded & HEAVY == set()


@pytest.fixture(scope="module")
def installed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A clean environment with our wheel and the base dependencies in it, and nothing else: its `bin`."""
    place = tmp_path_factory.mktemp("wheel")
    source = place / "source"
    litter = shutil.ignore_patterns(".*", "build", "dist", "*.egg-info", "__pycache__")
    shutil.copytree(ROOT, source, ignore=lambda folder, names: litter(folder, names) | not_shipped(Path(folder)))
    for name in TRAINED:
        (source / name).parent.mkdir(exist_ok=True)
        (source / name).write_bytes(b"")
    build = [sys.executable, "-m", "build", "--wheel", "--no-isolation", "--outdir", str(place), str(source)]
    done = subprocess.run(build, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr
    venv.create(place / "env", with_pip=False, symlinks=True)
    python = place / "env" / "bin" / "python"
    (wheel,) = place.glob("*.whl")
    pip = [sys.executable, "-m", "pip", "--python", str(python), "install", "--quiet", "--no-deps", "--no-index"]
    subprocess.run([*pip, str(wheel)], check=True)
    site = next((place / "env" / "lib").glob("python*/site-packages"))
    for name in base_requirements():
        copy_distribution(name, site)
    return python.parent


def not_shipped(folder: Path) -> set[str]:
    """Scripts and tests lie beside the package's own folders, some of which have such names inside."""
    return {"bench", "tests"} if folder == ROOT else set()


def base_requirements() -> set[str]:
    """What the base install pulls in, all the way down."""
    names, todo = set(), ["specplan"]
    while todo:
        for line in metadata.requires(todo.pop()) or []:
            name = line.split(";")[0].split("[")[0].split(">")[0].split("=")[0].split("<")[0].split("!")[0].strip()
            if "extra ==" not in line and "sys_platform" not in line and name not in names:
                names.add(name)
                todo.append(name)
    return names


def copy_distribution(name: str, site: Path) -> None:
    """Install a library by copying it from here, which asks no registry."""
    for file in metadata.files(name) or []:
        if ".." not in file.parts and "__pycache__" not in file.parts:
            (site / file).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(file.locate(), site / file)


def test_the_wheel_has_every_room(installed: Path) -> None:
    packages = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["setuptools"]["packages"]
    heavy_at_the_door = {"specplan.backends"}  # engines import the libraries of their extra
    light = [each for each in packages if not any(each.startswith(f"{room}.") for room in heavy_at_the_door)]
    code = f"from importlib import import_module, util\nfor name in {light}: import_module(name)\n"
    code += f"assert all(map(util.find_spec, {packages}))"
    subprocess.run([str(installed / "python"), "-c", code], check=True, cwd=installed)


def test_the_wheel_has_every_data_file_and_no_more(installed: Path) -> None:
    site = next((installed.parent / "lib").glob("python*/site-packages"))
    ours = {each.relative_to(site / "specplan") for each in (site / "specplan").rglob("*") if each.is_file()}
    shipped = {each for each in ours if "__pycache__" not in each.parts}
    places = [(ROOT, ROOT.glob("*.py")), *((folder, folder.iterdir()) for folder in code_folders())]
    expected = {file.relative_to(ROOT) for _, files in places for file in files if file.is_file()}
    expected |= {each.relative_to(ROOT) for each in (ROOT / "specs" / "trained").glob("*/*") if "__" not in str(each)}
    assert {each.as_posix() for each in shipped} == {each.as_posix() for each in expected | {Path("py.typed")}} | {
        *TRAINED
    }


def test_the_wheel_checks_a_plan_without_torch(installed: Path) -> None:
    plans = sorted((ROOT / "specs" / "plans").glob("*.yaml"))
    if not plans:
        pytest.skip("no plans are shipped yet")
    run = subprocess.run([str(installed / "specplan"), "check", str(plans[0])], capture_output=True, text=True, cwd="/")
    assert run.returncode == 0, run.stderr
    probe = "import importlib.util as u; assert not any(map(u.find_spec, ['torch', 'numpy', 'transformers']))"
    subprocess.run([str(installed / "python"), "-c", probe], check=True)
