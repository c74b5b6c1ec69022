"""Ctrl-C and SIGTERM end a command that does not handle them itself."""

import os
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import click
import pytest
from click.testing import CliRunner

from adapters.machine.stopping import INTERRUPTED, until_stopped
from adapters.terminal.commands import reports_errors
from millrace.__main__ import main


@pytest.fixture
def handlers() -> Iterator[None]:
    """Those of the test run come back."""
    kept = {signum: signal.getsignal(signum) for signum in (signal.SIGTERM, signal.SIGINT)}
    yield
    for signum, handler in kept.items():
        signal.signal(signum, handler)


@pytest.mark.usefixtures("handlers")
@pytest.mark.parametrize("which", [signal.SIGTERM, signal.SIGINT])
def test_what_was_begun_is_ended_and_one_sentence_tells(which: signal.Signals) -> None:
    released = []

    @click.command()
    @reports_errors
    def command() -> None:
        try:
            os.kill(os.getpid(), which)
            signal.pause()
        finally:
            released.append(True)

    result = CliRunner().invoke(command)
    assert (result.exit_code, result.output) == (INTERRUPTED, "millrace: interrupted\n")
    assert released


@pytest.mark.usefixtures("handlers")
@pytest.mark.parametrize("which", [signal.SIGTERM, signal.SIGINT])
def test_what_the_engine_says_of_a_job_that_was_cut_off_is_not_shown(which: signal.Signals) -> None:
    @click.command()
    @reports_errors
    def command() -> None:
        try:
            os.kill(os.getpid(), which)
            signal.pause()
        except KeyboardInterrupt:
            raise RuntimeError("Job 7 cancelled\n\tat org.apache.spark.scheduler.DAGScheduler") from None

    result = CliRunner().invoke(command)
    assert (result.exit_code, result.output) == (INTERRUPTED, "millrace: interrupted\n")


@pytest.mark.usefixtures("handlers")
@pytest.mark.parametrize(("which", "status"), [(signal.SIGTERM, 0), (signal.SIGINT, INTERRUPTED)])
def test_what_runs_until_it_is_stopped_ends_in_its_order_with_0_after_sigterm_and_130_after_ctrl_c(
    which: signal.Signals, status: int
) -> None:
    stop = threading.Event()

    @click.command()
    @reports_errors
    def command() -> None:
        with until_stopped(stop.set):
            os.kill(os.getpid(), which)
            assert stop.wait(120)
            click.echo("stopped")

    result = CliRunner().invoke(command)
    assert (result.exit_code, result.output) == (status, "stopped\n")


@pytest.mark.usefixtures("handlers")
def test_ctrl_c_while_a_command_is_imported_is_one_sentence(monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupted(name: str) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("importlib.import_module", interrupted)
    result = CliRunner().invoke(main, ["status"])
    assert (result.exit_code, result.output) == (INTERRUPTED, "millrace: interrupted\n")


@pytest.mark.usefixtures("handlers")
def test_a_file_that_cannot_be_written_is_one_sentence(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    for out in (tmp_path / "file" / "events.jsonl", Path("/proc/events.jsonl"), tmp_path):
        words = ["generate", "--users", "10", "--items", "50", "--events", "10", "--seed", "1", "--out", str(out)]
        result = CliRunner().invoke(main, words)
        assert result.exit_code in (1, 2), out
        assert isinstance(result.exception, SystemExit), out
        assert str(out.parent if out.parent.is_file() else out) in result.output


@pytest.mark.usefixtures("handlers")
@pytest.mark.parametrize("option", ["--offset", "-n"])
def test_a_number_larger_than_any_list_is_wrong_usage(option: str) -> None:
    for number in (2**63 - 1, 2**63, 2**64, 10**30):
        result = CliRunner().invoke(main, ["trending", option, str(number)])
        assert (result.exit_code, type(result.exception)) == (2, SystemExit)


@pytest.mark.parametrize("which", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_after_the_work_does_not_change_the_status(which: signal.Signals) -> None:
    """An ended command takes a while to leave: handlers of its libraries run at exit, and Python takes itself down."""
    script = (
        "import atexit, sys, time, millrace.__main__ as entry\n"
        "def main(**_):\n"
        "    atexit.register(lambda: (print('leaving', flush=True), time.sleep(600)))\n"
        "    sys.exit(0)\n"
        "entry.main = main\nentry.run()"
    )
    with subprocess.Popen([sys.executable, "-c", script], stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "leaving\n"
        process.send_signal(which)
        assert process.wait(120) == 0


def test_sigterm_while_a_command_is_imported_is_one_sentence() -> None:
    script = (
        "import importlib, os, signal, sys; from millrace.__main__ import run; sys.argv = ['millrace', 'status']\n"
        "importlib.import_module = lambda name: os.kill(os.getpid(), signal.SIGTERM)\nrun()"
    )
    ended = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, timeout=120)
    assert (ended.returncode, ended.stderr) == (INTERRUPTED, "millrace: interrupted\n")


def test_a_command_ends_right_after_its_exit_handlers() -> None:
    script = (
        "import sys, time; from millrace.__main__ import run; sys.argv = ['millrace', '--version']\n"
        "class Slow:\n    def __del__(self): time.sleep(600)\nslow = Slow()\nrun()"
    )
    ended = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, timeout=120)
    assert (ended.returncode, ended.stdout.split()[0]) == (0, "millrace")


@pytest.mark.parametrize("word", ["--version", "--help"])
def test_help_that_cannot_be_written_is_one_sentence(word: str) -> None:
    with Path("/dev/full").open("w") as full:
        ended = subprocess.run(
            [sys.executable, "-m", "millrace", word], stdout=full, stderr=subprocess.PIPE, text=True, timeout=120
        )
    said = "millrace: cannot write: No space left on device; free some space or write elsewhere\n"
    assert (ended.returncode, ended.stderr) == (1, said)
