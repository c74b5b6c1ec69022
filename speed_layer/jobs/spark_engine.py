"""The engine Spark: Structured Streaming brings the records and runs the steps in its Python workers.

Only the position record says what was applied, so Spark's checkpoint is deleted at each start.
"""

import json
import shutil
import threading
import time
import uuid
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from adapters.engine.errors import EngineLost, translated
from adapters.engine.kafka_source import as_json, as_records, read_range, source_options
from adapters.engine.session import in_workers
from adapters.log.kafka_log import Log
from adapters.settings import Settings
from core.partitions.parcels import PARCELS_DDL, packed, unpacked
from schemas.control import Offsets
from schemas.errors import MillraceError
from speed_layer.driver import StartOver
from speed_layer.engine import Reading
from speed_layer.jobs.spark_warm_up import last_records, warm_up_source, warm_up_steps
from speed_layer.sizing import Sizing, lag
from speed_layer.steps.fold_step import fold_records
from speed_layer.steps.micro_batch import TALLY_DDL, MicroBatch, Tally
from speed_layer.steps.one_task import fold_and_write
from speed_layer.steps.rows import Displaced
from speed_layer.steps.write_step import as_columns, write_sums

if TYPE_CHECKING:
    from pyspark.sql import DataFrame, SparkSession

FEW_RECORDS = 3_000
_WARM, _WARMING = set[tuple[str, str]](), threading.Lock()  # what each application has warmed up
# Spark would wait for three to six minutes before it says that the log is gone.
OUTAGE_NOTICE = {
    "kafka.request.timeout.ms": "10000", "kafka.default.api.timeout.ms": "10000", "fetchOffset.numRetries": "1",
    "kafkaConsumer.pollTimeoutMs": "30000",
}  # fmt: skip


class SparkEngine:
    """The engine of one session; the session outlives it."""

    name = "spark"

    def __init__(self, spark: "SparkSession", settings: Settings) -> None:
        self._spark, self._settings = spark.newSession(), settings
        self._spark.conf.set("spark.sql.adaptive.enabled", "false")  # re-planning a tiny job costs more than it saves
        self._sizing = Sizing(settings.speed.max_events_per_batch)
        self._failure: BaseException | None = None

    def warm_up(self, waiting: int, say: Callable[[str], None], log: Log | None = None) -> None:
        """Start the Python workers, have each run both steps, and Java stream some rows through them.

        Once per application: workers and loaded classes live as long as it does.
        """
        try:
            application, checkpoints = self._spark.sparkContext.applicationId, self._settings.home / "speed"
            with _WARMING:
                if (application, "steps") not in _WARM:
                    say("warming up")
                    warm_up_steps(self._spark, checkpoints)
                    _WARM.add((application, "steps"))
                if log is not None and (application, "log") not in _WARM:
                    options = source_options(self._settings, log.bootstrap) | OUTAGE_NOTICE
                    options["startingOffsets"] = as_json(self._settings, last_records(log))
                    warm_up_source(self._spark, options, checkpoints)
                    _WARM.add((application, "log"))
        except Exception as error:
            raise translated(error) from error

    def close(self) -> None:
        """Do nothing: the session's owner stops it."""

    def read(self, reading: Reading) -> None:
        """Apply the log as the port says."""
        checkpoint = (self._settings.home / "speed" / f"checkpoint-{uuid.uuid4().hex[:8]}").resolve()
        try:
            query = self._started(reading, checkpoint)
        except Exception as error:
            raise translated(error) from error
        metadata = checkpoint / "metadata"
        there = metadata.exists()
        try:
            while not reading.stopping.is_set() and not self._ended(query, lambda: there and not metadata.exists()):
                reading.idle()
        finally:
            try:
                query.stop()
            except Exception as error:
                if not isinstance(translated(error), EngineLost):  # that is being reported already
                    raise
            shutil.rmtree(checkpoint, ignore_errors=True)

    def _started(self, reading: Reading, checkpoint: Path) -> Any:
        options = source_options(self._settings, reading.log.bootstrap)
        options["startingOffsets"] = as_json(self._settings, reading.start)
        options |= OUTAGE_NOTICE
        stream = self._spark.readStream.format("kafka").options(**options).load()
        reached = reading.start

        def apply(frame: "DataFrame", batch_id: int) -> None:
            nonlocal reached
            try:
                end = _batch_end(checkpoint, batch_id, reading.log.topics.events)
                self._apply(reading, frame, reached, end)
                reached = end
            except BaseException as error:
                self._failure = error  # py4j would hide it
                raise

        self._failure = None
        # Not as a URI: Hadoop would not decode it, and look in another folder than we where a home has a space in it.
        writer = stream.writeStream.foreachBatch(apply).option("checkpointLocation", f"file://{checkpoint}")
        trigger: dict[str, Any] = {"availableNow": True}
        if not reading.available_now:
            trigger = {"processingTime": f"{self._settings.speed.trigger_ms} milliseconds"}
        return writer.trigger(**trigger).start()

    def _apply(self, reading: Reading, frame: "DataFrame", start: Offsets, end: Offsets) -> None:
        """Apply what Spark hands over, in micro-batches of the size that suits the lag.

        Spark's own limit is fixed when a stream starts, so it is not set, and a part of the range is read by itself.
        """
        at = start
        while at != end and not reading.stopping.is_set():
            to, began = self._sizing.next_end(at, end), time.monotonic()
            if (at, to) == (start, end):
                records = as_records(frame)
            else:
                where = (self._settings, reading.log.bootstrap, at, to, OUTAGE_NOTICE)
                records = read_range(frame.sparkSession, *where)
            reading.apply(to, partial(self._compute, records))
            self._sizing.took(lag(at, to), time.monotonic() - began)
            at = to

    def _ended(self, query: Any, deleted: Callable[[], bool]) -> bool:
        """Wait a little for the query's end; raise what ended it if it failed."""
        try:
            return bool(query.awaitTermination(0.2))
        except Exception as error:
            cause = translated(self._failure or error, Displaced)
            if not isinstance(cause, MillraceError) and deleted():
                raise StartOver("the engine's checkpoint was deleted") from error
            raise cause from error

    def _compute(self, records: "DataFrame", batch: MicroBatch) -> Tally:
        """Run the two steps on Spark: fold beside the users' state, shuffle by row, write the sums.

        A small micro-batch is one task, which hands the changes on to itself: a second stage would take longer.
        """
        tasks = 1 if batch.records <= FEW_RECORDS else self._spark.sparkContext.defaultParallelism
        records = records.coalesce(tasks)
        if tasks == 1:
            tallies = in_workers(records, lambda rows: [as_columns(fold_and_write(rows, batch))], TALLY_DDL)
        else:
            parcels = in_workers(records, lambda rows: packed(fold_records(rows, batch), tasks), PARCELS_DDL)
            shuffled = parcels.repartitionById(tasks, "task")
            tallies = in_workers(shuffled, lambda rows: write_sums(unpacked(rows), batch), TALLY_DDL)
        try:
            collected = tallies.collect()
        except Exception as error:
            raise translated(error, Displaced) from error
        return Tally.total(Tally.of(row["tally"]) for row in collected)


def _batch_end(checkpoint: Path, batch_id: int, topic: str) -> Offsets:
    """Return where the micro-batch ends, from the offset log that Spark writes before it hands the batch over.

    The frame itself cannot tell: its last records may be transaction markers.
    """
    lines = (checkpoint / "offsets" / str(batch_id)).read_text().splitlines()
    offsets: dict[str, int] = json.loads(lines[-1])[topic]
    return {int(partition): offset for partition, offset in offsets.items()}
