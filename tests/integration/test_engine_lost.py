"""What becomes of Java when something happens while a session opens."""

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from adapters.terminal.commands import INTERRUPTED
from tests.kit.places import ROOT
from tests.kit.processes import MARKS, command_line, descendants
from tests.kit.waiting import until

pytestmark = pytest.mark.spark
OPEN = """
from pathlib import Path
import click
from adapters.terminal.commands import reports_errors
from adapters.settings import Settings
from adapters.engine.session import open_session
click.command()(reports_errors(lambda: open_session(Settings(home=Path.cwd()), "lost")))()
"""
READ_WITHOUT = """
import os, signal, threading
from pathlib import Path
from types import SimpleNamespace
import click
from adapters.engine.session import open_session
from adapters.log.kafka_log import Topics
from adapters.settings import Settings
from adapters.terminal.commands import reports_errors
from speed_layer.engine import Reading
from speed_layer.jobs.spark_engine import SparkEngine
from tests.integration.test_engine_lost import is_engine
from tests.kit.processes import command_line, descendants
settings = Settings(home=Path.cwd())
def read():
    engine = SparkEngine(open_session(settings, "lost"), settings)
    for pid in descendants(os.getpid()):
        if is_engine(command_line(pid)):
            os.kill(pid, signal.SIGKILL)
    log = SimpleNamespace(bootstrap="127.0.0.1:1", topics=Topics())
    engine.read(Reading(log, {0: 0}, False, None, None, threading.Event()))
click.command()(reports_errors(read))()
"""


@contextmanager
def opening(folder: Path) -> Iterator[tuple["subprocess.Popen[str]", int]]:
    """A process that opens a session, and its Java that has just been started."""
    run = [sys.executable, "-c", OPEN]
    env = {**os.environ, "PYTHONPATH": str(ROOT)}
    with subprocess.Popen(run, cwd=folder, env=env, stderr=subprocess.PIPE, text=True) as process:
        until(lambda: bool(engines(process)))
        yield process, engines(process)[-1]


def engines(process: "subprocess.Popen[str]") -> list[int]:
    return [pid for pid in descendants(process.pid) if is_engine(command_line(pid))]


def is_engine(command: bytes) -> bool:
    """Neither the shell before it nor the program that makes its command line."""
    return b"java" in command.split(b"\0")[0] and MARKS["engine"] in command and b"launcher.Main" not in command


def last_line(process: "subprocess.Popen[str]") -> str:
    return process.communicate(timeout=120)[1].splitlines()[-1]


def processor_seconds(pid: int) -> float:
    """What the process has used so far."""
    ticks = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[11:13]
    return sum(map(int, ticks)) / os.sysconf("SC_CLK_TCK")


@pytest.mark.parametrize("used", [pytest.param(0.0, marks=pytest.mark.deep), 1.0])
def test_java_killed_while_a_session_opens_is_reported_in_words(used: float, tmp_path: Path) -> None:
    with opening(tmp_path) as (process, engine):
        until(lambda: processor_seconds(engine) >= used)
        os.kill(engine, signal.SIGKILL)
        assert last_line(process).startswith("millrace: ")
    assert process.returncode == 1


@pytest.mark.parametrize("which", [signal.SIGTERM, pytest.param(signal.SIGINT, marks=pytest.mark.deep)])
def test_no_java_is_left_by_a_command_that_was_ended_while_it_started(which: signal.Signals, tmp_path: Path) -> None:
    with opening(tmp_path) as (process, engine):
        process.send_signal(which)
        assert last_line(process) == "millrace: interrupted"
    assert process.returncode == INTERRUPTED
    until(lambda: not command_line(engine))


def test_java_killed_before_a_stream_begins_is_reported_in_words(tmp_path: Path) -> None:
    run, env = [sys.executable, "-c", READ_WITHOUT], {**os.environ, "PYTHONPATH": str(ROOT)}
    with subprocess.Popen(run, cwd=tmp_path, env=env, stderr=subprocess.PIPE, text=True) as process:
        assert last_line(process).startswith("millrace: a process of Spark ended (Java)")
    assert process.returncode == 1
