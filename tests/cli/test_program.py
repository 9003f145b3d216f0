"""The program as a process: its exit codes, its streams, and how it ends when it is cut short."""

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
SPECPLAN = [sys.executable, "-m", "specplan"]


def specplan(*words: str, **options: object) -> subprocess.CompletedProcess[str]:
    environment = {key: value for key, value in os.environ.items() if key not in ("NO_COLOR", "FORCE_COLOR")}
    environment |= options.pop("env", {})  # type: ignore[arg-type]
    return subprocess.run([*SPECPLAN, *words], capture_output=True, text=True, cwd=ROOT, env=environment, **options)  # type: ignore


def test_help_lists_every_command_without_loading_one() -> None:
    run = specplan("--help")
    assert run.returncode == 0
    for name in ("check", "compile", "explain", "run", "models", "explain-code", "schema"):
        assert f"\n  {name} " in run.stdout


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["chek"], "help: did you mean `check`?"),
        (["explain-code", "--formt", "json"], "--format"),
        (["explain-code", "--format", "xml"], "'xml' is not one of 'text', 'json'"),
        (["schema", "more"], "unexpected extra argument"),
        (["check"], "Missing argument 'PLAN'"),
    ],
)
def test_usage_errors_end_with_2(words: list[str], said: str) -> None:
    run = specplan(*words)
    assert (run.returncode, run.stdout) == (2, "")
    assert said in run.stderr


def test_explain_code_tells_a_rule() -> None:
    run = specplan("explain-code", "sp0901")
    assert (run.returncode, run.stderr) == (0, "")
    assert run.stdout.startswith("SP0901 (error): there is no file `{path}`\n")
    assert "\nWrong:\n" in run.stdout
    assert "\nRight:\n" in run.stdout


def test_an_unknown_code_is_a_diagnostic() -> None:
    run = specplan("explain-code", "SP0991")
    assert (run.returncode, run.stdout) == (2, "")
    assert "help: `specplan explain-code` alone lists them all" in run.stderr


@pytest.mark.parametrize(
    ("option", "environment", "coloured"),
    [
        ([], {}, False),
        (["--color", "always"], {}, True),
        (["--color", "always"], {"NO_COLOR": "1"}, True),
        (["--color", "never"], {}, False),
    ],
)
def test_colour_is_for_terminals_or_on_demand(option: list[str], environment: dict[str, str], coloured: bool) -> None:
    assert ("\x1b[" in specplan("explain-code", "SP9", *option, env=environment).stderr) == coloured


def test_a_terminal_gets_colour_unless_no_color_is_set() -> None:
    pty = pytest.importorskip("pty")
    for environment, coloured in (({"TERM": "xterm"}, True), ({"TERM": "xterm", "NO_COLOR": "1"}, False)):
        ours, theirs = pty.openpty()
        without = {key: value for key, value in os.environ.items() if key != "NO_COLOR"}
        subprocess.run([*SPECPLAN, "explain-code", "SP9"], stderr=theirs, env=without | environment, cwd=ROOT)
        os.close(theirs)
        assert (b"\x1b[" in os.read(ours, 10_000)) == coloured
        os.close(ours)


def test_a_reader_that_leaves_ends_us_quietly() -> None:
    process = subprocess.Popen(
        [*SPECPLAN, "explain-code"], stdout=subprocess.PIPE, stderr=subprocess.PIPE, cwd=ROOT, text=True
    )
    assert process.stdout is not None
    process.stdout.close()
    assert process.stderr is not None
    assert (process.stderr.read(), process.wait()) == ("", 141)


@pytest.mark.parametrize("words", ["check /dev/null", "--help", "check --help", "bogus", "check no-such-file", "check"])
def test_a_reader_of_both_streams_that_leaves_ends_us_quietly(words: str) -> None:
    reading, writing = os.pipe()
    os.close(reading)
    run = subprocess.run([*SPECPLAN, *words.split()], stdout=writing, stderr=writing, cwd=ROOT)
    os.close(writing)
    assert run.returncode == 141


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="this system has no full device")
def test_a_full_disk_is_a_diagnostic() -> None:
    with open("/dev/full", "w") as full:
        run = subprocess.run([*SPECPLAN, "explain-code"], stdout=full, stderr=subprocess.PIPE, cwd=ROOT, text=True)
    assert run.returncode == 2
    assert run.stderr.startswith("error[SP0904]: cannot write `<stdout>`: No space left on device\n")


@pytest.mark.parametrize(("closed", "code"), [("<&-", 2), (">&-", 0), ("2>&-", 0), (">&- 2>&-", 0)])
def test_a_closed_stream_is_no_bug_of_ours(closed: str, code: int) -> None:
    words = ["check", "-"] if closed == "<&-" else ["explain-code"]
    script = f'"$0" -m specplan {" ".join(words)} {closed}'
    run = subprocess.run(["sh", "-c", script, sys.executable], capture_output=True, text=True, cwd=ROOT)
    assert run.returncode == code, run.stderr
    if closed == "2>&-":
        failed = subprocess.run(["sh", "-c", '"$0" -m specplan check nothing 2>&-', sys.executable], cwd=ROOT)
        assert failed.returncode == 2
    assert "Traceback" not in run.stderr


def test_control_c_ends_us_quietly() -> None:
    process = subprocess.Popen(
        [*SPECPLAN, "check", "-"], stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, cwd=ROOT
    )
    with pytest.raises(subprocess.TimeoutExpired):
        process.wait(timeout=1)
    process.send_signal(signal.SIGINT)
    output, errors = process.communicate(timeout=10)
    assert (process.returncode, output, errors) == (130, b"", b"\n")


INTERRUPTED_IMPORT = """
import signal, sys

sys.argv[:2], module = ["specplan"], sys.argv[1]

class Interrupt:
    def find_spec(self, name, path=None, target=None):
        if name == module:
            sys.meta_path.remove(self)
            signal.raise_signal(signal.SIGINT)

sys.meta_path.insert(0, Interrupt())
import specplan.cli
specplan.cli.main()
"""


@pytest.mark.parametrize("module", ["click", "lark", "specplan.planner", "specplan.planner.graph", "yaml"])
def test_control_c_while_we_are_loaded_ends_us_quietly(module: str) -> None:
    words = [sys.executable, "-c", INTERRUPTED_IMPORT, module, "check", "-"]
    with subprocess.Popen(
        words, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, cwd=ROOT
    ) as process:
        assert process.wait(timeout=20) == 130
        assert process.stdout is not None and process.stderr is not None
        assert (process.stdout.read(), process.stderr.read().strip()) == (b"", b"")


def test_a_second_control_c_does_not_wait() -> None:
    twice = INTERRUPTED_IMPORT.replace("signal.raise_signal(signal.SIGINT)", 2 * "signal.raise_signal(signal.SIGINT);")
    run = subprocess.run([sys.executable, "-c", twice, "lark", "check", "-"], input=b"", capture_output=True, cwd=ROOT)
    assert (run.returncode, run.stdout, run.stderr) == (130, b"", b"")


def test_control_c_is_ignored_where_whoever_started_us_wants_it_so() -> None:
    ignored = "import signal; signal.signal(signal.SIGINT, signal.SIG_IGN)\n" + INTERRUPTED_IMPORT
    run = subprocess.run([sys.executable, "-c", ignored, "lark", "schema"], capture_output=True, cwd=ROOT)
    assert (run.returncode, run.stderr) == (0, b"")


def test_our_own_mistake_asks_for_a_report() -> None:
    code = "from specplan.cli import program, main; program.program.callback = None; program.COMMANDS['schema'] = ('output', '')"
    run = subprocess.run(
        [sys.executable, "-c", f"{code}; import sys; sys.argv = ['specplan', 'schema']; main()"],
        capture_output=True,
        text=True,
        cwd=ROOT,
    )
    assert (run.returncode, run.stdout) == (70, "")
    assert "This is a bug in specplan" in run.stderr
    assert "Traceback" in run.stderr


def test_the_locale_does_not_change_the_bytes() -> None:
    runs = {
        specplan("explain-code", env={"LC_ALL": locale, "PYTHONUTF8": "0"}).stdout for locale in ("C", "en_US.latin1")
    }
    assert len(runs) == 1
