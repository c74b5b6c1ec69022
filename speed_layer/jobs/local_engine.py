"""The engine of one machine, without Spark and Java: this process applies what arrives, workers help to catch up.

A small micro-batch is folded and written here, at once. What has fallen behind is applied in large micro-batches by a
pool of workers, which read their partitions themselves and exchange the changes; they are started when they are needed
and end when they have been idle.
"""

import gc
import os
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field

from adapters.engine.errors import RangeLost, translated
from adapters.engine.local_source import BOUNDED_WAIT_MS, IDLE_WAIT_MS, LocalSource
from adapters.engine.pool import Pool
from adapters.log.kafka_log import Log
from adapters.settings import Settings
from core.control.boundaries import reaches
from schemas.control import LogIdentity, Offsets
from schemas.errors import NotReady
from speed_layer.driver import Compute
from speed_layer.engine import Reading
from speed_layer.jobs.tasks import Fold, Write
from speed_layer.sizing import Sizing, lag
from speed_layer.steps.micro_batch import MicroBatch, Tally
from speed_layer.steps.one_task import fold_and_write
from speed_layer.steps.rows import Displaced
from speed_layer.warm_up import rehearse

POLL_SECONDS = 0.2
FEW_RECORDS = 10_000  # up to here handing work over takes longer than it saves
WORKERS_IDLE_SECONDS = 60.0
MOST_PAUSE_SECONDS = 0.03  # between micro-batches: events wait no longer for others that compute


class LocalEngine:
    """``workers``: how many processes help; without any, all is done here."""

    name = "local"

    def __init__(self, settings: Settings, workers: int | None = None) -> None:
        cores = os.cpu_count() or 1
        self._settings, self._workers = settings, (cores if cores > 1 else 0) if workers is None else workers
        self._pool: Pool | None = None
        self._used = 0.0
        self._rehearsing, self._rehearsed = threading.Lock(), False

    def warm_up(self, waiting: int, say: Callable[[str], None], log: Log | None = None) -> None:
        """Do what the port says; start workers where much waits."""
        if waiting > FEW_RECORDS:
            self._start_workers()
        with self._rehearsing:
            if not self._rehearsed:
                say("warming up; the first start on a machine also compiles code, which takes longest")
                rehearse()
                self._rehearsed = True
        if self._pool is not None:
            self._pool.wait_until_ready()
        gc.freeze()

    def close(self) -> None:
        """End the workers."""
        if self._pool is not None:
            self._pool.close()
            self._pool = None

    def read(self, reading: Reading) -> None:
        """Apply the log as the port says."""
        speed = self._settings.speed
        _Life(self, reading, Sizing(speed.max_events_per_batch), speed.lease_ms / 4_000).run()

    @property
    def has_workers(self) -> bool:
        """Whether there may be workers."""
        return self._workers > 0

    def workers_ready(self) -> bool:
        """Return whether a large micro-batch can be handed over; workers are started if there are none."""
        self._start_workers()
        self._used = time.monotonic()
        return self._pool is not None and self._pool.ready

    def end_idle_workers(self) -> None:
        """End the workers some time after they were last needed, to release their memory."""
        if self._pool is not None and time.monotonic() - self._used > WORKERS_IDLE_SECONDS:
            self.close()

    def by_workers(self, batch: MicroBatch) -> Tally:
        """Run both steps, each as one task per worker."""
        assert self._pool is not None
        tasks = len(self._pool)
        mine = [tuple(p for p in batch.to if p % tasks == task) for task in range(tasks)]
        folded = self._pool.run_all([Fold(batch, mine[task], task, tasks) for task in range(tasks)])
        to = [[parcel for parcels in folded for parcel in parcels.get(task, ())] for task in range(tasks)]
        tallies: list[Tally] = self._pool.run_all([Write(batch, parcels) for parcels in to])
        return Tally.total(tallies)

    def _start_workers(self) -> None:
        if self._pool is None and self._workers:
            self._used = time.monotonic()
            self._pool = Pool(self._workers, "speed_layer.jobs.worker", self._settings.home / "logs" / "workers.log")


@dataclass
class _Life:
    """One reading of the log."""

    engine: LocalEngine
    reading: Reading
    sizing: Sizing
    look_every_seconds: float
    reached: Offsets = field(init=False)
    _identity: LogIdentity = field(init=False)
    _looked: float = field(default_factory=time.monotonic)

    def run(self) -> None:
        """Apply the log until the reading ends: large steps while much waits, else whatever arrives."""
        self.reached, self._identity = dict(self.reading.start), self.reading.log.identity()
        end = self.reading.log.end_offsets() if self.reading.available_now else None
        try:
            while not self._over(end):
                self._catch_up(end)
                self._follow(end)
        except Exception as error:
            cause = translated(error, Displaced)
            if cause is error:
                raise
            raise cause from error

    def _catch_up(self, end: Offsets | None) -> None:
        """Apply large micro-batches by the workers while much waits; none while there are no workers."""
        while (log_end := self._far_end(end)) and self.engine.workers_ready() and not self._over(end):
            to, began = self.sizing.next_end(self.reached, log_end), time.monotonic()
            records = lag(self.reached, to)
            self._apply(to, self.engine.by_workers)
            self.sizing.took(records, time.monotonic() - began)

    def _far_end(self, end: Offsets | None) -> Offsets | None:
        """Return where the log ends, if more waits than this process should do alone."""
        if not self.engine.has_workers:
            return None
        log_end = end or self.reading.log.end_offsets()
        return log_end if lag(self.reached, log_end) > FEW_RECORDS else None

    def _follow(self, end: Offsets | None) -> None:
        """Apply micro-batches of what has arrived, until more waits than this process should do alone."""
        most = min(FEW_RECORDS, self.sizing.most) if self.engine.has_workers else self.sizing.most
        source = LocalSource(self.reading.log, self.reached, BOUNDED_WAIT_MS if end else IDLE_WAIT_MS)
        try:
            while not self._over(end):
                records = source.take(most, POLL_SECONDS)
                if source.reached == self.reached:
                    self._idle()
                    continue
                began = time.monotonic() - time.process_time()
                self._apply(dict(source.reached), lambda batch, records=records: fold_and_write([records], batch))  # type: ignore[misc]
                self._looked = time.monotonic()
                self._give_way(self._looked - time.process_time() - began)
                if records.num_rows >= most and self._far_end(end) and self.engine.workers_ready():
                    return
        finally:
            source.close()

    def _give_way(self, waited: float) -> None:
        """Pause after a micro-batch that waited so long for the processor or a store: who answers needs them, too.

        Most of a small micro-batch's cost is the same for any number of events, so a pause also makes it cheaper.
        """
        self.reading.stopping.wait(min(waited, MOST_PAUSE_SECONDS))

    def _over(self, end: Offsets | None) -> bool:
        return self.reading.stopping.is_set() or (end is not None and reaches(self.reached, end))

    def _apply(self, to: Offsets, compute: Compute) -> None:
        self.reading.apply(to, compute)
        self.reached = to

    def _idle(self) -> None:
        """Look for what would not arrive as a record: a broker that is away, a topic that was made again."""
        self.reading.idle()
        self.engine.end_idle_workers()
        if time.monotonic() - self._looked < self.look_every_seconds:
            return
        self._looked = time.monotonic()
        try:
            same = self.reading.log.identity() == self._identity
        except NotReady as error:
            raise RangeLost(str(error)) from error
        if not same:
            raise RangeLost("the topic was made again or has other partitions than before")
