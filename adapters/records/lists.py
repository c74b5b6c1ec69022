"""Personal lists, a row per user in the batch-view store: it lasts, and a backup holds it.

They are no events: nothing is counted and no sum changes by them. Each change claims the book's record and writes the
row under that claim, so of two changes of one user at the same time neither is lost.
"""

import json
import uuid
from collections.abc import Callable

from adapters.records.books import LISTS
from adapters.stores.port import ViewStore
from core.lists.personal import Lists, packed, unpacked, wrong
from schemas.errors import StoreUnavailable, Unprocessable

USERS = "users"  # the book's space
TRIES = 100


def read_lists(store: ViewStore, user: bytes) -> Lists:
    """Return the user's lists by name; none for a user without any."""
    return unpacked(store.read(LISTS, USERS, [user]).get(user))


def change_lists(store: ViewStore, user: bytes, change: Callable[[Lists], Lists]) -> Lists:
    """Store what ``change`` makes of the user's lists; return that.

    Raises:
        Unprocessable: there would be too many.      StoreUnavailable: others change lists all the time; try again.
        What ``change`` and the store raise; of the store's errors the change may have been stored or not.
    """
    for _ in range(TRIES):
        claim = _claimed(store)
        if claim is None:
            continue
        after = change(read_lists(store, user))
        if why := wrong(after):
            raise Unprocessable(why)
        if not after:
            store.delete(LISTS, USERS, [user])
            return after
        if store.put(LISTS, {(USERS, user): packed(after)}, guard=claim):
            return after
    raise StoreUnavailable("lists are changed by many at once: send it again in a moment")


def forget_lists(store: ViewStore, user: bytes) -> None:
    """Delete all lists of a user, and whatever else the row says of them."""
    change_lists(store, user, lambda _: {})


def _claimed(store: ViewStore) -> bytes | None:
    """Return the record's new text, under which rows may be written; None where another change came first."""
    before = store.record(LISTS)
    version = json.loads(before)["version"] if before else 0
    claim = json.dumps({"version": version + 1, "writer": uuid.uuid4().hex}).encode()
    return claim if store.swap(LISTS, before, claim) else None
