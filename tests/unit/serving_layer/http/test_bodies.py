"""What large bodies take of memory, while they are answered and afterwards."""

import asyncio
import subprocess
import sys
import tracemalloc
from collections.abc import Iterator
from typing import Any

import pytest
from fastapi import Request

from serving_layer.http.bodies import Bodies

PART, PARTS = 64 * 1024, 200
BODY = PART * PARTS
SCOPE = {"type": "http", "method": "POST", "headers": [(b"content-type", b"application/json")]}

# Large blocks that are freed among small ones which stay, as bodies are among a server's other objects.
FREED_AMONG_SMALL_ONES = """
import sys
from pathlib import Path
from adapters.machine.allocator import give_large_blocks_back

def resident():
    return int(Path("/proc/self/statm").read_text().split()[1]) * 4096

if sys.argv[1] == "given back":
    give_large_blocks_back()
del_first = bytes(15_000_000)
del del_first
before, small = resident(), []
for _ in range(5):
    large = []
    for _ in range(10):
        large.append(b"x" * 15_000_000)
        small.append([bytearray(300) for _ in range(100)])
    large.clear()
print(resident() - before)
"""


@pytest.fixture
def traced() -> Iterator[None]:
    tracemalloc.start()
    yield
    tracemalloc.stop()


async def post(app: Any) -> None:
    """One body in parts, as a connection brings them."""
    parts = iter(range(PARTS))

    async def receive() -> Any:
        part = next(parts)
        return {"type": "http.request", "body": bytes(PART), "more_body": part < PARTS - 1}

    async def send(message: Any) -> None:
        pass

    await Bodies(app)(dict(SCOPE), receive, send)


@pytest.mark.usefixtures("traced")
def test_a_body_is_held_once_while_it_is_answered_and_not_afterwards() -> None:
    held: list[int] = []

    async def app(scope: Any, receive: Any, send: Any) -> None:
        body = await Request(scope, receive).body()
        held.append(tracemalloc.get_traced_memory()[0])
        assert len(body) == BODY

    async def ten() -> None:
        for _ in range(10):
            await post(app)

    before = tracemalloc.get_traced_memory()[0]
    asyncio.run(ten())
    assert max(held) - before < 1.2 * BODY
    assert tracemalloc.get_traced_memory()[1] - before < 2.2 * BODY
    assert tracemalloc.get_traced_memory()[0] - before < 0.1 * BODY


@pytest.mark.skipif(sys.platform != "linux", reason="glibc's allocator")
def test_the_system_gets_large_blocks_back_when_they_are_freed() -> None:
    def grown(how: str) -> int:
        command = [sys.executable, "-c", FREED_AMONG_SMALL_ONES, how]
        return int(subprocess.run(command, check=True, capture_output=True, text=True).stdout)

    assert grown("given back") < 15_000_000
