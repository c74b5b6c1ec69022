"""``serve --workers``: several processes that answer on one port, over a small shop and without a log."""

import json
import os
import re
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack, closing, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

import httpx
import pytest

from adapters.machine.children import free_port, listening
from adapters.records.keys import create_key
from adapters.stores import open_store
from tests.kit.places import ROOT
from tests.kit.serving import fill
from tests.kit.waiting import until

ESTABLISHED = "01"


def children(pid: int) -> set[int]:
    """The processes that a process has started and that run."""
    tasks = Path(f"/proc/{pid}/task").glob("*/children")
    return {int(child) for task in tasks for child in task.read_text().split()}


def counted(port: int) -> float:
    """How many requests for what trends all workers have answered, the ended ones included."""
    with suppress(httpx.HTTPError):
        for line in httpx.get(f"http://127.0.0.1:{port}/metrics", timeout=120).text.splitlines():
            if line.startswith('millrace_http_requests_total{route="/api/v1/trending",status="200"}'):
                return float(line.rpartition(" ")[2])
    return -1.0


def connections(port: int, pid: int) -> int:
    """How many connections to that port a process holds, at the server's end."""
    lines = [line.split() for line in Path("/proc/net/tcp").read_text().splitlines()[1:]]
    here = {line[9] for line in lines if line[1].endswith(f":{port:04X}") and line[3] == ESTABLISHED}
    held = set()
    for file in Path(f"/proc/{pid}/fd").iterdir():
        with suppress(OSError):
            held |= set(re.findall(r"socket:\[(\d+)\]", str(file.readlink())))
    return len(here & held)


@dataclass
class Served:
    """``serve`` with two workers, all ready."""

    parent: "subprocess.Popen[bytes]"
    port: int
    log: Path

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}/api/v1"

    @property
    def workers(self) -> list[int]:
        return sorted(children(self.parent.pid))

    def shares(self) -> list[int]:
        return [connections(self.port, pid) for pid in self.workers]

    def started(self, count: int) -> None:
        """Wait until as many lives of workers could answer."""
        until(lambda: self.log.read_text().count("startup complete") == count, why=self.log.read_text)

    def answer(self) -> str:
        """What a new connection is answered; empty where it is not."""
        with suppress(httpx.HTTPError):
            response = httpx.get(f"{self.url}/trending", timeout=120)
            return response.text if response.status_code == 200 else ""
        return ""


@contextmanager
def serve(folder: Path, *words: str, count: int = 2, **env: str) -> Iterator[Served]:
    port, log = free_port(), folder / "serve.log"
    environment = {**os.environ, "MILLRACE_HOME": str(folder / "shop"), "MILLRACE_KAFKA": "127.0.0.1:1", **env}
    command = [sys.executable, "-m", "millrace", "serve", "--port", str(port), *words]
    with log.open("wb") as output, subprocess.Popen(command, stderr=output, env=environment, cwd=ROOT) as parent:
        try:
            served = Served(parent, port, log)
            served.started(count)
            yield served
        finally:
            parent.kill()
    until(lambda: not listening(port))


@pytest.fixture
def shop(tmp_path: Path) -> Iterator[Path]:
    world = fill(tmp_path / "shop")
    yield tmp_path
    world.batch.close()
    world.speed.close()


def test_workers_give_one_answer_a_killed_one_is_restarted_and_reported_and_all_end_with_their_parent(
    shop: Path,
) -> None:
    rules = shop / "rules.toml"
    rules.write_text('[[rule]]\nname = "first"\npin = 1\nitem = "y1"\n')
    with serve(shop, "--workers", "2", MILLRACE_BUSINESS_RULES=str(rules)) as served:
        until(lambda: "2 workers" in served.log.read_text())
        assert len(served.workers) == 2
        assert len({served.answer() for _ in range(20)}) == 1
        before = counted(served.port)
        assert before >= 20
        rules.write_text("[[rule]]\nboost = 'much'\n")  # the next life of a worker has the last good rules
        killed = served.workers[0]
        os.kill(killed, signal.SIGKILL)
        served.started(3)
        assert "ended; starting it again" in served.log.read_text()
        assert len(set(served.workers) - {killed}) == 2
        assert served.answer()
        assert {counted(served.port) for _ in range(10)} == {before + 1}
        assert len(list((shop / "shop" / "metrics").glob("*/*.numbers"))) == 2
        lists = {httpx.get(f"{served.url}/recommendations/nobody", timeout=120).text for _ in range(20)}
        assert [json.loads(text)["items"][0]["rules"] for text in lists] == [["first"]]
        share_a_rate(shop, served)


def share_a_rate(shop: Path, served: Served) -> None:
    """A key's requests count in all workers together, whichever takes a connection."""
    with closing(open_store(f"sqlite:///{shop / 'shop' / 'batch.sqlite'}")) as store:
        headers = {"X-API-Key": create_key(store, "shop", "read", "7/d", 1)[1]}

    def asked() -> int:
        return httpx.get(f"{served.url}/trending", headers=headers, timeout=120).status_code

    until(lambda: {httpx.get(f"{served.url}/trending", timeout=120).status_code for _ in range(20)} == {401})
    assert sorted(asked() for _ in range(30)) == [200] * 7 + [429] * 23


def test_each_worker_has_half_of_the_connections_and_a_killed_one_takes_down_only_its_own(shop: Path) -> None:
    with serve(shop, "--workers", "2") as served, ExitStack() as stack:
        clients = [stack.enter_context(httpx.Client(base_url=served.url, timeout=120)) for _ in range(64)]
        assert {client.get("/trending").status_code for client in clients} == {200}
        assert served.shares() == [32, 32]
        killed = served.workers[0]
        os.kill(killed, signal.SIGKILL)
        until(lambda: len(served.workers) == 1)
        assert served.shares() == [32]
        # Before the next life of the killed one: its clients are answered by the other, over new connections.
        answered = [asked(client) for client in clients]
        assert answered.count("again") <= 32
        assert {asked(client) for client in clients} == {"at once"}
        served.started(3)
        assert {asked(client) for client in clients} == {"at once"}


def asked(client: httpx.Client) -> str:
    """Whether the connection that the client holds answers; one that is gone is replaced by a new one."""
    try:
        assert client.get("/trending").status_code == 200
    except httpx.TransportError:
        assert client.get("/trending").status_code == 200
        return "again"
    return "at once"


def test_a_port_that_another_program_has_is_refused_before_anything_starts(shop: Path) -> None:
    with serve(shop, "--workers", "2") as served:
        command = [sys.executable, "-m", "millrace", "serve", "--port", str(served.port), "--workers", "3"]
        home = shop / "second"
        env = {**os.environ, "MILLRACE_HOME": str(home)}
        refused = subprocess.run(command, env=env, cwd=ROOT, capture_output=True, text=True, timeout=120, check=False)
        assert refused.returncode == 1
        assert f"cannot serve on 127.0.0.1:{served.port}" in refused.stderr
        assert not home.exists()
        assert served.answer()


@pytest.mark.deep
def test_without_a_number_there_is_a_worker_for_each_core(shop: Path) -> None:
    count = len(os.sched_getaffinity(0))
    with serve(shop, count=count) as served:
        assert len(served.workers) == (count if count > 1 else 0)
