"""Reads the records in the stores and changes them, only by compare-and-set on the whole text."""

import uuid
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import Any

from adapters.records.books import CATALOGUE, CONTROL, LEASE, SPEED
from adapters.records.lease import Sign
from adapters.stores.port import ViewStore
from core.control.changes import check_log, check_speed_log, first_control
from core.control.fingerprints import why_not_these
from schemas.control import Control, LogIdentity, Offsets, Position
from schemas.errors import SettingsError, StoreUnavailable
from schemas.records import from_json, to_json
from schemas.rules import Rules


def read_control(store: ViewStore) -> Control | None:
    """Return the current control record; None before anything ran."""
    text = store.record(CONTROL)
    return None if text is None else Control.from_json(text)


def open_control(store: ViewStore, log: LogIdentity, start: Offsets, rules: Rules) -> Control:
    """Return the control record for this log; creates it at first use.

    Raises:
        SettingsError: the views were made from another log (§2).
    """
    while True:
        control = read_control(store)
        if control is not None:
            check_log(control, log)
            return control
        first = replace(first_control(log, start, rules.fingerprint()), writer=_nonce(), life=_nonce())
        store.swap(CONTROL, None, first.to_json())


def change_control(store: ViewStore, change: Callable[[Control], Control]) -> Control:
    """Apply a pure change to the newest control record, repeating until no other change came in between.

    ``change`` may raise to refuse; then nothing is written. A change without effect is not written.
    """
    while True:
        text = store.record(CONTROL)
        if text is None:
            raise SettingsError(
                "the control record is gone: see 'Loss of the control record' in docs/operations/stores.md"
            )
        control = Control.from_json(text)
        changed = change(control)
        if changed == control:
            return control
        changed = replace(changed, version=control.version + 1, writer=_nonce())
        if _swapped(store, text, changed.to_json()):
            return changed


def _swapped(store: ViewStore, old: bytes, new: bytes) -> bool:
    """Swap; reading again settles an unknown outcome, because nobody else ever writes this text."""
    try:
        return store.swap(CONTROL, old, new)
    except StoreUnavailable:
        if store.record(CONTROL) != new:
            raise
        return True


def require_rules(control: Control, rules: Rules) -> None:
    """Raise SettingsError when the views were folded by other rules (rule 14)."""
    if why := why_not_these(control.fingerprint, rules):
        raise SettingsError(why)


def read_position(store: ViewStore) -> Position | None:
    """Return the current position record; None when the store has none."""
    text = store.record(SPEED)
    return None if text is None else Position.from_json(text)


def change_position(
    store: ViewStore, old: Position | None, new: Position, *, writes: int | None = None
) -> Position | None:
    """Swap the position; returns the new one, or None, changing nothing, when ``old`` no longer stood there."""
    new = replace(new, version=old.version + 1 if old else 1, writer=_nonce())
    new = replace(new, text=new.to_json())
    return new if store.swap(SPEED, old.stored if old else None, new.text, writes=writes) else None


@dataclass(frozen=True)
class Applied:
    """The catalogue book's record: offsets below which everything is applied, and whose claim it is.

    ``settled``: no claim is open, so that no row of the book changes under this text; False where an earlier version
    wrote it. ``rejected``: for each of the two topics how many records below those offsets were rejected, by reason.
    """

    version: int = 0
    writer: str = ""
    items: dict[str, int] = field(default_factory=dict)
    users: dict[str, int] = field(default_factory=dict)
    log: LogIdentity | None = None  # None: no log is known yet, or an earlier version wrote this
    rejected: dict[str, dict[str, int]] = field(default_factory=dict)
    settled: bool = False

    def to_json(self) -> bytes:
        return to_json(self)

    @staticmethod
    def from_json(text: bytes | None) -> "Applied":
        return Applied() if text is None else from_json(Applied, text)

    def moved(self, **changes: Any) -> "Applied":
        """Return the next version, which differs from all earlier texts."""
        return replace(self, version=self.version + 1, writer=_nonce(), **changes)

    @property
    def rejected_by_reason(self) -> dict[str, int]:
        """The number of rejected records of both topics together, by reason."""
        total: dict[str, int] = {}
        for counts in self.rejected.values():
            for reason, count in counts.items():
                total[reason] = total.get(reason, 0) + count
        return total


def log_of(store: ViewStore, position: Position | None) -> LogIdentity | None:
    """Return the log whose events the speed store holds: its position's, or its catalogue's if it has no position."""
    return position.log if position else Applied.from_json(store.record(CATALOGUE)).log


def check_speed_store(store: ViewStore, log: LogIdentity) -> None:
    """Refuse a speed store that holds another log's events, catalogue or lease.

    Raises:
        SettingsError: the text names the remedy.
    """
    position, sign = read_position(store), store.record(LEASE)
    catalogue = Applied.from_json(store.record(CATALOGUE))
    for stored in (position.log if position else None, Sign.of(sign).log if sign else None, catalogue.log):
        check_speed_log(stored, log)


def _nonce() -> str:
    return uuid.uuid4().hex
