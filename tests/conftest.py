"""What every test may use: the goldens."""

import signal
from collections.abc import Callable
from pathlib import Path

import pytest

GOLDENS = Path(__file__).parent / "golden"


class RootIsNoTestPackage:
    """Pytest would import the root a second time, under the name of the clone's folder, and have every class twice."""

    @pytest.hookimpl(tryfirst=True)
    def pytest_collect_directory(self, path: Path, parent: pytest.Collector) -> pytest.Collector | None:
        return pytest.Dir.from_parent(parent, path=path) if path == parent.config.rootpath else None


def pytest_configure(config: pytest.Config) -> None:
    config.pluginmanager.register(RootIsNoTestPackage())
    # Processes that tests start inherit what became of Ctrl-C; whoever runs us in the background has it ignored.
    if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
        signal.signal(signal.SIGINT, signal.default_int_handler)


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--update-goldens", action="store_true", help="write what came out into tests/golden")


@pytest.fixture
def golden(request: pytest.FixtureRequest) -> Callable[[str, str], None]:
    """Compare a text with the golden of that path, or, under `--update-goldens`, make it the golden."""
    update = request.config.getoption("--update-goldens")

    def compare(path: str, text: str) -> None:
        file = GOLDENS / path
        if update:
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_text(text, encoding="utf-8", newline="")
            return
        assert file.exists(), f"no golden {path} yet: write it with --update-goldens, then read it"
        expected = file.read_bytes().decode()
        assert text == expected, f"{path} has changed: if it should have, --update-goldens, then read the difference"

    return compare
