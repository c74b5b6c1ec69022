"""One consistent reading of both views: all of a micro-batch or none, one generation (contract §5 rules 6 and 7)."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property, reduce
from typing import Any, TypeVar

from adapters.records.books import CATALOGUE, SPEED, generation_book, segment_spaces, state_space
from adapters.records.control import read_control
from core.control.boundaries import latest
from core.events.partitioner import partition_of
from core.rows import views as names
from core.rows.codec import (
    Facts,
    History,
    ItemSeen,
    add_history,
    bucket_key,
    bucket_of_key,
    unpack_facts,
    unpack_history,
    unpack_item,
    unpack_norm,
)
from core.rows.item_index import ItemIndex
from core.rows.merging import added, committed_parts, overlaid
from core.rows.views import merge_facts, merge_items
from schemas.control import Control, Offsets, Position
from schemas.errors import NotReady
from serving_layer.reading.counting import position_that_counts, require_own_log, segments_held
from serving_layer.reading.course import Course
from serving_layer.reading.kept_rows import KEPT, KeptRows
from serving_layer.reading.memory import Memory
from serving_layer.reading.patience import reading
from serving_layer.reading.views import BATCH, CATALOGUE_SIDE, SPEED_SIDE, Moved, Views

Parts = dict[bytes, list[bytes]]  # key -> packed values to be merged, earlier first
T = TypeVar("T")


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

    @staticmethod
    def take(views: Views, without: Mapping[str, str]) -> "Snapshot":
        """Read the control record, then the position, each once.

        Args: without: sides that could not be read, each with the reason.
        Raises:
            NotReady: neither view can be read.      Lost: a store stopped answering.      Moved: start over.
        """
        control = position = None
        if BATCH not in without:
            with reading(BATCH):
                control = read_control(views.batch)
        if SPEED_SIDE not in without:
            with reading(SPEED_SIDE):
                text = views.speed.record(SPEED)
                position = None if text is None else Position.from_json(text)
                if control is not None:
                    require_own_log(views, control, position)
        if control is None:
            return _speed_alone(views, position, without)
        return _merged(views, control, position, without)

    def confirm(self) -> None:
        """At the end: raises Moved when the position is gone, of another epoch, or was or may have been set back."""
        if self.position is None:
            return
        with reading(SPEED_SIDE):
            text = self.views.speed.record(SPEED)
        now = None if text is None else Position.from_json(text)
        before = self.position
        if now is None or (now.epoch, now.life) != (before.epoch, before.life) or now.attempt < before.attempt:
            raise Moved

    @property
    def facts(self) -> Facts:
        """What is known of the whole log up to here; read once."""
        if self.course.facts is None:
            parts = self._parts(names.FACTS, [names.FACTS_KEY]).get(names.FACTS_KEY)
            self.course.facts = unpack_facts(reduce(merge_facts, parts)) if parts else Facts()
        return self.course.facts

    @property
    def offsets(self) -> Offsets:
        """Per partition: every event below counts here, none from there on."""
        known = [each for each in (self.boundary, self.position.offsets if self.position else None) if each]
        return latest(*known)

    def header(self) -> dict[str, Any]:
        """The fields that every answer carries (contract §4)."""
        offsets = {str(partition): offset for partition, offset in self.offsets.items()}
        return {
            "generation": self.generation,
            "segment": self.segments[-1] if self.segments else None,
            "fresh_to": {"event_time": self.facts.as_of, "offsets": offsets},
            "degraded": [*self.degraded, *self.course.lacking],
        }

    @cached_property
    def memory(self) -> Memory:
        """What is kept of the generation, taken once: all columns of an answer share one index."""
        return self.views.memory(self.generation)

    @property
    def index(self) -> ItemIndex:
        """The codes of the items, in every column of this snapshot."""
        return self.memory.index

    def decoded(self, view: str, keys: Sequence[bytes], decode: Callable[[list[bytes]], T]) -> list[T | None]:
        """Return ``decode(parts)`` of each key, in order; None for a key without a row.

        Args: decode: of the packed values to be merged, earlier first; it depends on nothing but them and ``index``.
        """
        rows = self._parts(view, keys)
        return [decode(rows[key]) if key in rows else None for key in keys]

    def lack(self, part: str) -> None:
        """Have the answer say that it was computed without that part."""
        self.course.lacking.append(part)

    def pairs(self, items: Sequence[bytes]) -> dict[bytes, dict[bytes, int]]:
        """Each item's co-ratings in thousandths, by the other item."""
        return {item: added(parts) for item, parts in self._parts(names.PAIRS, items).items()}

    def norms(self, items: Sequence[bytes]) -> dict[bytes, int]:
        """Each item's norm in thousandths; 0 for one that has none."""
        found = self._parts(names.NORMS, items)
        return {item: sum(unpack_norm(part) for part in found.get(item, ())) for item in items}

    def counts(self, buckets: Sequence[int]) -> dict[int, dict[bytes, int]]:
        """Hourly counts by item; buckets are hours since the epoch."""
        found = self._parts(names.COUNTS, _keys(buckets))
        return {bucket_of_key(key): added(parts) for key, parts in found.items()}

    def counts_of_generation(self, buckets: Sequence[int]) -> dict[int, bytes]:
        """The generation's packed counts."""
        return {bucket_of_key(key): row for key, row in self.of_generation(names.COUNTS, _keys(buckets)).items()}

    def counts_of_segments(self, buckets: Sequence[int]) -> dict[int, list[bytes]]:
        """The segments' packed counts, which are to be added to the generation's."""
        parts = self._add_segments(names.COUNTS, _keys(buckets), {})
        return {bucket_of_key(key): some for key, some in parts.items()}

    def items(self, items: Sequence[bytes]) -> dict[bytes, ItemSeen]:
        """Of those items the ones that an accepted event named, with the category events gave them."""
        found = self._parts(names.ITEMS, items)
        return {item: unpack_item(reduce(merge_items, parts)) for item, parts in found.items()}

    def history(self, user: bytes) -> History:
        """The user's last N items, least recently touched first (rule 7)."""
        parts = self._history_parts(user)
        return unpack_history(reduce(add_history, parts)) if parts else History()

    def seen(self, user: bytes) -> set[bytes]:
        """Items that the user rated and did not retract since, over the whole log (rule 7)."""
        return {item for item, present in overlaid(self._parts(names.SEEN, [user]).get(user, ())).items() if present}

    def catalogue(self, space: str, keys: Sequence[bytes]) -> dict[bytes, bytes]:
        """Rows of the catalogue; none when the store it shares with the speed view is down."""
        if not self.has_catalogue or not keys:
            return {}
        with reading(SPEED_SIDE):
            return self.views.speed.read(CATALOGUE, space, list(dict.fromkeys(keys)))

    def of_generation(self, space: str, keys: Sequence[bytes]) -> dict[bytes, bytes]:
        """Rows of the generation alone, such as its model's."""
        if self.generation is None:
            return {}
        book = generation_book(self.generation)

        def read(some: Sequence[bytes]) -> dict[bytes, bytes]:
            with reading(BATCH):
                return self.views.batch.read(book, space, list(some))

        return self.memory.kept(KeptRows).read(space, keys, read) if space in KEPT else read(keys)

    def _parts(self, view: str, keys: Sequence[bytes]) -> Parts:
        """Of every key that has a value: the generation's part and those of the segments."""
        keys = list(dict.fromkeys(keys))
        out: Parts = {key: [value] for key, value in self.of_generation(view, keys).items()} if keys else {}
        return self._add_segments(view, keys, out)

    def _add_segments(self, view: str, keys: Sequence[bytes], out: Parts) -> Parts:
        for segment in self.segments if keys else ():
            assert self.position is not None
            for space in segment_spaces(self.position.epoch, view, segment):
                for key, parts in self._speed_parts(space, keys).items():
                    out.setdefault(key, []).extend(parts)
        return {key: parts for key, parts in out.items() if parts}

    def _speed_parts(self, space: str, keys: Sequence[bytes]) -> Parts:
        assert self.position is not None
        with reading(SPEED_SIDE):
            rows = self.views.speed.read(SPEED, space, keys)
        return {key: committed_parts(stored, self.position) for key, stored in rows.items()}

    def _history_parts(self, user: bytes) -> list[bytes]:
        """The speed layer's history where it has one and has passed the boundary, else the generation's."""
        if self.position is not None:
            partition = partition_of(user, self.views.partitioner, len(self.position.offsets))
            boundary = (self.boundary or {}).get(partition, 0)
            if self.position.offsets[partition] >= boundary:
                space = state_space(self.position.epoch, names.HISTORY)
                if own := self._speed_parts(space, [user]).get(user):
                    return own
        return list(self.of_generation(names.HISTORY, [user]).values())


def _keys(buckets: Sequence[int]) -> list[bytes]:
    return [bucket_key(bucket) for bucket in buckets if bucket >= 0]


def _speed_alone(views: Views, position: Position | None, without: Mapping[str, str]) -> Snapshot:
    """No control record to be had: everything that the speed view still holds, marked as lacking the batch view."""
    if position is None:
        why = "; ".join(without.values())
        raise NotReady(
            f"neither view can be read: {why}"
            if why
            else "nothing is published yet and the speed layer has not run: run `millrace up` or `millrace batch run`"
        )
    return Snapshot(views, None, None, position.epoch, position, segments_held(views, position.epoch), (BATCH,))


def _merged(views: Views, control: Control, position: Position | None, without: Mapping[str, str]) -> Snapshot:
    """The active generation, and the segments from its boundary on if the position is of the control record's epoch."""
    position = position_that_counts(control, position, without.get(SPEED_SIDE))
    segments = tuple(control.active_segments) if position else ()
    degraded = () if position else (SPEED_SIDE,)
    parts = (control.active, control.active_boundary.offsets, control.epoch, position, segments, degraded)
    return Snapshot(views, *parts, CATALOGUE_SIDE not in without, without)
