"""One consistent reading of both views: all of a micro-batch or none, one generation (contract §5 rules 6 and 7)."""

from collections.abc import Callable, Hashable, Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, field
from typing import Any, TypeVar

from adapters.records.books import CATALOGUE, SPEED
from adapters.records.control import read_control
from core.codes.item_index import ItemIndex
from core.control.boundaries import latest
from core.partitions.partitioner import partition_of
from core.rows import views as names
from core.rows.codec import Facts, History, ItemSeen, bucket_of_key
from core.rows.merging import added
from core.rows.tagged import NewerBase
from schemas.control import Control, Offsets, Position
from schemas.errors import NotReady
from serving_layer.memory.moment import Moment
from serving_layer.memory.of_generation import Memory
from serving_layer.memory.row import Row
from serving_layer.reading import decoding
from serving_layer.reading.counting import continues, position_that_counts, require_own_log, segments_held
from serving_layer.reading.course import Course
from serving_layer.reading.decoding import bucket_keys
from serving_layer.reading.patience import reading
from serving_layer.reading.read_once import read_once
from serving_layer.reading.stored_rows import rows_of, rows_of_generation
from serving_layer.reading.views import BATCH, CATALOGUE_SIDE, SPEED_SIDE, Moved, Views

T = TypeVar("T")
NO_HISTORY = History()


@dataclass(frozen=True)
class Snapshot:
    """What one answer is computed from.

    ``generation`` is None for the empty one and where the batch view cannot be read; ``position`` is None where the
    speed view does not count; ``segments`` are added to the generation, oldest first; ``boundary`` is where the
    generation ends (None: unknown); ``degraded`` names what is missing, ``without`` says why, by side.
    """

    views: Views
    generation: str | None
    boundary: Offsets | None
    epoch: int | None
    position: Position | None
    segments: tuple[int, ...]
    degraded: tuple[str, ...]
    has_catalogue: bool = True
    without: Mapping[str, str] = field(default_factory=dict, compare=False, repr=False)
    course: Course = field(default_factory=Course, compare=False, repr=False)
    moment: Moment | None = field(default=None, compare=False, repr=False)  # whose rows in memory it uses

    @staticmethod
    def take(views: Views, without: Mapping[str, str]) -> "Snapshot":
        """Read the control record, then the position, each once.

        Args: without: sides that could not be read, each with the reason.
        Raises: NotReady: neither view can be read.      Lost: a store stopped answering.      Moved: start over.
        """
        control = position = None
        if BATCH not in without:
            with reading(BATCH):
                control = read_control(views.batch)
                control = None if control is None else views.as_read(control)
        if SPEED_SIDE not in without:
            with reading(SPEED_SIDE):
                text = views.speed.record(SPEED)
                position = None if text is None else Position.from_json(text)
                if control is not None:
                    require_own_log(views, control, position)
        if control is None:
            return _speed_alone(views, position, without)
        return _merged(views, control, position, without)

    @staticmethod
    def of(views: Views, moment: Moment) -> "Snapshot":
        """Take what the process follows as it was last seen: no record is read."""
        parts = (moment.generation, moment.boundary, moment.epoch, moment.position, moment.segments, moment.degraded)
        return Snapshot(views, *parts, moment=moment)

    def confirm(self) -> None:
        """Raise Moved, at the end of an answer that read rows, if the position is gone, another's or was set back."""
        if self.moment is None or self.course.rows:
            self.keep_rows()
            for act in self.course.confirmed:
                act()

    def keep_rows(self) -> None:
        """Give the rows that were read to the answers that follow, if the position went on; raises as ``confirm``."""
        if self.position is not None:
            with reading(SPEED_SIDE):
                text = self.views.speed.record(SPEED)
            if not continues(self.position, None if text is None else Position.from_json(text)):
                raise Moved
        if self.moment is not None:
            for view, rows in self.course.rows.items():
                self.moment.rows.add(view, rows)

    @read_once
    def facts(self) -> Facts:
        """What is known of the whole log up to here."""
        return self.decoded(names.FACTS, [names.FACTS_KEY], decoding.facts)[0] or Facts()

    @property
    def offsets(self) -> Offsets:
        """Each partition's offset below which every event counts here and from which none does."""
        if self.moment is not None:
            return self.moment.offsets
        known = (self.boundary, self.position.offsets if self.position else None)
        return latest(*[offsets for offsets in known if offsets])

    def header(self) -> dict[str, Any]:
        """Return the fields that every answer carries (contract §4)."""
        return {
            "generation": self.generation,
            "segment": self.segments[-1] if self.segments else None,
            "fresh_to": {"event_time": self.facts.as_of, "offsets": {str(at): to for at, to in self.offsets.items()}},
            "degraded": [*self.degraded, *self.course.lacking],
        }

    @read_once
    def memory(self) -> Memory:
        """Return what is kept of the generation, taken once: all columns of an answer share one index."""
        return self.views.memory(self.generation) if self.moment is None else self.moment.memory

    @property
    def index(self) -> ItemIndex:
        """The codes of the items, in every column of this snapshot."""
        return self.memory.index

    def decoded(
        self, view: str, keys: Sequence[bytes], decode: Callable[[list[bytes]], T], name: Hashable = None
    ) -> list[T | None]:
        """Return ``decode(parts)`` of each key, in order; None for a key without a row.

        Args:
            decode: Of the packed values to be merged, earlier first; it depends on nothing but them and ``index``.
            name: Of what it does; None: its code alone says that.
        """
        rows = self.rows(view, keys)
        return [rows[key].decoded(decode, name) for key in keys]

    def norms(self, items: Sequence[bytes]) -> dict[bytes, int]:
        """Return each item's norm in thousandths; 0 for one that has none."""
        return dict(zip(items, [norm or 0 for norm in self.decoded(names.NORMS, items, decoding.norm)], strict=True))

    def counts(self, buckets: Sequence[int]) -> dict[int, Mapping[bytes, int]]:
        """Return hourly counts by item; buckets are hours since the epoch."""
        keys = bucket_keys(buckets)
        counts = self.decoded(names.COUNTS, keys, added)
        return {bucket_of_key(key): sums for key, sums in zip(keys, counts, strict=True) if sums is not None}

    def counts_of_generation(self, buckets: Sequence[int]) -> dict[int, bytes]:
        """Return the generation's packed counts."""
        rows = self.rows(names.COUNTS, bucket_keys(buckets))
        return {bucket_of_key(key): row.generation for key, row in rows.items() if row.generation is not None}

    def counts_of_segments(self, buckets: Sequence[int]) -> dict[int, list[bytes]]:
        """Return the segments' packed counts, which are to be added to the generation's."""
        rows = self.rows(names.COUNTS, bucket_keys(buckets))
        return {bucket_of_key(key): list(row.changes) for key, row in rows.items() if row.changes}

    def items(self, items: Sequence[bytes]) -> dict[bytes, ItemSeen]:
        """Return the items among these that an accepted event named, with the category events gave them."""
        named = self.decoded(names.ITEMS, items, decoding.item)
        return {item: seen for item, seen in zip(items, named, strict=True) if seen is not None}

    def history(self, user: bytes) -> History:
        """Return the user's last N items, least recently touched first (rule 7).

        They are the speed layer's where it has any and has passed the boundary, else the generation's.
        """
        row = self.rows(names.HISTORY, [user])[user]
        row = row.later if row.changes and self._has_passed_boundary(user) else row.earlier
        return row.decoded(decoding.history) or NO_HISTORY

    def seen(self, user: bytes) -> AbstractSet[bytes]:
        """Return items that the user rated and did not retract since, over the whole log (rule 7)."""
        return self.decoded(names.SEEN, [user], decoding.seen)[0] or frozenset()

    def catalogue(self, space: str, keys: Sequence[bytes]) -> dict[bytes, bytes]:
        """Return rows of the catalogue; none when the store it shares with the speed view is down."""
        if not self.has_catalogue or not keys:
            return {}
        kept = {} if self.moment is None else self.moment.catalogue.of(space)
        if missing := [key for key in dict.fromkeys(keys) if key not in kept]:
            self.course.lacked = CATALOGUE_SIDE
            with reading(SPEED_SIDE):
                kept = {**kept, **(read := self.views.speed.read(CATALOGUE, space, missing))}
            if self.moment is not None:
                self.moment.catalogue.add(space, missing, read)
        return {key: row for key in keys if (row := kept.get(key)) is not None}

    def of_generation(self, space: str, keys: Sequence[bytes]) -> dict[bytes, bytes]:
        """Return rows of the generation alone, such as its model's."""
        return rows_of_generation(self.views, self.generation, space, keys)

    def rows(self, view: str, keys: Sequence[bytes]) -> dict[bytes, Row]:
        """Return the row of every key at this position; NewerBase if one was rewritten since it was read."""
        wanted = dict.fromkeys(keys)
        rows = {} if self.moment is None else self.moment.rows.kept(view, wanted, self.moment.attempt)
        if (read := self.course.rows.get(view)) is not None:
            rows |= {key: read[key] for key in wanted if key in read}
        known = {key: row.generation for key, row in rows.items() if row.changes is None}
        if len(rows) == len(wanted) and not known:
            return rows
        missing = [key for key in wanted if key in known or key not in rows]
        return rows | self._read(view, missing, known)

    def _read(self, view: str, keys: Sequence[bytes], known: Mapping[bytes, bytes | None]) -> dict[bytes, Row]:
        self.course.lacked = view
        read = rows_of(self.views, self.generation, self.position, self.segments, view, keys, known)
        rewritten = {key: row for key, row in read.items() if row.changes is None}
        rows = {key: row for key, row in read.items() if row.changes is not None}
        self.course.rows.setdefault(view, {}).update(rows)
        if rewritten:
            if self.moment is not None:
                self.moment.rows.add(view, rewritten)  # so that the next look reads them, as rows in use
            raise NewerBase
        return rows

    def _has_passed_boundary(self, user: bytes) -> bool:
        if self.position is None:
            return False
        own = partition_of(user, self.views.partitioner, len(self.position.offsets))
        return self.position.offsets[own] >= (self.boundary or {}).get(own, 0)


def _speed_alone(views: Views, position: Position | None, without: Mapping[str, str]) -> Snapshot:
    """Answer without a control record from all that the speed view still holds, marked as lacking the batch view."""
    if position is None:
        why = "; ".join(without.values())
        raise NotReady(
            f"neither view can be read: {why}"
            if why
            else "nothing is published yet and the speed layer has not run: run `millrace up` or `millrace batch run`"
        )
    return Snapshot(views, None, None, position.epoch, position, segments_held(views, position.epoch), (BATCH,))


def _merged(views: Views, control: Control, position: Position | None, without: Mapping[str, str]) -> Snapshot:
    """Return the active generation, and the segments from its boundary on if the position is of the same epoch."""
    position = position_that_counts(control, position, without.get(SPEED_SIDE))
    segments = tuple(control.active_segments) if position else ()
    degraded = () if position else (SPEED_SIDE,)
    parts = (control.active, control.active_boundary.offsets, control.epoch, position, segments, degraded)
    return Snapshot(views, *parts, CATALOGUE_SIDE not in without, without)
