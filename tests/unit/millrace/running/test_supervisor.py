"""``up`` as a supervisor: what it starts again, how often, and when it gives up."""

import sys
import threading
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

import pytest

from millrace.running import supervisor as supervising
from millrace.running.supervisor import Part, Supervisor
from schemas.errors import MillraceError
from tests.kit.waiting import until

LONG_SECONDS = 0.5
# Appends a mark to a file; lives long the first time, or as often as its argument says, and then not at all.
PROGRAM = """
import sys, time
marks = open(sys.argv[1], "a+")
marks.write("x"); marks.flush(); marks.seek(0)
time.sleep(float(sys.argv[3]) if len(marks.read()) <= int(sys.argv[2]) else 0)
sys.exit(1)
"""


@pytest.fixture(autouse=True)
def _quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(supervising, "PAUSES_SECONDS", (0.01, 0.02))
    monkeypatch.setattr(supervising, "POLL_SECONDS", 0.01)
    monkeypatch.setattr(supervising, "LIVED_SECONDS", LONG_SECONDS)


def part(folder: Path, name: str, long_lives: int, seconds: float = 2 * LONG_SECONDS) -> Part:
    command = [sys.executable, "-c", PROGRAM, str(folder / name), str(long_lives), str(seconds)]
    return Part(name, command, folder / f"{name}.log")


def starts(folder: Path, name: str) -> int:
    marks = folder / name
    return len(marks.read_text()) if marks.exists() else 0


def test_a_part_that_cannot_be_started_ends_all_and_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(supervising, "LIVED_SECONDS", 60)  # starting Python alone may take half a second
    said: list[str] = []
    steady = part(tmp_path, "steady", 1, 60)
    with pytest.raises(MillraceError, match="broken ended 4 times in a row"):
        Supervisor([steady, part(tmp_path, "broken", 0)], said.append, "http://127.0.0.1:1/ready").run()
    assert starts(tmp_path, "broken") == 4
    assert starts(tmp_path, "steady") == 1
    assert steady.child is not None
    assert not steady.child.running


def test_a_part_that_has_worked_is_started_again_without_end_and_the_others_live_on(tmp_path: Path) -> None:
    steady = part(tmp_path, "steady", 1, 60)
    supervisor = Supervisor([part(tmp_path, "worked", 1), steady], lambda _: None, "http://127.0.0.1:1/ready")
    thread = threading.Thread(target=supervisor.run)
    thread.start()
    try:
        until(lambda: starts(tmp_path, "worked") >= 8)
        assert thread.is_alive()
        assert steady.child is not None
        assert steady.child.running
    finally:
        supervisor.ended.set()
        thread.join()
    assert starts(tmp_path, "steady") == 1


def test_a_part_that_waits_for_its_pause_does_not_keep_another_waiting(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(supervising, "PAUSES_SECONDS", (60.0,))
    parts = [part(tmp_path, "first", 0), part(tmp_path, "second", 1, 0.1)]
    said: list[str] = []
    supervisor = Supervisor(parts, said.append, "http://127.0.0.1:1/ready")
    thread = threading.Thread(target=supervisor.run)
    thread.start()
    try:
        until(lambda: len(said) == 2)
    finally:
        supervisor.ended.set()
        thread.join()
    assert {line.split()[0] for line in said} == {"first", "second"}


def test_a_later_part_leaves_the_processor_to_the_others_until_they_answer(tmp_path: Path) -> None:
    waiting = part(tmp_path, "waiting", 1, 60)
    waiting.later = True
    with HTTPServer(("127.0.0.1", 0), BaseHTTPRequestHandler) as server:  # accepts, and does not answer yet
        url = f"http://127.0.0.1:{server.server_port}/ready"
        supervisor = Supervisor([part(tmp_path, "first", 1, 60), waiting], lambda _: None, url)
        with supervisor.started():
            until(lambda: starts(tmp_path, "first") == 1)
            assert waiting.child is None
            server.handle_request()  # with 501, as the class has no handlers: not ready, but there
            until(lambda: starts(tmp_path, "waiting") == 1)
    assert waiting.child is not None
    assert not waiting.child.running


def test_a_supervisor_that_ends_before_the_others_answer_starts_no_later_part(tmp_path: Path) -> None:
    waiting = part(tmp_path, "waiting", 1, 60)
    waiting.later = True
    with Supervisor([part(tmp_path, "first", 1, 60), waiting], lambda _: None, "http://127.0.0.1:1/ready").started():
        until(lambda: starts(tmp_path, "first") == 1)
    assert waiting.child is None
