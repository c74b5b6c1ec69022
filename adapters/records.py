"""The control record in its store: read, and changed only by compare-and-set on the whole text."""

import uuid
from collections.abc import Callable
from dataclasses import replace

from adapters.books import CONTROL, SPEED
from adapters.stores.port import ViewStore
from core.control import check_log, first_control
from schemas.control import Control, LogIdentity, Offsets, Position
from schemas.errors import SettingsError, StoreUnavailable
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
            raise SettingsError("the control record is gone: see 'Loss of the control record' in docs/operations.md")
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
    if control.fingerprint != rules.fingerprint():
        raise SettingsError(
            "the settings that decide what events mean (kinds, weights, history_items, remembered_ids, window, "
            "partitioner, partitions) differ from those of the stored views: set them back, or stop the speed layer "
            "and run `millrace batch run --full`, which publishes a generation with the new ones"
        )


def read_position(store: ViewStore) -> Position | None:
    """The position record as it is now."""
    text = store.record(SPEED)
    return None if text is None else Position.from_json(text)


def change_position(
    store: ViewStore, old: Position | None, new: Position, *, writes: int | None = None
) -> Position | None:
    """Swap the position; what then stands there, or None, and nothing changed, when ``old`` no longer did."""
    new = replace(new, version=old.version + 1 if old else 1, writer=_nonce())
    text = None if old is None else old.to_json()
    return new if store.swap(SPEED, text, new.to_json(), writes=writes) else None


def _nonce() -> str:
    return uuid.uuid4().hex
