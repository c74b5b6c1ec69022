"""The hub of one process: a bounded number of pages, each with the newest frame, and nothing read for nobody."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

import pytest

from adapters.stores.memory import MemoryStore
from schemas.errors import NotReady
from serving_layer.live import hub as hubs
from serving_layer.live.hub import Crowded, Hub, Listener
from serving_layer.reading.views import Views

STATUS: dict[str, Any] = {"applied": {"0": 1}, "end": {"0": 1}, "lag_events": 0, "freshness_seconds": 0.0}


class Installation:
    """Answers its status, and counts how often it was asked."""

    def __init__(self) -> None:
        self.asked, self.error = 0, ""

    def status(self) -> dict[str, Any]:
        self.asked += 1
        if self.error:
            raise NotReady(self.error)
        return STATUS


def beside(act: Callable[[Hub, Installation], Awaitable[None]]) -> None:
    """Run with a hub that looks without pause."""

    async def run() -> None:
        shop = Installation()
        await act(Hub(Views(MemoryStore(), MemoryStore()), shop.status), shop)

    asyncio.run(run())


@pytest.fixture(autouse=True)
def _without_pauses(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(hubs, "FRAME_SECONDS", 0.0)
    monkeypatch.setattr(hubs, "STATUS_SECONDS", 0.0)


async def frame(hub: Hub, listener: Listener) -> dict[str, Any]:
    async with asyncio.timeout(60):
        await listener.news.wait()
    listener.news.clear()
    shown = hub.frame_for(listener)
    assert shown is not None
    return shown


def test_a_listener_gets_the_state_and_then_each_sample_once() -> None:
    async def act(hub: Hub, shop: Installation) -> None:
        listener = hub.join()
        first = await frame(hub, listener)
        assert first["status"] == STATUS
        times: list[float] = [row["at"] for row in first["samples"]]
        while len(times) < 5:
            times += [row["at"] for row in (await frame(hub, listener))["samples"]]
        assert times == sorted(set(times))

    beside(act)


def test_nothing_is_read_once_nobody_listens() -> None:
    async def act(hub: Hub, shop: Installation) -> None:
        listener = hub.join()
        await frame(hub, listener)
        hub.part(listener)
        watching = hub._watching
        assert watching is not None
        async with asyncio.timeout(60):
            await watching
        asked = shop.asked
        await frame(hub, hub.join())
        assert shop.asked > asked

    beside(act)


def test_one_page_too_many_is_refused_and_takes_the_place_of_one_that_left() -> None:
    async def act(hub: Hub, shop: Installation) -> None:
        listeners = [hub.join() for _ in range(hubs.MOST_LISTENERS)]
        with pytest.raises(Crowded):
            hub.join()
        hub.part(listeners[0])
        hub.join()

    beside(act)


def test_a_server_that_stops_ends_all_streams_and_takes_no_more() -> None:
    async def act(hub: Hub, shop: Installation) -> None:
        listener = hub.join()
        hub.close()
        assert listener.has_left
        assert listener.news.is_set()
        with pytest.raises(Crowded):
            hub.join()

    beside(act)


def test_an_installation_that_is_not_ready_says_why_and_is_asked_again() -> None:
    async def act(hub: Hub, shop: Installation) -> None:
        shop.error = "nothing is published yet"
        listener = hub.join()
        assert (await frame(hub, listener))["status"] == {"unknown": "nothing is published yet"}
        shop.error = ""
        async with asyncio.timeout(60):
            while (await frame(hub, listener))["status"] != STATUS:
                pass

    beside(act)
