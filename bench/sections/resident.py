"""What ``millrace up`` costs at rest, and how many bytes an event, a pair and a user take in each store.

Bytes: synthetic events are applied by the speed layer from an empty state with no batch run in between, and then by a
batch run; once on SQLite, once on Cassandra with Redis. A row's bytes are its key and value as written through the
port; beside them what the store itself takes for all of them: the SQLite file, Redis' ``used_memory``, Cassandra's
data folder once its memtables are flushed. The lake is the Delta table on disk.

At rest: ``up`` on the SQLite home, after some time to settle; memory is proportional (shared pages count once),
processor time in per cent of one core, both by process and, for the busiest, by thread.
"""

import json
import os
import signal
import subprocess
import sys
import time
from collections import Counter, defaultdict
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from urllib.error import URLError
from urllib.request import Request, urlopen

from adapters.machine.children import free_port, start
from adapters.records.books import SPEED, generation_book
from adapters.records.control import read_control
from adapters.settings import Settings, load_settings
from adapters.stores import open_store
from adapters.stores.port import Book, ViewStore
from bench.setting import Findings, command_line, family, fresh_home, machine, pids, processor_seconds, produce, pss_kib
from core.rows.codec import SUMS_HEAD
from core.rows.views import HISTORY, PAIRS, SEEN
from tests.kit.cassandra import cassandra_process, run_cql
from tests.kit.redis import redis_server
from tests.kit.scratch import scratch

MILLRACE = [sys.executable, "-m", "millrace"]
SETTLE_SECONDS, READY_SECONDS, FLUSH_SECONDS = 30, 120, 120
THREADS_TOLD = 8
ROLES = {
    "kafka.Kafka": "broker", "adapters.broker.keeper": "broker's keeper", "SparkSubmit": "Spark's Java",
    "pyspark": "Spark's Python workers", "speed\0run": "speed layer", "serve": "HTTP API", "\0up": "supervisor",
}  # fmt: skip


def run(events: int = 1_000_000, users: int = 20_000, items: int = 10_000, seconds: int = 60) -> dict[str, object]:
    """Return bytes by view and store; MiB and per cent of a core by process."""
    findings = Findings({"machine": machine(), "events": events, "users": users, "items": items})
    with ExitStack() as servers, fresh_home() as (settings, log):
        redis, cassandra, data = _servers(servers)
        produce(log, events, users, items)
        findings |= _bytes("SQLite", settings, events, lambda name: _size(settings.home, f"{name}.sqlite*"))
        used = {"speed": lambda: _redis_bytes(redis), "batch": lambda: _flushed(cassandra, data)}
        with _environment(MILLRACE_BATCH_VIEWS=f"cassandra://127.0.0.1:{cassandra}/bench", MILLRACE_SPEED_VIEWS=redis):
            findings |= _bytes("Redis and Cassandra", load_settings(), events, lambda name: used[name]())
        findings["lake, bytes an event"] = round(_size(settings.home / "lake" / "events", "**/*") / events, 1)
        servers.close()
        findings |= _at_rest(settings, seconds)
    return findings


def _servers(stack: ExitStack) -> tuple[str, int, Path]:
    redis, home, port = stack.enter_context(redis_server()), stack.enter_context(scratch("cassandra")), free_port()
    stack.enter_context(cassandra_process(port, home))
    run_cql(port, "CREATE KEYSPACE bench WITH replication = {'class': 'SimpleStrategy', 'replication_factor': 1}")
    return f"{redis}/0", port, home / "data" / "bench"


@contextmanager
def _environment(**variables: str) -> Iterator[None]:
    os.environ.update(variables)
    try:
        yield
    finally:
        for name in variables:
            del os.environ[name]


def _bytes(where: str, settings: Settings, events: int, taken: Callable[[str], int]) -> dict[str, object]:
    """Run both layers over all of the log; return what they left."""
    for words in (["speed", "run", "--available-now"], ["batch", "run", "--full"]):
        subprocess.run([*MILLRACE, *words], check=True, capture_output=True)
    batch, speed = (open_store(url, timeout_ms=60_000) for url in (settings.batch_views_url, settings.speed_views_url))
    control = read_control(batch)
    assert control is not None
    assert control.active is not None
    findings, pairs = dict[str, object](), 0
    for layer, store, book in (("batch", batch, generation_book(control.active)), ("speed", speed, SPEED)):
        size, rows, amounts = _rows(store, book)
        pairs = amounts or pairs  # the speed view has the same ones
        view = f"{where}, {layer} views"
        users = max(1, rows[HISTORY])
        findings[f"{view}: bytes of rows by view"] = ", ".join(f"{name} {n:,}" for name, n in size.most_common())
        findings[f"{view}: pairs (both directions), bytes each"] = [f"{pairs:,}", round(size[PAIRS] / max(1, pairs), 2)]
        findings[f"{view}: users, bytes each of history and seen"] = [
            f"{users:,}", round(size[HISTORY] / users), round(size[SEEN] / users),
        ]  # fmt: skip
        whole, store_takes = sum(size.values()), taken(layer)
        findings[f"{view}: bytes an event of rows, and as the store takes them"] = [
            round(whole / events, 1), round(store_takes / events, 1),
        ]  # fmt: skip
        store.close()
    return findings


def _rows(store: ViewStore, book: Book) -> tuple[Counter[str], Counter[str], int]:
    """Return bytes and rows of each view, and how many amounts its pairs hold, without tagged rows' heads."""
    size, rows, pairs = Counter[str](), Counter[str](), 0
    for space in store.spaces(book):
        view = space if book is not SPEED else space.split("/")[1].partition("-")[0]  # older parts too; lists of rows
        for key, value in store.scan(book, space):
            size[view] += len(key) + len(value)
            rows[view] += 1
            if view == PAIRS and book is not SPEED:
                pairs += SUMS_HEAD.unpack_from(value)[0]
    return size, rows, pairs


def _size(folder: Path, pattern: str) -> int:
    """Return bytes on disk."""
    return sum(file.stat().st_blocks * 512 for file in folder.glob(pattern) if file.is_file())


def _redis_bytes(url: str) -> int:
    from redis import Redis

    with Redis.from_url(url) as client:
        return int(client.info("memory")["used_memory"])


def _flushed(port: int, data: Path) -> int:
    """Return Cassandra's bytes on disk once every memtable is written out and the size stands still."""
    for table in ("view_rows", "view_books", "view_spaces"):
        run_cql(port, f"ALTER TABLE bench.{table} WITH memtable_flush_period_in_ms = 1000")
    before, deadline = -1, time.monotonic() + FLUSH_SECONDS
    while (now := _size(data, "**/*.db")) != before or now == 0:
        if time.monotonic() > deadline:
            raise TimeoutError("Cassandra's data folder did not come to rest")
        before = now
        time.sleep(6)
    return now


def _at_rest(settings: Settings, seconds: int) -> dict[str, object]:
    port = free_port()
    child = start("up", [*MILLRACE, "up", "--port", str(port)], settings.home / "up.log")
    try:
        child.wait_until(lambda: _ready(port) and b"applying from" in child.log.read_bytes(), READY_SECONDS)
        _send(port)  # so that everything that works on events is there
        time.sleep(SETTLE_SECONDS)
        home = str(settings.home.resolve()).encode()
        keepers = {
            pid for pid in pids() if home in command_line(pid) and b"adapters.broker.keeper" in command_line(pid)
        }
        roots = {child.process.pid, *keepers}
        before, threads_before = _times(roots), _thread_times(roots)
        time.sleep(seconds)
        after, threads_after = _times(roots), _thread_times(roots)
        memory: dict[str, float] = defaultdict(float)
        for pid in family(roots):
            memory[_role(pid)] += pss_kib(pid) / 1024
    finally:
        child.process.send_signal(signal.SIGTERM)
        child.stop(60)
    spent = after - before
    threads = threads_after - threads_before
    return {
        "up at rest, memory MiB": round(sum(memory.values())),
        "up at rest, memory MiB by process": _listed(memory, 1.0),
        "up at rest, per cent of a core": round(100 * sum(spent.values()) / seconds, 1),
        "up at rest, per cent of a core by process": _listed(spent, 100 / seconds),
        "up at rest, per cent of a core by thread": _listed(dict(threads.most_common(THREADS_TOLD)), 100 / seconds),
    }


def _listed(values: dict[str, float] | Counter[str], factor: float) -> str:
    ordered = sorted(values.items(), key=lambda entry: -entry[1])
    return ", ".join(f"{name} {factor * value:.1f}" for name, value in ordered)


def _times(roots: set[int]) -> Counter[str]:
    """Return processor seconds by role."""
    out = Counter[str]()
    for pid in family(roots):
        out[_role(pid)] += processor_seconds(f"{pid}")  # type: ignore[assignment]
    return out


def _thread_times(roots: set[int]) -> Counter[str]:
    out = Counter[str]()
    for pid in family(roots):
        with suppress(OSError):  # it has ended meanwhile
            for task in Path(f"/proc/{pid}/task").iterdir():
                name = (task / "comm").read_text().strip()
                out[f"{_role(pid)}/{name}"] += processor_seconds(f"{pid}/task/{task.name}")  # type: ignore[assignment]
    return out


def _role(pid: int) -> str:
    words = command_line(pid).decode(errors="replace")
    return next((role for mark, role in ROLES.items() if mark in words), words.split("\0")[0][-20:])


def _send(port: int) -> None:
    events = [{"user_id": f"user-{number}", "item_id": "bench", "kind": "view"} for number in range(100)]
    headers = {"content-type": "application/json"}
    with urlopen(Request(f"http://127.0.0.1:{port}/api/v1/interactions", json.dumps(events).encode(), headers)):
        pass


def _ready(port: int) -> bool:
    with suppress(URLError, OSError), urlopen(f"http://127.0.0.1:{port}/ready", timeout=1):
        return True
    return False
