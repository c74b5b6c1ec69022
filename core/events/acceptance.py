"""Whether a record is an event: the readable, exact rules of contract §2, one record at a time.

``core.events.parse`` does the same for columns and comes back here for every record that is not plain.
"""

from core.events import fields
from core.events.fields import Fields, Refused
from core.events.timestamps import epoch_ms
from core.json.strict_json import read_object
from core.partitions.partitioner import partition_of
from schemas.event import (
    EARLIEST_EVENT_TIME_MS,
    LATEST_AHEAD_MS,
    REMOVE,
    WEIGHT_SCALE,
    Event,
    Record,
    Rejected,
)
from schemas.rules import Rules

MIN_RATING = 0.001
MAX_RATING = 1_000_000.0
_TEXTS = ("device", "referrer", "category", "source")  # in table order


def parse_event(record: Record, rules: Rules) -> Event | Rejected:
    """Return the event that a record holds, or the first reason why it holds none. Never raises."""
    members = read_object(record.value)
    return members if isinstance(members, Rejected) else event_of(members, record, rules)


def event_of(members: dict[str, object], record: Record, rules: Rules) -> Event | Rejected:
    """Return what ``parse_event`` does; ``members`` is what the record's value holds."""
    try:
        event = _read(record, Fields(members), rules)
        _check_place(record, event.user_id, rules)
    except Refused as refused:
        return Rejected(refused.reason)
    return event


def weight_of(kind_weight: float | str, value: float | None) -> int:
    """Return a kind's weight in whole thousandths, nearest, ties to even; ``REMOVE`` for a kind that retracts.

    Args: kind_weight: a number >= 0, "value" or "remove" (``Rules.kinds``).   value: the event's, for "value".
    """
    if kind_weight == "remove":
        return REMOVE
    amount = value if kind_weight == "value" else kind_weight
    if not isinstance(amount, int | float):
        raise ValueError(f"a kind's weight is a number, value or remove, not {kind_weight!r}")
    return round(amount * WEIGHT_SCALE)


def standing_weight(kind: str, value: float | None, rules: Rules) -> int:
    """Return what an event in the lake weighs under these rules, which may be others than it was accepted under.

    Nothing where they would refuse its kind or its value, as ``core.events.parse.weights`` has it for columns.
    """
    given = rules.kinds.get(kind, 0)
    rated = value is not None and MIN_RATING <= value <= MAX_RATING
    return 0 if given == "value" and not rated else weight_of(given, value)


def _read(record: Record, given: Fields, rules: Rules) -> Event:
    """Return the fields in table order."""
    event_id = given.required("event_id", fields.event_id)
    event_time = given.required("event_time", lambda time: _event_time(time, record.timestamp))
    kind = given.required("kind", fields.any_text)
    if kind not in rules.kinds:
        raise Refused("unknown_kind")
    user_id = given.required("user_id", fields.identifier)
    item_id = given.required("item_id", fields.identifier)
    if rules.kinds[kind] == "value":
        value: float | None = given.required("value", _rating)
    else:
        value = given.optional("value", fields.number)
    given.optional("session_id", fields.text)
    device, referrer, category, source = (given.optional(name, fields.text) for name in _TEXTS)
    given.optional("context", fields.json_object)
    return Event(
        partition=record.partition,
        offset=record.offset,
        timestamp=record.timestamp,
        event_id=event_id,
        event_time=event_time,
        kind=kind,
        user_id=user_id,
        item_id=item_id,
        value=value,
        weight=weight_of(rules.kinds[kind], value),
        category=category,
        device=device,
        source=source,
        referrer=referrer,
    )


def _event_time(given: object, timestamp: int) -> int | None:
    """Return epoch milliseconds, from 1990 to a day after the record's Kafka timestamp, both inclusive."""
    time = epoch_ms(given)
    if time is None or not EARLIEST_EVENT_TIME_MS <= time <= timestamp + LATEST_AHEAD_MS:
        return None
    return time


def _rating(given: object) -> float | None:
    value = fields.number(given)
    return value if value is not None and MIN_RATING <= value <= MAX_RATING else None


def _check_place(record: Record, user_id: str, rules: Rules) -> None:
    """Require that the record lies in its user's partition: the order of a user's events is the log's order."""
    key = user_id.encode()
    if record.key != key:
        raise Refused("key_mismatch")
    if partition_of(key, rules.partitioner, rules.partitions) != record.partition:
        raise Refused("misrouted")
