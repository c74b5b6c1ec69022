"""The HTTP API over a small shop in SQLite, served on a free port: what its tests begin with."""

import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import uvicorn
from httpx import Client, Response

from adapters.log.kafka_log import Log
from adapters.settings import Settings
from adapters.stores import open_store
from batch_layer.learning.asking import InteractionsPast
from core.quality.ranking_quality import Interactions
from recommenders.als.model import artefact
from recommenders.tfidf import RECOMMENDER as tfidf  # noqa: N811
from schemas.catalogue import Item
from schemas.event import Event
from schemas.rules import Rules
from serving_layer.http.bodies import Limits
from serving_layer.http.prompt import PromptConnection
from serving_layer.http.protocol import Connection
from serving_layer.http.server import configured
from tests.kit.small_lambda import SmallLambda, placed
from tests.kit.waiting import until

HOUR = 3_600_000
START = 1_760_000_000_000
RULES = Rules()
SLASHED = "a/b%c d"


def event(k: int, user: str, item: str, weight: int = 1000, category: str | None = None) -> Event:
    when = START + k * 60_000
    return Event(0, 0, when, f"e{k}", when, "view", user, item, None, weight, category)


def shop() -> list[Event]:
    """Users of two tastes, alternating; one item's id has a slash, a percent sign and a space."""
    out = []
    for k in range(200):
        user, taste = f"u{k % 20}", k % 2
        item = f"{'xy'[taste]}{(k // 20 * 7 + k) % 6}"
        out.append(event(k, user, SLASHED if item == "x0" else item, 1000 + 1000 * (k % 3), f"c{taste}"))
    return out


def model_rows(items: list[str]) -> dict[tuple[str, bytes], bytes]:
    """Factors that tell the two tastes apart."""
    names = sorted(item.encode() for item in items)
    factors = np.array([[0.1, 1.0] if name.startswith(b"y") else [1.0, 0.1] for name in names], np.float32)
    facts = {"alpha": 10.0, "regularization": 0.05, "weighted": False}
    return {("als", key): row for key, row in artefact(names, factors, facts).rows()}


def words_learned(items: Sequence[Item]) -> dict[tuple[str, bytes], bytes]:
    """What a generation has learned of the words of those items."""
    nothing = np.zeros(0, np.int64)
    known = Interactions(nothing, nothing, nothing, nothing, 0, len(items), records=items)
    past = InteractionsPast(known, [item.item_id.encode() for item in items])
    learned = tfidf.fit(past, tfidf.settings(), None)
    assert learned is not None
    return {("tfidf", key): row for key, row in learned.rows()}


def fill(home: Path, log: Log | None = None, speed_until: int = 200, batch_until: int = 120) -> SmallLambda:
    """A home whose batch view ends in the middle of the shop's events, with the rest in the speed view.

    ``log``: the one that the views belong to, where a test has one. ``speed_until``: how many of the 200 events the
    speed layer has applied. ``batch_until``: how many the generation holds, at least 50.
    """
    home.mkdir(exist_ok=True)
    batch, speed = (open_store(f"sqlite:///{home / name}.sqlite") for name in ("batch", "speed"))
    world = SmallLambda(batch, speed, RULES, placed(shop(), RULES), log.identity() if log else None)
    world.begin()
    world.run_speed(50)
    world.run_batch(batch_until, model_rows(sorted({e.item_id for e in world.log})))
    world.run_speed(speed_until)
    return world


@contextmanager
def serving(
    settings: Settings, limits: Limits | None = None, connection: type[Connection] = PromptConnection
) -> Iterator[Client]:
    """The API on a free port, and a client of it."""
    config = configured(settings, settings.http.host, 0, limits, connection)
    server = uvicorn.Server(config)
    thread = threading.Thread(target=server.run)
    thread.start()
    until(lambda: server.started or not thread.is_alive())
    port = server.servers[0].sockets[0].getsockname()[1]
    try:
        with Client(base_url=f"http://127.0.0.1:{port}/api/v1", timeout=120) as client:
            yield client
    finally:
        server.should_exit = True
        thread.join()


def problem(response: Response, status: int) -> dict[str, Any]:
    assert response.headers["content-type"] == "application/problem+json"
    document: dict[str, Any] = response.json()
    assert response.status_code == document["status"] == status
    assert document["title"]
    assert document["detail"]
    return document


@pytest.fixture
def settings(tmp_path: Path, log: Log) -> Settings:
    """Of an API whose log is the test's own."""
    prefix = log.topics.events.removesuffix("events")
    return Settings.of(home=tmp_path, kafka=log.bootstrap, topic_prefix=prefix)


@pytest.fixture
def client(settings: Settings, log: Log) -> Iterator[Client]:
    """A client of the API over the small shop, which takes events."""
    world = fill(settings.home, log)
    with serving(settings) as api:
        until(lambda: api.post("/users", json={"user_id": "first"}).status_code == 202)
        yield api
    world.batch.close()
    world.speed.close()
