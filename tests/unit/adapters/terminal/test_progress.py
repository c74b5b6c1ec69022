"""Long work shows how far it is on a terminal, and nothing where nobody watches."""

import os
import pty
import subprocess
import sys

from tests.kit.places import ROOT

WORK = """
import sys
from adapters.terminal.progress import progress, waiting, watched
with progress("gener[/red]ation", 6) as reached:
    reached(2, now="compute")
    with waiting("an inner wait"):
        print("a line said meanwhile", file=sys.stderr)
    assert list(watched("judging", range(2_500), 2_500)) == list(range(2_500))
    print("data")
"""


def on_a_terminal(code: str) -> tuple[str, str]:
    """What a program shows on its terminal (stderr), and what it prints into a pipe (stdout)."""
    ours, theirs = pty.openpty()
    env = {**os.environ, "PYTHONPATH": str(ROOT), "TERM": "xterm", "COLUMNS": "100"}
    with subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, stderr=theirs, env=env) as process:
        os.close(theirs)
        shown = b""
        try:
            while part := os.read(ours, 65_536):
                shown += part
        except OSError:  # the other end is closed
            pass
        assert process.stdout is not None
        printed = process.stdout.read().decode()
        assert process.wait(120) == 0, shown.decode()
    os.close(ours)
    return shown.decode(), printed


def test_a_terminal_shows_the_work_its_count_and_what_is_said_meanwhile() -> None:
    shown, printed = on_a_terminal(WORK)
    for text in ("gener[/red]ation: compute", "2 of 6", "an inner wait", "a line said meanwhile", "judging"):
        assert text in shown, shown
    assert printed == "data\n"


def test_nothing_is_shown_where_nobody_watches() -> None:
    done = subprocess.run(
        [sys.executable, "-c", WORK],
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        check=True,
    )
    assert (done.stdout, done.stderr) == ("data\n", "a line said meanwhile\n")
