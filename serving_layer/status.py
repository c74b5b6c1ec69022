"""The state of everything in one answer: what is published, how far the speed layer is, how far the log."""

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from adapters.books import LEASE, SCHEDULE
from adapters.records import read_control
from adapters.settings import Settings, milliseconds
from core.boundaries import latest
from core.codec import Facts
from schemas.control import Control, Offsets
from schemas.errors import MillraceError, NotReady, StoreUnavailable
from serving_layer.patience import reading
from serving_layer.snapshot import Snapshot
from serving_layer.views import BATCH, SPEED_SIDE, Views, answer

if TYPE_CHECKING:
    from adapters.log import Log

MANY_MISPLACED = 0.01  # of all events: beyond this it is a wrong setting, not a stray record
MANY_DUPLICATES = 0.01  # of all accepted events: beyond this it is an id that is not one event's, not a retry


@dataclass(frozen=True)
class End:
    """Where the log ends: last stable offsets, records not yet applied, and since when the oldest of them waits."""

    offsets: Offsets
    lag_events: int
    freshness_seconds: float


def status(views: Views, settings: Settings, log: "Log | None", now_ms: int) -> dict[str, Any]:
    """The JSON of contract §7.

    Args: log: None when none is there.      now_ms: the wall clock, epoch ms.
    Raises: NotReady when neither store answers.
    """
    lease_ms = milliseconds(settings.lease)
    try:
        (told, applied, facts), lease, runs = answer(
            views, lambda snapshot: (_views_told(snapshot), _lease_of(snapshot), _schedule_of(snapshot))
        )
        speed, schedule = _alive(lease, now_ms, lease_ms), _schedule_told(runs, now_ms, lease_ms)
    except NotReady as error:
        told, applied, facts = _nothing_told(views, str(error))
        speed, schedule = speed_layer(views, now_ms, lease_ms), None
    end, why = None, "no broker runs"
    try:
        end = None if log is None else _end(log, applied, now_ms)
    except MillraceError as error:
        why = str(error)
    if end is None:
        told["degraded"].append("log")
    rejected = facts.rejected or {}
    return {
        **told,
        "applied": _json(applied),
        "end": _json(end.offsets) if end else None,
        "lag_events": end.lag_events if end else None,
        "freshness_seconds": end.freshness_seconds if end else None,
        "events": facts.events,
        "duplicates": facts.duplicates,
        "as_of": facts.as_of,
        "rejected": sum(rejected.values()),
        "rejected_by_reason": rejected,
        "modes": {},
        "speed": speed,
        "schedule": schedule,
        "messages": _messages(facts, settings, told, speed)
        + _schedule_messages(schedule)
        + ([] if end else [f"the log's end is unknown: {why}"]),
    }


def _views_told(snapshot: Snapshot) -> tuple[dict[str, Any], Offsets, Facts]:
    header = snapshot.header()
    told = {
        "generation": snapshot.generation,
        "epoch": snapshot.epoch,
        "boundary": _json(snapshot.boundary),
        "segment": header["segment"],
        "degraded": header["degraded"],
    }
    return told, snapshot.offsets, snapshot.facts


def _nothing_told(views: Views, why: str) -> tuple[dict[str, Any], Offsets, Facts]:
    """No view can be read; that nothing ran yet can be told when a store says so."""
    control = _control(views, why)
    boundary = control.active_boundary.offsets if control else None
    told = {
        "generation": None,
        "epoch": control.epoch if control else None,
        "boundary": _json(boundary),
        "segment": None,
        "degraded": ["speed"],
    }
    return told, boundary or {}, Facts()


def _control(views: Views, why: str) -> Control | None:
    try:
        return read_control(views.batch)
    except StoreUnavailable as error:
        raise NotReady(why) from error


def _end(log: "Log", applied: Offsets, now_ms: int) -> End:
    offsets = log.end_offsets()
    start = log.start_offsets() if applied.keys() != offsets.keys() else {}
    behind = latest(applied, {p: start.get(p, 0) for p in offsets if p not in applied})
    behind = {p: offset for p, offset in behind.items() if offset < offsets.get(p, 0)}
    stamps = [log.timestamp_of(partition, offset) for partition, offset in behind.items()]
    waiting = [now_ms - stamp for stamp in stamps if stamp is not None]
    lag = sum(offsets[p] - offset for p, offset in behind.items())
    return End(offsets, lag, max([0, *waiting]) / 1000)


def speed_layer(views: Views, now_ms: int, lease_ms: int) -> dict[str, Any]:
    """Whether a speed layer shows signs of life; by the wall clock, for people to see."""
    try:
        return _alive(views.speed.record(LEASE) or b"", now_ms, lease_ms)
    except StoreUnavailable:
        return _alive(None, now_ms, lease_ms)


def _lease_of(snapshot: Snapshot) -> bytes | None:
    """The last sign of life, empty where there is none; None where the answer does without the store."""
    if not snapshot.has_catalogue:  # it is in the same store
        return None
    with reading(SPEED_SIDE):
        return snapshot.views.speed.record(LEASE) or b""


def _schedule_of(snapshot: Snapshot) -> tuple[bytes | None, bytes | None] | None:
    """The sign of life of `batch run --every` and how its runs go; None where the batch view cannot be read."""
    if snapshot.boundary is None:
        return None
    with reading(BATCH):
        state = snapshot.views.batch.read(SCHEDULE, "state", [b"state"]).get(b"state")
        return snapshot.views.batch.record(SCHEDULE) if state else None, state


def _schedule_told(
    found: tuple[bytes | None, bytes | None] | None, now_ms: int, lease_ms: int
) -> dict[str, Any] | None:
    """None: there never was one, or that cannot be told."""
    if found is None or found[1] is None:
        return None
    return {**_alive(found[0], now_ms, lease_ms), **json.loads(found[1])}


def _schedule_messages(schedule: dict[str, Any] | None) -> list[str]:
    if schedule is None or not schedule["alive"]:
        return []
    if schedule["failures"]:
        times, error = schedule["failures"], schedule["last"]["error"]
        return [f"scheduled batch runs failed {times} time(s) in a row, last: {error}"]
    return []


def _alive(text: bytes | None, now_ms: int, lease_ms: int) -> dict[str, Any]:
    if not text:
        return {"alive": None if text is None else False, "owner": None, "beat": None}
    lease = json.loads(text)
    fresh = lease["beat"] > now_ms - 2 * lease_ms
    return {"alive": bool(lease["owner"]) and fresh, "owner": lease["owner"] or None, "beat": lease["beat"]}


def _messages(facts: Facts, settings: Settings, told: dict[str, Any], speed: dict[str, Any]) -> list[str]:
    """What a person should do."""
    out = []
    misplaced = (facts.rejected or {}).get("misrouted", 0)
    if misplaced > MANY_MISPLACED * (facts.events + misplaced):
        other = "crc32" if settings.partitioner == "murmur2" else "murmur2"
        out.append(
            f"{misplaced:,} events were in another partition than {settings.partitioner} gives their key: "
            f"set partitioner to {other} if your producers use that, "
            "run `millrace batch run --full`, then `millrace rejected replay`"
        )
    out += _duplicates_message(facts, settings)
    if told["generation"] is None:
        out.append("no generation is published yet: run `millrace batch run`")
    if not speed["alive"]:
        out.append("no speed layer runs: `millrace speed run` or `millrace up` starts one")
    return out


def _duplicates_message(facts: Facts, settings: Settings) -> list[str]:
    """Why many events have no effect, if they do."""
    accepted = facts.events + facts.duplicates
    if facts.duplicates <= MANY_DUPLICATES * accepted:
        return []
    return [
        f"{facts.duplicates:,} of {accepted:,} accepted events are duplicates without effect: their event_id is among "
        f"the last {settings.rules.remembered_ids} of their user. That is right for events that were sent twice. If "
        "the id is an order number, each order counts with its first line only: give each line an id of its own "
        "(order and line, or `import csv` without --event-id) and send the events again"
    ]


def _json(offsets: Offsets | None) -> dict[str, int] | None:
    return None if offsets is None else {str(partition): offset for partition, offset in offsets.items()}
