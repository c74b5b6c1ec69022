"""An installation of real parts that are killed: broker, stores, layers and serving as processes, a load, a reader."""

import random
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import httpx

from adapters.broker.embedded import running_broker
from adapters.log.kafka_log import Log
from adapters.machine.children import free_port
from adapters.records.control import read_position
from adapters.settings import Settings
from adapters.stores.opened import speed_views
from core.control.boundaries import reaches
from core.events.acceptance import parse_event
from core.fold.slow import SlowView
from schemas.control import Offsets
from schemas.errors import MillraceError
from schemas.event import Event
from serving_layer.reading.answering import answer
from serving_layer.reading.views import Views
from tests.crash.load import Load
from tests.crash.parts import Part, kept
from tests.crash.reader import Reader
from tests.kit.commands import Commands
from tests.kit.installation import SMALL, Installation
from tests.kit.killable import Server, killable_cassandra, killable_kafka, killable_redis
from tests.kit.merged_views import Merged, Names, as_merged
from tests.kit.waiting import PATIENCE_SECONDS, until

PAIRS = ("sqlite+sqlite", "cassandra+redis")
# A generation must outlive the longest reading of a busy machine; the lease, a restart that waits for it.
SETTINGS: dict[str, Any] = {**SMALL, "grace": "8s", "lease": "4s", "store_timeout": "5s"}
# Two generations outlive a restart of the speed layer: otherwise it begins a new epoch, which some blows exclude.
BATCH_PAUSE_SECONDS = 25.0
FIRST_EVENTS = 1_000
Say = Callable[[str], None]


@dataclass
class Judge(Installation):
    """Compares all merged views with the slow twin, which it keeps and carries on; needs no engine."""

    load: Load | None = None
    compared: int = 0
    _slow: SlowView = field(default_factory=SlowView)
    _rejected: Counter[str] = field(default_factory=Counter)
    _upto: Offsets = field(default_factory=dict)

    def names(self) -> Names:
        assert self.load is not None
        return self.load.names

    def twin(self, until: Offsets) -> Merged:
        if not self._upto or not reaches(until, self._upto):
            self._slow, self._rejected, self._upto = SlowView(), Counter(), dict.fromkeys(until, 0)
        for record in self.log.read(self.log.topics.events, self._upto, until):
            event = parse_event(record, self.settings.rules)
            if isinstance(event, Event):
                self._slow.take(event, self.settings.rules)
            else:
                self._rejected[event.reason] += 1
        self._upto = until
        return as_merged(self._slow, self._rejected)

    @property
    def views(self) -> Views:
        """A reading of everything takes longer than an answer may."""
        return replace(super().views, patience_seconds=60.0)

    def check(self, degraded: tuple[str, ...] = ()) -> Offsets:
        """As ``Installation.check``; counted. An answer that lacks a view, beside busy layers, is asked for again."""
        answers: list[tuple[Merged, Offsets]] = []

        def whole() -> bool:
            answers[:] = [self.merged()]
            return bool(answers[0][0].pop("degraded") == degraded)

        until(whole, PATIENCE_SECONDS, self.state)
        merged, upto = answers[0]
        for view, expected in self.twin(upto).items():
            assert merged[view] == expected, f"{view} below {upto}"
        self.compared += 1
        return upto

    def state(self) -> tuple[tuple[str, ...], Offsets]:
        """What an answer would lack now, and the prefix that it would name."""
        try:
            return answer(self.views, lambda snapshot: (snapshot.degraded, snapshot.offsets))
        except MillraceError as error:
            return (str(error),), {}


@dataclass
class Plant:
    """All parts, what is said about them, and the numbers for the summary."""

    pair: str
    folder: Path
    rng: random.Random
    say: Say
    commands: Commands
    broker: Server
    stores: dict[str, Server]
    judge: Judge
    load: Load
    speed: Part
    batch: Part
    serving: Part
    reader: Reader
    lost: Counter[str] = field(default_factory=Counter)
    recoveries: dict[str, list[float]] = field(default_factory=dict)
    attempts: Counter[str] = field(default_factory=Counter)
    epochs: int = 0
    verified: int = 0

    def recovered(self, after: str) -> None:
        """Wait until all that was in the log by now is in whole answers; then everything must be exact."""
        began, mark = time.monotonic(), self.judge.log.end_offsets()

        def passed() -> bool:
            degraded, offsets = self.judge.state()
            return degraded == () and reaches(offsets, mark)

        until(
            passed, PATIENCE_SECONDS, lambda: f"after {after}: {self.judge.state()}, wanted {mark}\n{self.last_words()}"
        )
        seconds = time.monotonic() - began
        self.recoveries.setdefault(after, []).append(seconds)
        upto = self.judge.check()
        self.say(f"{self.pair}: {after}: whole again after {seconds:.1f} s; {sum(upto.values()):,} records exact")

    def note_attempts(self) -> None:
        """Before a position is lost, and at the end: how many attempts there were, and how many never counted."""
        position = read_position(speed_views(self.judge.settings))
        if position is not None:
            self.attempts["made"] += position.registered
            self.attempts["repeated"] += len(position.aborted) + (position.registered > position.attempt)
            self.epochs = max(self.epochs, position.epoch)

    def verify(self) -> None:
        """The product's own proof, as a command."""
        report = self.commands.json("verify")
        assert (report["mismatches"], report["events"] > 0) == (0, True), report
        self.verified += 1
        self.say(f"{self.pair}: verify: {report['events']:,} events, {report['pairs']:,} pairs, mismatches: 0")

    def last_words(self) -> str:
        """The end of what each part said; for failures."""
        return "\n".join(f"--- {part.name}\n{part.said()[-1500:]}" for part in (self.speed, self.batch, self.serving))

    def finish(self) -> None:
        """Stop the load, let all be applied, prove it in every way, and judge what was read meanwhile."""
        self.load.stop()
        self.recovered("the end of the load")
        self.judge.check_all_is_applied()
        self.verify()
        self.note_attempts()
        records = self.judge.records()
        for partition, sent in self.load.sent.items():
            kept = [(record.key, record.value) for record in records if record.partition == partition]
            wanted = [(record.key, record.value) for record in sent]
            assert kept == wanted, f"partition {partition} is not what was sent"
        judged = self.reader.judge(records, self.judge.settings.rules)
        assert not self.reader.wrong, "\n".join(self.reader.wrong[:10])
        assert judged > 20
        unexplained = [end for part in self.parts for end in part.ends if "UNEXPLAINED" in end]
        assert not unexplained, unexplained

    @property
    def parts(self) -> tuple[Part, ...]:
        return self.speed, self.batch, self.serving


@contextmanager
def plant(pair: str, folder: Path, seed: int, say: Say, rate: float = 30.0) -> Iterator[Plant]:
    """Everything up but the three commands, which the caller keeps; events are in the log and none is sent yet."""
    with ExitStack() as stack:
        stores, urls = _stores(pair, folder)
        broker = killable_kafka(folder / "kafka")
        for server in (broker, *stores.values()):
            server.start()
            stack.callback(server.stop)
        bootstrap = running_broker(broker.home)
        assert bootstrap is not None
        home = folder / "a home+1"
        settings = Settings.of(home=home, kafka=bootstrap, **urls, **SETTINGS)
        env = {f"MILLRACE_{key.upper()}": str(value) for key, value in {**SETTINGS, **urls}.items()}
        commands = Commands(folder, {**env, "MILLRACE_HOME": str(home), "MILLRACE_KAFKA": bootstrap})
        home.mkdir()
        log = Log(bootstrap)
        log.ensure_topics(settings.log.partitions)
        load = Load(log, settings.rules, seed, rate)
        load.send(FIRST_EVENTS)
        stack.callback(load.abandon)
        port = free_port()
        speed = Part("speed layer", ("speed", "run"), commands, folder / "speed.log")
        batch = Part("batch run", ("batch", "run"), commands, folder / "batch.log", BATCH_PAUSE_SECONDS)
        serving = Part("serving", ("serve", "--port", str(port)), commands, folder / "serve.log")
        chance = random.Random(seed)
        # A life that repeats less than the dead one tried leaves that one's rows lying beside its own. Either engine
        # continues what the other left.
        speed.settings = lambda: {
            "MILLRACE_MAX_EVENTS_PER_BATCH": str(chance.choice((150, 600, 100_000))),
            "MILLRACE_SPEED_ENGINE": chance.choice(("spark", "local")),
        }
        judge = Judge(None, log, settings, load=load)  # type: ignore[arg-type]  # it needs no session
        stack.callback(judge.close)
        reader = Reader(f"http://127.0.0.1:{port}", serving, *_often(load))
        made = Plant(
            pair, folder, random.Random(seed), say, commands, broker, stores, judge, load, speed, batch, serving, reader
        )
        with kept(*made.parts):
            yield made
        commands.wait_until_none_is_left()


def until_ready(made: Plant) -> None:
    """Wait until serving can answer."""

    def ready() -> bool:
        try:
            return httpx.get(f"{made.reader.where}/ready").status_code == 200
        except httpx.TransportError:
            return False

    until(ready, PATIENCE_SECONDS, made.last_words)


def _stores(pair: str, folder: Path) -> tuple[dict[str, Server], dict[str, Any]]:
    """The servers of a pair, and the settings that name them."""
    if pair == "sqlite+sqlite":
        return {}, {}
    cassandra, redis = free_port(), free_port()
    servers = {
        "batch": killable_cassandra(folder / "cassandra", cassandra),
        "speed": killable_redis(folder / "redis", redis),
    }
    urls = {"batch_views": f"cassandra://127.0.0.1:{cassandra}/plant", "speed_views": f"redis://127.0.0.1:{redis}/0"}
    return servers, urls


def _often(load: Load) -> tuple[list[str], list[str]]:
    """The items and users that were sent most often, to ask for."""
    items, users = Counter[str](), Counter[str]()
    for records in load.sent.values():
        for record in records:
            event = parse_event(record, load.rules)
            if isinstance(event, Event):
                items[event.item_id] += 1
                users[event.user_id] += 1
    return [name for name, _ in items.most_common(4)], [name for name, _ in users.most_common(3)]
