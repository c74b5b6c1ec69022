"""Runs both steps on made-up events in a throw-away store, so that what is compiled or loaded once is ready."""

from tempfile import TemporaryDirectory

import pyarrow as pa

from adapters.log.kafka_log import Topics
from adapters.records.control import change_position
from adapters.stores.opened import store
from core.control.changes import commit, first_control, first_position, register
from core.partitions.parcels import packed, unpacked
from core.settings import StoreUrl
from schemas.control import LogIdentity
from schemas.event import RECORD_COLUMNS
from schemas.rules import Rules
from speed_layer.steps.fold_step import fold_records
from speed_layer.steps.micro_batch import MicroBatch, Places
from speed_layer.steps.write_step import total, write_sums

EVENTS, USERS, ITEMS, PARTITIONS, TASKS = 400, 20, 12, 1, 2
TIME_MS, HOUR_MS = 1_700_000_000_000, 3_600_000


def rehearse() -> None:
    """Run both steps twice, the second time over rows that the first has written; nothing of it counts anywhere."""
    with TemporaryDirectory(prefix="millrace-warm-up-") as folder:
        views = StoreUrl(f"sqlite:///{folder}/views.sqlite")
        places = Places(views, views, "", Topics(), {}, 10_000)
        control = first_control(LogIdentity("none", "none", PARTITIONS), {0: 0}, "warm-up")
        speed = store(views, places.store_timeout_ms)
        position, before = first_position(control, "warm-up"), None
        try:
            for end in (EVENTS // 2, EVENTS):
                begun = change_position(speed, before, register(position))
                assert begun is not None
                batch = MicroBatch(begun, {0: end}, control.boundaries, {0: None}, Rules(partitions=PARTITIONS), places)
                folded = packed(fold_records([_made_up(position.offsets[0], end)], batch), TASKS)
                tally = total(write_sums(unpacked(folded), batch))
                before = change_position(speed, begun, commit(begun, {0: end}), writes=tally.puts)
                assert before is not None
                position = before
        finally:
            speed.close()


def _made_up(first: int, end: int) -> pa.RecordBatch:
    """Return plain events as ``RECORD_COLUMNS``; users recur, so that their histories are used."""
    numbers = range(first, end)
    keys = [f"user-{number % USERS}".encode() for number in numbers]
    values = [
        (
            f'{{"event_id": "{number}", "event_time": {TIME_MS + HOUR_MS * (number % 5)}, "kind": "view", '
            f'"user_id": "user-{number % USERS}", "item_id": "item-{number * 7 % ITEMS}", "category": "made up"}}'
        ).encode()
        for number in numbers
    ]
    columns = [[0] * len(numbers), list(numbers), [TIME_MS + 10 * HOUR_MS] * len(numbers), keys, values]
    arrays = [pa.array(column, kind) for column, kind in zip(columns, RECORD_COLUMNS.types, strict=True)]
    return pa.RecordBatch.from_arrays(arrays, schema=RECORD_COLUMNS)
