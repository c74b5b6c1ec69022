"""What all benchmarks share: a fresh home, a load with a fixed seed, the machine's name and a process's memory."""

import os
import platform
import statistics
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import msgspec

from adapters.broker import wait_until_stopped
from adapters.log import Log
from adapters.opening import open_log
from adapters.settings import Settings, load_settings
from datasets.generator import GeneratorSettings, World, generate_events

SEED = 11


@contextmanager
def fresh_home() -> Iterator[tuple[Settings, Log]]:
    """A throw-away home with its own broker."""
    with tempfile.TemporaryDirectory(prefix="millrace-bench-") as home:
        os.environ["MILLRACE_HOME"] = home
        settings = load_settings()
        with open_log(settings) as log:
            yield settings, log
        wait_until_stopped(settings.home)


def produce(log: Log, events: int, users: int, items: int, seed: int = SEED) -> None:
    """Append synthetic events to the log; the same for the same arguments but for the time at which they end."""
    world = World(GeneratorSettings(users, items, events, seed, time.time_ns() // 1_000_000))
    made = generate_events(world.settings, world)
    log.appender().append_all(
        log.topics.events, ((each["user_id"].encode(), msgspec.json.encode(each)) for each in made)
    )


def load(events: int, users: int, items: int, seed: int = SEED) -> list[tuple[bytes, bytes]]:
    """(user, value) of synthetic events; the same for the same arguments but for the time at which they end."""
    world = World(GeneratorSettings(users, items, events, seed, time.time_ns() // 1_000_000))
    return [(each["user_id"].encode(), msgspec.json.encode(each)) for each in generate_events(world.settings, world)]


def machine() -> str:
    """Where this was measured."""
    named = (line.split(":")[1].strip() for line in _lines("/proc/cpuinfo") if line.startswith("model name"))
    system = f"{platform.system()} {platform.release().split('-')[0]}, Python {platform.python_version()}"
    return f"{os.cpu_count()} x {next(named, '?')}, {system}"


def spread(values: Sequence[float], digits: int = 2) -> str:
    """``median (min-max)``."""
    return f"{statistics.median(values):,.{digits}f} ({min(values):,.{digits}f}-{max(values):,.{digits}f})"


def resident_mib(session: set[int]) -> float:
    """Proportional resident memory of those processes and all their descendants, MiB (pages shared count once)."""
    family, grew = set(session), True
    parents = {pid: _parent(pid) for pid in pids()}
    while grew:
        more = {pid for pid, parent in parents.items() if parent in family} - family
        family |= more
        grew = bool(more)
    return sum(_pss_kib(pid) for pid in family) / 1024


def pids() -> list[int]:
    """Of every process."""
    return [int(each.name) for each in Path("/proc").iterdir() if each.name.isdecimal()]


def command_line(pid: int) -> bytes:
    """As it was started; empty when it has ended."""
    try:
        return Path(f"/proc/{pid}/cmdline").read_bytes()
    except OSError:
        return b""


def _parent(pid: int) -> int:
    return next((int(line.split()[1]) for line in _lines(f"/proc/{pid}/status") if line.startswith("PPid")), 0)


def _pss_kib(pid: int) -> int:
    return next((int(line.split()[1]) for line in _lines(f"/proc/{pid}/smaps_rollup") if line.startswith("Pss:")), 0)


def _lines(path: str) -> list[str]:
    try:
        return Path(path).read_text().splitlines()
    except OSError:
        return []
