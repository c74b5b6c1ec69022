"""Lake to changes: each user's events, in log order, folded by the fold both layers share.

A full run folds all events from empty histories; an incremental one folds those that are new from the histories of the
generation that it begins from.
"""

import itertools
from collections.abc import Iterable, Iterator

import numpy as np
import pyarrow as pa

from adapters.stores.opened import store
from batch_layer.steps.output import Output
from core.fold.columns import fold_columns, users_of
from core.rows.views import HISTORY, VIEWS
from schemas.event import EVENT_COLUMNS
from schemas.rules import Rules

CHANGES = pa.schema([("view", pa.string()), ("key", pa.binary()), ("value", pa.binary())])
EVENTS = "events"  # stands beside the views in what steps return: how many events were folded
EVENTS_AT_ONCE = 500_000  # bounds one fold's memory: about 1 kB per event


def fold_users(batches: Iterable[pa.RecordBatch], rules: Rules, output: Output) -> Iterator[pa.RecordBatch]:
    """Yield ``CHANGES`` of the shared views from all events of some users; write histories and seen sets.

    What is written here is passed on as a number under an empty key: how many rows the base lacks; so is ``EVENTS``.
    """
    views = store(output.views_url, output.timeout_ms)
    for events in whole_users(batches, EVENTS_AT_ONCE):
        users = users_of(events).cast(pa.binary()).to_pylist()
        known = output.known(views, HISTORY, users)
        histories = pa.array([known.get(user) for user in users], pa.binary())
        for change in fold_columns(events, np.zeros(events.num_rows, np.int64), histories, rules):
            if VIEWS[change.view].shared:
                yield _as_rows(change.view, change.keys, change.values)
            else:
                rows = dict(zip(change.keys.to_pylist(), change.values.to_pylist(), strict=True))
                before = known if change.view == HISTORY else output.known(views, change.view, list(rows))
                views.put(output.book, output.onto(before, change.view, rows))
                yield _number(change.view, len(rows.keys() - before.keys()))
        yield _number(EVENTS, events.num_rows)


def whole_users(batches: Iterable[pa.RecordBatch], size: int) -> Iterator[pa.RecordBatch]:
    """Yield the same rows in log order, in batches of about ``size`` with all events of each of their users.

    Sorting by numbers here costs a fraction of the engine's sort by user names.
    """
    events = pa.concat_batches([pa.RecordBatch.from_pylist([], EVENT_COLUMNS), *batches])
    if events.num_rows == 0:
        return
    user = events.column("user_id").dictionary_encode().indices.to_numpy()
    count = np.bincount(user)
    part = ((np.cumsum(count) - count) // size)[user]
    order = np.lexsort((events.column("offset").to_numpy(), part))
    ends = np.nonzero(np.diff(part[order], append=-1))[0] + 1
    ordered = events.take(pa.array(order))
    for first, end in itertools.pairwise([0, *ends.tolist()]):
        yield ordered.slice(first, end - first)


def _number(of: str, number: int) -> pa.RecordBatch:
    return _as_rows(of, pa.array([b""], pa.binary()), pa.array([str(number).encode()], pa.binary()))


def _as_rows(view: str, keys: pa.Array, values: pa.Array) -> pa.RecordBatch:
    return pa.RecordBatch.from_arrays([pa.array([view] * len(keys)), keys, values], schema=CHANGES)
