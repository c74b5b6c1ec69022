"""Parsing by columns: the same answer as ``parse_event`` for each row, at the speed of compiled code.

There is one authority. A row is taken here only when it is plain: compiled code finds its fields where they may be
(``core.events.scan_kernel``) and every remaining rule holds. Any other row, whatever is odd about it, goes to
``parse_event``, which alone rejects.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import msgspec
import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from core.bytes.binary_columns import binary, octets
from core.bytes.word_kernel import padded
from core.events.acceptance import MAX_RATING, MIN_RATING, parse_event, weight_of
from core.events.fields import MAX_EVENT_ID, MAX_ID, MAX_TEXT
from core.events.scan_kernel import ESCAPED, SHAPE, contents, scan, whole_numbers
from core.events.timestamps import epoch_ms
from core.json.json_kernel import NULL, NUMBER, OBJECT, TEXT
from core.partitions.partitioner import partitions_of
from schemas.event import (
    DESCRIBING,
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
_NO_TIME = -1

# The shapes that a plain row's fields may have, and their bytes at most (0: any), which are no fewer than characters.
FIELDS = {
    "event_id": (TEXT, MAX_EVENT_ID),
    "event_time": (TEXT | NUMBER, 40),
    "kind": (TEXT, 0),
    "user_id": (TEXT, MAX_ID),
    "item_id": (TEXT, MAX_ID),
    "value": (NUMBER | NULL, 24),
    "session_id": (TEXT | NULL, MAX_TEXT),
    "device": (TEXT | NULL, MAX_TEXT),
    "referrer": (TEXT | NULL, MAX_TEXT),
    "category": (TEXT | NULL, MAX_TEXT),
    "source": (TEXT | NULL, MAX_TEXT),
    "context": (OBJECT | NULL, 0),
}
REQUIRED = ("event_id", "event_time", "kind", "user_id", "item_id")
_FIELD = {name: number for number, name in enumerate(FIELDS)}
_NAMES = padded("".join(FIELDS).encode())
_NAME_STARTS = np.cumsum([0, *map(len, FIELDS)])
_SHAPES, _LIMITS = (np.array(numbers, np.int64) for numbers in zip(*FIELDS.values(), strict=True))


def parse_columns(records: pa.RecordBatch, rules: Rules) -> tuple[pa.RecordBatch, pa.RecordBatch]:
    """Return the accepted and the rejected of a batch, each in the batch's order.

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
    """Return the positions of the plain rows, ascending, and their events."""
    scanned = Scanned.of(records["value"])
    places = records.select(["partition", "offset", "timestamp", "key"]).take(pa.array(scanned.rows))
    events, holds = events_of(scanned, places, rules)
    if holds.all():
        return scanned.rows, events
    return scanned.rows[holds], events.filter(pa.array(holds))


@dataclass(frozen=True)
class Scanned:
    """The plain rows of a column of records, and what ``scan`` noted of their fields: (rows, fields, 4)."""

    rows: Rows
    buf: npt.NDArray[np.uint8]
    noted: npt.NDArray[np.int32]

    @staticmethod
    def of(values: pa.BinaryArray, required: Sequence[str] = REQUIRED) -> "Scanned":
        """Return those that are strict JSON in UTF-8 and have each field that is required."""
        text, starts = octets(values)
        buf = padded(text)
        plain, noted = scan(buf, starts, MAX_VALUE_BYTES, _NAMES, _NAME_STARTS, _SHAPES, _LIMITS)
        plain &= _in_utf_8(values)
        for name in required:
            plain &= noted[:, _FIELD[name], SHAPE] > 0
        rows = np.flatnonzero(plain)
        return Scanned(rows, buf, noted if len(rows) == len(noted) else noted[rows])

    def column(self, name: str, shape: int = TEXT) -> pa.StringArray:
        """Return the field's content as text, null where it has another shape."""
        field = _FIELD[name]
        text = binary(*contents(self.buf, self.noted, field, shape)).cast(pa.string())
        absent = self.noted[:, field, SHAPE] != shape
        if absent.any():
            text = pc.if_else(pa.array(absent), None, text)
        if self.noted[:, field, ESCAPED].any():
            given = text.to_pylist()
            text = pa.array([escaped and msgspec.json.decode(f'"{escaped}"') for escaped in given], pa.string())
        return text

    def lacks(self, name: str) -> Mask:
        """Return which rows do not have the field."""
        lacking: Mask = self.noted[:, _FIELD[name], SHAPE] == 0
        return lacking

    def event_times(self) -> Ints:
        """Return epoch milliseconds, or a time that is too early where the field holds no time."""
        field = _FIELD["event_time"]
        times: Ints = whole_numbers(self.buf, self.noted, field)
        texts = self.noted[:, field, SHAPE] == TEXT
        if texts.any():
            given = self.column("event_time").filter(pa.array(texts)).to_pylist()
            times[texts] = [_NO_TIME if time is None else time for time in map(epoch_ms, given)]
        return times


def _in_utf_8(values: pa.BinaryArray) -> Mask:
    try:
        values.cast(pa.string())
    except pa.ArrowInvalid:
        return np.array([_decodes(value) for value in _objects(values)], np.bool_)
    return np.ones(len(values), np.bool_)


def _decodes(value: bytes | None) -> bool:
    try:
        return value is not None and bool(value.decode())
    except UnicodeDecodeError:
        return False


def events_of(scanned: Scanned, places: pa.RecordBatch, rules: Rules) -> tuple[pa.RecordBatch, Mask]:
    """Return the rows as events, and which of them keep every rule that finding their fields has not checked."""
    user_id, item_id, kind = (scanned.column(name) for name in ("user_id", "item_id", "kind"))
    value = pc.add(scanned.column("value", NUMBER).cast(pa.float64()), 0.0)  # negative zero becomes zero
    event_time, event_id = scanned.event_times(), scanned.column("event_id")
    weight, weighable = weights(kind, value, rules)
    columns = {
        **{name: places[name] for name in ("partition", "offset", "timestamp")},
        "event_id": event_id,
        "event_time": pa.array(event_time),
        "kind": kind,
        "user_id": user_id,
        "item_id": item_id,
        "value": value,
        "weight": pa.array(weight),
        **{name: scanned.column(name) for name in ("category", *DESCRIBING)},
    }
    in_time = (event_time >= EARLIEST_EVENT_TIME_MS) & (event_time - LATEST_AHEAD_MS <= _numpy(places["timestamp"]))
    named = _numpy(pc.and_(_has_text(event_id), pc.and_(_has_text(user_id), _has_text(item_id))))
    printable = ~(_has_control(user_id) | _has_control(item_id))
    holds = weighable & in_time & named & printable & _in_place(places, user_id, rules)
    return pa.record_batch(list(columns.values()), schema=EVENT_COLUMNS), holds


def weights(kind: Column, value: Column, rules: Rules) -> tuple[Ints, Mask]:
    """Return each row's weight, and whether it has one: its kind is known, and its value a rating where one is needed.

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
    """Return whether the key is the user's id and the partition the key's."""
    keyed = _numpy(pc.fill_null(pc.equal(places["key"], user_id.cast(pa.binary())), False))
    routed = partitions_of(places["key"], rules.partitioner, rules.partitions) == _numpy(places["partition"])
    in_place: Mask = keyed & routed
    return in_place


def _has_text(text: Column) -> Column:
    return pc.greater(pc.binary_length(text), 0)


def _has_control(text: Column) -> Mask:
    return _numpy(pc.match_substring_regex(text, _CONTROL))


def _records(records: pa.RecordBatch) -> Iterator[Record]:
    """Yield each row as a record; the topic is not known here, and decides nothing."""
    for place in zip(*(_objects(column) for column in records.columns), strict=True):
        yield Record("", *place)


def _batch(events: list[Event], schema: pa.Schema) -> pa.RecordBatch:
    columns = [pa.array([getattr(event, column.name) for event in events], column.type) for column in schema]
    return pa.record_batch(columns, schema=schema)


def _objects(column: Column) -> list[Any]:
    """Return the column as Python objects; several times as fast as ``to_pylist``."""
    objects: list[Any] = _numpy(column).tolist()
    return objects


def _numpy(column: Column) -> npt.NDArray[Any]:
    values: npt.NDArray[Any] = column.to_numpy(zero_copy_only=False)
    return values
