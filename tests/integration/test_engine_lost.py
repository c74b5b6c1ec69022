"""Java that is killed while a session opens."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from tests.crash.parts import MARKS, command_line, descendants

pytestmark = pytest.mark.spark
OPEN = """
from pathlib import Path
import click
from adapters.commands import reports_errors
from adapters.settings import Settings
from adapters.spark import open_session
click.command()(reports_errors(lambda: open_session(Settings(home=Path.cwd()), "lost")))()
"""


@pytest.mark.parametrize("pause", [0.0, 1.5])
def test_java_killed_while_a_session_opens_is_told_in_words(pause: float, tmp_path: Path) -> None:
    run = [sys.executable, "-c", OPEN]
    env = {**os.environ, "PYTHONPATH": str(Path.cwd())}
    with subprocess.Popen(run, cwd=tmp_path, env=env, stderr=subprocess.PIPE, text=True) as process:
        deadline = time.monotonic() + 60
        while not (found := [pid for pid in descendants(process.pid) if MARKS["engine"] in command_line(pid)]):
            assert time.monotonic() < deadline
            time.sleep(0.02)
        time.sleep(pause)
        os.kill(found[-1], signal.SIGKILL)
        _, said = process.communicate(timeout=60)
    assert process.returncode == 1
    assert said.splitlines()[-1].startswith("millrace: "), said
