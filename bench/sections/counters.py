"""What the counters of activity cost the speed layer: processor time of equal micro-batches with and without them.

One process folds and writes the generator's load as the local engine does, into SQLite: with all counters, with those
of no dimension (``dimensions = []``), and with none at all, which no setting allows. The three take turns micro-batch
by micro-batch, so that a busy machine slows all of them alike.
"""

import time
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from statistics import median
from tempfile import TemporaryDirectory
from unittest.mock import patch

import msgspec
import pyarrow as pa

from adapters.log.kafka_log import Topics
from adapters.records.control import change_position
from adapters.stores.opened import store
from adapters.stores.port import ViewStore
from bench.setting import SEED, Findings, machine
from core.control.changes import commit, first_control, first_position, register
from core.settings import StoreUrl
from datasets.synthetic.generator import GeneratorSettings, generate_events
from schemas.control import LogIdentity, Position
from schemas.event import RECORD_COLUMNS
from schemas.rules import OPTIONAL_DIMENSIONS, Rules
from speed_layer.steps.micro_batch import MicroBatch, Places
from speed_layer.steps.one_task import fold_and_write

EVENTS_PER_HOUR = 8_000
END_MS = 1_700_000_000_000
ALL, NO_DIMENSIONS, NONE = "all counters", "no dimensions", "no counters"
CONTROL = first_control(LogIdentity("none", "none", 1), {0: 0}, "bench")


@dataclass
class Way:
    """A speed layer that counts in one way, in a store of its own."""

    name: str
    views: StoreUrl
    store: ViewStore
    position: Position
    before: Position | None = None

    @staticmethod
    def of(name: str, folder: str) -> "Way":
        views = StoreUrl(f"sqlite:///{folder}/{name.replace(' ', '-')}.sqlite")
        return Way(name, views, store(views, 10_000), first_position(CONTROL, name))

    def apply(self, records: pa.RecordBatch) -> float:
        """Apply one micro-batch; returns the processor seconds that it took."""
        end = {0: self.position.offsets[0] + records.num_rows}
        begun = change_position(self.store, self.before, register(self.position))
        assert begun is not None
        rules = Rules(partitions=1, dimensions=OPTIONAL_DIMENSIONS if self.name == ALL else ())
        places = Places(self.views, self.views, "", Topics(), {}, 10_000)
        batch = MicroBatch(begun, end, CONTROL.boundaries, {0: None}, rules, places)
        with ExitStack() as without:
            if self.name == NONE:
                without.enter_context(patch("core.fold.columns._activity", lambda *_: []))
            started = time.process_time()
            tally = fold_and_write([records], batch)
            spent = time.process_time() - started
        self.before = change_position(self.store, begun, commit(begun, end), writes=tally.puts)
        assert self.before is not None
        self.position = self.before
        return spent


def run(
    sizes: tuple[int, ...] = (10_000, 500), users: int = 50_000, items: int = 20_000, batches: int = 40,
    past: int = 100_000,
) -> dict[str, object]:  # fmt: skip
    """Return microseconds of processor time per event in each way, and what counters add to the time without any."""
    findings = Findings({"machine": machine(), "events before those that count": past})
    for size in sizes:
        with TemporaryDirectory(prefix="millrace-bench-") as folder:
            ways = [Way.of(name, folder) for name in (ALL, NO_DIMENSIONS, NONE)]
            load = _records([10_000] * (past // 10_000) + [size] * batches, users, items)
            spent = [[way.apply(records) / records.num_rows for way in ways] for records in load][-batches:]
        columns = dict(zip((ALL, NO_DIMENSIONS, NONE), zip(*spent, strict=True), strict=True))
        for name, seconds in columns.items():
            findings[f"micro-batches of {size:,}: {name}, microseconds per event"] = round(1e6 * median(seconds), 1)
        for name in (ALL, NO_DIMENSIONS):
            more = median(a / b for a, b in zip(columns[name], columns[NONE], strict=True)) - 1
            findings[f"micro-batches of {size:,}: {name} add to none, %"] = round(100 * more, 1)
    return findings


def _records(sizes: list[int], users: int, items: int) -> Iterator[pa.RecordBatch]:
    """Yield ``RECORD_COLUMNS`` of those sizes, of one log in which an hour has ``EVENTS_PER_HOUR``."""
    events = sum(sizes)
    world = GeneratorSettings(users, items, events, SEED, END_MS, days=events / EVENTS_PER_HOUR / 24)
    load, offset = generate_events(world), 0
    for size in sizes:
        rows = [next(load) for _ in range(size)]
        keys, values = [row["user_id"].encode() for row in rows], [msgspec.json.encode(row) for row in rows]
        columns = [[0] * size, range(offset, offset + size), [END_MS] * size, keys, values]
        arrays = [pa.array(column, kind) for column, kind in zip(columns, RECORD_COLUMNS.types, strict=True)]
        yield pa.RecordBatch.from_arrays(arrays, schema=RECORD_COLUMNS)
        offset += size
