"""Rows as the stores hold them: the generation's value and what the segments, or a user's live state, add to it."""

from collections.abc import Iterator, Mapping, Sequence

from adapters.records.books import SPEED, generation_book, segment_spaces, state_space
from core.codes.item_index import ItemIndex
from core.rows.codec import unpack_norm
from core.rows.merging import committed_parts
from core.rows.tagged import NewerBase
from core.rows.views import VIEWS
from schemas.control import Position
from serving_layer.memory.norms import UNREAD
from serving_layer.memory.row import Row
from serving_layer.reading.decoding import norm
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
    for space in spaces_of(position, view, segments):
        assert position is not None
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


def spaces_of(position: Position | None, view: str, segments: Sequence[int]) -> Iterator[str]:
    """Yield the speed view's spaces that hold the view's rows, older parts first."""
    if position is None:
        return
    if not VIEWS[view].segmented:
        yield state_space(position.epoch, view)
        return
    for segment in segments:
        yield from segment_spaces(position.epoch, view, segment)


def norms_of(
    index: ItemIndex, changed: Mapping[bytes, Sequence[bytes] | None], read: Mapping[bytes, Row]
) -> tuple[dict[int, int], dict[int, int]]:
    """Return by code what was added to norms, and those of which that is not known as far as they were read."""
    added = {index.find(key): sum(map(unpack_norm, parts)) for key, parts in changed.items() if parts is not None}
    unknown = (key for key, parts in changed.items() if parts is None)
    return added, {
        index.find(key): UNREAD if (row := read.get(key)) is None or row.changes is None else row.decoded(norm) or 0
        for key in unknown
    }
