"""What all benchmarks share: a fresh home, a load with a fixed seed, the machine's name, memory and processor time."""

import os
import platform
import statistics
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import msgspec

from adapters.broker.embedded import wait_until_stopped
from adapters.broker.opening import open_log
from adapters.log.kafka_log import Log
from adapters.settings import Settings, load_settings
from bench.spread_load import spread_events
from datasets.synthetic.generator import GeneratorSettings, World, generate_events

SEED = 11
CLUSTERED, SPREAD = "clustered", "spread"  # the generator's load, and the one without clusters


@contextmanager
def fresh_home() -> Iterator[tuple[Settings, Log]]:
    """Provide a throw-away home with its own broker."""
    with tempfile.TemporaryDirectory(prefix="millrace-bench-") as home:
        os.environ["MILLRACE_HOME"] = home
        settings = load_settings()
        with open_log(settings) as log:
            yield settings, log
        wait_until_stopped(settings.home)


def produce(log: Log, events: int, users: int, items: int, seed: int = SEED, kind: str = CLUSTERED) -> None:
    """Append synthetic events of that kind of load to the log."""
    log.appender().append_all(log.topics.events, LOADS[kind](events, users, items, seed))


def load(events: int, users: int, items: int, seed: int = SEED) -> list[tuple[bytes, bytes]]:
    """Return (user, value) of synthetic events."""
    return list(_clustered(events, users, items, seed))


def _clustered(events: int, users: int, items: int, seed: int) -> Iterator[tuple[bytes, bytes]]:
    """Yield the same events for the same arguments, except for the time at which they end."""
    world = World(GeneratorSettings(users, items, events, seed, time.time_ns() // 1_000_000))
    for event in generate_events(world.settings, world):
        yield event["user_id"].encode(), msgspec.json.encode(event)


def _spread(events: int, users: int, items: int, seed: int) -> Iterator[tuple[bytes, bytes]]:
    return spread_events(events, users, items, seed, time.time_ns() // 1_000_000)


LOADS = {CLUSTERED: _clustered, SPREAD: _spread}


def machine() -> str:
    """Return where this was measured."""
    named = (line.split(":")[1].strip() for line in _lines("/proc/cpuinfo") if line.startswith("model name"))
    system = f"{platform.system()} {platform.release().split('-')[0]}, Python {platform.python_version()}"
    return f"{os.cpu_count()} x {next(named, '?')}, {system}"


class Findings(dict[str, object]):
    """What a section has found so far; each figure is printed on stderr at once, as a section takes long."""

    def __setitem__(self, what: str, measured: object) -> None:
        print(f"  {what}: {measured}", file=sys.stderr, flush=True)
        super().__setitem__(what, measured)

    def __ior__(self, others: Mapping[str, object]) -> "Findings":  # type: ignore[override,misc]  # of this kind alone
        for what, measured in others.items():
            self[what] = measured
        return self


def spread(values: Sequence[float], digits: int = 2) -> str:
    """Return ``median (min-max)``."""
    return f"{statistics.median(values):,.{digits}f} ({min(values):,.{digits}f}-{max(values):,.{digits}f})"


def seconds(work: Callable[[], object], times: int = 5) -> list[float]:
    """Return how long it took, each time."""
    lines = []
    for _ in range(times):
        began = time.perf_counter()
        work()
        lines.append(time.perf_counter() - began)
    return lines


def percentile(values: Sequence[float], share: float) -> float:
    """Return the value that this share of the values does not exceed."""
    return sorted(values)[min(len(values) - 1, int(share * len(values)))]


def resident_mib(session: set[int]) -> float:
    """Return the proportional memory of those processes and all their descendants, MiB (shared pages count once)."""
    return sum(pss_kib(pid) for pid in family(session)) / 1024


def family(session: set[int]) -> set[int]:
    """Return those processes and all their descendants."""
    processes, grew = set(session), True
    parents = {pid: _parent(pid) for pid in pids()}
    while grew:
        more = {pid for pid, parent in parents.items() if parent in processes} - processes
        processes |= more
        grew = bool(more)
    return processes


def processor_seconds(place: str) -> float:
    """Return user and system time of a process, ``PID``, or thread, ``PID/task/TID``, so far; 0 when it has ended."""
    words = " ".join(_lines(f"/proc/{place}/stat")).rpartition(")")[2].split()
    return sum(map(int, words[11:13])) / os.sysconf("SC_CLK_TCK") if words else 0.0


def spent_seconds() -> float:
    """Return the processor time of this process, what it started, and what of that has ended and been waited for."""
    ticks = 0
    for pid in family({os.getpid()}):
        words = " ".join(_lines(f"/proc/{pid}/stat")).rpartition(")")[2].split()
        ticks += sum(map(int, words[11:15]))
    return ticks / os.sysconf("SC_CLK_TCK")


@dataclass
class PeakMemory:
    """The greatest proportional memory of this process and what it started, MiB, sampled while the block runs.

    Servers that only stand for others' machines are left out: what has one of ``without`` in its command line.
    """

    without: tuple[bytes, ...] = (b"CassandraDaemon", b"redis-server", b"kafka.Kafka")
    every_seconds: float = 0.5
    mib: float = 0.0
    ended: threading.Event = field(default_factory=threading.Event)

    def __enter__(self) -> "PeakMemory":
        self._thread = threading.Thread(target=self._sample, daemon=True)
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.ended.set()
        self._thread.join()

    def _sample(self) -> None:
        while not self.ended.wait(self.every_seconds):
            mine = [pid for pid in family({os.getpid()}) if not any(word in command_line(pid) for word in self.without)]
            self.mib = max(self.mib, sum(map(pss_kib, mine)) / 1024)


def pids() -> list[int]:
    """Return the ids of all processes."""
    return [int(entry.name) for entry in Path("/proc").iterdir() if entry.name.isdecimal()]


def command_line(pid: int) -> bytes:
    """Return the command line that started it; empty when it has ended."""
    try:
        return Path(f"/proc/{pid}/cmdline").read_bytes()
    except OSError:
        return b""


def _parent(pid: int) -> int:
    return next((int(line.split()[1]) for line in _lines(f"/proc/{pid}/status") if line.startswith("PPid")), 0)


def pss_kib(pid: int) -> int:
    return next((int(line.split()[1]) for line in _lines(f"/proc/{pid}/smaps_rollup") if line.startswith("Pss:")), 0)


def _lines(path: str) -> list[str]:
    try:
        return Path(path).read_text().splitlines()
    except OSError:
        return []
