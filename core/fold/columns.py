"""The fold over columns: events and prior histories in, changed rows of every view out.

Both layers call ``fold_columns``: the speed layer for a micro-batch, with the histories as of its position; the batch
layer for a slice of users, from empty histories. What comes out is keyed and packed, ready to be merged and stored.
"""

from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from core.bytes.binary_columns import binary, octets
from core.bytes.word_kernel import padded
from core.fold.activity import Activity
from core.fold.digest_kernel import digests
from core.fold.excess import by_day
from core.fold.group_kernel import of_segment, order_by, symmetric_rows
from core.fold.history_kernel import pack_histories, unpack_histories, unpack_shares
from core.fold.kernel import DUPLICATE, EXCESSIVE, RATED, WEIGHTLESS, fold_kernel
from core.rows import views
from core.rows.codec import Facts, bucket_key, pack_facts
from core.rows.shares import CELL_OF_REGISTER
from core.rows.sketch_kernel import places
from core.rows.sums_kernel import pack_rows
from core.rows.words import standing_words
from schemas.event import BUCKET_MS, DAY_MS
from schemas.rules import Rules

Ints = NDArray[np.int64]
NO_TOUCHES = np.zeros(0, np.int64)


@dataclass(frozen=True)
class Changes:
    """Changes to rows of one view within one segment; ``keys`` and ``values`` are binary arrays of equal length."""

    view: str
    segment: int
    keys: pa.BinaryArray
    values: pa.BinaryArray


@dataclass(frozen=True)
class _Names:
    """Item names in ascending byte order; a code is a position here, so code order is byte order."""

    sorted: pa.BinaryArray
    starts: Ints
    text: NDArray[np.uint8]  # ``padded``

    def code(self, names: pa.BinaryArray) -> Ints:
        return _ints(pc.index_in(names, value_set=self.sorted))


def users_of(events: pa.RecordBatch) -> pa.StringArray:
    """Return the distinct users of the events, in order of first appearance: whose histories ``fold_columns`` needs."""
    return events.column("user_id").dictionary_encode().dictionary


def fold_columns(events: pa.RecordBatch, segments: Ints, histories: pa.BinaryArray, rules: Rules) -> list[Changes]:
    """Fold accepted events (``EVENT_COLUMNS``; a user's rows in log order).

    Args:
        segments: the segment id of each event.      histories: packed history of each of ``users_of(events)``,
        null for a user without one.
    Returns: at most one ``Changes`` for each (view, segment); the history under the last segment.
    """
    if events.num_rows == 0:
        return []
    encoded = events.column("user_id").dictionary_encode()
    user = _ints(encoded.indices)
    order = np.argsort(user, kind="stable")
    starts = np.searchsorted(user[order], np.arange(len(encoded.dictionary) + 1))
    known, known_starts = octets(histories)
    h_starts, rating, time, n_starts, n_text, d_starts, known_ids = unpack_histories(padded(known), known_starts)
    s_day, s_starts, s_cell, s_number = unpack_shares(padded(known), known_starts)
    entry_names = binary(n_text, n_starts)
    event_names = events.column("item_id").cast(pa.binary())
    names = _name_table(event_names, entry_names)
    event_item = names.code(event_names)
    segment_ids, segment = np.unique(segments, return_inverse=True)
    weight, when = _ints(events.column("weight")), _ints(events.column("event_time"))
    event_ids = digests(*octets(events.column("event_id").cast(pa.binary())))
    day = np.minimum(when, _ints(events.column("timestamp"))) // DAY_MS
    cell = places(names.text, names.starts)[0][event_item] >> CELL_OF_REGISTER
    outcome, keys, amounts, state = fold_kernel(
        starts, event_item[order], when[order], weight[order], event_ids[order],
        segment[order], day[order], cell[order], h_starts, names.code(entry_names), rating, time, d_starts, known_ids,
        s_day, s_starts, s_cell, s_number,
        rules.history_items, rules.remembered_ids, rules.window_ms, rules.counted_per_day, len(names.sorted),
    )  # fmt: skip
    taken = np.empty_like(outcome)
    taken[order] = outcome
    changed = np.unique(user[taken != DUPLICATE])
    packed = pack_histories(changed, *(*state, names.starts, names.text))
    people = encoded.dictionary.cast(pa.binary())
    last = int(segment_ids[-1])
    out = [Changes(views.HISTORY, last, people.take(pa.array(changed)), binary(*packed))]
    activity = Activity(events, user, people, event_item, names.sorted, rules.dimensions)
    for at, segment_id in enumerate(segment_ids.tolist()):
        inside = segment == at
        out += _seen(events, user, event_item, np.where(inside, taken, DUPLICATE), people, names, segment_id)
        out += _sums(keys, amounts, at, segment_id, names)
        out += _counts(views.COUNTS, event_item, when // BUCKET_MS, inside & (taken >= RATED), segment_id, names)
        out += _counts(views.EXCESS, event_item, when // BUCKET_MS, inside & (taken == EXCESSIVE), segment_id, names)
        out += _excess(user, day, inside & (taken == EXCESSIVE), people, segment_id)
        out += _items(events, event_item, inside & (taken != DUPLICATE), segment_id, names)
        out += _facts(events, inside, taken, segment_id)
        out += _activity(activity, inside & (taken != DUPLICATE), segment_id)
    return out


def _activity(activity: Activity, counted: NDArray[np.bool_], segment: int) -> list[Changes]:
    """Return what is counted of the events by hour, whatever they weigh."""
    if not counted.any():
        return []
    return [
        Changes(views.ACTIVITY, segment, *activity.counts(counted)),
        Changes(views.ACTIVE_USERS, segment, *activity.actives(counted)),
    ]


def _sums(keys: Ints, amounts: Ints, at: int, segment: int, names: _Names) -> list[Changes]:
    """Return the rows of norms and pairs in the kernel's delta table."""
    items = len(names.sorted)
    item, norm, p, q, amount = of_segment(keys, amounts, at, items)
    norms = Changes(views.NORMS, segment, names.sorted.take(pa.array(item)), _fixed(norm))
    starts, code, both = symmetric_rows(p, q, amount, items)
    rows = np.flatnonzero(np.diff(starts))
    packed = pack_rows(np.r_[starts[rows], starts[-1]], code, both, NO_TOUCHES, names.starts, names.text)
    pairs = Changes(views.PAIRS, segment, names.sorted.take(pa.array(rows)), binary(*packed))
    return [changes for changes in (norms, pairs) if len(changes.keys)]


def _counts(
    view: str, item: Ints, bucket: Ints, rated: NDArray[np.bool_], segment: int, names: _Names
) -> list[Changes]:
    """Return the number of those events by hour and item; that of excess is below 0."""
    if not rated.any():
        return []
    hours, hour = np.unique(bucket[rated], return_inverse=True)
    pair, amount = np.unique(hour * len(names.sorted) + item[rated], return_counts=True)
    keys = pa.array([bucket_key(hour) for hour in hours.tolist()], pa.binary())
    row, code = pair // len(names.sorted), pair % len(names.sorted)
    sign = -1 if view == views.EXCESS else 1
    return [Changes(view, segment, *_grouped(row, code, sign * amount.astype(np.int64), keys, names))]


def _excess(user: Ints, day: Ints, beyond: NDArray[np.bool_], people: pa.BinaryArray, segment: int) -> list[Changes]:
    return [Changes(views.EXCESS_USERS, segment, *by_day(user, day, beyond, people))] if beyond.any() else []


def _seen(
    events: pa.RecordBatch, user: Ints, item: Ints, taken: NDArray[np.uint8], people: pa.BinaryArray, names: _Names,
    segment: int,
) -> list[Changes]:  # fmt: skip
    """Return each user's word on each item, with its touches (``core.rows.words``)."""
    touched = np.nonzero(taken > WEIGHTLESS)[0]
    if len(touched) == 0:
        return []
    pairs, rated = user[touched] * len(names.sorted) + item[touched], taken[touched] >= RATED
    weight, when = _ints(events.column("weight"))[touched], _ints(events.column("event_time"))[touched]
    said = standing_words(pairs, weight, ~rated, when)
    row, code = said.pairs // len(names.sorted), said.pairs % len(names.sorted)
    words = np.where(said.retracted, -said.ratings, said.ratings)
    return [Changes(views.SEEN, segment, *_grouped(row, code, words, people, names, said.touches))]


def _items(
    events: pa.RecordBatch, item: Ints, accepted: NDArray[np.bool_], segment: int, names: _Names
) -> list[Changes]:
    """Return the newest event that names its category for each item that occurred, packed as ``ItemSeen``."""
    rows = np.nonzero(accepted)[0]
    if len(rows) == 0:
        return []
    category = events.column("category").take(pa.array(rows)).fill_null("")
    named = _ints(pc.binary_length(category)) > 0
    when = np.where(named, _ints(events.column("event_time"))[rows], -1)
    partition = np.where(named, _ints(events.column("partition"))[rows], -1)
    offset = np.where(named, _ints(events.column("offset"))[rows], -1)
    order = np.lexsort((offset, partition, when, item[rows]))
    code = item[rows][order]
    last = order[np.r_[code[1:] != code[:-1], True]]
    head = np.empty(len(last), dtype=[("time", "<i8"), ("partition", "<i4"), ("offset", "<i8")])
    head["time"], head["partition"], head["offset"] = when[last], partition[last], offset[last]
    raw, texts = head.tobytes(), category.take(pa.array(last)).to_pylist()
    values = [raw[20 * k : 20 * k + 20] + text.encode() for k, text in enumerate(texts)]
    return [Changes(views.ITEMS, segment, names.sorted.take(pa.array(item[rows][last])), pa.array(values, pa.binary()))]


def _facts(events: pa.RecordBatch, inside: NDArray[np.bool_], taken: NDArray[np.uint8], segment: int) -> list[Changes]:
    """Return the facts of the segment's events, even if all of them are duplicates."""
    if not inside.any():
        return []
    counted, rated = inside & (taken != DUPLICATE), inside & (taken >= RATED)
    when, stamp = _ints(events.column("event_time")), _ints(events.column("timestamp"))
    facts = Facts(
        as_of=int(np.minimum(when, stamp)[counted].max()) if counted.any() else None,
        oldest_bucket=int(when[rated].min() // BUCKET_MS) if rated.any() else None,
        first_hour=int(when[counted].min() // BUCKET_MS) if counted.any() else None,
        events=int(counted.sum()),
        duplicates=int((inside & (taken == DUPLICATE)).sum()),
        excess=int((inside & (taken == EXCESSIVE)).sum()),
    )
    return [facts_change(facts, segment)]


def facts_change(facts: Facts, segment: int) -> Changes:
    """Return the change to the one row of facts."""
    return Changes(views.FACTS, segment, pa.array([views.FACTS_KEY]), pa.array([pack_facts(facts)], pa.binary()))


def _grouped(
    row: Ints, code: Ints, amount: Ints, keys: pa.BinaryArray, names: _Names, touches: Ints = NO_TOUCHES
) -> tuple[pa.Array, pa.Array]:
    """Return packed sums: the keys of the distinct ``row`` numbers, and each one's (code, amount) by code.

    Args: touches: packed ones of each amount, of a view that holds them.
    """
    order = order_by(row, code, len(keys), len(names.sorted))
    ordered = row[order]
    begins = np.ones(len(order), dtype=bool)
    begins[1:] = ordered[1:] != ordered[:-1]
    starts = np.r_[np.nonzero(begins)[0], len(order)]
    touched = touches[order] if len(touches) else NO_TOUCHES
    packed = pack_rows(starts, code[order], amount[order], touched, names.starts, names.text)
    return keys.take(pa.array(ordered[starts[:-1]])), binary(*packed)


def _name_table(*columns: pa.BinaryArray) -> _Names:
    distinct = pc.unique(pa.concat_arrays([c.cast(pa.large_binary()) for c in columns])).cast(pa.binary())
    ordered = distinct.take(pc.sort_indices(distinct))
    text, starts = octets(ordered)
    return _Names(ordered, starts, padded(text))


def _ints(column: pa.Array) -> Ints:
    return np.asarray(column.to_numpy(zero_copy_only=False)).astype(np.int64, copy=False)


def _fixed(amounts: Ints) -> pa.BinaryArray:
    return binary(amounts.astype("<i8").view(np.uint8), np.arange(len(amounts) + 1, dtype=np.int64) * 8)
