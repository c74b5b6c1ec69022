"""What a worker of the local engine does: one task of each step per micro-batch.

Changes on their way to a worker's own write task stay in it; only those to others are handed back.
"""

import gc
from collections.abc import Iterator
from dataclasses import dataclass, field

import pyarrow as pa

from adapters.engine.local_source import range_of
from adapters.log.kafka_log import Log
from core.partitions.parcels import PARCELS, packed, unpacked
from schemas.control import Offsets
from speed_layer.steps.fold_step import fold_records
from speed_layer.steps.micro_batch import MicroBatch, Tally
from speed_layer.steps.write_step import total, write_sums

RECORDS_PER_BATCH = 20_000


@dataclass(frozen=True)
class Fold:
    """Fold what the micro-batch has of those partitions; answered by the parcels for each other task."""

    batch: MicroBatch
    partitions: tuple[int, ...]
    task: int
    tasks: int


@dataclass(frozen=True)
class Write:
    """Write the sums of one task, given the parcels of others; answered by a ``Tally``."""

    batch: MicroBatch
    parcels: list[bytes]


@dataclass
class Worker:
    """Keeps its own parcels between the two tasks of a micro-batch."""

    _kept: list[bytes] = field(default_factory=list)

    def work(self, task: Fold | Write) -> dict[int, list[bytes]] | Tally:
        """Do one task; objects that earlier ones left are set apart, so that the collector scans them only once."""
        gc.freeze()
        if isinstance(task, Fold):
            return self._fold(task)
        parcels, self._kept = [*self._kept, *task.parcels], []
        return total(write_sums(unpacked(_as_batches(parcels)), task.batch))

    def _fold(self, fold: Fold) -> dict[int, list[bytes]]:
        parcels: dict[int, list[bytes]] = {task: [] for task in range(fold.tasks)}
        for rows in packed(fold_records(_records(fold), fold.batch), fold.tasks):
            for task, parcel in zip(rows.column("task").to_pylist(), rows.column("parcel").to_pylist(), strict=True):
                parcels[task].append(parcel)
        self._kept = parcels.pop(fold.task)
        return parcels


def _records(fold: Fold) -> Iterator[pa.RecordBatch]:
    places, batch = fold.batch.places, fold.batch
    start: Offsets = {partition: batch.position.offsets[partition] for partition in fold.partitions}
    end = {partition: batch.to[partition] for partition in fold.partitions}
    log = Log(places.bootstrap, places.topics, places.kafka_options)
    return range_of(log, start, end, RECORDS_PER_BATCH)


def _as_batches(parcels: list[bytes]) -> Iterator[pa.RecordBatch]:
    for parcel in parcels:
        columns = [pa.array([0], pa.int32()), pa.array([parcel], pa.binary())]
        yield pa.RecordBatch.from_arrays(columns, schema=PARCELS)
