"""Rows in memory brought to later commits by the changes that their lists carry, so that no store is read."""

from collections.abc import Iterable, Sequence
from functools import reduce

import numpy as np

from core.rows.views import FACTS, HISTORY, ITEMS, NORMS, VIEWS
from serving_layer.memory.row import Row

MOST_PARTS = 48  # of a row's changes: more are merged, as whoever decodes the row goes through all of them
SHORT = (FACTS, ITEMS, NORMS)  # views whose changes are as long as their sum
PLAIN = (*SHORT, HISTORY)  # views of which two changes are merged in a microsecond or a few
FEW, FEW_COMPILED = 500, 8  # merges that take less time one by one than together: calling compiled code takes some, too

Added = tuple[int, Sequence[bytes]]  # a commit, and what it added to a row


def grown(view: str, rows: Iterable[tuple[Row, Sequence[Added]]]) -> list[Row]:
    """Return each row as the last of its commits left it; all that must be merged is merged at once."""
    most = 1 if view in SHORT or not VIEWS[view].segmented else MOST_PARTS
    out: list[Row] = []
    long: list[int] = []
    for row, commits in rows:
        carried = [change for _, changes in commits for change in changes]
        version = row.followed_by((*(row.changes or ()), *carried), commits[-1][0], carried, MOST_PARTS)
        if len(version.changes or ()) > most:
            long.append(len(out))
        out.append(version)
    for at, whole in zip(long, joined(view, [out[at].changes or () for at in long]), strict=True):
        out[at] = out[at].with_changes((whole,))
    return out


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
