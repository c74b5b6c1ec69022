"""One soak: an installation as ``millrace up`` runs it, overloaded, left alone, and asked what it has."""

import asyncio
import json
import signal
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

import httpx

from adapters.broker.embedded import running_broker
from adapters.log.kafka_log import Log
from adapters.machine.children import free_port
from tests.kit.commands import Commands
from tests.kit.waiting import until
from tests.soak.load import Load
from tests.soak.memory import Samples, Trend

CALM_SECONDS = 10.0  # in which the capacity is measured, and after the load its recovery
FILLING_SHARE = 1 / 3  # of the time, in which caches fill
JUDGED = ("API", "speed layer")  # the broker's memory is its heap, which Java fills up to its limit
SETTINGS = {"MILLRACE_SPEED_ENGINE": "local", "MILLRACE_HTTP_KEYS": "off"}


@dataclass
class Done:
    """What a soak found. ``broken``: a sentence for each thing that does not hold."""

    load: Load
    minutes: float
    capacity: float
    offered: float
    taken: float
    recovered: float
    lost: int
    in_log: int
    verified: dict[str, int]
    trends: dict[str, Trend]
    history: dict[str, list[float]]
    under_load: dict[int, int]
    afterwards: dict[int, int]
    broken: list[str] = field(default_factory=list)


@dataclass
class Soak:
    """``seconds`` of overload at ``times`` the capacity."""

    folder: Path
    say: Callable[[str], None]
    seconds: float
    times: float
    workers: int

    def run(self) -> Done:
        """Do it; the installation has ended when this returns."""
        port, commands = free_port(), Commands(self.folder, SETTINGS)
        words = ("up", "--port", str(port), "--workers", str(self.workers))
        with commands.started(*words, log=self.folder / "up.log") as process:
            self._await_ready(port)
            load, samples = Load(port), Samples(lambda: _parts(commands))
            done = asyncio.run(self._overload(load, samples))
            self._ask(done, port)
            self.say("verify")
            done.verified = self._verified(commands)
            process.send_signal(signal.SIGTERM)
            ended = process.wait(120)
        done.broken = [*_broken(done), *([] if ended == 0 else [f"up ended with {ended}"])]
        return done

    def _verified(self, commands: Commands) -> dict[str, int]:
        try:
            verified: dict[str, int] = commands.json("verify")
        except AssertionError as failed:
            self.say(str(failed))
            return {}
        return verified

    def _await_ready(self, port: int) -> None:
        def taken() -> bool:
            try:
                event = {"kind": "view", "user_id": "first", "item_id": "first"}
                return httpx.post(f"http://127.0.0.1:{port}/api/v1/interactions", json=event).status_code == 202
            except httpx.TransportError:
                return False

        until(taken, 300, (self.folder / "up.log").read_text)

    async def _overload(self, load: Load, samples: Samples) -> Done:
        capacity = await load.as_fast_as_answered(CALM_SECONDS)
        offered = self.times * capacity
        self.say(
            f"{capacity:,.0f} posts per second are taken; {offered:,.0f} are sent for {self.seconds / 60:g} minutes"
        )
        before = dict(load.statuses)
        with samples.sampling():
            await load.at_a_rate(offered, self.seconds)
        under_load = {status: count - before.get(status, 0) for status, count in load.statuses.items()}
        self.say(f"answers under load by status: {dict(sorted(under_load.items()))}")
        before = dict(load.statuses)
        recovered = await load.as_fast_as_answered(CALM_SECONDS)
        afterwards = {status: count - before.get(status, 0) for status, count in load.statuses.items()}
        load.close()
        return Done(
            load, self.seconds / 60, capacity, offered, under_load.get(202, 0) / self.seconds, recovered, 0, 0, {},
            samples.trends(FILLING_SHARE), samples.values, under_load, afterwards,
        )  # fmt: skip

    def _ask(self, done: Done, port: int) -> None:
        """Wait until all is applied, then compare what was acknowledged with the log."""
        api = f"http://127.0.0.1:{port}/api/v1"
        assert httpx.get(f"{api}/recommendations/u1", timeout=60).status_code == 200
        until(lambda: httpx.get(f"{api}/status", timeout=60).json()["lag_events"] == 0, 600)
        broker = running_broker(self.folder / ".millrace")
        assert broker is not None
        ids = list(_ids(Log(broker)))
        done.lost, done.in_log = done.load.lost(ids), len(ids)


def _ids(log: Log) -> Iterator[str]:
    for record in log.read(log.topics.events, log.start_offsets(), log.end_offsets()):
        yield json.loads(record.value or b"")["event_id"]


def _parts(commands: Commands) -> dict[str, list[int]]:
    parts: dict[str, list[int]] = {"API": [], "speed layer": [], "broker": []}
    for pid, command in commands.processes().items():
        words = command.split()
        name = (
            "speed layer" if "speed" in words else "API" if "serve" in words else "broker" if "java" in words[0] else ""
        )
        if name:
            parts[name].append(pid)
    return parts


def _broken(done: Done) -> Iterator[str]:
    shed = sum(count for status, count in done.under_load.items() if status in (429, 503))
    unknown = {status for status in done.load.statuses if status not in (202, 429, 503)}
    if unknown:
        yield f"answers other than 202, 429 and 503: {sorted(unknown)}"
    if not shed:
        yield "nothing was shed: this was no overload"
    if done.load.without_remedy:
        yield f"{done.load.without_remedy} refusals without Retry-After"
    if any(count for status, count in done.afterwards.items() if status != 202):
        yield f"it did not recover: {done.afterwards}"
    if done.lost:
        yield f"{done.lost} acknowledged events are not in the log"
    if done.verified.get("mismatches") != 0:
        yield f"verify found mismatches, or could not compare: {done.verified}"
    for name in JUDGED:
        if not done.trends[name].is_level:
            yield f"the memory of the {name} is not level: {done.trends[name]}"


def report(done: Done) -> str:
    """Return what a person reads at the end."""
    load, points = done.load, 12
    rows = [
        ("capacity, posts per second", f"{done.capacity:,.0f}"),
        (f"offered for {done.minutes:g} minutes", f"{done.offered:,.0f}, of them taken {done.taken:,.0f}"),
        (
            "answers under load, by status",
            ", ".join(f"{s or 'broken'} {n:,}" for s, n in sorted(done.under_load.items())),
        ),
        ("refusals without Retry-After", f"{load.without_remedy:,}"),
        ("posts without a free connection", f"{load.not_sent:,}"),
        ("afterwards, posts per second", f"{done.recovered:,.0f}, by status {dict(sorted(done.afterwards.items()))}"),
        (
            "acknowledged, and not in the log",
            f"{sum(load.acknowledged):,}, {done.lost:,} (the log has {done.in_log:,})",
        ),
        ("verify", json.dumps(done.verified)),
    ]
    for name, values in done.history.items():
        step = max(1, len(values) // points)
        rows.append((f"MiB of the {name} over time", " ".join(f"{v / (1 << 20):.0f}" for v in values[::step])))
        judged = "" if name in JUDGED else ", not judged"
        rows.append((f"after a third of it{judged}", str(done.trends[name])))
    width = max(len(name) for name, _ in rows)
    lines = [f"{name:{width}}  {text}" for name, text in rows]
    return "\n".join(["", *lines, "", *([f"does not hold: {why}" for why in done.broken] or ["everything holds"])])
