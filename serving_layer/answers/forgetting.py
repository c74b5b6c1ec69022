"""``DELETE /users/{id}``: the user is marked, as ``millrace forget`` does, and the views say what they know of them."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

from adapters.log.forgotten import Mark, forget
from adapters.log.kafka_log import Log
from adapters.records.control import open_control
from adapters.records.lists import forget_lists
from core.events.fields import identifier
from schemas.errors import NotReady, Unprocessable
from schemas.rules import Rules
from serving_layer.reading.answering import answer
from serving_layer.reading.snapshot import Snapshot
from serving_layer.reading.views import Views

THEN = "forgotten when the next full generation is active: `millrace batch run --full`"


def forget_user(views: Views, log: Log, rules: Rules, user: str, clock: Callable[[], int]) -> dict[str, Any]:
    """Delete the user's lists and record and mark the user; return the mark once the broker has acknowledged both.

    ``known`` says whether an accepted event is of the user, null where the views cannot tell. Safe to repeat.

    Args: clock: epoch ms.      Raises: Unprocessable: no user can have that id.
    """
    if identifier(user) is None:
        raise Unprocessable("an id has 1 to 256 characters, none of them a control character")
    identity = log.identity()
    rules = replace(rules, partitions=identity.partitions)
    open_control(views.batch, identity, log.start_offsets(), rules)
    forget_lists(views.batch, user.encode())
    mark = forget(log, rules, user, clock())
    return {**vars(mark), **known_of(views, mark), "then": THEN}


def known_of(views: Views, mark: Mark) -> dict[str, Any]:
    """Return whether the views know an accepted event of the user, and how many records below the mark they lack.

    None when that is unknown: before anything was published, or while a store does not answer.
    """

    def compute(snapshot: Snapshot) -> dict[str, Any]:
        history = snapshot.history(mark.user_id.encode())
        behind = max(0, mark.offset - snapshot.offsets.get(mark.partition, 0))
        known = bool(history.ids or history.entries)
        whole = snapshot.boundary is not None and snapshot.has_catalogue  # both stores answered
        return {"known": known if known or whole else None, "unapplied": behind}

    try:
        return answer(views, compute)
    except NotReady:
        return {"known": None, "unapplied": None}
