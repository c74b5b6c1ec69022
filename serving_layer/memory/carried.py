"""Rows in memory brought to a later commit by the changes that its lists carry, so that no store is read."""

from collections.abc import Mapping, Sequence
from functools import reduce

from core.rows.views import VIEWS
from serving_layer.memory.row import Row
from serving_layer.memory.row_cache import RowCache

MOST_PARTS = 12  # of a row's changes: more are merged, as whoever decodes the row goes through all of them

Changed = Mapping[str, Mapping[bytes, Sequence[bytes] | None]]  # what was added to each row, None where nobody knows


def brought(
    kept: RowCache, changed: Changed, attempt: int
) -> tuple[dict[str, dict[bytes, Row]], dict[str, list[bytes]]]:
    """Return the kept rows as they are at that commit, and the keys of those of which that is not known.

    Args: changed: since the commit up to which the kept rows are current.
    """
    known: dict[str, dict[bytes, Row]] = {}
    unknown: dict[str, list[bytes]] = {}
    for view, changes in changed.items():
        rows, segmented = kept.rows(view), VIEWS[view].segmented
        own, other = known.setdefault(view, {}), unknown.setdefault(view, [])
        for key, carried in changes.items() if rows else ():
            row = rows.get(key)
            if row is None:
                continue
            before = row.changes
            if carried is None or before is None:
                other.append(key)
                continue
            parts = (*before, *carried)
            if not segmented or len(parts) > MOST_PARTS:
                parts = joined(view, parts)
            own[key] = version = Row(row.generation, parts, attempt)
            if (begun := row.begun) is not None:
                sums, pending = begun[0], (*begun[1], *carried)
                version.begun = sums, (joined(view, pending) if len(pending) > MOST_PARTS else pending)
    return known, unknown


def joined(view: str, parts: tuple[bytes, ...]) -> tuple[bytes, ...]:
    """Return the same changes in fewer parts."""
    merge = VIEWS[view].merge
    if not VIEWS[view].segmented:  # what a change of a history means depends on all that stood before it
        return (reduce(merge, parts),) if parts else ()
    rest = list(parts)
    last = rest.pop()
    while rest and (len(rest[-1]) <= 2 * len(last) or len(rest) >= MOST_PARTS):
        last = merge(rest.pop(), last)
    return (*rest, last)
