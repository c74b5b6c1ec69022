"""Rows of both views kept in memory; each commit changes or drops exactly the rows that it wrote.

What a commit added to a row waits beside it until somebody asks for the row: of the thousands that commits change
within a second, answers read few. A cache belongs to one generation and one life of the position: within those the
position only moves forward, and the lists that attempts leave (``core.rows.touched``) say what each commit changed.
Anything else begins an empty cache.
"""

import threading
import time
from collections import OrderedDict, deque
from collections.abc import Collection, Iterable, Mapping, Sequence

from serving_layer.memory.carried import Added, grown
from serving_layer.memory.row import DECODED, Row

KEPT_CHANGES = 64  # commits whose changes are remembered, for rows that were read before them
HOT_SECONDS = 60.0  # after a row was asked for last: so long it is read again when a commit changes it
MOST_WAITING = 48  # commits whose additions wait beside one row
WAITING_BYTES = 150  # of one of them, beside its values

Changes = Mapping[str, Collection[bytes]]  # view -> keys
Additions = Mapping[str, Mapping[bytes, Sequence[bytes] | None]]  # what was added to each row, None: nobody knows it


class RowCache:
    """Rows by view and key, at most ``most_bytes`` of them; the least used go first. Threads may share it.

    ``attempt``: the commit up to which the rows are current. Every row that is kept holds from its ``since`` on.
    """

    def __init__(self, attempt: int, most_bytes: int) -> None:
        self.attempt, self.bytes = attempt, 0
        self._most = most_bytes
        self._views: dict[str, OrderedDict[bytes, Row]] = {}
        self._waiting: dict[str, dict[bytes, list[Added]]] = {}
        self._sizes: dict[str, int] = {}
        self._changes: deque[tuple[int, int, Changes]] = deque(maxlen=KEPT_CHANGES)  # after, up to, what changed
        self._lock = threading.Lock()

    def get(self, view: str, key: bytes, attempt: int) -> Row | None:
        """Return the row as it is at that commit, if it is kept.

        A row whose changes are unknown is returned too: its generation's value is right at every commit.
        """
        return self.kept(view, (key,), attempt).get(key)

    def kept(self, view: str, keys: Collection[bytes], attempt: int) -> dict[bytes, Row]:
        """Return ``get`` of those keys whose rows are kept, in the order given."""
        rows, kept = self._views.get(view), dict[bytes, Row]()
        if rows is None:
            return kept
        now, waiting = time.monotonic(), self._waiting.get(view)
        # Looked at before the rows: a row is brought up to date before its key leaves.
        if waiting and (late := [key for key in keys if key in waiting]):
            with self._lock:
                self._settle(view, late, attempt)
        for key in keys:
            row = rows.get(key)
            if row is not None:
                row.used, row.asked = True, now
                kept[key] = row if row.since <= attempt else self._earlier(view, key, row, attempt)
        return kept

    def _earlier(self, view: str, key: bytes, row: Row, attempt: int) -> Row:
        if row.changes is not None and self._unchanged(view, key, attempt, row.since):
            return row
        version = row.before
        while version is not None and version.since > attempt:
            version = version.before
        if version is None or (version.until is not None and version.until <= attempt):
            return Row(row.generation, None, attempt)
        return version

    def _settle(self, view: str, keys: Iterable[bytes], attempt: int) -> None:
        """Bring rows up to date for an answer at that commit; what the last commit added makes a version of its own."""
        rows: Mapping[bytes, Row] = self._views.get(view, {})
        waiting = self._waiting.get(view, {})
        earlier, last = list[tuple[bytes, list[Added]]](), list[tuple[bytes, list[Added]]]()
        for key in keys:
            own = waiting.get(key)
            if own is None or own[0][0] > attempt:
                continue
            if own[-1][0] > attempt:
                own = [one for one in own if one[0] <= attempt]
            if len(own) > 1:
                earlier.append((key, own[:-1]))
            last.append((key, own[-1:]))
        for part in (earlier, last):
            versions = grown(view, [(rows[key], own) for key, own in part])
            for (key, own), version in zip(part, versions, strict=True):
                before = rows[key]
                before.until = own[0][0]
                self._put(view, key, version.replaces(before))
        for key, (done,) in last:  # when its row is up to date
            if later := [one for one in waiting[key] if one[0] > done[0]]:
                waiting[key] = later
            else:
                del waiting[key]

    def add(self, view: str, rows: Mapping[bytes, Row]) -> None:
        """Keep rows as they were read at their ``since``, but no changes that a commit has replaced since then."""
        with self._lock:
            kept: Mapping[bytes, Row] = self._views.get(view, {})
            for key, row in rows.items():
                if not self._unchanged(view, key, row.since, self.attempt):
                    row = Row(row.generation, None, row.since)
                if key not in kept or kept[key].changes is None:
                    self._put(view, key, row)
            self._evict()

    def rows(self, view: str) -> Mapping[bytes, Row]:
        """Return the view's kept rows, as they are now; looking at them does not count as asking."""
        return self._views.get(view, {})

    def bytes_of(self, view: str) -> int:
        """Return how many of the bytes are that view's."""
        return self._sizes.get(view, 0)

    def stale(
        self, changes: Additions, most: int, most_idle: int, needed: Collection[str] = ()
    ) -> dict[str, dict[bytes, Row]]:
        """Return the kept rows that will not be known after those changes, at most ``most`` of each view.

        Those that were asked for last come first.

        Args: most_idle: of rows that nobody asked for within ``HOT_SECONDS``, but for those of ``needed`` views.
        """
        stale: dict[str, dict[bytes, Row]] = {}
        since = time.monotonic() - HOT_SECONDS
        for view, carried in changes.items():
            rows = self.rows(view)
            kept = [
                (key, row)
                for key, added in (carried.items() if rows else ())
                if (row := rows.get(key)) is not None and (added is None or row.changes is None)
            ]
            if not kept:
                continue
            hot = [(key, row) for key, row in kept if view in needed or row.asked >= since]
            idle = [(key, row) for key, row in kept if view not in needed and row.asked < since][:most_idle]
            if len(hot) > most:
                hot.sort(key=lambda entry: -entry[1].asked)
            if hot or idle:
                stale[view] = dict([*hot, *idle][:most])
        return stale

    def changed(self, view: str, since: int, upto: int) -> set[bytes] | None:
        """Return the keys that the commits after ``since`` up to ``upto`` changed; None where that is forgotten."""
        keys, covered = set[bytes](), since
        for after, until, changes in list(self._changes):
            if until <= since or covered >= upto:
                continue
            if after > covered:
                return None
            keys.update(changes.get(view, ()))
            covered = until
        return keys if covered >= upto >= since else None

    def advance(self, attempt: int, changes: Additions, read: Mapping[str, Mapping[bytes, Row]]) -> None:
        """Move on to that commit: ``changes`` is all that the commits up to it wrote; ``read`` holds some of it."""
        with self._lock:
            self._changes.append((self.attempt, attempt, {view: frozenset(keys) for view, keys in changes.items()}))
            for view, carried in changes.items():
                if rows := self._views.get(view):
                    self._advance(view, rows, attempt, carried, read.get(view, {}))
            self.attempt = attempt
            self._evict()

    def _advance(
        self, view: str, rows: Mapping[bytes, Row], attempt: int, changes: Mapping[bytes, Sequence[bytes] | None],
        read: Mapping[bytes, Row],
    ) -> None:  # fmt: skip
        waiting, full, more = self._waiting.setdefault(view, {}), list[bytes](), 0
        for key, carried in changes.items():
            row = rows.get(key)
            if row is None or (row.changes is None and key not in read):  # then nothing was known before either
                continue
            if carried is None or row.changes is None:
                self._settle(view, [key], attempt)
                rows[key].until = attempt
                self._put(view, key, read.get(key, Row(row.generation, None, attempt)).replaces(rows[key]))
                continue
            size = WAITING_BYTES + DECODED * (len(carried[0]) if len(carried) == 1 else sum(map(len, carried)))
            row.charged += size
            more += size
            own = waiting.get(key)
            if own is None:
                waiting[key] = [(attempt, carried)]
                continue
            own.append((attempt, carried))
            if len(own) >= MOST_WAITING:
                full.append(key)
        self._sizes[view] += more
        self.bytes += more
        self._settle(view, full, attempt)

    def _unchanged(self, view: str, key: bytes, since: int, upto: int) -> bool:
        """Return whether no commit after ``since`` up to ``upto`` changed the row; False where that is forgotten."""
        if since >= upto:
            return since == upto
        covered = since
        for after, until, changes in list(self._changes):
            if until <= since:
                continue
            if after > covered or key in changes.get(view, ()):
                return False
            covered = until
            if covered >= upto:
                return True
        return False

    def _put(self, view: str, key: bytes, row: Row) -> None:
        rows = self._views.setdefault(view, OrderedDict())
        before = rows.get(key)
        row.charged = len(key) + row.size
        grown = row.charged - (0 if before is None else before.charged)
        rows[key] = row
        self._sizes[view] = self._sizes.get(view, 0) + grown
        self.bytes += grown

    def _evict(self) -> None:
        """Drop rows until the rest fits: rows of the largest view that nobody asked for since their last turn."""
        while self.bytes > self._most:
            view = max(self._sizes, key=lambda name: self._sizes[name])
            rows = self._views[view]
            key, row = rows.popitem(last=False)
            if row.used and len(rows) > 0:
                row.used = False
                rows[key] = row
                continue
            self._waiting.get(view, {}).pop(key, None)
            self._sizes[view] -= row.charged
            self.bytes -= row.charged
