"""A whole installation for tests: both layers' jobs over a real log and real stores, judged by the slow twin."""

import itertools
from collections import Counter
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from confluent_kafka import Producer, TopicPartition
from confluent_kafka.admin import AdminClient

from adapters.lake.tables import Lake
from adapters.log.client import MAX_MESSAGE_BYTES, client_settings
from adapters.log.dead_letters import dead_letters
from adapters.log.forgotten import forgotten
from adapters.log.kafka_log import Log, Topics
from adapters.machine.beside import beside
from adapters.records.books import generation_book
from adapters.records.control import read_control, read_position
from adapters.settings import Settings
from adapters.stores.opened import batch_views, speed_views, store
from batch_layer.jobs.generation import BatchJob
from core.events.acceptance import parse_event
from core.fold.slow import SlowView
from core.rows.views import VIEWS
from millrace.proof.proving import prove
from schemas.control import Control, Generation, Offsets, Position
from schemas.event import Event, Record, Rejected
from serving_layer.proof.report import Report
from serving_layer.reading.answering import answer
from serving_layer.reading.views import Views
from speed_layer.jobs.engines import engine_of
from speed_layer.jobs.stream import SpeedJob
from tests.kit.folding import says_something
from tests.kit.merged_views import Merged, Names, as_merged, read_merged
from tests.kit.waiting import until

if TYPE_CHECKING:
    from pyspark.sql import SparkSession

_names = itertools.count()
# Small, so that a few hundred events reach every rule of the fold; judged only where that is the question.
SMALL: dict[str, Any] = {"history_items": 4, "remembered_ids": 6, "als_factors": 4, "als_iterations": 2, "grace": "0s"}
SMALL |= {"evaluation_events": 0, "gate_items": 0}


@dataclass
class Installation:
    """Its log is written by ``produce`` only; ``said`` keeps what the jobs reported.

    ``spark``: None where only a speed layer on the local engine runs.
    """

    spark: "SparkSession | None"
    log: Log
    settings: Settings
    said: list[str] = field(default_factory=list)

    @property
    def views(self) -> Views:
        settings = self.settings
        return Views(
            batch_views(settings), speed_views(settings), settings.log.partitioner,
            recommenders=settings.recommender_settings,
        )  # fmt: skip

    def produce(self, records: Iterable[Record]) -> None:
        """Append each record to its own partition under its own timestamp; acknowledged when this returns."""
        producer = Producer(self._client | {"enable.idempotence": True})
        self._send(producer, records)
        assert producer.flush(120) == 0

    def produce_in_transactions(self, committed: Iterable[Record], aborted: Iterable[Record]) -> None:
        """Leave gaps in the log: records that never happened, and the markers of both transactions."""
        producer = Producer(self._client | {"transactional.id": f"test-{next(_names)}"})
        producer.init_transactions(120)
        producer.begin_transaction()
        self._send(producer, aborted)
        producer.flush(120)
        producer.abort_transaction(120)
        producer.begin_transaction()
        self._send(producer, committed)
        producer.commit_transaction(120)

    def batch(self, **arguments: Any) -> Generation:
        return BatchJob(self.spark, self.log, self.settings, self.said.append).run(**arguments)

    def speed(self) -> SpeedJob:
        """Apply what the log holds now."""
        job = self.speed_job()
        job.run(available_now=True)
        return job

    def speed_job(self) -> SpeedJob:
        return SpeedJob(engine_of(self.settings, self.spark), self.log, self.settings, self.said.append)

    @contextmanager
    def streaming(self) -> Iterator[SpeedJob]:
        """The speed layer beside the block, on a thread of its own."""
        job = self.speed_job()
        with beside(job.run, job.stop, "speed layer"):
            yield job

    def close(self) -> None:
        """Let go of the stores that the jobs opened in this process."""
        for views in (batch_views(self.settings), speed_views(self.settings)):
            views.close()
        store.cache_clear()

    def prove(self) -> Report:
        return prove(self.spark, self.log, self.settings, self.said.append)

    def records(self, until: Offsets | None = None) -> list[Record]:
        """The log, up to those offsets."""
        topic = self.log.topics.events
        return list(self.log.read(topic, self.log.start_offsets(), until or self.log.end_offsets()))

    def twin(self, until: Offsets) -> Merged:
        """The views as the slow twin has them over exactly that prefix, without those who are forgotten."""
        slow, rejected, gone = SlowView(), Counter[str](), forgotten(self.log, self.control.forgotten)
        for record in self.records(until):
            event = parse_event(record, self.settings.rules)
            mark = gone.get((record.key or b"").decode(errors="replace"))
            if mark and record.partition == mark.partition and record.offset < mark.offset:
                continue
            if isinstance(event, Event):
                slow.take(event, self.settings.rules)
            else:
                rejected[event.reason] += 1
        return as_merged(slow, rejected)

    def merged(self, names: Names | None = None) -> tuple[Merged, Offsets]:
        """Everything that the serving layer reads of the merged views, in one snapshot, and the prefix it names.

        Args: names: what to ask for; None: all that the log names now.
        """
        asked = names or self.names()
        return answer(self.views, lambda snapshot: read_merged(snapshot, asked))

    def names(self) -> Names:
        accepted = [event for _, event in self.judged() if isinstance(event, Event)]
        buckets = {event.event_time // 3_600_000 for event in accepted}
        return Names(sorted({e.user_id for e in accepted}), sorted({e.item_id for e in accepted}), sorted(buckets))

    def judged(self) -> list[tuple[Record, Event | Rejected]]:
        return [(record, parse_event(record, self.settings.rules)) for record in self.records()]

    def check(self, degraded: tuple[str, ...] | None = ()) -> Offsets:
        """Every merged view equals the slow twin over the prefix that the answer names; that prefix.

        ``degraded``: what the answer must say is missing; None: whatever it says.
        """
        merged, until = self.merged()
        allowed = [(), ("speed",)] if degraded is None else [degraded]
        assert merged.pop("degraded") in allowed
        for view, expected in self.twin(until).items():
            assert merged[view] == expected, f"{view} below {until}; {self.said[-4:]}"
        return until

    def check_all_is_applied(self, degraded: tuple[str, ...] = ()) -> None:
        """As ``check``; the prefix is the whole log."""
        assert self.check(degraded) == self.log.end_offsets()

    def until_applied(self) -> None:
        """Wait until the speed layer stands where the log ends; a transaction's markers may come late."""
        views = speed_views(self.settings)

        def stands_at_the_end() -> bool:
            position = read_position(views)
            return position is not None and position.offsets == self.log.end_offsets()

        until(stands_at_the_end, why=lambda: self.said)

    def proved(self) -> int:
        """How many events a proof without mismatches compared."""
        report = self.prove()
        assert report.mismatches == 0, report.examples
        return report.events

    def shorten(self) -> None:
        """Have retention remove all that the log holds now."""
        admin = AdminClient(client_settings(self.log.bootstrap, {}))
        ends = self.log.end_offsets().items()
        asked = [TopicPartition(self.log.topics.events, partition, offset) for partition, offset in ends]
        for removed in admin.delete_records(asked).values():
            removed.result(120)

    @property
    def control(self) -> Control:
        control = read_control(batch_views(self.settings))
        assert control is not None
        return control

    @property
    def position(self) -> Position:
        position = read_position(speed_views(self.settings))
        assert position is not None
        return position

    def check_rejected(self) -> None:
        """The dead letters are exactly the log's rejected records, with their bytes, place and reason."""
        expected = [(record, event.reason) for record, event in self.judged() if isinstance(event, Rejected)]
        letters = [(letter.record, letter.reason) for letter in dead_letters(self.log)]
        assert sorted(letters, key=_place) == sorted(expected, key=_place)

    def check_lake(self, until: Offsets) -> None:
        """The lake holds each accepted record below once, its bytes unchanged."""
        rows = Lake(self.spark, self.settings.lake_path).until(until).select("partition", "offset", "raw").collect()
        records = [
            record
            for record, event in self.judged()
            if isinstance(event, Event) and record.offset < until[record.partition]
        ]
        expected = [(record.partition, record.offset, (record.value or b"").decode()) for record in records]
        assert sorted(map(tuple, rows)) == sorted(expected)

    @property
    def _client(self) -> dict[str, Any]:
        return client_settings(self.log.bootstrap, {}) | {"message.max.bytes": MAX_MESSAGE_BYTES}

    def _send(self, producer: Producer, records: Iterable[Record]) -> None:
        failures: list[Any] = []
        for record in records:
            producer.produce(
                self.log.topics.events, record.value, record.key, record.partition,
                on_delivery=lambda error, _: failures.append(error) if error else None, timestamp=record.timestamp,
            )  # fmt: skip
            producer.poll(0)
        producer.flush(120)
        assert not failures


def installation(
    spark: "SparkSession | None", bootstrap: str, stores: dict[str, str], home: Path, **more: Any
) -> Installation:
    """A new one with topics of its own; ``more`` are settings."""
    prefix = f"e2e-{next(_names)}-"
    settings = Settings.of(home=home, kafka=bootstrap, topic_prefix=prefix, **{**SMALL, **stores, **more})
    log = Log(bootstrap, Topics.prefixed(prefix))
    log.ensure_topics(settings.log.partitions)
    return Installation(spark, log, settings)


def rows_of(millrace: Installation, name: str) -> dict[tuple[str, bytes], bytes]:
    """All rows of a generation's views that say something."""
    views, book = batch_views(millrace.settings), generation_book(name)
    rows = ((view, key, value) for view in VIEWS for key, value in views.scan(book, view))
    return {(view, key): value for view, key, value in rows if says_something(view, value)}


def _place(letter: tuple[Record, str]) -> tuple[int, int]:
    return letter[0].partition, letter[0].offset
