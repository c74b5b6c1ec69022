"""What is left when parts are down or slow: answered and marked; and whole again by itself when they are back."""

import json
import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import ExitStack, closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
from httpx import Client, Response

from adapters.broker.embedded import embedded_broker, wait_until_stopped
from adapters.settings import Settings
from adapters.stores import open_store
from serving_layer.answers.status import status
from serving_layer.reading.views import open_views
from tests.kit.cassandra import run_cql
from tests.kit.killable import kill_broker
from tests.kit.proxy import Proxy, proxy
from tests.kit.servers import new_database
from tests.kit.serving import RULES, fill, model_rows, problem, serving, shop
from tests.kit.small_lambda import SmallLambda, placed
from tests.kit.waiting import least, seconds, until

pytestmark = [pytest.mark.kafka, pytest.mark.redis, pytest.mark.cassandra]

BUDGET_SECONDS = 1.0
LOOKUPS = [
    "/recommendations/u3", "/items/y1/similar", "/trending", "/users/u3/history", "/users/u3/profile", "/explain/u3/y1",
    "/items/y1", "/ready",
]  # fmt: skip
EVENT = {"kind": "view", "user_id": "u3", "item_id": "y1"}


@dataclass
class Parts:
    """The API of one process, the stores that it reaches through proxies, and the broker that it uses."""

    client: Client
    redis: Proxy
    cassandra: Proxy
    settings: Settings
    world: SmallLambda

    def answers(self) -> dict[str, Response]:
        """Every lookup, all at once; none may take much longer than the budget of one store."""
        with ThreadPoolExecutor(len(LOOKUPS)) as pool:
            return dict(zip(LOOKUPS, pool.map(self.client.get, LOOKUPS), strict=True))

    def bodies(self) -> dict[str, Any]:
        """The same, all of them answers; asked again while the store that is there was too late on a busy machine."""
        answers: dict[str, Response] = {}

        def all_are_answered() -> bool:
            answers.update(self.answers())
            refused = {lookup: response for lookup, response in answers.items() if response.status_code != 200}
            assert all("neither view can be read" in problem(response, 503)["detail"] for response in refused.values())
            return not refused

        until(all_are_answered)
        return {lookup: response.json() for lookup, response in answers.items()}

    def check_all_lack(self, side: str) -> None:
        """Every lookup is answered without that side and says so, once answers from memory have become too old."""
        until(lambda: all(answer["degraded"] for answer in self.bodies().values()))
        boundary, position = self.world.control.active_boundary.offsets, self.world.position.offsets
        prefix = {"speed": boundary, "batch": position}[side]
        for lookup, answer in self.bodies().items():
            assert answer["degraded"] == [side], lookup
            assert answer["fresh_to"]["offsets"] == {str(p): offset for p, offset in prefix.items()}, lookup
            assert (answer["generation"] is None) == (side == "batch"), lookup

    def until_whole(self, whole: dict[str, Any]) -> None:
        """The same process gives the same answers as before, with nothing done to it."""

        def same() -> bool:
            answers = self.bodies()
            wrong = {
                lookup: answer
                for lookup, answer in answers.items()
                if answer != whole[lookup] and not answer["degraded"]
            }
            assert not wrong, wrong
            return answers == whole  # on a busy machine an answer may be late once more

        until(same)

    def post(self) -> Response:
        return self.client.post("/interactions", json=EVENT)


@pytest.fixture(scope="module")
def parts(tmp_path_factory: pytest.TempPathFactory, cassandra_port: int, redis_url: str) -> Iterator[Parts]:
    home, keyspace = tmp_path_factory.mktemp("degraded"), "degraded"
    replication = "{'class': 'SimpleStrategy', 'replication_factor': 1}"
    run_cql(cassandra_port, f"CREATE KEYSPACE {keyspace} WITH replication = {replication}")
    with ExitStack() as stack, pytest.MonkeyPatch.context() as patch:
        patch.setattr("adapters.log.appender.DELIVERY_SECONDS", 6.0)
        patch.setattr("adapters.log.appender.TIMEOUT_SECONDS", 1.0)
        stack.callback(run_cql, cassandra_port, f"DROP KEYSPACE {keyspace}")
        batch_url, speed_url = f"cassandra://127.0.0.1:{cassandra_port}/{keyspace}", new_database(redis_url)
        world = filled(stack, batch_url, speed_url)
        redis_proxy = stack.enter_context(proxy(urlsplit(redis_url).port or 0))
        cassandra_proxy = stack.enter_context(proxy(cassandra_port))
        stack.callback(wait_until_stopped, home)
        bootstrap = stack.enter_context(embedded_broker(home))
        settings = Settings.of(
            home=home, kafka=bootstrap, store_timeout=f"{BUDGET_SECONDS}s",
            batch_views=f"cassandra://127.0.0.1:{cassandra_proxy.port}/{keyspace}",
            speed_views=f"redis://127.0.0.1:{redis_proxy.port}{urlsplit(speed_url).path}",
        )  # fmt: skip
        client = stack.enter_context(serving(settings))
        yield Parts(client, redis_proxy, cassandra_proxy, settings, world)


def filled(stack: ExitStack, batch_url: str, speed_url: str) -> SmallLambda:
    """A generation of 120 of the shop's events, and a speed view that has them all."""
    batch, speed = (stack.enter_context(closing(open_store(url, timeout_ms=20_000))) for url in (batch_url, speed_url))
    world = SmallLambda(batch, speed, RULES, placed(shop(), RULES))
    world.begin()
    world.run_speed(50)
    world.run_batch(120, model_rows(sorted({event.item_id for event in world.log})))
    world.run_speed(200)
    return world


@pytest.fixture
def whole(parts: Parts) -> dict[str, Any]:
    """What every lookup says while nothing is missing."""
    until(lambda: parts.post().status_code == 202)
    until(lambda: all(response.json().get("degraded") == [] for response in parts.answers().values()))
    return parts.bodies()


@contextmanager
def down(*stores: Proxy) -> Iterator[None]:
    for store in stores:
        store.down()
    try:
        yield
    finally:
        for store in stores:
            store.up()


def test_without_a_store_the_other_answers_and_says_so_until_it_is_back(parts: Parts, whole: dict[str, Any]) -> None:
    with down(parts.redis):
        parts.check_all_lack("speed")
        assert parts.post().status_code == 202
    parts.until_whole(whole)
    with down(parts.cassandra):
        parts.check_all_lack("batch")
        assert parts.post().status_code == 202
    parts.until_whole(whole)


def test_with_the_log_alone_events_are_taken_and_lookups_say_that_they_must_wait(
    parts: Parts, whole: dict[str, Any]
) -> None:
    with down(parts.redis, parts.cassandra):
        until(lambda: {response.status_code for response in parts.answers().values()} == {503})
        for response in parts.answers().values():
            assert "neither view can be read" in problem(response, 503)["detail"]
        assert parts.client.get("/health").status_code == 200
        assert parts.post().status_code == 202
    parts.until_whole(whole)


MODES: dict[str, Callable[[Proxy], None]] = {
    "late": lambda store: setattr(store, "delay_seconds", 0.4 * BUDGET_SECONDS),
    "silent": lambda store: setattr(store, "silent", True),
    "trickling": lambda store: setattr(store, "trickling", True),
}


@pytest.mark.parametrize(
    ("store", "mode"),
    [
        ("redis", "late"), ("cassandra", "silent"), ("redis", "trickling"),
        *(pytest.param(*variant, marks=pytest.mark.deep) for variant in
          (("cassandra", "late"), ("redis", "silent"), ("cassandra", "trickling"))),
    ],
)  # fmt: skip
def test_a_slow_store_costs_an_answer_no_more_than_one_budget(
    parts: Parts, whole: dict[str, Any], store: str, mode: str
) -> None:
    """Each single read of the late one is within the budget; all that an answer needs are not."""
    slow: Proxy = getattr(parts, store)

    def slowest() -> float:
        MODES[mode](slow)
        try:
            answers = parts.answers()
        finally:
            slow.well()
        for lookup, response in answers.items():
            assert response.status_code == 200, response.text
            few_reads = mode == "late" and lookup in ("/ready", "/users/u3/history", "/items/y1")
            from_memory = response.json() == whole[lookup]
            side = {"redis": "speed", "cassandra": "batch"}[store]
            assert few_reads or from_memory or response.json()["degraded"] == [side]
        parts.until_whole(whole)
        return max(response.elapsed.total_seconds() for response in answers.values())

    assert least(slowest, 1.9 * BUDGET_SECONDS) < 1.9 * BUDGET_SECONDS


def test_status_is_reported_within_the_budget_as_well(parts: Parts, whole: dict[str, Any]) -> None:
    parts.redis.trickling = True

    def report() -> None:
        with open_views(parts.settings) as views:
            reported = status(views, parts.settings, None, time.time_ns() // 1_000_000)
        assert (reported["degraded"], reported["speed"]["alive"]) == (["speed", "log"], None)
        assert reported["generation"] == parts.world.control.active

    try:
        assert least(lambda: seconds(report), 1.9 * BUDGET_SECONDS) < 1.9 * BUDGET_SECONDS
    finally:
        parts.redis.well()


def test_without_the_log_lookups_are_whole_however_many_events_wait_for_it(parts: Parts, whole: dict[str, Any]) -> None:
    kill_broker(parts.settings.home)
    with ThreadPoolExecutor(45) as pool:  # more than the server has threads
        waiting = [pool.submit(parts.post) for _ in range(45)]
        until(lambda: all(post.running() for post in waiting))
        answered: list[dict[str, Any]] = []
        assert least(lambda: seconds(lambda: answered.append(parts.bodies())), 2) < 2
        assert all(bodies == whole for bodies in answered)
        assert not any(post.done() for post in waiting)
        with down(parts.redis):
            parts.check_all_lack("speed")
        with down(parts.cassandra):
            parts.check_all_lack("batch")
        refused(waiting)
    with embedded_broker(parts.settings.home):
        until(lambda: parts.post().status_code == 202)
        parts.until_whole(whole)


def refused(posts: list[Future[Response]]) -> None:
    """In the end, each is refused with the reason that the log cannot be reached."""
    assert "cannot be reached" in problem(posts[0].result(), 503)["detail"]
    assert {post.result().status_code for post in posts} == {503}


def test_an_embedded_broker_that_died_is_started_again_for_whoever_posts(tmp_path: Path) -> None:
    world = fill(tmp_path)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("adapters.log.appender.DELIVERY_SECONDS", 1.0)
        with serving(Settings(home=tmp_path)) as client:
            until(lambda: client.post("/interactions", json=EVENT).status_code == 202)
            kill_broker(tmp_path)
            assert client.get("/trending").json()["degraded"] == []
            until(lambda: client.post("/interactions", json=EVENT).status_code == 202)
    wait_until_stopped(tmp_path)
    world.batch.close()
    world.speed.close()


def test_view_files_that_are_away_are_missed_and_found_again(tmp_path: Path, kafka_bootstrap: str) -> None:
    world = fill(tmp_path)
    with serving(Settings.of(home=tmp_path, kafka=kafka_bootstrap, topic_prefix="files-")) as client:
        whole = client.get("/trending").json()
        for name, side in (("speed", "speed"), ("batch", "batch")):
            world.batch.close()
            world.speed.close()
            files = [file for file in tmp_path.iterdir() if file.name.startswith(f"{name}.sqlite")]
            for file in files:
                file.rename(tmp_path / f"away-{file.name}")
            until(lambda side=side: client.get("/trending").json()["degraded"] == [side])  # type: ignore[misc]
            for file in tmp_path.glob(f"{name}.sqlite*"):
                file.unlink()  # a new, empty one
            for file in tmp_path.glob("away-*"):
                file.rename(tmp_path / file.name.removeprefix("away-"))
            until(lambda: client.get("/trending").json() == whole)


@pytest.mark.parametrize("login", [":wrong@", "somebody:wrong@"])
def test_a_store_that_refuses_the_password_is_missed_like_one_that_is_down(
    tmp_path: Path, redis_url: str, login: str
) -> None:
    world = fill(tmp_path)
    store = new_database(redis_url).replace("//", f"//{login}")
    with serving(Settings.of(home=tmp_path, kafka="127.0.0.1:1", speed_views=store)) as client:
        response = client.get("/trending")
        assert (response.status_code, response.json()["degraded"]) == (200, ["speed"])
        assert client.get("/recommendations/u3").json()["items"]
    with serving(Settings.of(home=tmp_path, kafka="127.0.0.1:1", speed_views=store, batch_views=store)) as client:
        assert "refuses user or password" in problem(client.get("/trending"), 503)["detail"]
    command = [sys.executable, "-m", "millrace", "trending", "--json"]
    settings = {"MILLRACE_HOME": str(tmp_path), "MILLRACE_SPEED_VIEWS": store, "MILLRACE_KAFKA": "127.0.0.1:1"}
    done = subprocess.run(command, env=os.environ | settings, capture_output=True, text=True, check=True)
    assert json.loads(done.stdout)["degraded"] == ["speed"]
    assert "Traceback" not in done.stderr
    world.batch.close()
    world.speed.close()
