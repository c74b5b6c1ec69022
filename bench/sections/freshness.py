"""From the broker's acknowledgement of an event to the first answer over HTTP that holds it, at steady rates.

Broker, speed layer and API are processes of their own, as ``millrace up`` runs them. One reader for each of similar,
recommend and trending asks repeatedly; an answer holds an event when its ``fresh_to.offsets`` passes the event's
offset, which is what Millrace promises of it. Every twentieth event or so is timed. Memory is that of broker, speed
layer, API and the readers together.
"""

import http.client
import json
import os
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from statistics import median
from typing import Any

from confluent_kafka import Producer

from adapters.log.client import client_settings
from adapters.log.kafka_log import Log
from adapters.machine.children import free_port, start
from adapters.settings import Settings
from bench.setting import Findings, command_line, fresh_home, load, machine, percentile, pids, resident_mib, spread

RATES, SECONDS, USERS, ITEMS = (100, 1_000, 5_000), 20, 20_000, 5_000
WARM_EVENTS = 200_000
PAUSE_SECONDS = 0.02  # of a reader between two questions
LAST_ANSWERS_SECONDS = 1.0  # in which each reader hears of the last event
SHARES = (0.5, 0.95, 0.99, 1.0)
QUESTIONS = {"similar": "items/{item}/similar", "recommend": "recommendations/{user}", "trending": "trending"}


@dataclass
class Reader(threading.Thread):
    """Repeats one question and keeps when each answer came and how far it reached."""

    port: int
    path: str
    answers: list[tuple[float, dict[str, int]]] = field(default_factory=list)
    ended: threading.Event = field(default_factory=threading.Event)

    def __post_init__(self) -> None:
        super().__init__(daemon=True)

    __hash__ = threading.Thread.__hash__

    def run(self) -> None:
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=30)
        while not self.ended.wait(PAUSE_SECONDS):
            connection.request("GET", f"/api/v1/{self.path}")
            answer = json.loads(connection.getresponse().read())
            if "fresh_to" in answer:
                self.answers.append((time.monotonic(), answer["fresh_to"]["offsets"]))

    def waits(self, events: list[tuple[int, int, float]]) -> list[float]:
        """Return for each (partition, offset, acknowledged at) the seconds until an answer held it."""
        waits, at = [], 0
        for partition, offset, acknowledged in sorted(events, key=lambda event: event[2]):
            while at < len(self.answers) and self.answers[at][0] < acknowledged:
                at += 1
            held = (t for t, reached in self.answers[at:] if reached.get(str(partition), 0) > offset)
            waits.append(next(held, float("inf")) - acknowledged)
        return sorted(waits)


def run(
    rates: tuple[int, ...] = RATES,
    seconds: int = SECONDS,
    repeats: int = 5,
    engines: tuple[str, ...] = ("spark", "local"),
) -> dict[str, object]:
    """Return percentiles of the seconds for each rate and question, as medians with spread, and peak memory.

    ``engines``: of the speed layer, one after the other; with both, the ratio of their medians.
    """
    findings, medians = Findings({"machine": machine()}), dict[tuple[str, str], float]()
    for engine in engines:
        measured = _with(engine, rates, seconds, repeats)
        findings |= {f"{engine}: {what}": figure for what, (figure, _) in measured.items()}
        medians |= {(engine, what): median for what, (_, median) in measured.items()}
    for engine, what in medians:
        if engine == "local" and ("spark", what) in medians:
            ratio = medians["spark", what] / max(medians["local", what], 0.001)
            findings[f"spark / local: {what.partition(' p50')[0]}, median"] = round(ratio, 1)
    return findings


def _with(engine: str, rates: tuple[int, ...], seconds: int, repeats: int) -> dict[str, tuple[object, float]]:
    """Return each figure of one engine, with its median as a number."""
    os.environ["MILLRACE_SPEED_ENGINE"] = engine
    figures: dict[str, tuple[object, float]] = {}
    with fresh_home() as (settings, log), _running(settings) as (port, roots):
        warm = load(WARM_EVENTS, USERS, ITEMS)
        log.appender().append_all(log.topics.events, warm)
        _wait_until_applied(port, log)
        user, item = warm[-1][0].decode(), json.loads(warm[-1][1])["item_id"]
        peak = 0.0
        paths = {name: path.format(user=user, item=item) for name, path in QUESTIONS.items()}
        for rate in rates:
            runs = [_waits(port, log, paths, (rate, seconds, number)) for number in range(repeats)]
            peak = max(peak, resident_mib(roots | {os.getpid()}))
            for name in QUESTIONS:
                shares = [[percentile(waits[name], share) for waits in runs] for share in SHARES]
                figures[f"{rate} events/s, {name}, p50 p95 p99 max s"] = (
                    [spread(share, 3) for share in shares],
                    median(shares[0]),
                )
    return {**figures, "memory MiB (proportional, all processes)": (round(peak), peak)}


def _waits(port: int, log: Log, paths: dict[str, str], load_of: tuple[int, int, int]) -> dict[str, list[float]]:
    """Run at the load's rate, for its seconds, with its number; return each reader's waits in seconds, ascending."""
    readers = {name: Reader(port, path) for name, path in paths.items()}
    for reader in readers.values():
        reader.start()
    timed = _steadily(log, *load_of)
    _wait_until_applied(port, log)
    time.sleep(LAST_ANSWERS_SECONDS)
    for reader in readers.values():
        reader.ended.set()
        reader.join()
    return {name: reader.waits(timed) for name, reader in readers.items()}


@contextmanager
def _running(settings: Settings) -> Iterator[tuple[int, set[int]]]:
    """Run speed layer and API as children; yields the API's port and the processes whose memory counts."""
    port, millrace = free_port(), [sys.executable, "-m", "millrace"]
    speed = start("speed layer", [*millrace, "speed", "run"], settings.home / "speed.log")
    serve = start("API", [*millrace, "serve", "--port", str(port)], settings.home / "serve.log")
    home = str(settings.home.resolve()).encode()
    keepers = {pid for pid in pids() if home in command_line(pid) and b"adapters.broker.keeper" in command_line(pid)}
    try:
        yield port, {speed.process.pid, serve.process.pid, *keepers}
    finally:
        serve.stop(30)
        speed.stop(30)


def _steadily(log: Log, rate: int, seconds: int, number: int) -> list[tuple[int, int, float]]:
    """Send at that rate; return partition, offset and moment of acknowledgement of a sample of events."""
    rows, timed = load(rate * seconds, USERS, ITEMS, seed=rate + number), list[tuple[int, int, float]]()
    producer = Producer(client_settings(log.bootstrap, {}) | {"acks": "all", "partitioner": "murmur2_random"})
    every = max(1, rate // 50)

    def acknowledged(error: Any, message: Any) -> None:
        if error is None:
            timed.append((message.partition(), message.offset(), time.monotonic()))

    started = time.monotonic()
    for number, (key, value) in enumerate(rows):
        ahead = number / rate - (time.monotonic() - started)
        if ahead > 0.002:
            time.sleep(ahead)
        producer.produce(log.topics.events, value, key, on_delivery=acknowledged if number % every == 0 else None)
        producer.poll(0)
    producer.flush(30)
    return timed


def _wait_until_applied(port: int, log: Log) -> None:
    end, deadline = log.end_offsets(), time.monotonic() + 180
    while time.monotonic() < deadline:
        try:
            connection = http.client.HTTPConnection("127.0.0.1", port, timeout=10)
            connection.request("GET", "/api/v1/trending")
            answer = json.loads(connection.getresponse().read())
            if answer.get("fresh_to", {}).get("offsets") == {str(p): offset for p, offset in end.items()}:
                return
        except OSError:  # not listening yet
            pass
        time.sleep(0.2)
    raise TimeoutError("the speed layer did not reach the log's end within 180 s")
