"""The embedded broker: one for a home, there as long as a command uses it, gone afterwards however these end."""

import fcntl
import json
import os
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path

import pytest

from adapters.broker.embedded import embedded_broker, running_broker, wait_until_stopped
from adapters.broker.home import try_lock
from adapters.broker.keeper import LINGER_SECONDS, POLL_SECONDS
from adapters.log.client import cluster_id
from adapters.log.kafka_log import Log
from schemas.errors import LogUnavailable, SettingsError
from tests.kit.places import ROOT
from tests.kit.waiting import least, seconds, until

pytestmark = pytest.mark.kafka

COMMAND = """
import sys, time
from pathlib import Path
from adapters.broker.embedded import embedded_broker, wait_until_stopped
with embedded_broker(Path(sys.argv[1])) as bootstrap:
    print(bootstrap, flush=True)
    sys.stdin.read()
"""


@pytest.fixture(scope="module")
def shared_home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("home")


@pytest.fixture
def home(shared_home: Path) -> Iterator[Path]:
    """A home used by all these tests one after the other; after each, nothing of its broker runs."""
    yield shared_home
    wait_until_stopped(shared_home)
    assert processes(shared_home) == []


@contextmanager
def command(home: Path) -> Iterator[tuple["subprocess.Popen[bytes]", str]]:
    """Another command that uses the broker until its input ends; yields it and where it found the broker."""
    with subprocess.Popen(
        [sys.executable, "-c", COMMAND, str(home)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        cwd=ROOT,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        start_new_session=True,
    ) as process:
        assert process.stdout
        yield process, process.stdout.readline().decode().strip()


@pytest.mark.deep  # those that race for the start do so, too
def test_commands_that_begin_at_once_share_one_broker(home: Path) -> None:
    with command(home) as (_, one), command(home) as (_, other), embedded_broker(home) as here:
        assert one == other == here
        assert len(processes(home, "kafka.Kafka")) == 1


def test_commands_that_race_for_the_start_share_one_broker(home: Path) -> None:
    together = threading.Barrier(4)

    def use(_: int) -> str:
        with embedded_broker(home) as bootstrap:
            together.wait(120)
            assert len(processes(home, "kafka.Kafka")) == len(processes(home, "adapters.broker.keeper")) == 1
            together.wait(120)  # nobody leaves before all have looked
            return cluster_id(bootstrap, {})

    with ThreadPoolExecutor(4) as pool:
        assert len(set(pool.map(use, range(4)))) == 1


def test_a_restart_keeps_address_identity_and_records(home: Path) -> None:
    with embedded_broker(home) as first:
        log = Log(first)
        log.ensure_topics(2)
        appender = log.appender()
        appender.append_all("events", [(b"k", b"kept")])
        identity, end = log.identity(), log.end_offsets()
    wait_until_stopped(home)
    with embedded_broker(home) as second:
        assert second == first
        assert Log(second).identity() == identity
        assert Log(second).end_offsets() == end
        assert [record.value for record in Log(second).read("events", Log(second).start_offsets(), end)] == [b"kept"]


def test_it_stops_when_its_last_command_is_killed(home: Path) -> None:
    with command(home) as (process, bootstrap):
        assert running_broker(home) == bootstrap
        process.kill()
    wait_until_stopped(home)
    assert running_broker(home) is None
    assert processes(home) == []


def test_it_stays_while_another_command_uses_it(home: Path) -> None:
    with command(home) as (staying, bootstrap):
        with command(home) as (process, _):
            os.killpg(process.pid, signal.SIGINT)  # Ctrl-C in the terminal of the other
        until_it_would_have_stopped(home)
        assert staying.poll() is None
        assert running_broker(home) == bootstrap


def test_ctrl_c_in_the_terminal_that_started_it_does_not_end_it(home: Path) -> None:
    with command(home) as (process, bootstrap), embedded_broker(home):
        os.killpg(process.pid, signal.SIGINT)
        process.wait(120)
        until_it_would_have_stopped(home)
        assert running_broker(home) == bootstrap


def test_a_killed_keeper_takes_the_broker_along_and_the_next_command_starts_it_again(home: Path) -> None:
    with embedded_broker(home) as bootstrap:
        known = cluster_id(bootstrap, {})
        (keeper,) = processes(home, "adapters.broker.keeper")
        os.kill(keeper, signal.SIGKILL)
        until(lambda: processes(home) == [] and running_broker(home) is None)
        with embedded_broker(home) as again:
            assert again == bootstrap
            assert cluster_id(again, {}) == known


def test_a_broker_that_dies_is_not_found_and_the_next_command_starts_it_again(home: Path) -> None:
    with embedded_broker(home) as bootstrap:
        (java,) = processes(home, "kafka.Kafka")
        os.kill(java, signal.SIGKILL)
        until(lambda: processes(home) == [] and running_broker(home) is None)
        assert "the embedded broker ended with status -9" in (home / "kafka" / "keeper.log").read_text()
        with embedded_broker(home) as again:
            assert again == bootstrap


def test_an_announcement_without_a_keeper_misleads_nobody(home: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as stranger:
        address = f"127.0.0.1:{stranger.getsockname()[1]}"
        (home / "broker.json").write_text(json.dumps({"bootstrap": address, "cluster_id": "x"}))
        assert running_broker(home) is None
        with embedded_broker(home) as bootstrap:
            assert bootstrap != address


def test_a_port_that_another_program_took_is_replaced(home: Path) -> None:
    first = use_once(home)
    wait_until_stopped(home)
    with socket.create_server(("127.0.0.1", int(first.split(":")[1]))), embedded_broker(home) as second:
        assert second != first
        assert cluster_id(second, {})


def test_a_command_that_comes_while_it_stops_waits_and_gets_a_new_one(home: Path) -> None:
    with embedded_broker(home):
        (java,) = processes(home, "kafka.Kafka")
    with (home / "broker.users").open("ab") as users:

        def it_stops() -> bool:
            if not try_lock(users.fileno(), fcntl.LOCK_SH):
                return True
            fcntl.flock(users, fcntl.LOCK_UN)
            return False

        until(it_stops, look_every=0.01)
    with embedded_broker(home) as bootstrap:
        assert cluster_id(bootstrap, {})
        assert processes(home, "kafka.Kafka") != [java]


def test_a_forked_copy_of_a_command_does_not_keep_it(home: Path) -> None:
    with embedded_broker(home):
        copy = os.fork()
        if copy == 0:
            time.sleep(600)
            os._exit(0)
    try:
        wait_until_stopped(home, 120)
    finally:
        os.kill(copy, signal.SIGKILL)
        os.waitpid(copy, 0)


def test_finding_it_takes_milliseconds(home: Path) -> None:
    with embedded_broker(home) as bootstrap:
        answers: set[str | None] = set()
        assert least(lambda: seconds(lambda: answers.add(running_broker(home))), 0.5) < 0.5  # a start takes seconds
        assert answers == {bootstrap}


def test_without_java_the_remedy_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.delenv("JAVA_HOME", raising=False)
    with pytest.raises(SettingsError, match=r"Java 17.* install it .* or name a cluster in MILLRACE_KAFKA"):
        use_once(tmp_path)
    wait_until_stopped(tmp_path)


def test_a_start_that_fails_shows_the_end_of_the_brokers_log(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("adapters.machine.jars.jar_folder", lambda name, root: tmp_path)
    with pytest.raises(LogUnavailable, match=r"did not start(.|\n)*Could not find or load main class"):
        use_once(tmp_path)
    wait_until_stopped(tmp_path)
    assert not (tmp_path / "kafka" / "data").exists()


def test_a_home_that_cannot_be_written_is_named() -> None:
    with pytest.raises(SettingsError, match=r"cannot use the home /proc/here: .* MILLRACE_HOME"):
        use_once(Path("/proc/here"))


def use_once(home: Path) -> str:
    """A command that is done at once; where it found the broker."""
    with embedded_broker(home) as bootstrap:
        return bootstrap


def until_it_would_have_stopped(home: Path) -> None:
    """Wait until the keeper has looked for users twice as often as an unused broker lives."""
    (keeper,) = processes(home, "adapters.broker.keeper")

    def looks() -> int:
        lines = Path(f"/proc/{keeper}/status").read_text().splitlines()
        return next(int(line.split()[1]) for line in lines if line.startswith("voluntary_ctxt_switches"))

    before = looks()  # it sleeps once between two looks
    until(lambda: looks() >= before + 2 * LINGER_SECONDS / POLL_SECONDS)


def processes(home: Path, program: str = "") -> list[int]:
    """Running processes whose command line names the home and the program."""
    pids = []
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            line = (folder / "cmdline").read_bytes().replace(b"\0", b" ").decode()
        except OSError:  # it has ended meanwhile
            continue
        if f"{home}" in line and program in line and COMMAND.strip()[:10] not in line:
            pids.append(int(folder.name))
    return [pid for pid in pids if pid != os.getpid()]
