"""``millrace alias`` and ``POST /users/{id}/aliases``: a visitor who logs in keeps the history of the visit."""

import json
import time
from collections.abc import Callable
from dataclasses import replace
from typing import Any

from adapters.log.appender import Appender
from adapters.log.forgotten import marks
from adapters.log.kafka_log import Log
from adapters.records.control import read_control
from core.control.boundaries import latest
from core.events.acceptance import parse_event
from core.events.alias import Events, moving
from core.events.fields import identifier
from core.json.strict_json import Malformed, decode
from core.partitions.partitioner import partition_of
from core.partitions.prefixes import as_json
from core.rows.codec import History
from schemas.control import Offsets
from schemas.errors import NotReady, Unprocessable
from schemas.event import Record, Rejected
from schemas.rules import Rules
from serving_layer.merged.catalogue import NotFound
from serving_layer.reading.answering import answer
from serving_layer.reading.views import Views

PATIENCE_SECONDS = 10.0  # for the views to reach the log's end in the anonymous user's partition
AGAIN_SECONDS = 0.05


def move_history(
    views: Views, log: Log, appender: Appender, rules: Rules, anonymous: str, user: str, new_id: Callable[[], str]
) -> dict[str, Any]:
    """Let the anonymous user's standing history count as the known user's; returns once the log has acknowledged it.

    Safe to repeat: what was received twice is a duplicate, and an anonymous history without entries moves nothing.

    Raises:
        Unprocessable: the ids are equal or no ids, or the anonymous user is to be forgotten.
        NotFound: no accepted event is of the anonymous user.
        NotReady: the views do not reach the log's end.      SettingsError: no kind can say it.
    """
    if identifier(anonymous) is None or identifier(user) is None:
        raise Unprocessable("an id has 1 to 256 characters, none of them a control character")
    if anonymous == user:
        raise Unprocessable(f"{user!r} cannot be an alias of itself: name the anonymous id and the known one")
    rules = replace(rules, partitions=log.identity().partitions)
    _require_not_forgotten(views, log, anonymous)
    history = _whole_history(views, log, rules, anonymous)
    if not history.ids and not history.entries:
        raise NotFound(f"there is no user {anonymous!r}: no accepted event of theirs, so nothing to move")
    received, retracted = moving(history, anonymous, user, rules, new_id)
    positions: Offsets = {}
    for events in (_records(received, rules), _records(retracted, rules)):  # the second once the first is in the log
        positions = latest(positions, log.positions(appender.append_all(log.topics.events, events)))
    items = [event["item_id"] for event in received]
    return {
        "user_id": user, "anonymous": anonymous, "moved": len(items), "items": items[::-1],
        "positions": as_json(positions),
    }  # fmt: skip


def read_alias(body: bytes) -> str:
    """Return the anonymous id that a body ``{"anonymous": id}`` names. Raises Unprocessable for any other body."""
    try:
        given = decode(body)
    except Malformed as error:
        raise Unprocessable(f"the body is not JSON: {error}") from None
    if not isinstance(given, dict) or set(given) != {"anonymous"} or not isinstance(given["anonymous"], str):
        raise Unprocessable('the body must be {"anonymous": ID}: the id whose history moves to the user in the path')
    return given["anonymous"]


def _require_not_forgotten(views: Views, log: Log, anonymous: str) -> None:
    """Refuse a move that would keep alive what was asked to be forgotten."""
    control = read_control(views.batch)
    in_effect = control.forgotten if control else 0
    if any(mark.user_id == anonymous for mark in marks(log)[in_effect:]):
        raise Unprocessable(
            f"user {anonymous!r} waits to be forgotten, so their history stays: run `millrace batch run --full`"
        )


def _whole_history(views: Views, log: Log, rules: Rules, anonymous: str) -> History:
    """Return the history with every event that the log holds now."""
    partition = partition_of(anonymous.encode(), rules.partitioner, rules.partitions)
    end, deadline = log.end_offsets()[partition], time.monotonic() + PATIENCE_SECONDS
    while True:
        offsets, degraded, history = answer(
            views, lambda snapshot: (snapshot.offsets, snapshot.degraded, snapshot.history(anonymous.encode()))
        )
        if offsets.get(partition, 0) >= end and not degraded:
            return history
        if time.monotonic() > deadline:
            why = f"the views lack {' and '.join(degraded)}" if degraded else "the speed layer is behind the log"
            raise NotReady(f"{why}, so the history of {anonymous!r} may not be whole: see `millrace status`, try again")
        time.sleep(AGAIN_SECONDS)


def _records(events: Events, rules: Rules) -> list[tuple[bytes, bytes]]:
    """Return the events as (key, value), each judged as both layers will."""
    out = []
    for event in events:
        key, value = event["user_id"].encode(), json.dumps(event, ensure_ascii=False).encode()
        partition = partition_of(key, rules.partitioner, rules.partitions)
        judged = parse_event(Record("", partition, 0, event["event_time"], key, value), rules)
        if isinstance(judged, Rejected):
            raise Unprocessable(f"item {event['item_id']!r} cannot move: its event would be rejected, {judged.reason}")
        out.append((key, value))
    return out
