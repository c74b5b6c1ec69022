"""Which items the sample check looks at, and all events of their users; four scans of the lake, each bounded."""

from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass

import pyarrow as pa
import pyarrow.compute as pc

from adapters.engine.tasks import Tasks
from adapters.lake.files import Stretch
from adapters.lake.tables import ROWS_AT_ONCE
from core.partitions.partitioner import partitions_of
from schemas.event import STORED_COLUMNS

MOST_EVENTS = 50_000  # folded one by one in this process: some seconds
_HASHES = 2**31 - 1
_ITEMS = pa.schema([("item_id", pa.string())])
_TOUCHES = pa.schema([("item_id", pa.string()), ("user_id", pa.string())])
_COUNTS = pa.schema([("user_id", pa.string()), ("events", pa.int64())])
Rows = Iterator[pa.RecordBatch]


@dataclass(frozen=True)
class Draw:
    """The lake as the gate reads it, in tasks; ``seed`` decides which items are drawn."""

    place: Tasks
    events: Stretch
    seed: str

    def items(self, number: int) -> list[str]:
        """Return up to ``number`` items whose users' events together can be folded in this process."""
        most, seed = 2 * number, self.seed
        first = self._scan(lambda rows: _first(rows, most, seed), _ITEMS).column("item_id").to_pylist()
        candidates = sorted(set(first), key=dict(zip(first, _order(first, seed), strict=True)).__getitem__)[:most]
        users = self._users(candidates)
        active = self._active({user for touching in users.values() for user in touching})
        chosen, room = list[str](), MOST_EVENTS
        for item in candidates:
            size = sum(active[user] for user in users[item]) if item in users else MOST_EVENTS + 1
            if size <= room and len(chosen) < number:
                chosen.append(item)
                room -= size
        return chosen

    def users_events(self, items: list[str]) -> pa.Table:
        """Return all events of the users who touched one of the items, in log order within each partition."""
        users = {user for touching in self._users(items).values() for user in touching}
        names = pa.array(sorted(users), pa.string())
        rows = self._scan(lambda rows: _of_users(rows, names), STORED_COLUMNS)
        return rows.sort_by([("partition", "ascending"), ("offset", "ascending")])

    def _users(self, items: list[str]) -> dict[str, set[str]]:
        """Return who touched each item; an item with too many users to fold is left out."""
        names = pa.array(items, pa.string())
        touches = self._scan(lambda rows: _touches(rows, names), _TOUCHES).to_pylist()
        too_many = {row["item_id"] for row in touches if row["user_id"] is None}
        users = defaultdict[str, set[str]](set)
        for row in touches:
            if row["item_id"] not in too_many:
                users[row["item_id"]].add(row["user_id"])
        return users

    def _active(self, users: set[str]) -> Counter[str]:
        """Return how many events each user has."""
        names, total = pa.array(sorted(users), pa.string()), Counter[str]()
        for row in self._scan(lambda rows: _counted(rows, names), _COUNTS).to_pylist():
            total[row["user_id"]] += row["events"]
        return total

    def _scan(self, work: Callable[[Rows], Iterable[pa.RecordBatch]], columns: pa.Schema) -> pa.Table:
        shares = self.events.shares(self.place.count_for(self.events.most, ROWS_AT_ONCE))
        return self.place.run(len(shares), lambda number: work(shares[number].read(ROWS_AT_ONCE)), columns)


def count_events(place: Tasks, events: Stretch) -> int:
    """Return how many events there are."""
    shares, columns = events.shares(place.count_for(events.most, ROWS_AT_ONCE)), pa.schema([("events", pa.int64())])

    def count(number: int) -> Iterator[pa.RecordBatch]:
        yield pa.RecordBatch.from_pydict({"events": [sum(rows.num_rows for rows in shares[number].read(ROWS_AT_ONCE))]})

    return sum(place.run(len(shares), count, columns).column("events").to_pylist())


def _first(batches: Rows, most: int, seed: str) -> Rows:
    """Yield the ``most`` first items of these events in the draw's order."""
    names = set[str]()
    for batch in batches:
        names.update(batch.column("item_id").unique().to_pylist())
    items = list(names)
    order = _order(items, seed)
    best = sorted(range(len(items)), key=order.__getitem__)[:most]
    yield pa.RecordBatch.from_arrays([pa.array([items[k] for k in best], pa.string())], schema=_ITEMS)


def _order(items: list[str], seed: str) -> list[tuple[int, str]]:
    salted = pa.array([f"{item}\0{seed}" for item in items], pa.string())
    return list(zip(partitions_of(salted, "murmur2", _HASHES).tolist(), items, strict=True))


def _touches(batches: Rows, items: pa.Array) -> Rows:
    """Yield each pair of item and user once; an item with too many users to fold appears once, without a user."""
    users = defaultdict[str, set[str]](set)
    for batch in batches:
        rows = batch.filter(pc.is_in(batch.column("item_id"), value_set=items))
        for item, user in zip(rows.column("item_id").to_pylist(), rows.column("user_id").to_pylist(), strict=True):
            if len(users[item]) <= MOST_EVENTS:
                users[item].add(user)
    for item, names in users.items():
        listed = [None] if len(names) > MOST_EVENTS else sorted(names)
        columns = [pa.array([item] * len(listed), pa.string()), pa.array(listed, pa.string())]
        yield pa.RecordBatch.from_arrays(columns, schema=_TOUCHES)


def _counted(batches: Rows, users: pa.Array) -> Rows:
    """Yield the number of these events per user."""
    for batch in batches:
        theirs = batch.column("user_id").filter(pc.is_in(batch.column("user_id"), value_set=users))
        counts = theirs.value_counts()
        yield pa.RecordBatch.from_arrays([counts.field("values"), counts.field("counts")], schema=_COUNTS)


def _of_users(batches: Rows, users: pa.Array) -> Rows:
    """Yield ``STORED_COLUMNS`` of the users' events."""
    for batch in batches:
        yield batch.filter(pc.is_in(batch.column("user_id"), value_set=users)).select(STORED_COLUMNS.names)
