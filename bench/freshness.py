"""From the broker's acknowledgement of an event to the first answer that holds it, at a steady rate.

Everything is the embedded default in processes of its own, as ``millrace up`` runs it; the answers are read from the
stores as a lookup does. Memory is that of broker, speed layer and this reader together.
"""

import json
import os
import sys
import threading
import time
from collections.abc import Callable

import msgspec

from adapters.children import start
from adapters.log import Log
from adapters.settings import Settings
from bench.setting import command_line, fresh_home, load, machine, pids, resident_mib
from serving_layer import lookups
from serving_layer.catalogue import Page
from serving_layer.views import Views, answer, open_views

RATE, SECONDS, USERS, ITEMS = 500, 60, 2_000, 500
PROBE_EVERY_SECONDS = 0.5
LOST_AFTER_SECONDS = 60.0


def run(rate: int = RATE, seconds: int = SECONDS) -> dict[str, object]:
    """Percentiles of the seconds until ``similar`` shows a new co-rating, and the peak of memory."""
    with fresh_home() as (settings, log):
        child = start("speed layer", [sys.executable, "-m", "millrace", "speed", "run"], settings.home / "speed.log")
        try:
            with open_views(settings) as views:
                _probe(log, views, "warm")
                stop = threading.Event()
                steady = threading.Thread(target=_steadily, args=(log, settings, rate, seconds, stop))
                steady.start()
                waits, peak = [], 0.0
                while steady.is_alive():
                    waits.append(_probe(log, views, f"p{len(waits)}"))
                    peak = max(peak, resident_mib(_roots(settings, child.process.pid)))
                    time.sleep(PROBE_EVERY_SECONDS)
                steady.join()
        finally:
            child.stop(30)
    waits.sort()
    return {
        "machine": machine(),
        "events/s": rate,
        "probes": len(waits),
        **{f"p{percent} s": _at(waits, percent / 100) for percent in (50, 95, 99)},
        "max s": round(waits[-1], 2),
        "memory MiB (proportional, broker included)": round(peak),
    }


def _probe(log: Log, views: Views, name: str) -> float:
    """Two events of a new user on two items; the seconds from their acknowledgement to an answer with both."""
    now = time.time_ns() // 1_000_000
    pair = f"probe-{name}-a", f"probe-{name}-b"
    kinds = {"event_time": now, "kind": "view", "user_id": f"probe-{name}"}
    rows = [{"event_id": f"{name}-{k}", "item_id": item, **kinds} for k, item in enumerate(pair)]
    log.appender().append_all(
        log.topics.events, [(each["user_id"].encode(), msgspec.json.encode(each)) for each in rows]
    )
    acknowledged = time.monotonic()
    _wait(lambda: bool(_neighbours(views, pair[0].encode())))
    return time.monotonic() - acknowledged


def _neighbours(views: Views, item: bytes) -> list[object]:
    from schemas.errors import BadInput, NotReady

    try:
        found: list[object] = answer(views, lambda s: lookups.similar(s, item, Page(n=1)))["items"]
    except (BadInput, NotReady):
        return []
    return found


def _wait(true: Callable[[], bool]) -> None:
    deadline = time.monotonic() + LOST_AFTER_SECONDS
    while not true():
        if time.monotonic() > deadline:
            raise TimeoutError(f"not in the answers after {LOST_AFTER_SECONDS:g} s")
        time.sleep(0.02)


def _steadily(log: Log, settings: Settings, rate: int, seconds: int, stop: threading.Event) -> None:
    rows, appender, started = load(rate * seconds, USERS, ITEMS), log.appender(settings.partitioner), time.monotonic()
    for number, (key, value) in enumerate(rows):
        ahead = number / rate - (time.monotonic() - started)
        if ahead > 0.005:
            time.sleep(ahead)
        appender.append(log.topics.events, key, value)
    appender.flush()
    stop.set()


def _roots(settings: Settings, speed: int) -> set[int]:
    """This process, the speed layer's, and the broker's keeper (which is its own session, found by its home)."""
    home = str(settings.home.resolve()).encode()
    keepers = {pid for pid in pids() if home in command_line(pid) and b"broker_keeper" in command_line(pid)}
    return {os.getpid(), speed, *keepers}


def _at(sorted_values: list[float], share: float) -> float:
    return round(sorted_values[min(len(sorted_values) - 1, int(share * len(sorted_values)))], 2)


if __name__ == "__main__":
    print(json.dumps(run(), indent=1))
