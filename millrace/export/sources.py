"""What the stores hold, as tables: the views of a generation, and the records of items and users."""

import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass, fields
from typing import Any

import pyarrow as pa

from adapters.records.books import CATALOGUE, LISTS, generation_book
from adapters.records.catalogue import ITEMS, USERS
from adapters.records.lists import USERS as LISTS_SPACE
from adapters.stores.port import ViewStore
from core.lists.personal import PersonalList, unpacked
from core.rows import views
from core.rows.activity import split_key, split_name
from core.rows.catalogue_rows import DELETED, unpack_item_record, unpack_user_record
from core.rows.codec import bucket_of_key, unpack_facts, unpack_history, unpack_item, unpack_norm, unpack_sums
from core.rows.merging import overlaid
from core.rows.sketch import estimate, unpack_sketch
from core.rows.words import MINUTE_MS
from millrace.export.files import Row
from schemas.catalogue import Item, User
from schemas.event import BUCKET_MS, DAY_MS, STORED_COLUMNS, WEIGHT_SCALE

TEXT, NUMBER, WHOLE = pa.string(), pa.float64(), pa.int64()
TEXTS, WHOLES = pa.list_(TEXT), pa.list_(WHOLE)

Rows = Callable[[bytes, bytes], Iterator[Row]]  # a stored row's key and value -> the table's rows


@dataclass(frozen=True)
class Table:
    """A view as a table: its columns, and what becomes of one stored row."""

    columns: pa.Schema
    rows: Rows


def _norm(key: bytes, value: bytes) -> Iterator[Row]:
    yield key.decode(), unpack_norm(value) / WEIGHT_SCALE


def _pairs(key: bytes, value: bytes) -> Iterator[Row]:
    item = key.decode()
    yield from ((item, other.decode(), amount / WEIGHT_SCALE) for other, amount in unpack_sums(value).items())


def _counts(key: bytes, value: bytes) -> Iterator[Row]:
    hour = bucket_of_key(key) * BUCKET_MS
    yield from ((hour, item.decode(), count) for item, count in unpack_sums(value).items())


def _item(key: bytes, value: bytes) -> Iterator[Row]:
    yield key.decode(), unpack_item(value).category or None


def _history(key: bytes, value: bytes) -> Iterator[Row]:
    user = key.decode()
    for place, entry in enumerate(reversed(unpack_history(value).entries), 1):
        yield user, place, entry.item.decode(), entry.rating / WEIGHT_SCALE, entry.last_time


def _seen(key: bytes, value: bytes) -> Iterator[Row]:
    user = key.decode()
    for item, seen in overlaid([value]).items():
        if seen:
            times = seen.first * MINUTE_MS, seen.last * MINUTE_MS
            yield user, item.decode(), seen.rating / WEIGHT_SCALE, seen.touches, *times


def _excess(key: bytes, value: bytes) -> Iterator[Row]:
    yield from ((hour, item, -count) for hour, item, count in _counts(key, value))


def _excess_users(key: bytes, value: bytes) -> Iterator[Row]:
    day = bucket_of_key(key) * DAY_MS
    yield from ((day, user.decode(), count) for user, count in unpack_sums(value).items())


def _activity(key: bytes, value: bytes) -> Iterator[Row]:
    dimension, bucket = split_key(key)
    for name, count in unpack_sums(value).items():
        values, kind = split_name(name)
        yield bucket * BUCKET_MS, dimension, list(values), kind, count


def _active_users(key: bytes, value: bytes) -> Iterator[Row]:
    ranks = unpack_sketch(value)
    yield bucket_of_key(key) * BUCKET_MS, estimate(ranks), list(ranks), list(ranks.values())


def _facts(_: bytes, value: bytes) -> Iterator[Row]:
    facts = unpack_facts(value)
    hours = (None if hour is None else hour * BUCKET_MS for hour in (facts.first_hour, facts.oldest_bucket))
    yield facts.as_of, *hours, facts.events, facts.duplicates, facts.excess, json.dumps(facts.rejected or {})


def _columns(*columns: tuple[str, pa.DataType]) -> pa.Schema:
    return pa.schema(columns)


VIEW_TABLES = {
    views.NORMS: Table(_columns(("item_id", TEXT), ("norm", NUMBER)), _norm),
    views.PAIRS: Table(_columns(("item_id", TEXT), ("other_item_id", TEXT), ("co_rating", NUMBER)), _pairs),
    views.COUNTS: Table(_columns(("hour", WHOLE), ("item_id", TEXT), ("count", WHOLE)), _counts),
    views.ITEMS: Table(_columns(("item_id", TEXT), ("category", TEXT)), _item),
    views.HISTORY: Table(
        _columns(("user_id", TEXT), ("place", WHOLE), ("item_id", TEXT), ("rating", NUMBER), ("last_time", WHOLE)),
        _history,
    ),
    views.SEEN: Table(
        _columns(
            ("user_id", TEXT), ("item_id", TEXT), ("rating", NUMBER), ("touches", WHOLE), ("first_time", WHOLE),
            ("last_time", WHOLE),
        ),
        _seen,
    ),
    views.EXCESS: Table(_columns(("hour", WHOLE), ("item_id", TEXT), ("excess", WHOLE)), _excess),
    views.EXCESS_USERS: Table(_columns(("day", WHOLE), ("user_id", TEXT), ("excess", WHOLE)), _excess_users),
    views.ACTIVITY: Table(
        _columns(("hour", WHOLE), ("dimension", TEXT), ("values", TEXTS), ("kind", TEXT), ("count", WHOLE)), _activity
    ),
    views.ACTIVE_USERS: Table(
        _columns(("hour", WHOLE), ("users", NUMBER), ("registers", WHOLES), ("ranks", WHOLES)), _active_users
    ),
    views.FACTS: Table(
        _columns(
            ("as_of", WHOLE), ("first_hour", WHOLE), ("first_counted_hour", WHOLE), ("events", WHOLE),
            ("duplicates", WHOLE), ("excess", WHOLE), ("rejected", TEXT),
        ),
        _facts,
    ),
}  # fmt: skip


def rows_of_view(store: ViewStore, generation: str, view: str) -> Iterator[Iterator[Row]]:
    """Yield the rows of one of a generation's views, those of one stored row together."""
    for key, value in store.scan(generation_book(generation), view):
        yield VIEW_TABLES[view].rows(key, value)


OTHER = "other"  # the column of members that Millrace does not know, as JSON
ITEM_RECORDS = pa.schema(
    [
        ("item_id", TEXT), ("title", TEXT), ("description", TEXT), ("category", TEXT), ("categories", TEXTS),
        ("brand", TEXT), ("price", NUMBER), ("image", TEXT), ("tags", TEXTS), ("created_at", WHOLE),
        ("hidden", pa.bool_()), ("region", TEXT), ("regions", TEXTS), ("tag_weights", pa.list_(NUMBER)),
        (OTHER, TEXT),
    ]
)  # fmt: skip
USER_RECORDS = pa.schema([("user_id", TEXT), ("preferences", TEXTS), ("attributes", TEXT), (OTHER, TEXT)])
PERSONAL_LISTS = pa.schema(
    [
        ("user_id", TEXT), ("list_id", TEXT), ("place", WHOLE), ("item_id", TEXT), ("weight", NUMBER),
        ("made_at", WHOLE), ("changed_at", WHOLE),
    ]
)  # fmt: skip
EVENTS = pa.schema([*STORED_COLUMNS, ("raw", TEXT)])
ONE_LINE = str.maketrans("\r\n", "  ")  # a line break between the members of a JSON text means what a space does


def raw_of(events: pa.Table) -> list[str]:
    """Return the events as they came."""
    texts: list[str] = events.column("raw").to_pylist()
    return texts


def records(speed: ViewStore, space: str) -> Iterator[bytes]:
    """Yield the stored JSON of each record of the catalogue that was not deleted."""
    yield from (row for _, row in speed.scan(CATALOGUE, space) if row != DELETED)


def personal_lists(batch: ViewStore) -> Iterator[tuple[str, str, PersonalList]]:
    """Yield each user's own lists: the user, the list's name, and what is on it."""
    for user, row in batch.scan(LISTS, LISTS_SPACE):
        yield from ((user.decode(), name, own) for name, own in unpacked(row).items())


def list_rows(user: str, name: str, own: PersonalList) -> Iterator[Row]:
    """Yield a list as rows of ``PERSONAL_LISTS``; an empty one is a row without an item."""
    for place, (item, weight) in enumerate(own.items.items() or [(None, None)], 1):
        yield user, name, place if item else None, item, weight, own.made_at, own.changed_at


def item_row(record: bytes) -> Row:
    """Return an item's record as a row of ``ITEM_RECORDS``."""
    return (*_members(unpack_item_record(record)), _others(record, Item))


def user_row(record: bytes) -> Row:
    """Return a user's record as a row of ``USER_RECORDS``."""
    user = unpack_user_record(record)
    assert user is not None
    return user.user_id, list(user.preferences), json.dumps(dict(user.attributes)), _others(record, User)


def _members(entry: Item | None) -> Row:
    assert entry is not None
    values = (getattr(entry, member.name) for member in fields(Item))
    return tuple(list(value) if isinstance(value, tuple) else value for value in values)


def other_members(record: bytes, kind: type[Any]) -> dict[str, Any]:
    """Return the members of a record that its type does not have."""
    known = {member.name for member in fields(kind)}
    return {name: value for name, value in json.loads(record).items() if name not in known}


def _others(record: bytes, kind: type[Any]) -> str | None:
    others = other_members(record, kind)
    return json.dumps(others, ensure_ascii=False) if others else None


RECORD_TABLES = {
    "items": (ITEMS, ITEM_RECORDS, item_row),
    "users": (USERS, USER_RECORDS, user_row),
}
