"""A shop for a browser: a month of synthetic events, a generation, a speed layer and the API in one process."""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import httpx

from adapters.broker.embedded import embedded_broker
from datasets.synthetic.generator import GeneratorSettings, World, live_events
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
def shown_shop(bootstrap: str, home: Path, events: int = 6_000, **settings: object) -> Iterator[Shown]:
    """A shop whose page is served, with all events applied; what is posted is applied as it comes."""
    made = installation(None, bootstrap, {}, home, speed_engine="local", **{**USUAL, **settings})
    now = time.time_ns() // 1_000_000
    world = World(GeneratorSettings(users=80, items=60, events=events, seed=7, end_ms=now - FRESH_MS))
    produce(made.log, made.settings, *generate(made.settings, world))
    made.batch(reason="the past month")
    try:
        with made.streaming(), serving(made.settings) as api:
            until(lambda: api.post("/users", json={"user_id": "first"}).status_code == 202)
            fresh = list(live_events(world, 1, 120, (now - FRESH_MS, now)))
            for user, item in (("user-0", HOSTILE), (HOSTILE, world.item_ids[0]), (HOSTILE, HOSTILE)):
                fresh.append(
                    {
                        "event_id": f"h-{user}-{item}"[:128],
                        "event_time": now,
                        "kind": "purchase",
                        "user_id": user,
                        "item_id": item,
                    }
                )
            for begin in range(0, len(fresh), 60):  # of one user fewer than an id is remembered for
                accept(api.post("/interactions", json=fresh[begin : begin + 60]))
            assert (
                api.post(
                    "/items", json={"item_id": HOSTILE, "title": f"Title {HOSTILE}", "category": HOSTILE}
                ).status_code
                == 202
            )
            made.until_applied()
            yield Shown(str(api.base_url).removesuffix("/api/v1/"), api, made, world)
    finally:
        made.close()


if __name__ == "__main__":  # to look at the page by hand
    import sys
    import threading

    from adapters.machine.compiled import keep_compiled

    keep_compiled()
    with embedded_broker(Path(sys.argv[1]) / "broker") as where, shown_shop(where, Path(sys.argv[1]) / "shop") as shown:
        print(shown.url, flush=True)
        threading.Event().wait()
