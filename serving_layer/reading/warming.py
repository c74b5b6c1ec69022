"""Fills the memory of a generation before anybody asks: the first answer about a user would read a thousand rows."""

from collections.abc import Iterator
from itertools import islice

from adapters.records.books import CATALOGUE, SPEED, generation_book
from core.rows.views import FACTS, HISTORY, ITEMS, NORMS, PAIRS, SEEN
from schemas.control import Position
from schemas.errors import MillraceError
from serving_layer.memory.moment import Moment
from serving_layer.memory.row_cache import RowCache
from serving_layer.reading.counting import continues
from serving_layer.reading.patience import Lost, reading
from serving_layer.reading.stored_rows import rows_of, spaces_of
from serving_layer.reading.views import SPEED_SIDE, Views

ROWS_AT_ONCE = 300  # some milliseconds: the follower looks in between
RECORDS = "items"  # the catalogue's space
# Of the memory for rows, in this order: every answer about a user needs the first three.
SHARES = {
    FACTS: 0.01,
    HISTORY: 0.1,
    SEEN: 0.1,
    NORMS: 0.15,
    ITEMS: 0.15,
    PAIRS: 0.35,
}


class Warming:
    """Reads a generation's rows into the memory of moments, a few at a time; for one thread."""

    def __init__(self, views: Views) -> None:
        self._views = views
        self._rows: RowCache | None = None
        self._left: Iterator[tuple[str, list[bytes], dict[bytes, bytes]]] = iter(())

    def step(self, moment: Moment | None) -> bool:
        """Read the next rows into the moment's memory; return whether there may be more."""
        if moment is None or moment.generation is None:
            return False
        if moment.rows is not self._rows:
            self._rows, self._left = moment.rows, self._parts(moment)
        try:
            part = next(self._left, None)
            if part is not None:
                self._keep(moment, *part)
        except (MillraceError, Lost):  # answers read what they need themselves, and say what they lack
            self.give_up()
            return False
        return part is not None

    def give_up(self) -> None:
        """Read no more for this memory; another one begins anew."""
        self._left = iter(())

    def _parts(self, moment: Moment) -> Iterator[tuple[str, list[bytes], dict[bytes, bytes]]]:
        """Yield view, keys, and the generation's rows as far as they were read: first those of the generation."""
        assert moment.generation is not None
        for view, share in SHARES.items():
            most, known = share * self._views.cache_bytes, moment.rows.bytes_of
            stored = self._views.batch.scan(generation_book(moment.generation), view)
            while known(view) < most and (part := dict(islice(stored, ROWS_AT_ONCE))):
                yield view, list(part), part
            for space in spaces_of(moment.position, view, moment.segments):
                live = (key for key, _ in self._views.speed.scan(SPEED, space))
                while known(view) < most and (keys := list(islice(live, ROWS_AT_ONCE))):
                    yield view, keys, {}

    def _keep(self, moment: Moment, view: str, keys: list[bytes], generation: dict[bytes, bytes]) -> None:
        """Keep those rows as they are at the moment; nothing where its position was set back meanwhile."""
        held = moment.rows.kept(view, keys, moment.attempt)
        wanted = [key for key in keys if key not in held]
        read = rows_of(self._views, moment.generation, moment.position, moment.segments, view, wanted, generation)
        if moment.position is not None:
            with reading(SPEED_SIDE):
                text = self._views.speed.record(SPEED)
            if not continues(moment.position, None if text is None else Position.from_json(text)):
                return
        moment.rows.add(view, {key: read[key] for key in wanted})
        if view == ITEMS:
            self._keep_records(moment, keys)

    def _keep_records(self, moment: Moment, items: list[bytes]) -> None:
        held = moment.catalogue.of(RECORDS)
        keys = [] if moment.catalogue.is_half_full else [item for item in items if item not in held]
        with reading(SPEED_SIDE):
            moment.catalogue.add(RECORDS, keys, self._views.speed.read(CATALOGUE, RECORDS, keys) if keys else {})
