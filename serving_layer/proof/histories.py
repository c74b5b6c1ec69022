"""Histories held against the slow twin: they are states, so each is compared at the position at which it is read.

A sum below a boundary stays as it is while the speed layer goes on; a history does not. The slow twin is therefore
carried on to the speed layer's newest position, and once more for those users whose rows were written since.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field

from core.control.boundaries import latest
from core.events.partitioner import partition_of
from core.fold.slow import SlowView
from core.proof import proving
from core.rows.views import HISTORY
from schemas.control import Offsets, Position
from schemas.event import Event, Rejected
from schemas.rules import Rules
from serving_layer.proof.report import Report
from serving_layer.reading.merged_rows import MergedRows, Moved

MOST_READINGS = 50  # each is of the few users whose rows were written twice since the one before


@dataclass
class Prefix:
    """The slow twin of the log below ``upto``.

    ``read`` gives what lies between two offsets, ``newest`` the speed layer's position now; both None: nothing comes.
    """

    rules: Rules
    upto: Offsets
    slow: SlowView = field(default_factory=SlowView)
    read: Callable[[Offsets, Offsets], Iterable[Event | Rejected]] | None = None
    newest: Callable[[], Position | None] | None = None

    def take(self, records: Iterable[Event | Rejected]) -> None:
        """Fold what comes next, in log order within each partition."""
        for record in records:
            if isinstance(record, Event):
                self.slow.take(record, self.rules)
            else:
                self.slow.rejected[record.reason] += 1

    def carry_on(self, to: Offsets) -> None:
        """Fold everything up to there."""
        to = latest(self.upto, to)
        if self.read is not None and to != self.upto:
            self.take(self.read(self.upto, to))
            self.upto = to


@dataclass
class Histories:
    """One comparison of all histories, or of those of ``wanted``; ``prefix`` moves on with the speed layer."""

    prefix: Prefix
    merged: MergedRows
    wanted: set[str] | None
    report: Report

    def compare(self) -> None:
        """Hold every history against the slow twin, as a reader gets it (rule 7).

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
        for user, row in self.merged.of_generation(HISTORY):
            if user not in done and self._is_wanted(user):
                self._hold(user, [row])
                done.add(user)
        for name, history in self.prefix.slow.histories.items():
            if history.ids and name.encode() not in done and self._is_wanted(name.encode()):
                self._hold(name.encode(), [])
        self._again(again)

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
        """The position to read at, with the slow twin carried on to it; None where the speed view does not count."""
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
        expected, stored = proving.history_of(self.prefix.slow, name), proving.stored_history(parts)
        self.report.histories += 1
        self.report.compare(f"history of {name}", expected, stored, proving.in_words)
