"""``serve --workers``: several processes that answer on one port, over a small shop and without a log."""

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import httpx
import pytest

from adapters.machine.children import free_port, listening
from tests.kit.serving import fill
from tests.kit.waiting import until


def children(pid: int) -> set[int]:
    """The processes that a process has started and that run."""
    tasks = Path(f"/proc/{pid}/task").glob("*/children")
    return {int(child) for task in tasks for child in task.read_text().split()}


def counted(port: int) -> float:
    """How many requests for what trends all workers have answered, the ended ones included."""
    with suppress(httpx.HTTPError):
        for line in httpx.get(f"http://127.0.0.1:{port}/metrics", timeout=20).text.splitlines():
            if line.startswith('millrace_http_requests_total{route="/api/v1/trending",status="200"}'):
                return float(line.rpartition(" ")[2])
    return -1.0


def answer(url: str) -> str:
    """What a new connection is answered; empty where it is not."""
    with suppress(httpx.HTTPError):
        response = httpx.get(f"{url}/trending", timeout=20)
        return response.text if response.status_code == 200 else ""
    return ""


@pytest.fixture
def port(tmp_path: Path) -> Iterator[int]:
    world = fill(tmp_path / "shop")
    yield free_port()
    world.batch.close()
    world.speed.close()


def test_workers_give_one_answer_a_killed_one_is_restarted_and_reported_and_all_end_with_their_parent(
    tmp_path: Path, port: int
) -> None:
    environment = {**os.environ, "MILLRACE_HOME": str(tmp_path / "shop"), "MILLRACE_KAFKA": "127.0.0.1:1"}
    command = [sys.executable, "-m", "millrace", "serve", "--port", str(port), "--workers", "2"]
    log, url = tmp_path / "serve.log", f"http://127.0.0.1:{port}/api/v1"
    with log.open("wb") as output, subprocess.Popen(command, stderr=output, env=environment) as parent:
        try:
            until(lambda: "2 workers" in log.read_text(), 60)
            until(lambda: log.read_text().count("startup complete") == 2, 60)
            workers = children(parent.pid)
            assert len(workers) == 2
            assert len({answer(url) for _ in range(20)}) == 1
            before = counted(port)
            assert before >= 20
            killed = min(workers)
            os.kill(killed, signal.SIGKILL)
            until(lambda: log.read_text().count("startup complete") == 3, 60)
            assert "ended; starting it again" in log.read_text()
            assert len(children(parent.pid) - {killed}) == 2
            assert answer(url)
            assert {counted(port) for _ in range(10)} == {before + 1}
            assert len(list((tmp_path / "shop" / "metrics").glob("*/*.numbers"))) == 2
        finally:
            parent.kill()
    until(lambda: not listening(port))
