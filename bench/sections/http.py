"""The HTTP API under load: answers and posts per second, and what they wait, on 1 and on 8 connections.

Broker, speed layer (which applies 300 events/s meanwhile) and API are processes of their own, as ``millrace up`` runs
them; wrk asks on the same cores. The events are those of ml-latest-small in the folder MILLRACE_TEST_DATA, else made
up. Runs of all questions alternate, so that each one's figures are from the whole time. Beside them stand a fixed text
answered by bare uvicorn, and the API's own ``/health``: what HTTP costs here without an answer.
"""

import os
import random
import statistics
import subprocess
import sys
import threading
import time
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from urllib.error import URLError
from urllib.request import urlopen

import msgspec

from adapters.log.kafka_log import Log
from adapters.machine.children import child, free_port
from bench.setting import Findings, family, fresh_home, load, machine, processor_seconds, resident_mib, spread
from bench.wrk import Load, Measured, interactions, tool
from tests.kit.cassandra import cassandra_server, run_cql
from tests.kit.redis import redis_server

EVENTS_PER_SECOND, CONNECTIONS = 300, (1, 8)
MADE = (100_000, 671, 9_000)  # events, users and items where the data set is missing
READY_SECONDS, WARM_SECONDS, ASIDE_SECONDS, DRAIN_SECONDS = 180, 3, 5, 120
MILLRACE = [sys.executable, "-m", "millrace"]
SQLITE, SERVERS = "SQLite", "Cassandra+Redis"
GORSE = "recommend 932/s, neighbours 3,400/s, single inserts 1,100/s: the same machine and data"


@dataclass
class Bench:
    """One store's installation under load: the URL of its API, the process of that, who and what is asked about."""

    url: str
    serve: int
    users: Sequence[str]
    items: Sequence[str]
    folder: Path
    seconds: int
    runs: dict[str, list[Measured]] = field(default_factory=lambda: defaultdict(list))
    spent: dict[str, list[float]] = field(default_factory=lambda: defaultdict(list))

    def loads(self) -> dict[str, Load]:
        """Return what is asked, by name."""
        rng = random.Random(3)
        users, items = rng.sample(self.users, len(self.users)), rng.sample(self.items, min(1_000, len(self.items)))
        return {
            "health": Load(["/health"]),
            "recommend": Load([f"/api/v1/recommendations/{user}" for user in users]),
            "similar": Load([f"/api/v1/items/{item}/similar" for item in items]),
            "trending": Load(["/api/v1/trending"]),
            "posts": Load(interactions(users, items, 1, 5_000, 1), "/api/v1/interactions"),
            "lists of 1,000": Load(interactions(users, items, 1_000, 20, 2), "/api/v1/interactions"),
        }

    def measure(self, name: str, asked: Load, connections: int, number: int, url: str = "") -> None:
        """Run once and keep what came of it."""
        before = self._processor_seconds()
        measured = asked.run(url or self.url, connections, self.seconds, self.folder, number)
        what = f"{name}, {connections} connection{'s' * (connections > 1)}"
        self.runs[what].append(measured)
        self.spent[what].append(1000 * (self._processor_seconds() - before) / max(1, measured.answers))
        self._drain()

    def _drain(self) -> None:
        """Wait until the speed layer has applied what was posted: the next figures are of the steady load alone."""
        deadline = time.monotonic() + DRAIN_SECONDS
        while time.monotonic() < deadline:
            with urlopen(f"{self.url}/api/v1/status", timeout=10) as answer:  # noqa: S310 - a server of this bench
                if msgspec.json.decode(answer.read())["lag_events"] <= EVENTS_PER_SECOND:
                    return
            time.sleep(0.2)

    def _processor_seconds(self) -> float:
        return sum(processor_seconds(str(pid)) for pid in family({self.serve}))

    def figures(self, where: str) -> dict[str, object]:
        """Return the figures: medians with spread of each question's runs."""
        out: dict[str, object] = {}
        for what, runs in self.runs.items():
            rates = [spread([run.per_second for run in runs], 0), *_waits(runs)]
            out[f"{where}: {what}, per s; p50, p99 ms; API's processor ms each"] = [
                *rates, "-" if what.startswith("bare") else f"{statistics.median(self.spent[what]):.2f}",
            ]  # fmt: skip
            if failed := sum(run.failed for run in runs):
                out[f"{where}: {what}, failed"] = failed
        return out


def run(
    seconds: int = 3, repeats: int = 5, stores: tuple[str, ...] = (SQLITE, SERVERS), workers: tuple[int, ...] = (1, 2),
    engine: str = "spark",
) -> dict[str, object]:  # fmt: skip
    """Return answers per second and their waits, for each store and number of workers; memory of the workers.

    Args: seconds: of one run.      engine: of the speed layer.
    """
    tool()
    os.environ["MILLRACE_SPEED_ENGINE"] = engine
    findings = Findings({"machine": machine(), "speed layer's engine": engine, "Gorse, measured for comparison": GORSE})
    with fresh_home() as (settings, log), ExitStack() as servers:
        users, items = _filled(log, settings.home)
        for store in stores:
            os.environ.update(_places(servers) if store == SERVERS else {})
            subprocess.run([*MILLRACE, "batch", "run", "--full"], check=True, capture_output=True)
            with (
                child("speed layer", [*MILLRACE, "speed", "run"], settings.home / "speed.log"),
                _events(log, users, items),
            ):
                for count in workers:
                    with _serving(settings.home, count) as (url, process):
                        bench = Bench(url, process, users, items, settings.home, seconds)
                        where = f"{store}, {count} worker{'s' * (count > 1)}"
                        findings |= _measured(bench, repeats, where)
    return findings


def _measured(bench: Bench, repeats: int, where: str) -> dict[str, object]:
    loads = bench.loads()
    for asked in loads.values():
        asked.run(bench.url, CONNECTIONS[-1], WARM_SECONDS, bench.folder)
    with _bare(bench.folder) as bare:
        for number in range(repeats):
            for connections in CONNECTIONS:
                bench.measure("bare uvicorn", loads["health"], connections, number, bare)
                for name, asked in loads.items():
                    bench.measure(name, asked, connections, number)
    figures = bench.figures(where)
    figures[f"{where}: memory MiB (proportional)"] = round(resident_mib({bench.serve}))
    return figures | _beside(bench, loads["recommend"], where)


def _beside(bench: Bench, asked: Load, where: str) -> dict[str, object]:
    """Return what recommend waits while a generation is swapped, and while a batch run computes and publishes one."""
    out: dict[str, object] = {}
    for what, words in (("a batch run computes and publishes", ["batch", "run"]), ("it is rolled back", ["rollback"])):
        runs: list[Measured] = []
        with subprocess.Popen([*MILLRACE, *words], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as beside:
            while not runs or beside.poll() is None:
                runs.append(asked.run(bench.url, CONNECTIONS[-1], ASIDE_SECONDS, bench.folder, len(runs)))
        assert beside.returncode == 0, words
        failed = sum(run.failed for run in runs)
        out[f"{where}: recommend while {what}, per s; p50, p99 ms; worst p99; failed"] = [
            spread([run.per_second for run in runs], 0), *_waits(runs), f"{max(run.p99 for run in runs):.1f}", failed,
        ]  # fmt: skip
    subprocess.run([*MILLRACE, "rollback", "--release"], check=True, capture_output=True)
    return out


def _waits(runs: Sequence[Measured]) -> list[str]:
    return [spread([run.p50 for run in runs]), spread([run.p99 for run in runs])]


def _filled(log: Log, home: Path) -> tuple[list[str], list[str]]:
    """Append the data set, or made-up events, to the log; return its users and items."""
    data = Path(os.environ.get("MILLRACE_TEST_DATA", "")) / "ml-latest-small"
    if not (os.environ.get("MILLRACE_TEST_DATA") and data.is_dir()):
        rows = load(*MADE)
        log.appender().append_all(log.topics.events, rows)
        events = [msgspec.json.decode(value) for _, value in rows]
    else:
        file = home / "events.jsonl"
        subprocess.run(
            [*MILLRACE, "import", "movielens", str(data), "--out", str(file)], check=True, capture_output=True
        )
        subprocess.run([*MILLRACE, "produce", str(file)], check=True, capture_output=True)
        subprocess.run(
            [*MILLRACE, "produce", str(home / "items.jsonl"), "--topic", "items"], check=True, capture_output=True
        )
        events = [msgspec.json.decode(line) for line in file.read_bytes().splitlines()]
    return sorted({event["user_id"] for event in events}), sorted({event["item_id"] for event in events})


def _places(stack: ExitStack) -> Mapping[str, str]:
    """Return where the views are on servers, as environment variables."""
    redis, port = stack.enter_context(redis_server()), stack.enter_context(cassandra_server())
    run_cql(port, "CREATE KEYSPACE bench WITH replication = {'class': 'SimpleStrategy', 'replication_factor': 1}")
    return {"MILLRACE_BATCH_VIEWS": f"cassandra://127.0.0.1:{port}/bench", "MILLRACE_SPEED_VIEWS": f"{redis}/0"}


@contextmanager
def _events(log: Log, users: Sequence[str], items: Sequence[str]) -> Iterator[None]:
    """Append events at a steady rate until the end of the block."""
    ended = threading.Event()

    def stream() -> None:
        appender, rng, began, sent = log.appender(), random.Random(4), time.monotonic(), 0
        while not ended.wait(0.02):
            while sent < EVENTS_PER_SECOND * (time.monotonic() - began):
                event = {"event_id": f"bench-{sent}", "event_time": time.time_ns() // 1_000_000, "kind": "view"}
                event |= {"user_id": rng.choice(users), "item_id": items[int(len(items) * rng.random() ** 2)]}
                appender.append(log.topics.events, str(event["user_id"]).encode(), msgspec.json.encode(event))
                sent += 1

    thread = threading.Thread(target=stream, daemon=True)
    thread.start()
    try:
        yield
    finally:
        ended.set()
        thread.join()


@contextmanager
def _serving(home: Path, workers: int) -> Iterator[tuple[str, int]]:
    """Provide the API with that many workers, ready, and the speed layer's position in its answers."""
    port = free_port()
    url = f"http://127.0.0.1:{port}"
    words = [*MILLRACE, "serve", "--port", str(port), "--workers", str(workers)]
    with child("API", words, home / "serve.log") as served:
        served.wait_until(lambda: _counts_events(url), READY_SECONDS)
        time.sleep(WARM_SECONDS)  # every worker, not only the one that answered
        yield url, served.process.pid


def _counts_events(url: str) -> bool:
    with suppress(URLError, OSError), urlopen(f"{url}/ready", timeout=1) as answer:  # noqa: S310 - our own server
        return not msgspec.json.decode(answer.read())["degraded"]
    return False


@contextmanager
def _bare(folder: Path) -> Iterator[str]:
    port = free_port()
    url = f"http://127.0.0.1:{port}"

    def answers() -> bool:
        with suppress(URLError, OSError), urlopen(url, timeout=1):
            return True
        return False

    with child("bare uvicorn", [sys.executable, "-m", "bench.hello", str(port)], folder / "bare.log") as server:
        server.wait_until(answers, READY_SECONDS)
        yield url
