"""What the tasks of a micro-batch did is counted once, however its changes are shuffled."""

from pathlib import Path

import pyarrow as pa
import pytest

from adapters.log.kafka_log import Topics
from adapters.records.control import change_position
from adapters.stores.opened import store
from core.control.changes import first_control, first_position, register
from core.partitions.parcels import packed, unpacked
from schemas.control import LogIdentity
from schemas.rules import Rules
from speed_layer.steps import write_step
from speed_layer.steps.micro_batch import CHANGES, MicroBatch, Places, Tally


@pytest.mark.parametrize("tasks", [1, 2, 5])
def test_tallies_of_all_fold_tasks_are_added_to_what_the_write_tasks_did(tmp_path: Path, tasks: int) -> None:
    control = first_control(LogIdentity("cluster", "topic", 1), {0: 0}, "rules")
    views = f"sqlite:///{tmp_path}/views.sqlite"
    begun = change_position(store(views, 2000), None, register(first_position(control, "me")))
    assert begun is not None
    places = Places(views, views, "", Topics(), {}, 2000)
    batch = MicroBatch(begun, {0: 9}, control.boundaries, {0: None}, Rules(partitions=1), places)
    folded = [
        [
            {"view": "norms", "segment": 0, "key": b"", "value": b"\x01"},
            {"key": b"", "tally": (1, 5, 2, 3, 90, 1_700, 1_700, 4, 1_800, 1)},
        ],
        [{"key": b"", "tally": (2, 4, 0, 1, 10, 1_600, 1_600, 4)}],
        [{"view": "norms", "segment": 0, "key": b"item", "value": b"\x01"}],
    ]
    parcels = [parcel for rows in folded for parcel in packed([pa.RecordBatch.from_pylist(rows, CHANGES)], tasks)]
    total = Tally()
    for task in range(tasks):
        mine = [parcel for parcel in parcels if parcel.column("task")[0].as_py() == task]
        for written in write_step.write_sums(unpacked(mine), batch):
            total = total.plus(write_step.total([written]))
    assert (total.events, total.rejected, total.rows) == (9, 2, 3 + 1 + 2)  # an empty key is a row like any other
    assert total.puts in (3 + 1, 3 + 2)
    assert total.bytes > 100
    assert total.oldest == 1_600
    assert sorted(zip(total.arrivals[::2], total.arrivals[1::2], strict=True)) == [(1_600, 4), (1_700, 4), (1_800, 1)]
    store(views, 2000).close()
