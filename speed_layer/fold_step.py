"""First step of a micro-batch, one task per Kafka partition: parse, fold, write the users' state, hand on the sums.

A user's events share one partition, so no shuffle comes before the fold.
"""

from collections.abc import Iterable, Iterator

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from adapters.log.dead_letters import bury_all
from adapters.log.kafka_log import Log
from adapters.records.books import SPEED, generation_book
from adapters.stores.opened import store
from adapters.stores.port import ViewStore
from core.control.boundaries import segments_of
from core.events.parse import parse_columns
from core.fold.columns import Changes, facts_change, fold_columns, users_of
from core.rows.codec import Facts, add_history
from core.rows.views import HISTORY, VIEWS
from schemas.event import EVENT_COLUMNS, RECORD_COLUMNS
from speed_layer.micro_batch import CHANGES, MicroBatch, Tally
from speed_layer.rows import committed, keys_of, row_space, write_changes


def fold_records(batches: Iterable[pa.RecordBatch], batch: MicroBatch) -> Iterator[pa.RecordBatch]:
    """``RECORD_COLUMNS`` in, ``CHANGES`` out; histories and seen sets are written here."""
    events, refused, tally = _judged(batches, batch)
    if tally.events + tally.rejected == 0:
        return
    speed = store(batch.places.speed_views, batch.places.store_timeout_ms)
    users = keys_of(users_of(events).to_pylist())
    own = committed(speed.read(SPEED, row_space(batch, HISTORY, 0), users), HISTORY, batch)
    inherited = _inherited(events, users, own, batch)
    known = pa.array([own.get(user) or inherited.get(user) for user in users], pa.binary())
    for change in [*fold_columns(events, _segments(events, batch), known, batch.rules), *refused]:
        if VIEWS[change.view].shared:
            yield _as_rows(change)
        else:
            tally = tally.plus(_write_state(speed, change, batch, own, inherited))
    yield pa.RecordBatch.from_pylist([{"key": b"", "tally": tally.columns()}], CHANGES)  # the shuffle needs a key


def _judged(batches: Iterable[pa.RecordBatch], batch: MicroBatch) -> tuple[pa.RecordBatch, list[Changes], Tally]:
    """The accepted events of all batches in one, and what the rejected ones change; those are buried.

    One batch at a time, as the engine cuts them: all together may be more than a column of Arrow holds.
    """
    events, refused, tally = [pa.RecordBatch.from_pylist([], EVENT_COLUMNS)], list[Changes](), Tally()
    for given in batches:
        records = pa.RecordBatch.from_arrays(given.columns, schema=RECORD_COLUMNS)
        accepted, rejected = parse_columns(_in_range(records, batch), batch.rules)
        events.append(accepted)
        refused += _rejected(rejected, batch)
        tally = tally.plus(Tally(events=accepted.num_rows, rejected=rejected.num_rows))
    return pa.concat_batches(events), refused, tally


def _in_range(records: pa.RecordBatch, batch: MicroBatch) -> pa.RecordBatch:
    """Those from the committed position on: the engine may hand over earlier ones again."""
    partition = records.column("partition").to_numpy()
    offset = records.column("offset").to_numpy()
    wanted = np.zeros(len(offset), dtype=bool)
    for p, end in batch.to.items():
        wanted |= (partition == p) & (offset >= batch.position.offsets[p]) & (offset < end)
    return records if wanted.all() else records.filter(pa.array(wanted))


def _segments(events: pa.RecordBatch, batch: MicroBatch) -> "np.ndarray[tuple[int], np.dtype[np.int64]]":
    partition = events.column("partition").to_numpy().astype(np.int64)
    return segments_of(partition, events.column("offset").to_numpy(), batch.boundaries)


def _inherited(
    events: pa.RecordBatch, users: list[bytes], own: dict[bytes, bytes], batch: MicroBatch
) -> dict[bytes, bytes]:
    """For users without a history of this epoch the one in their partition's base generation (rule 8)."""
    first = events.column("user_id").dictionary_encode().indices.to_numpy()
    _, row = np.unique(first, return_index=True)
    partitions = events.column("partition").to_numpy()[row].tolist()
    asked: dict[str, list[bytes]] = {}
    for user, partition in zip(users, partitions, strict=True):
        base = batch.bases[partition]
        if user not in own and base is not None:
            asked.setdefault(base, []).append(user)
    generations = store(batch.places.batch_views, batch.places.store_timeout_ms)
    found: dict[bytes, bytes] = {}
    for base, absent in asked.items():
        found |= generations.read(generation_book(base), HISTORY, absent)
    return found


def _write_state(
    speed: ViewStore, change: Changes, batch: MicroBatch, own: dict[bytes, bytes], inherited: dict[bytes, bytes]
) -> Tally:
    changed = dict(zip(change.keys.to_pylist(), change.values.to_pylist(), strict=True))
    if change.view != HISTORY:
        return write_changes(speed, batch, change.view, change.segment, changed)
    changed |= {user: add_history(base, changed[user]) for user, base in inherited.items() if user in changed}
    return write_changes(speed, batch, HISTORY, change.segment, changed, own)


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
        by_reason = {each["values"]: each["counts"] for each in counted}
        out.append(facts_change(Facts(rejected=by_reason), segment))
    return out


def _as_rows(change: Changes) -> pa.RecordBatch:
    n = len(change.keys)
    view, segment = pa.array([change.view] * n), pa.array(np.full(n, change.segment))
    tally = pa.nulls(n, CHANGES.field("tally").type)
    return pa.RecordBatch.from_arrays([view, segment, change.keys, change.values, tally], schema=CHANGES)
