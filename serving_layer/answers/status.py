"""The state of everything in one answer: what is published, how far the speed layer is, how far the log."""

from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

from adapters.records.books import LEASE, SCHEDULE, SPEED
from adapters.records.control import read_control
from adapters.records.lease import Sign
from adapters.records.schedule import read_schedule
from adapters.settings import Settings
from core.control.boundaries import latest
from core.control.schedule import State
from core.rows.codec import Facts
from schemas.control import Control, Offsets, Position
from schemas.errors import MillraceError, NotReady, SettingsError, StoreUnavailable
from serving_layer.answers.advice import Situation, Waiting, messages, pending_epoch
from serving_layer.answers.beside_events import (
    about_the_catalogue,
    about_the_speed_store,
    about_the_topics,
    rejected_catalogue,
)
from serving_layer.answers.crowded import crowded_dimensions
from serving_layer.answers.without_effect import NO_EXCESS, excess, known_duplicates
from serving_layer.reading.answering import answer
from serving_layer.reading.patience import reading
from serving_layer.reading.snapshot import Snapshot
from serving_layer.reading.views import BATCH, SPEED_SIDE, Views

if TYPE_CHECKING:
    from adapters.log.kafka_log import Log


@dataclass(frozen=True)
class End:
    """Where the log ends: last stable offsets, records not yet applied, and since when the oldest of them waits."""

    offsets: Offsets
    lag_events: int
    freshness_seconds: float


def status(views: Views, settings: Settings, log: "Log | None", now_ms: int) -> dict[str, Any]:
    """Return the JSON of contract §7.

    Args: log: None when none is there.      now_ms: the wall clock, epoch ms.
    Raises: NotReady when neither store answers.
    """
    lease_ms = settings.speed.lease_ms
    try:
        (summary, applied, facts), lease, runs, (control, pending), catalogue, why_without = answer(
            views,
            lambda snapshot: (
                _views_summary(snapshot, settings),
                _lease_of(snapshot),
                _schedule_of(snapshot),
                _stand(snapshot),
                _catalogue_of(snapshot),
                snapshot.without.get(SPEED_SIDE, ""),
            ),
        )
        speed, schedule = _alive(lease, now_ms, lease_ms), _schedule_summary(runs, now_ms, lease_ms)
        engine = Sign.of(lease).engine if lease and speed["alive"] else ""
    except NotReady as error:
        control, pending, why_without = _control(views, str(error)), None, str(error)
        summary, applied, facts = _empty_summary(control)
        (speed, schedule), engine = (speed_layer(views, now_ms, lease_ms), None), ""
        catalogue = rejected_catalogue(views) if speed["alive"] is not None else None
    end, waiting, why = None, None, "no broker runs"
    try:
        if log is not None:
            end = _end(log, applied, now_ms)
            waiting = _waiting(log, control)
    except MillraceError as error:
        why = str(error)
    if end is None:
        summary["degraded"].append("log")
    rejected = facts.rejected or {}
    others = [
        *about_the_catalogue(catalogue),
        *about_the_speed_store(why_without),
        *about_the_topics(log if end else None, settings.log.retention_ms),
        *([] if end else [f"the log's end is unknown: {why}"]),
    ]
    situation = Situation(
        summary["generation"], facts, settings.rules, control, pending, waiting, speed, schedule, others,
        summary["excess_users"], summary["crowded_dimensions"],
    )  # fmt: skip
    return {
        **summary,
        "applied": _json(applied),
        "end": _json(end.offsets) if end else None,
        "lag_events": end.lag_events if end else None,
        "freshness_seconds": end.freshness_seconds if end else None,
        "events": facts.events,
        "duplicates": known_duplicates(control, facts, settings),
        "as_of": facts.as_of,
        "rejected": sum(rejected.values()),
        "rejected_by_reason": rejected,
        "rejected_catalogue": catalogue,
        "held": control.held if control else None,
        "refused_in_a_row": control.refused if control else None,
        "forgotten_waiting": waiting.users if waiting else None,
        "epoch_pending": pending,
        "modes": {"engine": engine} if engine else {},
        "blend": _blend(control),
        "speed": speed,
        "schedule": schedule,
        "messages": messages(situation),
    }


def _blend(control: Control | None) -> str | None:
    """Return what the active generation says of its learned blend; None where it says nothing."""
    active = control.generation(control.active) if control else None
    return active.measured.learned.get("says") if active else None


def _views_summary(snapshot: Snapshot, settings: Settings) -> tuple[dict[str, Any], Offsets, Facts]:
    header = snapshot.header()
    summary = {
        "generation": snapshot.generation,
        "epoch": snapshot.epoch,
        "boundary": _json(snapshot.boundary),
        "segment": header["segment"],
        "degraded": header["degraded"],
        **excess(snapshot),
        "crowded_dimensions": crowded_dimensions(snapshot, settings.rules),
    }
    return summary, snapshot.offsets, snapshot.facts


def _stand(snapshot: Snapshot) -> tuple[Control | None, str | None]:
    """Return the control record, and why a new epoch of the speed layer is pending; None if that is unknown.

    The position is read first: what it was committed by is in every later control record.
    """
    text, readable = None, snapshot.has_catalogue  # it is in the same store
    if readable:
        with reading(SPEED_SIDE):
            text = snapshot.views.speed.record(SPEED)
    if snapshot.boundary is None:
        return None, None
    with reading(BATCH):
        control = read_control(snapshot.views.batch)
    if control is None or not readable:
        return control, None
    return control, pending_epoch(control, Position.from_json(text) if text else None)


def _waiting(log: "Log", control: Control | None) -> Waiting | None:
    """Return users who are marked and not forgotten yet; None if that is unknown."""
    from adapters.log.forgotten import waiting

    if control is None:
        return None
    try:
        marks = waiting(log, control.forgotten)
    except NotReady:  # an installation from before the topic existed
        return None
    return Waiting(len(marks), min((mark.at for mark in marks), default=0))


def _empty_summary(control: Control | None) -> tuple[dict[str, Any], Offsets, Facts]:
    """Return the summary when no view can be read; a store may still report that nothing ran yet."""
    boundary = control.active_boundary.offsets if control else None
    summary = {
        "generation": None,
        "epoch": control.epoch if control else None,
        "boundary": _json(boundary),
        "segment": None,
        "degraded": ["speed"],
        **NO_EXCESS,
        "crowded_dimensions": [],
    }
    return summary, boundary or {}, Facts()


def _control(views: Views, why: str) -> Control | None:
    try:
        return read_control(views.batch)
    except (StoreUnavailable, SettingsError) as error:
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
    """Return whether a speed layer shows signs of life, by the wall clock, for people to see."""
    try:
        return _alive(views.speed.record(LEASE) or b"", now_ms, lease_ms)
    except (StoreUnavailable, SettingsError):
        return _alive(None, now_ms, lease_ms)


def _lease_of(snapshot: Snapshot) -> bytes | None:
    """Return the last sign of life, empty if there never was one; None when the answer lacks the store."""
    if not snapshot.has_catalogue:  # it is in the same store
        return None
    with reading(SPEED_SIDE):
        return snapshot.views.speed.record(LEASE) or b""


def _catalogue_of(snapshot: Snapshot) -> dict[str, int] | None:
    """Return rejected records of the catalogue by reason; None when the answer lacks the store."""
    if not snapshot.has_catalogue:
        return None
    with reading(SPEED_SIDE):
        return rejected_catalogue(snapshot.views)


def _schedule_of(snapshot: Snapshot) -> tuple[bytes | None, State | None] | None:
    """Return the sign of life of `batch run --every` and how its runs go; None if the batch view cannot be read."""
    if snapshot.boundary is None:
        return None
    with reading(BATCH):
        state = read_schedule(snapshot.views.batch)
        return snapshot.views.batch.record(SCHEDULE) if state else None, state


def _schedule_summary(
    lease_and_state: tuple[bytes | None, State | None] | None, now_ms: int, lease_ms: int
) -> dict[str, Any] | None:
    """Return the schedule's state; None when there never was one, or it is unknown."""
    if lease_and_state is None or lease_and_state[1] is None:
        return None
    return {**_alive(lease_and_state[0], now_ms, lease_ms), **asdict(lease_and_state[1])}


def _alive(text: bytes | None, now_ms: int, lease_ms: int) -> dict[str, Any]:
    """Return the content of a sign of life; ``text`` is empty if there never was one, None if that is unknown."""
    if not text:
        return {"alive": None if text is None else False, "owner": None, "beat": None}
    sign = Sign.of(text)
    return {"alive": sign.alive(now_ms, lease_ms), "owner": sign.owner or None, "beat": sign.beat}


def _json(offsets: Offsets | None) -> dict[str, int] | None:
    return None if offsets is None else {str(partition): offset for partition, offset in offsets.items()}
