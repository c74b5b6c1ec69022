"""Histories held against the slow twin: they are states, so each is compared at the position at which it is read.

A sum below a boundary stays as it is while the speed layer continues; a history does not. The slow twin is therefore
carried on to the speed layer's newest position, and once more for those users whose rows were written since.

The generation's own histories are compared at its boundary, also those that the speed layer's hide from readers: the
next generation begins from them.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field

from core.control.boundaries import latest
from core.fold.slow import SlowHistory, SlowView
from core.partitions.partitioner import partition_of
from core.proof import proving
from core.rows.views import HISTORY
from schemas.control import Offsets, Position
from schemas.event import Event, Rejected
from schemas.rules import Rules
from serving_layer.proof.merged_rows import MergedRows, Moved
from serving_layer.proof.report import Report

MOST_READINGS = 50  # each covers the few users whose rows were written twice since the previous one


@dataclass
class Prefix:
    """The slow twin of the log below ``upto``.

    ``read`` gives what lies between two offsets, ``newest`` the speed layer's position now; both None: nothing comes.
    ``boundary`` is where the generation ends, ``then`` the histories there of users with events since; None: it has
    none to compare.
    """

    rules: Rules
    upto: Offsets
    slow: SlowView = field(default_factory=SlowView)
    read: Callable[[Offsets, Offsets], Iterable[Event | Rejected]] | None = None
    newest: Callable[[], Position | None] | None = None
    boundary: Offsets | None = None
    then: dict[str, SlowHistory] = field(default_factory=dict)

    def take(self, records: Iterable[Event | Rejected]) -> None:
        """Fold what comes next, in log order within each partition."""
        for record in records:
            if isinstance(record, Event):
                self._remember(record)
                self.slow.take(record, self.rules)
            else:
                self.slow.rejected[record.reason] += 1

    def carry_on(self, to: Offsets) -> None:
        """Fold everything up to those offsets."""
        to = latest(self.upto, to)
        if self.read is not None and to != self.upto:
            self.take(self.read(self.upto, to))
            self.upto = to

    def _remember(self, event: Event) -> None:
        user, boundary = event.user_id, self.boundary
        if boundary is not None and event.offset >= boundary[event.partition] and user not in self.then:
            before = self.slow.histories.get(user, SlowHistory())
            self.then[user] = SlowHistory(dict(before.entries), list(before.ids), before.day, dict(before.counted))


@dataclass
class Histories:
    """One comparison of all histories, or of those of ``wanted``; ``prefix`` moves on with the speed layer."""

    prefix: Prefix
    merged: MergedRows
    wanted: set[str] | None
    report: Report

    def compare(self) -> None:
        """Compare every history with the slow twin's, as a reader gets it (rule 7).

        Raises:
            Moved: another epoch began, or some user's row is never at rest.
        """
        position = self._newest()
        done, again = set[bytes](), list[bytes]()
        for user, parts in self.merged.histories(position) if position else ():
            if self._counts(user, position):
                if parts is None:
                    again.append(user)
                elif parts:
                    self._hold(user, parts)
                    done.add(user)
        done.update(again)
        self._of_generation(done)
        for name, history in self.prefix.slow.histories.items():
            if history.ids and name.encode() not in done and self._is_wanted(name.encode()):
                self._hold(name.encode(), [])
        self._again(again)

    def _of_generation(self, done: set[bytes]) -> None:
        """Compare the generation's histories of users not ``done`` as readers get them, and others as they were then.

        Adds to ``done`` the former.
        """
        read, held = set(done), set[str]()
        for user, row in self.merged.of_generation(HISTORY):
            if not self._is_wanted(user):
                continue
            held.add(user.decode())
            if user in read:
                self._hold_then(user.decode(), [row])
            else:
                self._hold(user, [row])
                done.add(user)
        for name, history in {**self.prefix.slow.histories, **self.prefix.then}.items():
            if history.ids and name not in held and name.encode() in read:
                self._hold_then(name, [])

    def _again(self, users: list[bytes]) -> None:
        for _ in range(MOST_READINGS):
            position = self._newest() if users else None
            if position is None:
                return
            rows = dict(self.merged.histories(position, users))
            for user in users:
                if rows.get(user, []) is not None:
                    row = self.merged.histories_of_generation([user]).get(user)
                    self._hold(user, rows.get(user) or ([row] if row else []))
            users = [user for user in users if rows.get(user, []) is None]
        raise Moved(f"the histories of {len(users)} user(s) change faster than they can be read")

    def _newest(self) -> Position | None:
        """Return the position to read at, with the slow twin at it; None where the speed view does not count."""
        before, ask = self.merged.position, self.prefix.newest
        if before is None:
            return None
        position = ask() if ask else before
        if position is None or (position.epoch, position.life) != (before.epoch, before.life):
            raise Moved("the speed layer began again")
        self.prefix.carry_on(position.offsets)
        return position

    def _counts(self, user: bytes, position: Position | None) -> bool:
        rules = self.prefix.rules
        partition = partition_of(user, rules.partitioner, rules.partitions)
        boundary = self.merged.control.active_boundary.offsets
        reached = position is not None and position.offsets[partition] >= boundary[partition]
        return reached and self._is_wanted(user)

    def _is_wanted(self, user: bytes) -> bool:
        return self.wanted is None or user.decode() in self.wanted

    def _hold(self, user: bytes, parts: list[bytes]) -> None:
        name = user.decode()
        expected, stored = proving.history_of(self.prefix.slow.histories, name), proving.stored_history(parts)
        self.report.histories += 1
        self.report.compare(f"history of {name}", expected, stored, proving.in_words)

    def _hold_then(self, name: str, parts: list[bytes]) -> None:
        if self.prefix.boundary is None:
            return
        known = self.prefix.then if name in self.prefix.then else self.prefix.slow.histories
        expected, stored = proving.history_of(known, name), proving.stored_history(parts)
        what = f"history of {name} in generation {self.merged.control.active}"
        self.report.compare(what, expected, stored, proving.in_words)
