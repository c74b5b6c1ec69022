"""A shop for a browser: a month of synthetic events, a generation, a speed layer and the API in one process."""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import httpx

from datasets.synthetic.generator import Burst, GeneratorSettings, World, live_events
from millrace.demo.events import generate, produce
from tests.kit.installation import Installation, installation
from tests.kit.serving import serving
from tests.kit.waiting import until

if TYPE_CHECKING:
    from adapters.settings import Settings

FRESH_MS = 600_000  # of the last minutes, which the generation does not hold
USUAL: dict[str, Any] = {"history_items": 20, "remembered_ids": 64, "evaluation_events": 300}
HOSTILE = "<img src=x onerror=alert(1)>/%2F\"'`{{7*7}} \u202e❤&amp;"


def accept(answer: httpx.Response) -> None:
    assert answer.status_code == 202, answer.text


@dataclass
class Shown:
    """``url``: of the page.      ``hostile``: an id of an item and of a user."""

    url: str
    api: httpx.Client
    shop: Installation
    world: World
    hostile: str = HOSTILE

    @property
    def settings(self) -> "Settings":
        return self.shop.settings


@contextmanager
def shown_shop(
    bootstrap: str, home: Path, events: int = 4_000, hostile: bool = True, **settings: object
) -> Iterator[Shown]:
    """A shop whose page is served, with all events applied; what is posted is applied as it comes.

    ``hostile``: an item and a user have an id that browsers could take for code.
    """
    made = installation(None, bootstrap, {}, home, speed_engine="local", **{**USUAL, **settings})
    now = time.time_ns() // 1_000_000
    world = World(GeneratorSettings(users=80, items=60, events=events, seed=7, end_ms=now - FRESH_MS))
    produce(made.log, made.settings, *generate(made.settings, world))
    made.batch(reason="the past month")
    try:
        with made.streaming(), serving(made.settings) as api:
            until(lambda: api.post("/users", json={"user_id": "first"}).status_code == 202)
            burst = Burst(world.item_ids[-3:], 0.35)
            fresh = list(live_events(world, 1, 120, (now - FRESH_MS, now), burst))
            for begin in range(0, len(fresh), 60):  # of one user fewer than an id is remembered for
                accept(api.post("/interactions", json=fresh[begin : begin + 60]))
            if hostile:
                add_hostile(api, world)
            made.until_applied()
            yield Shown(str(api.base_url).removesuffix("/api/v1/"), api, made, world)
    finally:
        made.close()


def add_hostile(api: httpx.Client, world: World) -> None:
    pairs = (("user-0", HOSTILE), (HOSTILE, world.item_ids[0]), (HOSTILE, HOSTILE))
    accept(api.post("/interactions", json=[{"kind": "purchase", "user_id": u, "item_id": i} for u, i in pairs]))
    accept(api.post("/items", json={"item_id": HOSTILE, "title": f"Title {HOSTILE}", "category": HOSTILE}))


if __name__ == "__main__":  # to look at the page by hand
    import threading

    from adapters.machine.compiled import keep_compiled
    from tests.kit.scratch import scratch
    from tests.kit.servers import kafka

    keep_compiled()
    with kafka() as where, scratch("shown") as folder, shown_shop(where, folder) as shown:
        print(shown.url, flush=True)
        threading.Event().wait()
