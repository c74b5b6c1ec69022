"""First step of a micro-batch, one task per Kafka partition: parse, fold, write the users' state, pass on the sums.

A user's events share one partition, so no shuffle comes before the fold.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from adapters.log.dead_letters import bury_all
from adapters.log.kafka_log import Log
from adapters.records.books import generation_book
from adapters.stores.opened import store
from adapters.stores.port import ViewStore
from core.control.boundaries import reaches, segments_of
from core.events.parse import parse_columns
from core.fold.columns import Changes, facts_change, fold_columns, users_of
from core.rows.codec import Facts
from core.rows.merging_columns import merged
from core.rows.packed import Packed
from core.rows.views import HISTORY, VIEWS
from core.telemetry.delays import Arrivals, arrivals
from schemas.event import EVENT_COLUMNS, RECORD_COLUMNS
from speed_layer.steps.micro_batch import CHANGES, MicroBatch, Tally
from speed_layer.steps.rows import RowChanges, RowStore, committed, keys_of, row_space, stored_rows, write_changes


@dataclass(frozen=True)
class Stores:
    """The two view stores as a task has opened them."""

    batch: ViewStore
    speed: RowStore


@dataclass(frozen=True)
class States:
    """The histories of the micro-batch's users, none where empty: those of this epoch, and those to begin with."""

    users: list[bytes]
    own: Packed
    inherited: Packed


def fold_records(
    batches: Iterable[pa.RecordBatch], batch: MicroBatch, speed: RowStore | None = None
) -> Iterator[pa.RecordBatch]:
    """Turn ``RECORD_COLUMNS`` into ``CHANGES``; histories and seen sets are written here.

    ``speed``: where rows are read and written; None: the speed views.
    """
    folded = fold(batches, batch, speed)
    if folded is not None:
        yield from _as_rows(*folded)


def fold(
    batches: Iterable[pa.RecordBatch], batch: MicroBatch, speed: RowStore | None = None
) -> tuple[list[Changes], Tally] | None:
    """Return what ``RECORD_COLUMNS`` change in rows that users share; None where there is no record.

    Histories and seen sets are written here.      ``speed``: as above.
    """
    events, refused, tally = _judged(batches, batch)
    if tally.events + tally.rejected == 0:
        return None
    places = batch.places
    generations = store(places.batch_views, places.store_timeout_ms)
    stores = Stores(generations, speed or store(places.speed_views, places.store_timeout_ms))
    changes, written = fold_accepted(events, batch, stores)
    return [*changes, *refused], tally.plus(written)


def fold_accepted(events: pa.RecordBatch, batch: MicroBatch, stores: Stores) -> tuple[list[Changes], Tally]:
    """Return what ``EVENT_COLUMNS`` change in rows that users share, and what was written of the users' own rows."""
    users = keys_of(users_of(events).to_pylist())
    own = committed(stored_rows(stores.speed, row_space(batch, HISTORY, 0), users), HISTORY, batch).values
    inherited = _inherited(events, users, own, batch, stores.batch)
    known = merged(HISTORY, inherited, own)  # a user has at most one of the two
    changes = fold_columns(events, _segments(events, batch), known.column(), batch.rules)
    states = States(users, own, inherited)
    written = (_write_state(stores.speed, change, batch, states) for change in changes if not _shared(change))
    return [change for change in changes if _shared(change)], Tally.total(written)


def _shared(change: Changes) -> bool:
    return VIEWS[change.view].shared


def _judged(batches: Iterable[pa.RecordBatch], batch: MicroBatch) -> tuple[pa.RecordBatch, list[Changes], Tally]:
    """Return all batches' accepted events in one, and what the rejected ones change; buries the rejected ones.

    One batch at a time, as the engine cuts them: all together may be more than a column of Arrow holds.
    """
    events, refused, tally = [pa.RecordBatch.from_pylist([], EVENT_COLUMNS)], list[Changes](), Tally()
    for given in batches:
        records = pa.RecordBatch.from_arrays(given.columns, schema=RECORD_COLUMNS)
        records = _in_range(records, batch)
        accepted, rejected = parse_columns(records, batch.rules)
        events.append(accepted)
        refused += _rejected(rejected, batch)
        oldest = pc.min(records.column("timestamp")).as_py() or 0
        arrived = _arrived(accepted, batch)
        judged = Tally(events=accepted.num_rows, rejected=rejected.num_rows, oldest=oldest, arrivals=arrived)
        tally = tally.plus(judged)
    return pa.concat_batches(events), refused, tally


def _in_range(records: pa.RecordBatch, batch: MicroBatch) -> pa.RecordBatch:
    """Return the records from the committed position on; an engine may hand over earlier ones again."""
    partition = records.column("partition").to_numpy()
    offset = records.column("offset").to_numpy()
    wanted = np.zeros(len(offset), dtype=bool)
    for p, end in batch.to.items():
        wanted |= (partition == p) & (offset >= batch.position.offsets[p]) & (offset < end)
    return records if wanted.all() else records.filter(pa.array(wanted))


def _arrived(events: pa.RecordBatch, batch: MicroBatch) -> Arrivals:
    """Return when those events entered the log that no answer held before."""
    times = events.column("timestamp").to_numpy().astype(np.int64)
    if not reaches(batch.position.offsets, batch.shown):
        partition, offset = events.column("partition").to_numpy(), events.column("offset").to_numpy()
        shown = np.zeros(len(times), np.bool_)
        for p, end in batch.shown.items():
            shown |= (partition == p) & (offset < end)
        times = times[~shown]
    return arrivals(times)


def _segments(events: pa.RecordBatch, batch: MicroBatch) -> "np.ndarray[tuple[int], np.dtype[np.int64]]":
    partition = events.column("partition").to_numpy().astype(np.int64)
    return segments_of(partition, events.column("offset").to_numpy(), batch.boundaries)


def _inherited(
    events: pa.RecordBatch, users: list[bytes], own: Packed, batch: MicroBatch, generations: ViewStore
) -> Packed:
    """Return the base generation's history of each user who has none of this epoch (rule 8)."""
    first = events.column("user_id").dictionary_encode().indices.to_numpy()
    _, row = np.unique(first, return_index=True)
    partitions = events.column("partition").to_numpy()[row].tolist()
    wanted: dict[str, list[bytes]] = {}
    for user, partition, has_own in zip(users, partitions, (own.sizes > 0).tolist(), strict=True):
        base = batch.bases[partition]
        if not has_own and base is not None:
            wanted.setdefault(base, []).append(user)
    histories: dict[bytes, bytes] = {}
    for base, absent in wanted.items():
        histories |= generations.read(generation_book(base), HISTORY, absent)
    return Packed.of([histories.get(user) for user in users])


def _write_state(speed: RowStore, change: Changes, batch: MicroBatch, states: States) -> Tally:
    order = np.asarray(pc.sort_indices(change.keys)).astype(np.int64)
    keys, values = change.keys.take(pa.array(order)).to_pylist(), Packed.of_column(change.values).take(order)
    if change.view != HISTORY:
        return write_changes(speed, batch, RowChanges(change.view, change.segment, keys, values))
    place = {user: row for row, user in enumerate(states.users)}
    rows = np.array([place[user] for user in keys], np.int64)
    values = merged(HISTORY, states.inherited.take(rows), values)
    return write_changes(speed, batch, RowChanges(HISTORY, change.segment, keys, values), states.own.take(rows))


def _rejected(rejected: pa.RecordBatch, batch: MicroBatch) -> list[Changes]:
    """Send rejected records to the dead letters and count them by segment and reason."""
    if rejected.num_rows == 0:
        return []
    places = batch.places
    bury_all(Log(places.bootstrap, places.topics, places.kafka_options), rejected)
    segments = _segments(rejected, batch)
    reasons = rejected.column("reason")
    out = []
    for segment in np.unique(segments).tolist():
        counted = pc.value_counts(reasons.filter(pa.array(segments == segment))).to_pylist()
        by_reason = {reason["values"]: reason["counts"] for reason in counted}
        out.append(facts_change(Facts(rejected=by_reason), segment))
    return out


def _as_rows(changes: list[Changes], tally: Tally) -> Iterator[pa.RecordBatch]:
    for change in changes:
        n = len(change.keys)
        view, segment = pa.array([change.view] * n), pa.array(np.full(n, change.segment))
        none = pa.nulls(n, CHANGES.field("tally").type)
        yield pa.RecordBatch.from_arrays([view, segment, change.keys, change.values, none], schema=CHANGES)
    yield pa.RecordBatch.from_pylist([{"key": b"", "tally": tally.numbers()}], CHANGES)  # the shuffle needs a key
