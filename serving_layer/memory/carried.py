"""Rows in memory brought to a later commit by the changes that its lists carry, so that no store is read."""

from collections.abc import Mapping, Sequence
from functools import reduce

import numpy as np

from core.rows.views import FACTS, HISTORY, ITEMS, NORMS, VIEWS
from serving_layer.memory.row import Row
from serving_layer.memory.row_cache import RowCache

MOST_PARTS = 48  # of a row's changes: more are merged, as whoever decodes the row goes through all of them
SHORT = (FACTS, ITEMS, NORMS)  # views whose changes are as long as their sum
PLAIN = (*SHORT, HISTORY)  # views of which two changes are merged in a microsecond or a few
FEW, FEW_COMPILED = 500, 8  # merges that take less time one by one than together: calling compiled code takes some, too

Changed = Mapping[str, Mapping[bytes, Sequence[bytes] | None]]  # what was added to each row, None where nobody knows


def brought(
    kept: RowCache, changed: Changed, attempt: int
) -> tuple[dict[str, dict[bytes, Row]], dict[str, list[bytes]]]:
    """Return the kept rows as they are at that commit, and the keys of those of which that is not known.

    All rows of a view are merged at once: a look takes in hundreds of them, and after a delay tens of thousands.

    Args: changed: since the commit up to which the kept rows are current.
    """
    known: dict[str, dict[bytes, Row]] = {}
    unknown: dict[str, list[bytes]] = {}
    for view, changes in changed.items():
        rows = kept.rows(view)
        own, other = known.setdefault(view, {}), unknown.setdefault(view, [])
        most = 1 if view in SHORT or not VIEWS[view].segmented else MOST_PARTS
        long: list[tuple[bytes, Row, tuple[bytes, ...]]] = []
        for key, carried in changes.items() if rows else ():
            row = rows.get(key)
            if row is None:
                continue
            before = row.changes
            if carried is None or before is None:
                other.append(key)
                continue
            parts = (*before, *carried)
            if len(parts) > most:
                long.append((key, row, parts))
            else:
                own[key] = row.followed_by(parts, attempt, carried, MOST_PARTS)
        for (key, row, _), whole in zip(long, joined(view, [parts for _, _, parts in long]), strict=True):
            own[key] = row.followed_by((whole,), attempt, changes[key] or (), MOST_PARTS)
    return known, unknown


def joined(view: str, rows: Sequence[Sequence[bytes]]) -> list[bytes]:
    """Return the changes of each row, of which each has some, as one."""
    merge, steps = VIEWS[view].merge, sum(map(len, rows)) - len(rows)
    if steps <= (FEW if view in PLAIN else FEW_COMPILED):
        return [reduce(merge, parts) for parts in rows]
    from core.rows.merging_columns import merged, together  # compiled code takes longer to load than a lookup
    from core.rows.packed import Packed

    if VIEWS[view].segmented:
        row = np.repeat(np.arange(len(rows)), [len(parts) for parts in rows])
        return together(view, row, Packed.of([part for parts in rows for part in parts])).values()
    whole = Packed.of([parts[0] for parts in rows])  # what a change of a history means depends on all that stood before
    for number in range(1, max(map(len, rows))):
        whole = merged(view, whole, Packed.of([parts[number] if number < len(parts) else None for parts in rows]))
    return whole.values()
