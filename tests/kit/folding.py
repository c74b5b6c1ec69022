"""The slow twin's and the compiled fold's results in one comparable form."""

import hashlib
from collections import Counter
from collections.abc import Iterator
from typing import Any

import numpy as np
import pyarrow as pa

from core.fold.columns import fold_columns, users_of
from core.fold.slow import SlowView
from core.rows.activity import split_key
from core.rows.codec import bucket_of_key, unpack_facts, unpack_history, unpack_item, unpack_norm, unpack_sums
from core.rows.merging import overlaid
from core.rows.sketch import unpack_sketch
from core.rows.views import VIEWS
from schemas.event import EVENT_COLUMNS, Event
from schemas.rules import Rules

Rows = dict[tuple[str, bytes], bytes]  # (view, key) -> value


def event_key(event_id: str) -> bytes:
    """What a history remembers an event id by."""
    return hashlib.blake2b(event_id.encode(), digest_size=16).digest()


def columns(events: list[Event]) -> pa.RecordBatch:
    fields = {name: [getattr(event, name) for event in events] for name in EVENT_COLUMNS.names}
    return pa.RecordBatch.from_pydict(fields, EVENT_COLUMNS)


def fold_into(rows: Rows, events: list[Event], rules: Rules) -> Rows:
    """Fold the events with the compiled fold on top of what the rows hold; one segment."""
    batch = columns(events)
    histories = [rows.get(("history", user.encode())) for user in users_of(batch).to_pylist()]
    changes = fold_columns(batch, np.zeros(len(events), np.int64), pa.array(histories, pa.binary()), rules)
    out = dict(rows)
    for change in changes:
        for key, value in zip(change.keys.to_pylist(), change.values.to_pylist(), strict=True):
            at = (change.view, key)
            out[at] = VIEWS[change.view].merge(out[at], value) if at in out else value
    return out


def folded_once(events: pa.RecordBatch, rules: Rules) -> Iterator[tuple[str, bytes, bytes]]:
    """View, key and value of each row that these events alone add up to."""
    users = pa.nulls(len(users_of(events)), pa.binary())
    for change in fold_columns(events, np.zeros(events.num_rows, np.int64), users, rules):
        for key, value in zip(change.keys.to_pylist(), change.values.to_pylist(), strict=True):
            yield change.view, key, value


def says_something(view: str, value: bytes) -> bool:
    """Whether not all of a row's sums are 0: then it is there or not, as the log was cut."""
    if view == "norms":
        return unpack_norm(value) != 0
    return view not in ("pairs", "counts") or bool(unpack_sums(value))


def slow(events: list[Event], rules: Rules) -> dict[str, Any]:
    view = SlowView()
    for event in events:
        view.take(event, rules)
    return slow_as_data(view)


def slow_as_data(view: SlowView) -> dict[str, Any]:
    return {
        "norms": {item: amount for item, amount in view.norms.items() if amount},
        "pairs": {pair: amount for pair, amount in view.pairs.items() if amount},
        "counts": {at: amount for at, amount in view.counts.items() if amount},
        "histories": {
            user: (
                [(i, r, t) for i, (r, t) in h.entries.items()],
                [event_key(event_id) for event_id in h.ids],
                (h.day, h.counted),
            )
            for user, h in view.histories.items()
            if h.ids
        },
        "excess": {at: -events for at, events in view.excess.items()},
        "excess_users": dict(view.excess_users),
        "excess in all": view.excess_users.total(),
        "seen": view.seen,
        "categories": view.categories,
        "as_of": view.as_of,
        "events": view.events,
        "duplicates": view.duplicates,
        "first_hour": view.first_hour,
        "activity": dict(view.activity),
        "active_users": view.active_users,
    }


def rows_as_data(rows: Rows) -> dict[str, Any]:
    """Rows of merged views as the slow twin would show them."""
    norms, pairs, counts = Counter[str](), Counter[tuple[str, str]](), Counter[tuple[int, str]]()
    out: dict[str, Any] = {"histories": {}, "seen": {}, "categories": {}, "as_of": None, "events": 0, "duplicates": 0}
    out |= {
        "first_hour": None,
        "activity": {},
        "active_users": {},
        "excess": {},
        "excess_users": {},
        "excess in all": 0,
    }
    for (view, key), value in rows.items():
        name = key.decode() if view not in ("counts", "excess", "excess_users", "activity", "active_users") else ""
        if view == "norms" and unpack_norm(value):
            norms[name] = unpack_norm(value)
        elif view == "pairs":
            pairs.update({(name, other.decode()): amount for other, amount in unpack_sums(value).items()})
        elif view == "counts":
            counts.update({(bucket_of_key(key), i.decode()): n for i, n in unpack_sums(value).items()})
        elif view in ("excess", "excess_users"):
            out[view] |= {(bucket_of_key(key), of.decode()): n for of, n in unpack_sums(value).items()}
        elif view == "activity":
            sums = unpack_sums(value).items()
            out["activity"] |= {(*split_key(key), counted.decode()): n for counted, n in sums}
        elif view == "active_users":
            out["active_users"][bucket_of_key(key)] = unpack_sketch(value)
        elif view == "history":
            history = unpack_history(value)
            entries = [(e.item.decode(), e.rating, e.last_time) for e in history.entries]
            out["histories"][name] = (entries, list(history.ids), (history.day, dict(history.counted)))
        elif view == "seen":
            out["seen"][name] = {item.decode(): seen for item, seen in overlaid([value]).items()}
        elif view == "items":
            item = unpack_item(value)
            out["categories"][name] = (item.event_time, item.partition, item.offset, item.category)
        elif view == "facts":
            facts = unpack_facts(value)
            out |= {"as_of": facts.as_of, "events": facts.events, "duplicates": facts.duplicates}
            out |= {"first_hour": facts.first_hour, "excess in all": facts.excess}
    return {**out, "norms": dict(norms), "pairs": dict(pairs), "counts": dict(counts)}
