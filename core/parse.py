"""Parsing by columns: the same answer as ``parse_event`` for each row, at the speed of compiled code.

There is one authority. A row is taken here only when it is plain: msgspec decodes it to the expected types and every
remaining rule holds. Any other row, whatever is odd about it, goes to ``parse_event``, which alone rejects.
"""

from collections.abc import Iterator
from typing import Annotated, Any

import msgspec
import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from core.acceptance import MAX_RATING, MIN_RATING, parse_event, weight_of
from core.fields import MAX_EVENT_ID, MAX_ID, MAX_TEXT
from core.partitioner import partitions_of
from core.strict_json import MAX_NESTING
from core.timestamps import epoch_ms
from schemas.event import (
    EARLIEST_EVENT_TIME_MS,
    EVENT_COLUMNS,
    LATEST_AHEAD_MS,
    MAX_VALUE_BYTES,
    REJECTED_COLUMNS,
    WEIGHT_SCALE,
    Event,
    Record,
    Rejected,
)
from schemas.rules import Rules

__all__ = ["parse_columns", "parse_event"]

Column = Any  # a pyarrow array; pyarrow's own types are not generic
Mask = npt.NDArray[np.bool_]
Ints = npt.NDArray[np.int64]
Rows = npt.NDArray[np.int64]  # positions in a batch

_CONTROL = r"[\x00-\x1f\x7f-\x{9f}]"  # category Cc, as RE2 writes it
_SHALLOW_BYTES = 2 * MAX_NESTING  # a shorter text cannot open and close more levels than are allowed
_NO_TIME = -1
_FAR_FUTURE_MS = 253_402_300_800_000  # year 10000; a plain row has an earlier time

_Id = Annotated[str, msgspec.Meta(min_length=1, max_length=MAX_ID)]
_Text = Annotated[str, msgspec.Meta(max_length=MAX_TEXT)] | None


class _Object(msgspec.Struct, gc=False):
    """Any JSON object; what it holds is checked and skipped."""


class _Plain(msgspec.Struct, gc=False):
    """A value as msgspec checks it, strictly: 1.0 is no integer, 1 no string."""

    event_id: Annotated[str, msgspec.Meta(min_length=1, max_length=MAX_EVENT_ID)]
    event_time: Annotated[int, msgspec.Meta(ge=EARLIEST_EVENT_TIME_MS, lt=_FAR_FUTURE_MS)] | str
    kind: str
    user_id: _Id
    item_id: _Id
    value: float | None = None
    session_id: _Text = None
    device: _Text = None
    referrer: _Text = None
    category: _Text = None
    source: _Text = None
    context: _Object | None = None


_decode = msgspec.json.Decoder(_Plain).decode


def parse_columns(records: pa.RecordBatch, rules: Rules) -> tuple[pa.RecordBatch, pa.RecordBatch]:
    """The accepted and the rejected of a batch, each in the batch's order.

    Args: records: ``RECORD_COLUMNS``.
    Returns: ``EVENT_COLUMNS`` and ``REJECTED_COLUMNS``; together they have one row for each record.
    """
    plain_rows, plain = _plain_events(records, rules)
    odd_rows = np.setdiff1d(np.arange(records.num_rows), plain_rows, assume_unique=True)
    if not len(odd_rows):
        return plain, _batch([], REJECTED_COLUMNS)
    odd = records.take(pa.array(odd_rows))
    outcomes = [parse_event(record, rules) for record in _records(odd)]
    accepted = np.array([isinstance(outcome, Event) for outcome in outcomes])
    rejected = odd.filter(pa.array(~accepted))
    reasons = pa.array([outcome.reason for outcome in outcomes if isinstance(outcome, Rejected)], pa.string())
    rescued = _batch([outcome for outcome in outcomes if isinstance(outcome, Event)], EVENT_COLUMNS)
    events = pa.concat_batches([plain, rescued])
    order = np.argsort(np.concatenate([plain_rows, odd_rows[accepted]]))
    return events.take(pa.array(order)), pa.record_batch([*rejected.columns, reasons], schema=REJECTED_COLUMNS)


def _plain_events(records: pa.RecordBatch, rules: Rules) -> tuple[Rows, pa.RecordBatch]:
    """Positions of the plain rows, ascending, and their events."""
    decoded = [_plain(value) for value in _objects(records["value"])]
    rows = np.flatnonzero(np.array([each is not None for each in decoded], np.bool_))
    plain = [each for each in decoded if each is not None]
    places = records.select(["partition", "offset", "timestamp", "key"]).take(pa.array(rows))
    events, holds = _columns(plain, places, rules)
    if holds.all():
        return rows, events
    return rows[holds], events.filter(pa.array(holds))


def _plain(value: bytes | None) -> _Plain | None:
    """The value as decoded by msgspec; None when that refuses it or may be more lenient than ``strict_json``."""
    if value is None or len(value) > MAX_VALUE_BYTES:
        return None
    if len(value) > _SHALLOW_BYTES and value.count(b"[") + value.count(b"{") > MAX_NESTING:
        return None
    try:
        if not value.isascii():
            value.decode()  # msgspec does not look at the UTF-8 that it skips
        return _decode(value)
    except (msgspec.MsgspecError, ValueError, RecursionError):  # parse_event decides
        return None


def _columns(plain: list[_Plain], places: pa.RecordBatch, rules: Rules) -> tuple[pa.RecordBatch, Mask]:
    """The rows as events, and which of them keep every rule that decoding has not checked."""
    user_id = pa.array([each.user_id for each in plain], pa.string())
    item_id = pa.array([each.item_id for each in plain], pa.string())
    kind = pa.array([each.kind for each in plain], pa.string())
    value = pc.add(pa.array([each.value for each in plain], pa.float64()), 0.0)  # negative zero becomes zero
    event_time = np.array([_event_time(each.event_time) for each in plain], np.int64)
    weight, weighable = weights(kind, value, rules)
    columns = {
        **{name: places[name] for name in ("partition", "offset", "timestamp")},
        "event_id": pa.array([each.event_id for each in plain], pa.string()),
        "event_time": pa.array(event_time),
        "kind": kind,
        "user_id": user_id,
        "item_id": item_id,
        "value": value,
        "weight": pa.array(weight),
        "category": pa.array([each.category for each in plain], pa.string()),
    }
    in_time = (event_time >= EARLIEST_EVENT_TIME_MS) & (event_time - LATEST_AHEAD_MS <= _numpy(places["timestamp"]))
    printable = ~(_has_control(user_id) | _has_control(item_id))
    holds = weighable & in_time & printable & _in_place(places, user_id, rules)
    return pa.record_batch(list(columns.values()), schema=EVENT_COLUMNS), holds


def _event_time(given: int | str) -> int:
    """Epoch milliseconds, or a time that is too early when it is none."""
    if isinstance(given, int):
        return given
    time = epoch_ms(given)
    return _NO_TIME if time is None else time


def weights(kind: Column, value: Column, rules: Rules) -> tuple[Ints, Mask]:
    """Each row's weight, and whether it has one: its kind is known, and its value a rating where one is needed.

    One that has none weighs nothing, as when the lake has a kind that is no longer configured.
    """
    codes = _numpy(pc.fill_null(pc.index_in(kind, value_set=pa.array(list(rules.kinds), pa.string())), -1))
    kind_weights = [*rules.kinds.values(), 0]  # the last, at -1, is the unknown kind's
    by_value = np.array([weight == "value" for weight in kind_weights], np.bool_)[codes]
    fixed = np.array([weight_of(weight, 0.0) for weight in kind_weights], np.int64)[codes]
    values = _numpy(value)  # null is NaN, which is in no range
    rated = by_value & (values >= MIN_RATING) & (values <= MAX_RATING)
    weight = np.where(rated, np.rint(np.where(rated, values, 0.0) * WEIGHT_SCALE).astype(np.int64), fixed)
    return weight, (codes >= 0) & (rated | ~by_value)


def _in_place(places: pa.RecordBatch, user_id: Column, rules: Rules) -> Mask:
    """Whether the key is the user's id and the partition the key's."""
    keyed = _numpy(pc.fill_null(pc.equal(places["key"], user_id.cast(pa.binary())), False))
    routed = partitions_of(places["key"], rules.partitioner, rules.partitions) == _numpy(places["partition"])
    in_place: Mask = keyed & routed
    return in_place


def _has_control(text: Column) -> Mask:
    return _numpy(pc.match_substring_regex(text, _CONTROL))


def _records(records: pa.RecordBatch) -> Iterator[Record]:
    """Each row as a record; the topic is not known here, and decides nothing."""
    for place in zip(*(_objects(column) for column in records.columns), strict=True):
        yield Record("", *place)


def _batch(events: list[Event], schema: pa.Schema) -> pa.RecordBatch:
    columns = [pa.array([getattr(each, column.name) for each in events], column.type) for column in schema]
    return pa.record_batch(columns, schema=schema)


def _objects(column: Column) -> list[Any]:
    """The column as Python objects; several times as fast as ``to_pylist``."""
    objects: list[Any] = _numpy(column).tolist()
    return objects


def _numpy(column: Column) -> npt.NDArray[Any]:
    values: npt.NDArray[Any] = column.to_numpy(zero_copy_only=False)
    return values
