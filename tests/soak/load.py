"""Clients that post events at a rate, whether answers come or not, and keep what the API acknowledged."""

import asyncio
import json
import time
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field

CLIENTS = 128  # that measure what is taken: enough that none of them waits for its own answer alone
MOST_CONNECTIONS = 900  # a few less than the API has places for: what it turns away are requests
USERS, ITEMS = 500, 200  # few, so that the views stay as large as they are
PATIENCE_SECONDS, PREFIX = 60, "soak-"

Streams = tuple[asyncio.StreamReader, asyncio.StreamWriter]


@dataclass
class Load:
    """One event per post. ``acknowledged``: by an event's number, whether the API said that it has it.

    ``statuses``: of the answers; 0: the connection ended, so whether the event counts is unknown. ``not_sent``: posts
    that were due while each connection waited for an answer. ``without_remedy``: refusals without ``Retry-After``.
    """

    port: int
    statuses: Counter[int] = field(default_factory=Counter)
    acknowledged: bytearray = field(default_factory=bytearray)
    without_remedy: int = 0
    not_sent: int = 0
    _free: list[Streams] = field(default_factory=list)
    _open: int = 0

    @property
    def sent(self) -> int:
        return len(self.acknowledged)

    async def post(self) -> None:
        """Post an event on a free connection, or on a new one; whatever becomes of it is counted."""
        number = self.sent
        self.acknowledged.append(0)
        event = {
            "kind": "view",
            "event_id": f"{PREFIX}{number}",
            "user_id": f"u{number % USERS}",
            "item_id": f"x{number % ITEMS}",
        }
        body = json.dumps(event).encode()
        head = f"POST /api/v1/interactions HTTP/1.1\r\nHost: localhost\r\nContent-Length: {len(body)}\r\n"
        connection = None
        try:
            async with asyncio.timeout(PATIENCE_SECONDS):
                connection = self._still_open() or await self._opened()
                reader, writer = connection
                writer.write(head.encode() + b"Content-Type: application/json\r\n\r\n" + body)
                answered = (await reader.readuntil(b"\r\n\r\n")).decode().lower()
                await reader.readexactly(int(answered.split("content-length: ")[1].split("\r\n")[0]))
        except (OSError, asyncio.IncompleteReadError, TimeoutError):
            self.statuses[0] += 1
            if connection is not None:
                connection[1].close()
                self._open -= 1
            return
        self._free.append(connection)
        status = int(answered.split()[1])
        self.statuses[status] += 1
        if status == 202:
            self.acknowledged[number] = 1
        elif "retry-after: " not in answered:
            self.without_remedy += 1

    def _still_open(self) -> Streams | None:
        """Return a free connection; the API closes those that nobody has used for five seconds, as HTTP lets it."""
        while self._free:
            reader, writer = self._free.pop()
            if not reader.at_eof() and not writer.is_closing():
                return reader, writer
            writer.close()
            self._open -= 1
        return None

    async def _opened(self) -> Streams:
        self._open += 1
        try:
            return await asyncio.open_connection("127.0.0.1", self.port)
        except BaseException:
            self._open -= 1
            raise

    async def as_fast_as_answered(self, seconds: float) -> float:
        """Post from a few clients, each as soon as its last post is answered; return how many per second were taken."""
        before, began = self.statuses[202], time.monotonic()

        async def client() -> None:
            while time.monotonic() < began + seconds:
                await self.post()

        await asyncio.gather(*(client() for _ in range(CLIENTS)))
        return (self.statuses[202] - before) / (time.monotonic() - began)

    async def at_a_rate(self, rate: float, seconds: float) -> None:
        """Post so many per second."""
        began, under_way, due = time.monotonic(), set[asyncio.Task[None]](), 0
        while (passed := time.monotonic() - began) < seconds:
            while due < passed * rate:
                due += 1
                if len(under_way) >= MOST_CONNECTIONS:
                    self.not_sent += 1
                    continue
                task = asyncio.create_task(self.post())
                under_way.add(task)
                task.add_done_callback(under_way.discard)
            await asyncio.sleep(0.005)
        await asyncio.gather(*under_way)

    def lost(self, ids: Iterable[str]) -> int:
        """Return how many acknowledged events are not among the ids of the log."""
        there = bytearray(self.sent)
        for name in ids:
            if name.startswith(PREFIX):
                there[int(name.removeprefix(PREFIX))] = 1
        return sum(taken > in_log for taken, in_log in zip(self.acknowledged, there, strict=True))

    def close(self) -> None:
        for _, writer in self._free:
            writer.close()
