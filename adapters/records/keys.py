"""The API keys of an installation, one record in the batch-view store: every process of a cluster reads the same."""

import secrets
import uuid
from collections.abc import Callable
from dataclasses import replace

from adapters.records.books import KEYS
from adapters.stores.port import ViewStore
from core.access.keys import ROLES, Key, Keys, checked_name, digest, token_of
from core.access.rates import Rate
from schemas.errors import BadInput, StoreUnavailable


def read_keys(store: ViewStore) -> Keys:
    """Return all keys; without any before the first was made."""
    return Keys.from_json(store.record(KEYS))


def create_key(store: ViewStore, name: str, role: str, rate: str, now: int) -> tuple[Key, str]:
    """Store a new key; return it with its text, which nothing can show again.

    Args: rate: empty for the one of the settings.      now: epoch ms.
    Raises: BadInput: an impossible name or role, or a valid key has that name.      SettingsError: no rate.
    """
    if role not in ROLES:
        raise BadInput(f"unknown role {role!r}: known are {', '.join(ROLES)}")
    Rate.of(rate)
    key_id = secrets.token_hex(4)
    token = token_of(key_id, secrets.token_urlsafe(32))
    key = Key(key_id, checked_name(name), role, digest(token), now, rate)

    def add(keys: Keys) -> Keys:
        if any(key.name == other.name for other in keys.valid.values()):
            raise BadInput(f"there is a valid key called {name!r}: revoke it first, or choose another name")
        return keys.with_key(key)

    _change(store, add)
    return key, token


def revoke_key(store: ViewStore, named: str, now: int) -> Key:
    """Make a key invalid for good; return it. Raises BadInput: no valid key, or several, have that id or name."""
    before, after = _change(store, lambda keys: keys.without(named, now))
    return next(key for key in after.keys if key.revoked_at is not None and key.id in before.valid)


def _change(store: ViewStore, change: Callable[[Keys], Keys]) -> tuple[Keys, Keys]:
    """Apply a change to the newest record, until no other came in between; return both records."""
    while True:
        text = store.record(KEYS)
        before = Keys.from_json(text)
        after = replace(change(before), version=before.version + 1, writer=uuid.uuid4().hex)
        try:
            swapped = store.swap(KEYS, text, after.to_json())
        except StoreUnavailable:  # the outcome is unknown: every record differs from all others
            if store.record(KEYS) != after.to_json():
                raise
            swapped = True
        if swapped:
            return before, after
