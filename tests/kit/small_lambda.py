"""Both layers without Spark, small enough to read; serving's tests fill real stores with it."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace

import numpy as np
import pyarrow as pa

from adapters.records.books import CONTROL, SPEED, generation_book, segment_space, state_space, touched_space
from adapters.stores.port import ViewStore
from core.control.boundaries import segments_of
from core.control.changes import (
    base_generation,
    commit,
    first_control,
    first_position,
    plan,
    publish,
    record_boundary,
    register,
)
from core.fold.columns import fold_columns, users_of
from core.partitions.partitioner import partition_of
from core.rows.codec import add_history
from core.rows.tagged import settle, tagged
from core.rows.touched import pack_touched
from core.rows.views import VIEWS, View
from schemas.control import Control, Generation, LogIdentity, Offsets, Position
from schemas.event import Event
from schemas.rules import Rules
from tests.kit.folding import Rows, columns, fold_into


def placed(events: Iterable[Event], rules: Rules) -> list[Event]:
    """The events as a producer would place them: each user in the partition of its key, offsets without gaps."""
    ends = dict.fromkeys(range(rules.partitions), 0)
    out = []
    for event in events:
        partition = partition_of(event.user_id.encode(), rules.partitioner, rules.partitions)
        out.append(replace(event, partition=partition, offset=ends[partition]))
        ends[partition] += 1
    return out


@dataclass
class SmallLambda:
    """A log, a batch layer and a speed layer over two real stores."""

    batch: ViewStore
    speed: ViewStore
    rules: Rules
    log: Sequence[Event]
    identity: LogIdentity | None = None
    control: Control = field(init=False)
    position: Position = field(init=False)
    guard: bytes = field(init=False)

    def __post_init__(self) -> None:
        start = dict.fromkeys(range(self.rules.partitions), 0)
        self.identity = self.identity or LogIdentity("cluster", "topic", self.rules.partitions)
        self.control = first_control(self.identity, start, self.rules.fingerprint())
        self.batch.swap(CONTROL, None, self.control.to_json())

    def begin(self) -> None:
        """The speed layer's first start."""
        self.position = first_position(self.control, "test")
        self.guard = self.position.to_json()
        assert self.speed.swap(SPEED, None, self.guard)

    def ends(self, count: int) -> Offsets:
        """Where the log ends after its first ``count`` events."""
        out = dict.fromkeys(range(self.rules.partitions), 0)
        for event in self.log[:count]:
            out[event.partition] = event.offset + 1
        return out

    def below(self, offsets: Offsets) -> list[Event]:
        return [event for event in self.log if event.offset < offsets[event.partition]]

    def run_batch(self, count: int, model: Rows | None = None) -> Generation:
        """Publish a generation over the first ``count`` events, and over what the speed layer has planned."""
        self._control(record_boundary(self.control, self.ends(count))[0])
        boundary = self.control.boundaries[-1]
        name = f"g{self.control.version}"
        rows = fold_into({}, self.below(boundary.offsets), self.rules) if self.below(boundary.offsets) else {}
        self.batch.put(generation_book(name), {**rows, **(model or {})})
        generation = Generation(name, boundary, self.rules.fingerprint(), published_at=0)
        self._control(publish(self.control, generation))
        return generation

    def run_speed(self, count: int, share: float = 1.0) -> None:
        """One micro-batch up to the log's first ``count`` events; a ``share`` below 1 of its rows, then a crash."""
        to = self.ends(count)
        ahead = {p: max(offset, self.position.offsets[p]) for p, offset in to.items()}
        events = [e for e in self.below(ahead) if e.offset >= self.position.offsets[e.partition]]
        if not events:
            return
        self._control(plan(self.control, ahead))
        self._position(register(self.position))
        rows = list(self._staged(events).items())
        written = {**self._listed(dict(rows)), **dict(rows[: int(share * len(rows))])}
        assert self.speed.put(SPEED, written, guard=self.guard)
        if share >= 1:
            self._position(commit(self.position, ahead))

    def _staged(self, events: list[Event]) -> Rows:
        batch = columns(events)
        partition, offset = (np.array(batch.column(name)) for name in ("partition", "offset"))
        segments = segments_of(partition, offset, self.control.boundaries)
        users = [
            (user, int(partition[batch.column("user_id").to_pylist().index(user)]))
            for user in users_of(batch).to_pylist()
        ]
        own = {user.encode(): self._own_history(user.encode()) for user, _ in users}
        inherited = {user.encode(): self._inherited(user.encode(), p) for user, p in users if not own[user.encode()]}
        histories = pa.array([known or inherited[user] for user, known in own.items()], pa.binary())
        out: Rows = {}
        for change in fold_columns(batch, segments, histories, self.rules):
            view, epoch = VIEWS[change.view], self.position.epoch
            space = segment_space(epoch, view.name, change.segment) if view.segmented else state_space(epoch, view.name)
            stored = self.speed.read(SPEED, space, change.keys.to_pylist())
            for key, value in zip(change.keys.to_pylist(), change.values.to_pylist(), strict=True):
                whole = add_history(inherited[key], value) if view.name == "history" and inherited.get(key) else value
                base = self._settled(stored.get(key), view)
                out[space, key] = tagged(base, self.position, self.position.registered, whole)
        return out

    def _listed(self, rows: Rows) -> Rows:
        """The lists of what the attempt writes."""
        keys: dict[str, list[bytes]] = {}
        for space, key in rows:
            keys.setdefault(space.split("/")[1], []).append(key)
        space = touched_space(self.position, self.position.registered)
        return {(space, key): value for key, value in (pack_touched(*touched) for touched in keys.items())}

    def _own_history(self, user: bytes) -> bytes | None:
        stored = self.speed.read(SPEED, state_space(self.position.epoch, "history"), [user]).get(user)
        return self._settled(stored, VIEWS["history"])

    def _settled(self, stored: bytes | None, view: View) -> bytes | None:
        return None if stored is None else settle(stored, self.position, view.merge)

    def _inherited(self, user: bytes, partition: int) -> bytes | None:
        base = base_generation(self.control, self.position, partition)
        return None if base is None else self.batch.read(generation_book(base.id), "history", [user]).get(user)

    def _control(self, changed: Control) -> None:
        before, self.control = self.control.to_json(), replace(changed, version=self.control.version + 1)
        assert self.batch.swap(CONTROL, before, self.control.to_json())

    def _position(self, changed: Position) -> None:
        self.position = replace(changed, version=self.position.version + 1)
        before, self.guard = self.guard, self.position.to_json()
        assert self.speed.swap(SPEED, before, self.guard)

    @property
    def covered(self) -> list[Event]:
        """The events that a merged answer counts."""
        boundary = self.control.active_boundary.offsets
        return self.below({p: max(offset, boundary[p]) for p, offset in self.position.offsets.items()})
