"""The records in the stores: read, and changed only by compare-and-set on the whole text."""

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
    """The control record as it is now; None before anything ran."""
    text = store.record(CONTROL)
    return None if text is None else Control.from_json(text)


def open_control(store: ViewStore, log: LogIdentity, start: Offsets, rules: Rules) -> Control:
    """The control record for this log, made if it is the first time.

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
    """Apply a pure change to the newest control record, again and again until no one came in between.

    ``change`` may raise to refuse; nothing is written then. A change that changes nothing is not written.
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
    """Swap; an outcome that stayed unknown is settled by reading again, as nobody else ever writes this text."""
    try:
        return store.swap(CONTROL, old, new)
    except StoreUnavailable:
        if store.record(CONTROL) != new:
            raise
        return True


def require_rules(control: Control, rules: Rules) -> None:
    """Refuse to add to views that were folded by other rules (rule 14)."""
    if why := why_not_these(control.fingerprint, rules):
        raise SettingsError(why)


def read_position(store: ViewStore) -> Position | None:
    """The position record as it is now."""
    text = store.record(SPEED)
    return None if text is None else Position.from_json(text)


def change_position(
    store: ViewStore, old: Position | None, new: Position, *, writes: int | None = None
) -> Position | None:
    """Swap the position; what then stands there, or None, and nothing changed, when ``old`` no longer did."""
    new = replace(new, version=old.version + 1 if old else 1, writer=_nonce())
    new = replace(new, text=new.to_json())
    return new if store.swap(SPEED, old.stored if old else None, new.text, writes=writes) else None


@dataclass(frozen=True)
class Applied:
    """The catalogue book's record: offsets below which everything is applied, and whose claim it is.

    ``rejected``: for each of the two topics how many records below those offsets were rejected, by reason.
    """

    version: int = 0
    writer: str = ""
    items: dict[str, int] = field(default_factory=dict)
    users: dict[str, int] = field(default_factory=dict)
    log: LogIdentity | None = None  # None: nobody's yet, or an earlier version wrote this
    rejected: dict[str, dict[str, int]] = field(default_factory=dict)

    def to_json(self) -> bytes:
        return to_json(self)

    @staticmethod
    def from_json(text: bytes | None) -> "Applied":
        return Applied() if text is None else from_json(Applied, text)

    def moved(self, **changes: Any) -> "Applied":
        """The next version, unlike all earlier texts."""
        return replace(self, version=self.version + 1, writer=_nonce(), **changes)

    @property
    def rejected_by_reason(self) -> dict[str, int]:
        """Of both topics together."""
        out: dict[str, int] = {}
        for counts in self.rejected.values():
            for reason, count in counts.items():
                out[reason] = out.get(reason, 0) + count
        return out


def log_of(store: ViewStore, position: Position | None) -> LogIdentity | None:
    """Whose events the speed store holds, by its position; where no speed layer ever ran, by its catalogue."""
    return position.log if position else Applied.from_json(store.record(CATALOGUE)).log


def check_speed_store(store: ViewStore, log: LogIdentity) -> None:
    """Refuse a speed store that holds another log's events, catalogue or lease.

    Raises: SettingsError, which names the remedy.
    """
    position, sign = read_position(store), store.record(LEASE)
    catalogue = Applied.from_json(store.record(CATALOGUE))
    for found in (position.log if position else None, Sign.of(sign).log if sign else None, catalogue.log):
        check_speed_log(found, log)


def _nonce() -> str:
    return uuid.uuid4().hex
