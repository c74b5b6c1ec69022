"""Moving one user's standing history to another as ordinary events: an anonymous visitor who has logged in.

Each item that stands in the anonymous history becomes a rating event of the known user and a ``remove`` event of the
anonymous one. An event kind that joins two users could not be exact: their events stand in two partitions, and the log
has no order between these. Ordinary events need no new rule in either layer.
"""

import hashlib
from collections.abc import Callable
from typing import Any

from core.rows.codec import History, HistoryEntry
from schemas.errors import SettingsError
from schemas.event import WEIGHT_SCALE
from schemas.rules import Rules

Events = list[dict[str, Any]]


def moving(
    history: History, anonymous: str, user: str, rules: Rules, new_id: Callable[[], str]
) -> tuple[Events, Events]:
    """Return what the known user receives and what the anonymous one retracts, each in the history's order.

    What is received bears an id made of what it says, so that a repeated move is a duplicate, and the time of the last
    touch, so that it counts in that hour. What is retracted bears the earliest of these times: no entry expires by it.
    Raises: SettingsError when no kind can say it.
    """
    rate, remove = _kind_of(rules, "value"), _kind_of(rules, "remove")
    context = {"alias": True}
    received: Events = []
    retracted: Events = []
    for entry in history.entries:
        about = {"item_id": entry.item.decode(), "context": context}
        rated = {"kind": rate, "value": entry.rating / WEIGHT_SCALE, "event_time": entry.last_time}
        received.append({"event_id": _id_of(entry, anonymous, user), "user_id": user, **rated, **about})
        earliest = min(entry.last_time for entry in history.entries)
        removed = {"kind": remove, "event_time": earliest}
        retracted.append({"event_id": new_id(), "user_id": anonymous, **removed, **about})
    return received, retracted


def _kind_of(rules: Rules, weight: str) -> str:
    """Return the kind of that weight: the default one of this meaning if it is configured, else the first."""
    usual = {"value": "rating", "remove": "remove"}[weight]
    kinds = [kind for kind, given in rules.kinds.items() if given == weight]
    if not kinds:
        raise SettingsError(
            f'no kind has the weight "{weight}", which moving a history needs: add {usual} = "{weight}" to the table '
            "[kinds] of millrace.toml; docs/operations/settings-changes.md says how kinds are changed"
        )
    return usual if usual in kinds else kinds[0]


def _id_of(entry: HistoryEntry, anonymous: str, user: str) -> str:
    said = "\0".join([anonymous, user, entry.item.decode(), str(entry.rating), str(entry.last_time)])
    return f"alias-{hashlib.sha256(said.encode()).hexdigest()[:32]}"
