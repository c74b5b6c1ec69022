"""Millrace alone with a log in memory: one generation, and what the speed layer adds to it.

Views, control record, position, fold and writes are the product's own; only the log is a table of events, the stores
are dictionaries, and one process does the work of all.
"""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import numpy as np
import pyarrow as pa

from adapters.log.kafka_log import Topics
from adapters.records.artefacts import write_artefact
from adapters.records.books import BLEND, CATALOGUE, generation_book
from adapters.records.catalogue import ITEMS
from adapters.records.control import Applied, change_control, open_control
from adapters.stores.memory import MemoryStore
from core.control.changes import drop, forget_dropped, publish, record_boundary
from core.fold.columns import fold_columns, users_of
from core.settings import StoreUrl
from millrace.judging.catalogue import NO_ROWS, Rows
from recommenders.artefact import Artefact
from schemas.control import Control, Generation, LogIdentity
from schemas.event import EVENT_COLUMNS
from schemas.rules import Rules
from serving_layer.reading.follower import Follower
from serving_layer.reading.views import Views
from speed_layer.driver import SpeedDriver
from speed_layer.steps.fold_step import Stores, fold_accepted
from speed_layer.steps.micro_batch import MicroBatch, Places, Tally
from speed_layer.steps.write_step import write_folded

PATIENCE_SECONDS = 3_600.0  # an answer waits for its models, however busy the machine is
OWNER = "evaluation"
NOWHERE = StoreUrl("memory")
ROWS_AT_ONCE = 20_000  # of a generation's views


def as_log(ordered: pa.Table) -> pa.RecordBatch:
    """Return events as of ``sample.WHOLE``, in order of time, as the one partition of a log that got them in time."""
    n = len(ordered)
    own = {"partition": pa.array(np.zeros(n, np.int32)), "offset": pa.array(np.arange(n))}
    names = {"user_id": "user", "timestamp": "event_time"}
    given = ordered.combine_chunks()
    columns = [own[name] if name in own else _whole(given, names.get(name, name)) for name in EVENT_COLUMNS.names]
    return pa.RecordBatch.from_arrays(columns, schema=EVENT_COLUMNS)


def _whole(table: pa.Table, name: str) -> pa.Array:
    column = table.column(name)
    return column.chunk(0) if column.num_chunks else pa.array([], column.type)


class World:
    """Serves what one log says below a moment, and a catalogue; ``settings`` are those of the recommenders."""

    def __init__(
        self,
        log: pa.RecordBatch,
        rules: Rules,
        settings: Mapping[str, Any],
        shrinkage: float,
        catalogue: Rows = NO_ROWS,
    ) -> None:
        self._log, self._rules = log, replace(rules, partitions=1, dimensions=())
        self._batch, self._speed = MemoryStore(), MemoryStore()
        self._generations = 0
        self._identity = LogIdentity(OWNER, OWNER, 1)
        open_control(self._batch, self._identity, {0: 0}, self._rules)
        places = Places(NOWHERE, NOWHERE, "", Topics.prefixed(""), {}, 0)
        self._driver = SpeedDriver(self._batch, self._speed, self._rules, places, OWNER, lambda _: None)
        self._reached: int | None = None
        self.views = Views(self._batch, self._speed, rules.partitioner, shrinkage, PATIENCE_SECONDS, settings)
        self.views.compile()
        self._describe(catalogue)
        self._follower = Follower(self.views)
        self.views.follower = self._follower

    def _describe(self, catalogue: Rows) -> None:
        """Let the catalogue's records be known from the beginning."""
        applied = Applied(log=self._identity, settled=True).to_json()
        self._speed.swap(CATALOGUE, None, applied)
        self._speed.put(CATALOGUE, {(ITEMS, item): row for item, row in catalogue.items()}, guard=applied)

    def publish(self, end: int, models: Mapping[str, Artefact | None], blend: Mapping[bytes, bytes]) -> None:
        """Make a generation of the first ``end`` events the active one, with those models.

        Args: blend: the rows that store how sources are blended.
        """
        boundary = change_control(self._batch, lambda control: record_boundary(control, {0: end})[0]).boundaries[-1]
        self._generations += 1
        name = f"g{self._generations}"
        self._write_views(name, boundary.offsets[0])
        for recommender, artefact in models.items():
            if artefact is not None:
                write_artefact(self._batch, name, recommender, artefact)
        self._batch.put(generation_book(name), {(BLEND, key): row for key, row in blend.items()})
        generation = Generation(name, boundary, self._rules.fingerprint(), published_at=0)
        change_control(self._batch, lambda control: publish(control, generation))
        self._clean_up()
        self._look()

    def advance(self, end: int) -> None:
        """Let the speed layer apply the events below ``end``, as one micro-batch."""
        if self._reached is None:
            self._reached = self._driver.take_over({0: 0}).offsets[0]
        if end > self._reached:
            self._driver.run({0: end}, self._compute)
            self._reached = end
            self._look()

    def _compute(self, batch: MicroBatch) -> Tally:
        start = batch.position.offsets[0]
        events = self._log.slice(start, batch.to[0] - start)
        changes, written = fold_accepted(events, batch, Stores(self._batch, self._speed))
        return written.plus(write_folded(changes, batch, self._speed))

    def _write_views(self, name: str, end: int) -> None:
        events = self._log.slice(0, end)
        if not end:
            return
        nobody = pa.nulls(len(users_of(events)), pa.binary())
        for change in fold_columns(events, np.zeros(end, np.int64), nobody, self._rules):
            for first in range(0, len(change.keys), ROWS_AT_ONCE):
                part = slice(first, first + ROWS_AT_ONCE)
                rows = zip(change.keys[part].to_pylist(), change.values[part].to_pylist(), strict=True)
                self._batch.put(generation_book(name), {(change.view, key): value for key, value in rows})

    def _clean_up(self) -> None:
        """Delete at once what left the pointer: nobody reads it."""
        control = change_control(self._batch, lambda control: drop(control, 0))
        for name in control.dropping:
            for space in self._batch.spaces(generation_book(name)):
                self._batch.delete(generation_book(name), space)

        def forgotten(newest: Control) -> Control:
            return forget_dropped(newest, set(control.dropping))

        if control.dropping:
            change_control(self._batch, forgotten)

    def _look(self) -> None:
        self._follower.overtaken()  # so that the control record is read as well
        self._follower.look()
