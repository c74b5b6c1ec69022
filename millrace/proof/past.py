"""The past of an installation, folded by the slow twin: what ``verify`` and ``reproduce`` compare with."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

from adapters.lake.tables import Lake, lake_events
from adapters.log.forgotten import Forgotten, is_void
from adapters.log.kafka_log import Log
from adapters.terminal.progress import watched
from core.control.boundaries import earliest, latest
from core.control.changes import origin
from core.events.acceptance import parse_event
from schemas.control import Control, Offsets, Position
from schemas.event import Event, Rejected
from schemas.rules import Rules
from serving_layer.proof.histories import Prefix

if TYPE_CHECKING:
    ReadLake = Callable[[Lake, Rules, Offsets, Offsets], Iterator[Event]]


@dataclass(frozen=True)
class Past:
    """The events of lake and log, without those of forgotten users below their marks.

    ``read_lake``: how the lake's events are read in the log's order; by the engine unless another way is given.
    """

    log: Log
    lake: Lake
    rules: Rules
    gone: Forgotten
    read_lake: "ReadLake" = lake_events

    def prefix(
        self,
        control: Control,
        upto: Offsets,
        newest: Callable[[], Position | None] | None = None,
        boundary: Offsets | None = None,
    ) -> Prefix:
        """Return the slow twin of everything below ``upto``: from the lake as far as it reaches, then from the log.

        It counts the rejected records of the log, not those of the lake. Args: newest, boundary: as ``Prefix`` has
        them.
        """
        covered = self._covered(control, upto)
        prefix = Prefix(self.rules, covered, read=self._of_log, newest=newest, boundary=boundary)
        # The lake may hold events from before this control record was created.
        events = self.read_lake(self.lake, self.rules, dict.fromkeys(covered, 0), covered)
        events = watched("recomputing the lake", events, sum(covered.values()))
        prefix.take(e for e in events if not is_void(self.gone, e.user_id.encode(), e.partition, e.offset))
        prefix.carry_on(upto)
        return prefix

    def rejected_in_lake(self, control: Control, upto: Offsets) -> dict[str, int]:
        """Return how many records of the lake below ``upto`` were rejected, by reason; needs the engine."""
        rejected = self.lake.rejected_until(self._covered(control, upto), forgotten=self.gone)
        return {row["reason"]: row["count"] for row in rejected.groupBy("reason").count().collect()}

    def _covered(self, control: Control, upto: Offsets) -> Offsets:
        start = origin(control)
        return earliest(latest(start, self.lake.covered(control.log, start)), upto)

    def _of_log(self, start: Offsets, end: Offsets) -> Iterator[Event | Rejected]:
        records = self.log.read(self.log.topics.events, start, end)
        for record in watched("recomputing the log", records, sum(end.values()) - sum(start.values())):
            if not is_void(self.gone, record.key or b"", record.partition, record.offset):
                yield parse_event(record, self.rules)
