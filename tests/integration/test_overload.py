"""Twice what the API can take: it turns some away with a remedy, loses nothing it acknowledged, and recovers by itself.

MILLRACE_SOAK_SECONDS makes it longer; 900 is the soak of a release.
"""

import asyncio
import json
import os
import subprocess
import sys
import time
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path

import httpx
import pytest

from adapters.log.kafka_log import Log
from adapters.machine.children import free_port
from tests.kit.serving import fill
from tests.kit.waiting import until

SECONDS = float(os.environ.get("MILLRACE_SOAK_SECONDS", "20"))
CALM_SECONDS, CLIENTS, MOST_CONNECTIONS = 4.0, 32, 700
GROWTH_BYTES = 48 << 20  # of a process between the middle and the end of the load

pytestmark = [pytest.mark.kafka, pytest.mark.deep]


@dataclass
class Load:
    """Clients that post one event each; ``acknowledged``: ids of the events that the API said it has."""

    port: int
    statuses: Counter[int] = field(default_factory=Counter)
    acknowledged: set[str] = field(default_factory=set)
    without_remedy: int = 0
    sent: int = 0
    _free: list[tuple[asyncio.StreamReader, asyncio.StreamWriter]] = field(default_factory=list)
    _open: int = 0

    async def post(self) -> None:
        """Post an event on a free connection, or on a new one; whatever becomes of it is counted."""
        self.sent += 1
        name = f"e{self.sent}"
        event = {"event_id": name, "kind": "view", "user_id": f"u{self.sent % 500}", "item_id": f"x{self.sent % 6}"}
        body = json.dumps(event).encode()
        head = f"POST /api/v1/interactions HTTP/1.1\r\nHost: localhost\r\nContent-Length: {len(body)}\r\n"
        connection = None
        try:
            async with asyncio.timeout(60):
                connection = self._free.pop() if self._free else await self._opened()
                reader, writer = connection
                writer.write(head.encode() + b"Content-Type: application/json\r\n\r\n" + body)
                answered = (await reader.readuntil(b"\r\n\r\n")).decode().lower()
                length = int(answered.split("content-length: ")[1].split("\r\n")[0])
                await reader.readexactly(length)
            status = int(answered.split()[1])
            self.statuses[status] += 1
            if status == 202:
                self.acknowledged.add(name)
            elif "retry-after: " not in answered:
                self.without_remedy += 1
            self._free.append(connection)
        except (OSError, asyncio.IncompleteReadError, TimeoutError):
            self.statuses[0] += 1  # the connection was closed: whether the event counts is unknown
            if connection is not None:
                connection[1].close()
                self._open -= 1

    async def _opened(self) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        while self._open >= MOST_CONNECTIONS and not self._free:
            await asyncio.sleep(0.01)
        if self._free:
            return self._free.pop()
        self._open += 1
        return await asyncio.open_connection("127.0.0.1", self.port)

    async def as_fast_as_answered(self, seconds: float) -> float:
        """Post from a few clients, each as soon as its last post is answered; how many per second were."""
        before, until_then = len(self.acknowledged), time.monotonic() + seconds

        async def client() -> None:
            while time.monotonic() < until_then:
                await self.post()

        await asyncio.gather(*(client() for _ in range(CLIENTS)))
        return (len(self.acknowledged) - before) / seconds

    async def at_a_rate(self, rate: float, seconds: float) -> None:
        """Post so many per second, whether answers come or not."""
        began, tasks, sent = time.monotonic(), set[asyncio.Task[None]](), 0
        while (passed := time.monotonic() - began) < seconds:
            while sent < passed * rate:
                task = asyncio.create_task(self.post())
                tasks.add(task)
                task.add_done_callback(tasks.discard)
                sent += 1
            await asyncio.sleep(0.005)
        await asyncio.gather(*tasks)

    def close(self) -> None:
        for _, writer in self._free:
            writer.close()


def resident_bytes(pid: int) -> int:
    return int(Path(f"/proc/{pid}/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")


async def overloaded(load: Load, pid: int) -> list[int]:
    """Load the server twice over; its memory in the middle and at the end."""
    capacity = await load.as_fast_as_answered(CALM_SECONDS)
    memory = []
    for _ in range(2):
        await load.at_a_rate(2 * capacity, SECONDS / 2)
        memory.append(resident_bytes(pid))
    await load.as_fast_as_answered(1.0)
    load.close()
    return memory


def test_twice_the_load_is_shed_with_a_remedy_and_nothing_acknowledged_is_lost(tmp_path: Path, log: Log) -> None:
    world, port = fill(tmp_path / "shop", log), free_port()
    environment = {
        **os.environ, "MILLRACE_HOME": str(tmp_path / "shop"), "MILLRACE_KAFKA": log.bootstrap,
        "MILLRACE_TOPIC_PREFIX": log.topics.events.removesuffix("events"),
    }  # fmt: skip
    command = [sys.executable, "-m", "millrace", "serve", "--port", str(port)]
    output, load, url = tmp_path / "serve.log", Load(port), f"http://127.0.0.1:{port}/api/v1"
    with output.open("wb") as errors, subprocess.Popen(command, stderr=errors, env=environment) as server:
        try:
            until(lambda: "startup complete" in output.read_text())
            until(lambda: httpx.post(f"{url}/users", json={"user_id": "first"}, timeout=20).status_code == 202)
            middle, end = asyncio.run(overloaded(load, server.pid))
            assert httpx.get(f"{url}/trending", timeout=20).status_code == 200
            assert httpx.post(f"{url}/interactions", json={"kind": "view", "user_id": "u", "item_id": "i"},
                              timeout=20).status_code == 202  # fmt: skip
        finally:
            server.terminate()
    assert load.statuses.keys() <= {0, 202, 429, 503}
    assert load.without_remedy == 0
    assert end - middle < GROWTH_BYTES, (middle, end, load.statuses)
    records = log.read(log.topics.events, log.start_offsets(), log.end_offsets())
    counts = Counter(json.loads(record.value or b"")["event_id"] for record in records)
    assert load.acknowledged - counts.keys() == set()
    assert len(load.acknowledged) > 100
    world.batch.close()
    world.speed.close()
