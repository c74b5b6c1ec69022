"""The parser of columns compared with the one of single records."""

import pyarrow as pa

from core.events.parse import parse_columns, parse_event
from schemas.event import EVENT_COLUMNS, RECORD_COLUMNS, REJECTED_COLUMNS, Event, Record, Rejected
from schemas.rules import Rules


def batch_of(records: list[Record]) -> pa.RecordBatch:
    columns = [pa.array([getattr(record, column.name) for record in records], column.type) for column in RECORD_COLUMNS]
    return pa.record_batch(columns, schema=RECORD_COLUMNS)


def assert_agreement(records: list[Record], rules: Rules, batch: pa.RecordBatch | None = None) -> None:
    """Exactly: with repr, so that -0.0 is not 0.0 nor 1 a 1.0."""
    events, rejected = parse_columns(batch_of(records) if batch is None else batch, rules)
    answers = [(record, parse_event(record, rules)) for record in records]
    assert events.schema == EVENT_COLUMNS
    assert rejected.schema == REJECTED_COLUMNS
    events.validate(full=True)
    wanted = [
        [getattr(answer, name) for name in EVENT_COLUMNS.names] for _, answer in answers if isinstance(answer, Event)
    ]
    assert repr([list(row.values()) for row in events.to_pylist()]) == repr(wanted)
    refused = [(record, answer) for record, answer in answers if isinstance(answer, Rejected)]
    wanted = [[r.partition, r.offset, r.timestamp, r.key, r.value, answer.reason] for r, answer in refused]
    assert [list(row.values()) for row in rejected.to_pylist()] == wanted
