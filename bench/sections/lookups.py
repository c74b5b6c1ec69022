"""Similar, recommend and trending at service level: what an answer costs below HTTP, at 10k, 100k and 1M items.

On SQLite, and on Cassandra with Redis; with the generation alone (no speed layer has run, answers say ``degraded``),
and with the speed layer as a process of its own that applies a steady stream meanwhile. One caller asks after the
other, for other items and users each time; the model is in memory, as it is after the first recommendation. Where a
first recommendation's time goes (loading the model) is listed apart. On Cassandra only some items have rows, as writing
all of a million took longer than everything else; each answer reads by key.

The exact ten best of all items by the model stand beside NumPy's bare product, which the same scores would take at
least with factors that lie row by row.
"""

import cProfile
import itertools
import json
import os
import pstats
import random
import statistics
import sys
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

import numpy as np

from adapters.log.kafka_log import Log
from adapters.machine.children import start
from adapters.settings import Settings
from bench.setting import Findings, fresh_home, machine, percentile, seconds, spread
from bench.shop import FACTORS, USERS, Shop
from recommenders.als.scorer import AlsScorer
from serving_layer.answers import lookups
from serving_layer.answers.recommend import Wish, recommend
from serving_layer.merged.catalogue import Page
from serving_layer.reading.answering import answer
from serving_layer.reading.snapshot import Snapshot
from serving_layer.reading.views import Views, open_views
from tests.kit.cassandra import cassandra_server, run_cql
from tests.kit.redis import redis_server

ITEMS, MOST_ON_CASSANDRA = (10_000, 100_000, 1_000_000), 50_000
LIMIT_SECONDS = 5.0  # of one question's calls
EVENTS_PER_SECOND = 300
PROFILED_CALLS, PARTS_TOLD = 30, 6
FIRST_COMMIT_SECONDS = 120

Question = Callable[[Snapshot], dict[str, Any]]


def run(items: tuple[int, ...] = ITEMS, calls: int = 500, top_items: int = 1_000_000) -> dict[str, object]:
    """Return milliseconds and calls a second of each question, on each store, for each number of items."""
    findings = Findings({"machine": machine(), **_top(top_items)})
    with ExitStack() as stack:
        stores: dict[str, Callable[[int], dict[str, Any]]] = {
            "SQLite": lambda _: {}, "Cassandra+Redis": _servers(stack),
        }  # fmt: skip
        for (name, places), (place, many) in itertools.product(stores.items(), enumerate(items)):
            shop = Shop(many, many if name == "SQLite" else min(many, MOST_ON_CASSANDRA))
            with fresh_home() as (plain, log):
                settings = plain.changed(**places(place))
                began = time.monotonic()
                shop.publish(settings, log)
                where = f"{name}, {many:,} items"
                findings[f"{where}: writing the views, s"] = round(time.monotonic() - began, 1)
                findings |= _both(settings, log, shop, calls, where)
    return findings


def _servers(stack: ExitStack) -> Callable[[int], dict[str, Any]]:
    """Return where the views of each size are; two servers for all of them."""
    redis, port = stack.enter_context(redis_server()), stack.enter_context(cassandra_server())

    def places(place: int) -> dict[str, Any]:
        replication = "{'class': 'SimpleStrategy', 'replication_factor': 1}"
        run_cql(port, f"CREATE KEYSPACE bench_{place} WITH replication = {replication}")
        return {
            "batch_views": f"cassandra://127.0.0.1:{port}/bench_{place}", "speed_views": f"{redis}/{place}",
            "store_timeout": "10s",
        }  # fmt: skip

    return places


def _both(settings: Settings, log: Log, shop: Shop, calls: int, where: str) -> dict[str, object]:
    """Measure without a speed layer, then beside one."""
    findings: dict[str, object] = {}
    with open_views(settings) as views:
        began = time.monotonic()
        answer(views, _questions(shop, random.Random(1))["recommend"]())
        findings[f"{where}: first recommendation (loads the model), ms"] = round(1_000 * (time.monotonic() - began))
        findings |= _asked(views, shop, calls, f"{where}, generation alone")
        findings[f"{where}: recommend, processor time by module"] = _profile(views, shop, "recommend")
        findings[f"{where}: trending, processor time by module"] = _profile(views, shop, "trending")
        with _speed_layer(settings, log, shop):
            _wait_for_segments(views)
            findings |= _asked(views, shop, calls, f"{where}, speed layer at {EVENTS_PER_SECOND} events/s")
    return findings


def _questions(shop: Shop, rng: random.Random) -> dict[str, Callable[[], Question]]:
    def similar() -> Question:
        item = rng.choice(shop.asked)
        return lambda snapshot: lookups.similar(snapshot, item, Page())

    def recommended() -> Question:
        user = b"user-%d" % rng.randrange(USERS)
        return lambda snapshot: recommend(snapshot, user, Wish())

    def trending() -> Question:
        return lambda snapshot: lookups.trending(snapshot, 24, None, Page())

    return {"similar": similar, "recommend": recommended, "trending": trending}


def _asked(views: Views, shop: Shop, calls: int, where: str) -> dict[str, object]:
    findings: dict[str, object] = {}
    for name, question in _questions(shop, random.Random(2)).items():
        took, degraded, began = list[float](), 0, time.perf_counter()
        while len(took) < calls and time.perf_counter() - began < LIMIT_SECONDS:
            compute, started = question(), time.perf_counter()
            body = answer(views, compute)
            took.append(time.perf_counter() - started)
            degraded += bool(body["degraded"])
            assert body["items"], body
        milliseconds = [round(1_000 * percentile(took, share), 1) for share in (0.5, 0.99)]
        rate = len(took) / sum(took)
        findings[f"{where}: {name}, p50 p99 ms, calls/s, calls, degraded"] = [
            *milliseconds,
            round(rate),
            len(took),
            degraded,
        ]
    return findings


def _profile(views: Views, shop: Shop, name: str) -> str:
    """Return shares of the modules' own time in answers, with the profiler's overhead."""
    profiler, question = cProfile.Profile(), _questions(shop, random.Random(3))[name]
    for _ in range(PROFILED_CALLS):
        compute = question()
        answer(views, lambda snapshot, compute=compute: profiler.runcall(compute, snapshot))  # type: ignore[misc]
    own = Counter[str]()
    for (file, _, function), (_, _, spent, _, _) in pstats.Stats(profiler).stats.items():  # type: ignore[attr-defined]
        part = "/".join(Path(file).with_suffix("").parts[-2:]) if file != "~" else function
        own[part.strip("<>").removeprefix("built-in method ").removeprefix("method ")] += spent
    total = sum(own.values())
    return ", ".join(f"{part} {spent / total:.0%}" for part, spent in own.most_common(PARTS_TOLD))


@contextmanager
def _speed_layer(settings: Settings, log: Log, shop: Shop) -> Iterator[None]:
    """Run a speed layer as its own process, with a steady stream of events for it."""
    places = {
        "MILLRACE_BATCH_VIEWS": settings.stores.batch_views.reveal(),
        "MILLRACE_SPEED_VIEWS": settings.stores.speed_views.reveal(),
    }
    child = start(
        "speed layer", [sys.executable, "-m", "millrace", "speed", "run"], settings.home / "speed.log",
        env={**os.environ, **places, "MILLRACE_HOME": str(settings.home)},
    )  # fmt: skip
    ended = threading.Event()
    producer = threading.Thread(target=_stream, args=(log, shop, ended), daemon=True)
    producer.start()
    try:
        yield
    finally:
        ended.set()
        producer.join()
        child.stop(60)


def _stream(log: Log, shop: Shop, ended: threading.Event) -> None:
    rng, appender = random.Random(4), log.appender()
    for number in itertools.count():
        user = f"user-{rng.randrange(USERS)}"
        event = {"event_id": f"e{number}", "event_time": time.time_ns() // 1_000_000, "kind": "view"}
        event |= {"user_id": user, "item_id": shop.asked[int(len(shop.asked) * rng.random() ** 3)].decode()}
        appender.append(log.topics.events, user.encode(), json.dumps(event).encode())
        if ended.wait(1 / EVENTS_PER_SECOND):
            return


def _wait_for_segments(views: Views) -> None:
    """Wait until the speed view counts and holds some seconds of the stream."""
    deadline = time.monotonic() + FIRST_COMMIT_SECONDS
    while not answer(views, lambda snapshot: snapshot.position is not None and snapshot.position.attempt > 3):
        if time.monotonic() > deadline:
            raise TimeoutError(f"no micro-batch within {FIRST_COMMIT_SECONDS} s")
        time.sleep(0.2)


def _top(items: int) -> dict[str, object]:
    """Return the exact ten best of that many items, and the bare product of the same numbers."""
    rng = np.random.default_rng(5)
    factors, user = rng.standard_normal((items, FACTORS), np.float32), rng.standard_normal(FACTORS)
    model = AlsScorer([], np.asfortranarray(factors), np.empty((0, 0), np.float32), 1.0, 1.0)
    narrow = user.astype(np.float32)
    product = [1_000 * elapsed for elapsed in seconds(lambda: factors @ narrow, 25)]
    best = [1_000 * elapsed for elapsed in seconds(lambda: model.best(user, 10), 25)]
    what = f"{items:,} items x {FACTORS} factors"
    return {
        f"exact top 10 of {what}, ms": spread(best, 1),
        f"NumPy's bare product of {what}, ms": spread(product, 1),
        "top 10, times the bare product": round(statistics.median(best) / statistics.median(product), 2),
        "matrix threads (OPENBLAS_NUM_THREADS)": os.environ.get("OPENBLAS_NUM_THREADS", "all"),
    }
