"""The Spark Structured Streaming job: Kafka to speed views.

``spark-submit --py-files millrace.zip speed_layer/jobs/stream.py [--available-now]``, or ``millrace speed run``.
The engine brings the records and runs the two steps; what was applied is the position record's word alone, so the
engine's checkpoint is thrown away at each start.
"""

import json
import shutil
import signal
import sys
import threading
import time
import uuid
from collections.abc import Callable
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from adapters.broker.opening import open_log
from adapters.engine.errors import RangeLost, translated
from adapters.engine.kafka_source import as_json, as_records, source_options
from adapters.engine.session import in_workers
from adapters.log.kafka_log import Log
from adapters.log.topic_state import say_warnings
from adapters.machine.faults import fault_point
from adapters.records.control import check_speed_store, open_control, require_rules
from adapters.records.lease import SPEED_LAYER, Lease
from adapters.settings import Settings
from adapters.stores.opened import batch_views, speed_views
from core.events.parcels import PARCELS_DDL, packed, unpacked
from schemas.control import Offsets, Position
from schemas.errors import LogUnavailable, MillraceError, SettingsError, StoreUnavailable
from speed_layer.clean_up import CleanUp
from speed_layer.driver import SpeedDriver, StartOver
from speed_layer.fold_step import fold_records
from speed_layer.idle import IdleLook
from speed_layer.micro_batch import TALLY_DDL, MicroBatch, Places, Tally
from speed_layer.outage import Outage
from speed_layer.progress import Progress
from speed_layer.rows import Displaced
from speed_layer.write_step import write_sums

if TYPE_CHECKING:
    from pyspark.sql import DataFrame, SparkSession

Say = Callable[[str], None]
FEW_RECORDS = 3_000
# The engine would wait for three to six minutes before it says that the log is gone.
NOTICE_AN_OUTAGE = {
    "kafka.request.timeout.ms": "10000", "kafka.default.api.timeout.ms": "10000", "fetchOffset.numRetries": "1",
    "kafkaConsumer.pollTimeoutMs": "30000",
}  # fmt: skip


class SpeedJob:
    """One life of the speed layer in this process; ``run`` returns after ``stop``, or at the end with available_now."""

    def __init__(self, spark: "SparkSession", log: Log, settings: Settings, say: Say) -> None:
        self._spark, self.log, self._settings, self._say = spark.newSession(), log, settings, say
        self._spark.conf.set("spark.sql.adaptive.enabled", "false")  # re-planning a tiny job costs more than it saves
        self._failure: BaseException | None = None
        self._stopping = threading.Event()
        self._outage = Outage(say, self._stopping)
        self.progress = Progress(say)

    def stop(self) -> None:
        """End after the micro-batch under way; may be called from any thread or signal handler."""
        self._stopping.set()

    def run(self, available_now: bool = False) -> None:
        """Apply the log from the position on. Once that has begun, it waits for a log or a store that goes away.

        Raises:
            MillraceError: another speed layer runs or took over, or a person must change something; says what.
        """
        store = speed_views(self._settings)
        store.check()
        lease = Lease(store, self._settings.speed.lease_ms / 1000, SPEED_LAYER)
        try:
            driver: SpeedDriver | None = self._begun(lease)
            while not self._stopping.is_set():
                try:
                    self._until_stopped(driver or self._begun(lease, again=True), available_now)
                    return
                except (StoreUnavailable, LogUnavailable, RangeLost) as error:
                    if available_now:
                        raise
                    driver = None
                    self._outage.wait(error)
        finally:
            lease.release()

    def _begun(self, lease: Lease, again: bool = False) -> SpeedDriver:
        """Nobody else is at it, and log, views and settings belong together."""
        if again:  # an embedded broker that died is started once more
            with open_log(self._settings) as self.log:
                pass
        identity = self.log.identity()
        rules = replace(self._settings.rules, partitions=identity.partitions)
        control = open_control(batch_views(self._settings), identity, self.log.start_offsets(), rules)
        require_rules(control, rules)
        say_warnings(self.log, self._settings.log.retention_ms, self._say)
        check_speed_store(speed_views(self._settings), identity)
        lease.acquire(self._say, identity)
        places = Places(
            self._settings.batch_views_url, self._settings.speed_views_url, self.log.bootstrap, self.log.topics,
            self.log.options, self._settings.stores.timeout_ms,
        )  # fmt: skip
        return SpeedDriver(
            batch_views(self._settings), speed_views(self._settings), rules, places, lease.owner, self._say,
            fault_point(),
        )  # fmt: skip

    def _until_stopped(self, driver: SpeedDriver, available_now: bool) -> None:
        clean_up = CleanUp(driver, self._settings.batch.grace_ms / 1000)
        while not self._stopping.is_set():
            position = driver.take_over(self.log.start_offsets())
            self._require_range(position)
            try:
                self._stream(driver, position, clean_up, available_now)
            except StartOver as reason:
                self._say(f"reading again from the position: {reason}")
                continue
            break
        driver.release()

    def _require_range(self, position: Position) -> None:
        first, last = self.log.start_offsets(), self.log.end_offsets()
        for partition, needed in position.offsets.items():
            where = f"partition {partition} of {self.log.topics.events}"
            if needed < first[partition]:
                raise SettingsError(
                    f"{where}: offsets {needed} to {first[partition] - 1} "
                    "are needed but were removed by retention; they are never skipped. If the lake holds them, run "
                    "`millrace batch run`: the speed layer then begins a new epoch at that generation's boundary"
                )
            if needed > last[partition]:
                raise SettingsError(
                    f"{where} ends at offset {last[partition]}, but {needed} were applied: this is not the log that "
                    "was read before, or it lost records; name the right one in MILLRACE_KAFKA or restore it"
                )

    def _stream(self, driver: SpeedDriver, position: Position, clean_up: CleanUp, available_now: bool) -> None:
        checkpoint = (self._settings.home / "speed" / f"checkpoint-{uuid.uuid4().hex[:8]}").resolve()
        options = source_options(self._settings, self.log.bootstrap)
        options["startingOffsets"] = as_json(self._settings, position.offsets)
        options["maxOffsetsPerTrigger"] = str(self._settings.speed.max_events_per_batch)
        options |= NOTICE_AN_OUTAGE
        stream = self._spark.readStream.format("kafka").options(**options).load()
        reached, idle = position.offsets, IdleLook(driver.look, self._settings.speed.lease_ms / 4_000)

        def apply(frame: "DataFrame", batch_id: int) -> None:
            nonlocal reached
            try:
                with idle.interrupted():
                    to = _batch_end(checkpoint, batch_id, self.log.topics.events)
                    started = time.monotonic()
                    tally = driver.run(to, lambda batch: self._compute(frame, batch), start=reached)
                    reached = to
                    self._outage.over()
                    self.progress.note(tally, time.monotonic() - started)
                    clean_up.maybe()
            except BaseException as error:
                self._failure = error  # py4j would hide it
                raise

        self._failure = None
        # Not as a URI: Hadoop would not decode it, and look in another folder than we where a home has a space in it.
        writer = stream.writeStream.foreachBatch(apply).option("checkpointLocation", f"file://{checkpoint}")
        trigger: dict[str, Any] = {"availableNow": True}
        if not available_now:
            trigger = {"processingTime": f"{self._settings.speed.trigger_ms} milliseconds"}
        query = writer.trigger(**trigger).start()
        self._say(f"applying from {position.offsets}, epoch {position.epoch}")
        metadata = checkpoint / "metadata"
        there = metadata.exists()
        try:
            while not self._stopping.is_set() and not self._ended(query, lambda: there and not metadata.exists()):
                idle.maybe()
        finally:
            with suppress(ConnectionError):  # no engine is left to stop; that is told already
                query.stop()
            shutil.rmtree(checkpoint, ignore_errors=True)

    def _ended(self, query: Any, deleted: Callable[[], bool]) -> bool:
        """Wait a little for the query's end; raise what ended it if it failed."""
        try:
            return bool(query.awaitTermination(0.2))
        except Exception as error:
            cause = translated(self._failure or error, Displaced)
            if not isinstance(cause, MillraceError) and deleted():
                raise StartOver("the engine's checkpoint was deleted") from error
            raise cause from error

    def _compute(self, frame: "DataFrame", batch: MicroBatch) -> Tally:
        """The two steps on the engine: fold beside the users' state, shuffle by row, write the sums.

        A small micro-batch is one task, which hands the changes on to itself: a second stage would take longer.
        """
        tasks = 1 if batch.records <= FEW_RECORDS else self._spark.sparkContext.defaultParallelism
        records = as_records(frame).coalesce(tasks)
        if tasks == 1:
            tallies = in_workers(records, lambda each: write_sums(fold_records(each, batch), batch), TALLY_DDL)
        else:
            parcels = in_workers(records, lambda each: packed(fold_records(each, batch), tasks), PARCELS_DDL)
            shuffled = parcels.repartitionById(tasks, "task")
            tallies = in_workers(shuffled, lambda each: write_sums(unpacked(each), batch), TALLY_DDL)
        try:
            collected = tallies.collect()
        except Exception as error:
            raise translated(error, Displaced) from error
        total = Tally()
        for row in collected:
            total = total.plus(Tally(*row))
        return total


def _batch_end(checkpoint: Path, batch_id: int, topic: str) -> Offsets:
    """Where the micro-batch ends, from the offset log that the engine writes before it hands the batch over.

    The frame itself cannot tell: its last records may be transaction markers.
    """
    lines = (checkpoint / "offsets" / str(batch_id)).read_text().splitlines()
    offsets: dict[str, int] = json.loads(lines[-1])[topic]
    return {int(partition): offset for partition, offset in offsets.items()}


def main() -> None:
    """The target of spark-submit: settings by environment and file, the log by MILLRACE_KAFKA."""
    from adapters.engine.session import open_session
    from adapters.settings import load_settings
    from adapters.terminal.reporting import reporter

    settings = load_settings()
    with open_log(settings) as log:
        spark = open_session(settings, "millrace speed")
        job = SpeedJob(spark, log, settings, reporter("speed"))
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, lambda *_: job.stop())
        job.run(available_now="--available-now" in sys.argv)


if __name__ == "__main__":
    main()
