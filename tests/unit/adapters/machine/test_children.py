"""A child ends when its parent does, however the parent ends."""

import os
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from adapters.machine.children import Child, ChildFailed, child, free_port, listening, port_is_free, start
from tests.kit.places import ROOT
from tests.kit.waiting import until

PARENT = """
import sys, threading, time
from pathlib import Path
from adapters.machine.children import start
def begin() -> None:
    child = start("sleeper", ["sh", "-c", "echo up; exec sleep 300"], Path(sys.argv[1]))
    child.wait_until(lambda: "up" in child.last_lines(), 120)
    print(child.process.pid, flush=True)

if sys.argv[2] == "thread":
    thread = threading.Thread(target=begin)
    thread.start()
    thread.join()
else:
    begin()
time.sleep(300)
"""


@pytest.fixture
def sleeper(tmp_path: Path) -> Iterator[Child]:
    with child("sleeper", ["sleep", "300"], tmp_path / "log") as started:
        yield started


@pytest.mark.parametrize("started_from", ["main", "thread"])
def test_a_child_ends_when_its_parent_is_killed(tmp_path: Path, started_from: str) -> None:
    command = [sys.executable, "-c", PARENT, str(tmp_path / "log"), started_from]
    with subprocess.Popen(command, stdout=subprocess.PIPE, cwd=ROOT, env={"PYTHONPATH": str(ROOT)}) as parent:
        assert parent.stdout
        pid = int(parent.stdout.readline())
        assert alive(pid)
        parent.kill()
    until(lambda: not alive(pid))


def test_a_child_outlives_the_thread_that_asked_for_it(tmp_path: Path) -> None:
    started: list[Child] = []
    script = "trap 'echo still here' USR1; echo up; while :; do sleep 0.05; done"

    def ask() -> None:
        started.append(start("listener", ["sh", "-c", script], tmp_path / "log"))
        started[0].wait_until(lambda: "up" in started[0].last_lines(), 120)  # the kernel has been asked by then

    thread = threading.Thread(target=ask)
    thread.start()
    thread.join()
    until(lambda: not Path(f"/proc/self/task/{thread.native_id}").exists())  # the kernel has ended it, too
    started[0].process.send_signal(signal.SIGUSR1)
    until(lambda: "still here" in started[0].last_lines())
    started[0].stop()


def test_a_leash_whose_parent_is_gone_runs_nothing(tmp_path: Path) -> None:
    leash = [sys.executable, "-I", "-S", str(ROOT / "adapters" / "machine" / "leash.py")]
    gone = subprocess.run([*leash, "1", "9", "touch", str(tmp_path / "ran")], check=False)
    assert gone.returncode == 128 + signal.SIGKILL
    assert not (tmp_path / "ran").exists()


def test_a_stop_asks_first_and_kills_what_does_not_listen_with_its_own_children(tmp_path: Path) -> None:
    deaf = "trap '' TERM; sleep 300 & echo $! $$; wait"
    started = start("deaf", ["sh", "-c", deaf], tmp_path / "log")
    started.wait_until(lambda: bool(started.last_lines()), 120)
    grandchild = int(started.last_lines().split()[0])
    started.stop(grace=0.3)
    assert started.process.returncode == -signal.SIGKILL
    until(lambda: not alive(grandchild))


def test_a_stop_lets_a_child_end_in_its_own_way(tmp_path: Path) -> None:
    with child(
        "polite", ["sh", "-c", "trap 'kill $!; echo bye; exit 7' TERM; echo up; sleep 300 & wait"], tmp_path / "log"
    ) as it:
        it.wait_until(lambda: "up" in it.last_lines(), 120)
    assert it.process.returncode == 7
    assert it.last_lines() == "up\nbye"


def test_ctrl_c_of_the_parents_terminal_does_not_reach_a_child(sleeper: Child) -> None:
    assert os.getpgid(sleeper.process.pid) != os.getpgid(0)
    assert os.getsid(sleeper.process.pid) == sleeper.process.pid


def test_a_command_that_cannot_run_says_so_with_the_end_of_its_log(tmp_path: Path) -> None:
    started = start("nothing", ["no-such-program"], tmp_path / "log")
    with pytest.raises(ChildFailed, match=r"nothing ended with status 127:\ncannot run no-such-program: No such file"):
        started.wait_until(lambda: False, 10)


def test_a_child_that_is_not_ready_in_time_is_an_error(sleeper: Child) -> None:
    with pytest.raises(ChildFailed, match=r"sleeper was not ready after 0.1 s"):
        sleeper.wait_until(lambda: False, 0.1)


def test_a_child_started_in_a_forked_copy_ends_with_it(sleeper: Child, tmp_path: Path) -> None:
    """A fork has none of the threads of its parent, so it needs a starting thread of its own."""
    answer, write = os.pipe()
    copy = os.fork()
    if copy == 0:
        begun = start("sleeper", ["sh", "-c", "echo up; exec sleep 300"], tmp_path / "copy")
        begun.wait_until(lambda: "up" in begun.last_lines(), 120)
        os.write(write, str(begun.process.pid).encode())
        time.sleep(300)
    pid = int(os.read(answer, 20))
    assert alive(pid)
    os.kill(copy, signal.SIGKILL)
    os.waitpid(copy, 0)
    until(lambda: not alive(pid))
    assert sleeper.running


def test_a_port_that_a_server_listens_on_is_not_free() -> None:
    port = free_port()
    assert port_is_free(port)
    assert not listening(port)
    with socket.create_server(("127.0.0.1", port)):
        assert not port_is_free(port)
        assert listening(port)


def test_no_port_is_given_out_twice_before_a_server_listens_on_it(monkeypatch: pytest.MonkeyPatch) -> None:
    port = free_port()
    monkeypatch.setattr("adapters.machine.children.SERVER_PORTS", range(port, port + 1))
    with pytest.raises(ChildFailed, match="is free"):
        free_port()
    code = f"from adapters.machine import children; children.SERVER_PORTS = range({port}, {port + 1})\n"
    other = subprocess.run(
        [sys.executable, "-c", code + "children.free_port()"], capture_output=True, text=True, cwd=ROOT
    )
    assert other.returncode == 1
    assert "is free" in other.stderr


def alive(pid: int) -> bool:
    """Whether that process runs; one that has ended and waits for its parent does not."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except FileNotFoundError:
        return False
