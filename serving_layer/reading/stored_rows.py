"""Rows as the stores hold them: the generation's value and what the segments, or a user's live state, add to it."""

from collections.abc import Iterator, Mapping, Sequence

from adapters.records.books import SPEED, generation_book, segment_spaces, state_space
from core.rows.merging import committed_parts
from core.rows.tagged import NewerBase
from core.rows.views import VIEWS
from schemas.control import Position
from serving_layer.memory.row_cache import Row
from serving_layer.reading.patience import reading
from serving_layer.reading.views import BATCH, SPEED_SIDE, Views

Generation = Mapping[bytes, bytes | None]


def rows_of(
    views: Views, generation: str | None, position: Position | None, segments: Sequence[int], view: str,
    keys: Sequence[bytes], known: Generation,
) -> dict[bytes, Row]:  # fmt: skip
    """Return the row of each key at that position; the changes of one that was rewritten after it are not known.

    Args: known: values of the generation that need not be read.
    Raises:
        Lost: a store did not answer.
    """
    values = {**rows_of_generation(views, generation, view, [key for key in keys if key not in known]), **known}
    changes: dict[bytes, list[bytes]] = {}
    newer: set[bytes] = set()
    if position is not None:
        for space in _spaces(position, view, segments):
            with reading(SPEED_SIDE):
                stored = views.speed.read(SPEED, space, keys)
            for key, row in stored.items():
                try:
                    changes.setdefault(key, []).extend(committed_parts(row, position))
                except NewerBase:
                    newer.add(key)
    since = -1 if position is None else position.attempt
    return {
        key: Row(values.get(key), None if key in newer else tuple(changes.get(key, ())), since) for key in keys
    }  # fmt: skip


def rows_of_generation(views: Views, generation: str | None, space: str, keys: Sequence[bytes]) -> dict[bytes, bytes]:
    """Return those of the generation's rows that exist, such as its model's."""
    if generation is None or not keys:
        return {}
    with reading(BATCH):
        return views.batch.read(generation_book(generation), space, keys)


def _spaces(position: Position, view: str, segments: Sequence[int]) -> Iterator[str]:
    if not VIEWS[view].segmented:
        yield state_space(position.epoch, view)
        return
    for segment in segments:
        yield from segment_spaces(position.epoch, view, segment)
