"""A micro-batch larger than Arrow can hold in one piece: a flood of records as large as they may be."""

from collections.abc import Iterator
from pathlib import Path

import pyarrow as pa

from adapters.log.kafka_log import Topics
from adapters.records.control import change_position
from adapters.stores.opened import store
from core.control.changes import first_control, first_position, register
from core.partitions.partitioner import partition_of
from schemas.control import LogIdentity
from schemas.event import MAX_VALUE_BYTES, RECORD_COLUMNS
from schemas.rules import Rules
from speed_layer.steps.fold_step import fold_records
from speed_layer.steps.micro_batch import MicroBatch, Places, Tally
from tests.kit.hostile import TIMESTAMP, USER, encoded, good

RULES = Rules()
HOME = partition_of(USER.encode(), RULES.partitioner, RULES.partitions)
BATCH_RECORDS, BATCHES = 1_024, 33  # 64 MiB each, as the engine cuts them: 2 GiB and a little more


def batches() -> Iterator[pa.RecordBatch]:
    padding = MAX_VALUE_BYTES - len(encoded(good(x="")))
    values = pa.array([encoded(good(x="x" * padding))] * BATCH_RECORDS, pa.binary())
    others = [
        pa.array([constant] * BATCH_RECORDS, kind) for constant, kind in ((HOME, pa.int32()), (TIMESTAMP, pa.int64()))
    ]
    keys = pa.array([USER.encode()] * BATCH_RECORDS, pa.binary())
    for number in range(BATCHES):
        offsets = pa.array(range(number * BATCH_RECORDS, (number + 1) * BATCH_RECORDS), pa.int64())
        yield pa.RecordBatch.from_arrays([others[0], offsets, others[1], keys, values], schema=RECORD_COLUMNS)


def test_no_event_of_a_micro_batch_beyond_two_gigabytes_is_passed_over(tmp_path: Path) -> None:
    control = first_control(LogIdentity("cluster", "topic", RULES.partitions), dict.fromkeys(range(4), 0), "rules")
    views = f"sqlite:///{tmp_path}/views.sqlite"
    places = Places(views, views, "", Topics(), {}, 2000)
    speed = store(places.speed_views, 2000)
    begun = change_position(speed, None, register(first_position(control, "me")))
    assert begun is not None
    to = dict.fromkeys(range(4), 0) | {HOME: BATCH_RECORDS * BATCHES}
    batch = MicroBatch(begun, to, control.boundaries, dict.fromkeys(to), RULES, places)
    tallies = [
        Tally.of(numbers)
        for rows in fold_records(batches(), batch)
        for numbers in rows.column("tally").drop_null().to_pylist()
    ]
    assert [tally.events for tally in tallies] == [BATCH_RECORDS * BATCHES]
    speed.close()
