"""The speed layer's job, Kafka to speed views, on any engine; as a script the Spark Structured Streaming job.

``spark-submit --py-files millrace.zip speed_layer/jobs/stream.py [--available-now]``, or ``millrace speed run``.
"""

import signal
import sys
import threading
import time
from collections.abc import Callable
from concurrent.futures import Future
from contextlib import suppress
from dataclasses import replace

from adapters.broker.opening import open_log
from adapters.engine.errors import RangeLost
from adapters.log.kafka_log import Log
from adapters.log.topic_state import say_warnings
from adapters.machine.faults import fault_point
from adapters.records.control import check_speed_store, open_control, read_position, require_rules
from adapters.records.lease import SPEED_LAYER, Lease
from adapters.settings import Settings
from adapters.stores.opened import batch_views, speed_views
from schemas.control import Offsets, Position
from schemas.errors import LogUnavailable, SettingsError, StoreUnavailable
from speed_layer.clean_up import CleanUp
from speed_layer.driver import Compute, SpeedDriver, StartOver
from speed_layer.engine import Engine, Reading
from speed_layer.freshness import Freshness
from speed_layer.idle import IdleLook
from speed_layer.measured import Phases, count_interruption
from speed_layer.outage import Outage
from speed_layer.progress import Progress
from speed_layer.sizing import lag
from speed_layer.steps.micro_batch import Places
from speed_layer.traced import traced_commits

Say = Callable[[str], None]
STOP_CHECK_SECONDS = 0.1  # while the engine warms up


class SpeedJob:
    """One life of the speed layer in this process; ``run`` returns after ``stop``, or at the end with available_now."""

    def __init__(self, engine: Engine, log: Log, settings: Settings, say: Say) -> None:
        self._engine, self.log, self._settings, self._say = engine, log, settings, say
        self._stopping = threading.Event()
        self._outage = Outage(say, self._stopping)
        self.progress, self._phases = Progress(say), Phases()
        self._freshness = Freshness(speed_views(settings))

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
        lease = Lease(store, self._settings.speed.lease_ms / 1000, SPEED_LAYER, self._engine.name)
        try:
            driver: SpeedDriver | None = self._begun(lease)
            self._warm_up()
            while not self._stopping.is_set():
                try:
                    self._until_stopped(driver or self._begun(lease, again=True), available_now)
                    return
                except (StoreUnavailable, LogUnavailable, RangeLost) as error:
                    if available_now:
                        raise
                    driver = None
                    count_interruption("outage")
                    self._outage.wait(error)
        finally:
            self._engine.close()
            lease.release()
            self._freshness.write()

    def _warm_up(self) -> None:
        """Have the engine warm up; return early when this job is stopped, as compiling takes half a minute at worst."""
        warm: Future[None] = Future()

        def warm_up() -> None:
            try:
                self._engine.warm_up(self._waiting(), self._say, self.log)
                warm.set_result(None)
            except BaseException as error:  # noqa: BLE001 - it is raised where this is waited for
                warm.set_exception(error)

        threading.Thread(target=warm_up, name="warm-up", daemon=True).start()
        while not (warm.done() or self._stopping.is_set()):
            with suppress(TimeoutError):
                warm.exception(STOP_CHECK_SECONDS)
        if warm.done():
            warm.result()

    def _waiting(self) -> int:
        """Return how many records wait, as far as that can be said before the position is taken."""
        position = read_position(speed_views(self._settings))
        return lag(position.offsets if position else self.log.start_offsets(), self.log.end_offsets())

    def _begun(self, lease: Lease, again: bool = False) -> SpeedDriver:
        """Return the driver once no other speed layer runs and log, views and settings are known to belong together."""
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
            self._phases.then(fault_point()),
        )  # fmt: skip

    def _until_stopped(self, driver: SpeedDriver, available_now: bool) -> None:
        clean_up = CleanUp(driver, self._settings.batch.grace_ms / 1000)
        while not self._stopping.is_set():
            position = driver.take_over(self.log.start_offsets())
            self._require_range(position)
            try:
                self._read(driver, position, clean_up, available_now)
            except StartOver as reason:
                count_interruption("start over")
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

    def _read(self, driver: SpeedDriver, position: Position, clean_up: CleanUp, available_now: bool) -> None:
        def look() -> None:
            driver.look()
            self._freshness.maybe()

        reached, idle = position.offsets, IdleLook(look, self._settings.speed.lease_ms / 4_000)
        with traced_commits(lambda: self.log) as note_traces:

            def apply(to: Offsets, compute: Compute) -> None:
                nonlocal reached
                with idle.interrupted():
                    started = time.monotonic()
                    self._phases.begin()
                    tally = driver.run(to, compute, start=reached)
                    note_traces(reached, to, self._phases.ended, tally.events)
                    reached = to
                    self._outage.over()
                    self.progress.note(tally, time.monotonic() - started)
                    self._freshness.note(tally.arrivals, time.time_ns() // 1_000_000)
                    self._freshness.maybe()
                    clean_up.maybe()

            self._say(f"applying from {position.offsets}, epoch {position.epoch}")
            self._engine.read(Reading(self.log, reached, available_now, apply, idle.maybe, self._stopping))


def main() -> None:
    """Run as the target of spark-submit: settings come from environment and file, the log from MILLRACE_KAFKA."""
    from adapters.engine.session import open_session
    from adapters.settings import load_settings
    from adapters.telemetry.endpoint import shown_at
    from adapters.terminal.reporting import reporter
    from adapters.tracing.active import traced
    from speed_layer.jobs.spark_engine import SparkEngine

    settings = load_settings()
    tracing = traced(settings.tracing.endpoint, settings.tracing.sample, "speed")
    with tracing, shown_at(settings.metrics.host, settings.metrics.port), open_log(settings) as log:
        spark = open_session(settings, "millrace speed")
        job = SpeedJob(SparkEngine(spark, settings), log, settings, reporter("speed"))
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, lambda *_: job.stop())
        job.run(available_now="--available-now" in sys.argv)


if __name__ == "__main__":
    main()
