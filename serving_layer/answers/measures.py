"""What ``/metrics`` shows of the installation's state: lag, age and quality, from the stores and the log.

These are facts of the whole installation, the same whichever process is asked, so no process counts them. The event
counts are exact: each event is in them once, whatever was repeated after a crash. They are gauges, because they fall
when users are forgotten.
"""

from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from core.telemetry.families import Family
from schemas.control import Control, Generation
from schemas.errors import MillraceError

Values = Iterator[tuple[tuple[str, ...], float]]


@dataclass(frozen=True)
class State:
    """``status``: the answer of the command of that name; ``control``: None where it cannot be read."""

    status: dict[str, Any]
    control: Control | None
    now_ms: int

    @property
    def active(self) -> Generation | None:
        """The generation that serves."""
        return None if self.control is None else self.control.generation(self.control.active)


Read = Callable[[State], Values]
MEASURES: list[tuple[Family, Read]] = []
MEASURED = Family("millrace_state_known", "gauge", "1 if stores and log could be read for this scrape, else 0.")


def measure(name: str, about: str, *labels: str) -> Callable[[Read], Read]:
    """Return a decorator that adds a gauge to the table."""

    def added(read: Read) -> Read:
        MEASURES.append((Family(name, "gauge", about, labels), read))
        return read

    return added


def levels(state: State) -> Iterator[tuple[Family, tuple[str, ...], float]]:
    """Return all gauges of the state; what is not known is left out."""
    for family, read in MEASURES:
        with suppress(MillraceError):
            yield from ((family, labels, value) for labels, value in read(state))


@measure("millrace_degraded", "1 for each part that answers lack now.", "part")
def _degraded(state: State) -> Values:
    yield from (((part,), 1) for part in state.status["degraded"])


@measure("millrace_events", "Accepted events without duplicates, in all answers.")
def _events(state: State) -> Values:
    yield (), state.status["events"]


@measure("millrace_duplicates", "Duplicates that were recognised.")
def _duplicates(state: State) -> Values:
    if state.status["duplicates"] is not None:
        yield (), state.status["duplicates"]


@measure("millrace_excess", "Events beyond one user's share of an item, in no count of popularity.")
def _excess(state: State) -> Values:
    yield (), state.status["excess"]


@measure("millrace_rejected", "Events that broke the contract, by reason.", "reason")
def _rejected(state: State) -> Values:
    yield from (((reason,), number) for reason, number in state.status["rejected_by_reason"].items())


@measure("millrace_rejected_catalogue", "Records of items and users that broke the contract, by reason.", "reason")
def _rejected_catalogue(state: State) -> Values:
    yield from (((reason,), number) for reason, number in (state.status["rejected_catalogue"] or {}).items())


@measure("millrace_applied_offset", "Offset below which every event is in the answers.", "partition")
def _applied(state: State) -> Values:
    yield from (((partition,), offset) for partition, offset in (state.status["applied"] or {}).items())


@measure("millrace_lag_events", "Records of the log that no answer holds yet.", "partition")
def _lag(state: State) -> Values:
    applied = state.status["applied"] or {}
    for partition, end in (state.status["end"] or {}).items():
        yield (partition,), max(0, end - applied.get(partition, 0))


@measure("millrace_freshness_seconds", "Age of the oldest record that no answer holds yet; 0 when all do.")
def _freshness(state: State) -> Values:
    if state.status["freshness_seconds"] is not None:
        yield (), state.status["freshness_seconds"]


@measure("millrace_epoch", "Epoch of the speed layer.")
def _epoch(state: State) -> Values:
    if state.status["epoch"] is not None:
        yield (), state.status["epoch"]


@measure("millrace_speed_alive", "1 if a speed layer shows signs of life, else 0.")
def _speed_alive(state: State) -> Values:
    if state.status["speed"]["alive"] is not None:
        yield (), float(state.status["speed"]["alive"])


@measure("millrace_generation_active", "1, with the id of the generation that serves.", "generation")
def _generation(state: State) -> Values:
    if state.active is not None:
        yield (state.active.id,), 1


@measure("millrace_generation_age_seconds", "Since the serving generation was published.")
def _generation_age(state: State) -> Values:
    if state.active is not None:
        yield (), max(0, state.now_ms - state.active.published_at) / 1_000


@measure("millrace_generation_newest_age_seconds", "Since the newest kept generation was published, serving or not.")
def _newest_age(state: State) -> Values:
    if state.control is not None and state.control.generations:
        newest = max(generation.published_at for generation in state.control.generations)
        yield (), max(0, state.now_ms - newest) / 1_000


@measure("millrace_segments", "Segments that are added to the serving generation.")
def _segments(state: State) -> Values:
    if state.control is not None:
        yield (), len(state.control.active_segments)


@measure("millrace_segment_age_seconds", "Since the newest segment began, which is when the last batch run began.")
def _segment_age(state: State) -> Values:
    if state.control is None:
        return
    began = [run.begun_at for run in state.control.runs]
    began += [moment for generation in state.control.generations if (moment := _begun(generation.id)) is not None]
    if began:
        yield (), max(0, state.now_ms - max(began)) / 1_000


@measure("millrace_generation_events", "Events of the serving generation.")
def _generation_events(state: State) -> Values:
    if state.active is not None:
        yield (), state.active.measured.events


@measure("millrace_generation_rows", "Rows of the serving generation by view.", "view")
def _generation_rows(state: State) -> Values:
    if state.active is not None:
        yield from (((view,), rows) for view, rows in state.active.measured.rows.items())


@measure("millrace_generation_step_seconds", "How long each step of its batch run took.", "step")
def _steps(state: State) -> Values:
    if state.active is not None:
        yield from (((step,), seconds) for step, seconds in state.active.measured.step_seconds.items())


@measure("millrace_generation_ndcg", "NDCG@10 of the serving generation on held-out events, by ranking.", "ranking")
def _quality(state: State) -> Values:
    if state.active is not None:
        yield from (((name,), figures.ndcg) for name, figures in state.active.measured.evaluation.figures().items())


@measure("millrace_generations_refused", "Generations in a row that the gate kept from serving.")
def _refused(state: State) -> Values:
    if state.control is not None:
        yield (), state.control.refused


@measure("millrace_rollback_holds", "1 while a rollback keeps scheduled runs from serving, else 0.")
def _held(state: State) -> Values:
    if state.control is not None:
        yield (), float(state.control.held)


@measure("millrace_schedule_alive", "1 if `batch run --every` shows signs of life, else 0; none where it never ran.")
def _schedule_alive(state: State) -> Values:
    schedule = state.status["schedule"]
    if schedule is not None and schedule["alive"] is not None:
        yield (), float(schedule["alive"])


@measure("millrace_schedule_failures", "Scheduled batch runs that failed in a row.")
def _schedule_failures(state: State) -> Values:
    if state.status["schedule"] is not None:
        yield (), state.status["schedule"]["failures"]


def _begun(generation: str) -> int | None:
    """Return when the run of that id began, epoch ms; None for an id that somebody chose."""
    try:
        return int(datetime.strptime(generation[:16], "%Y%m%dT%H%M%SZ").replace(tzinfo=UTC).timestamp() * 1_000)
    except ValueError:
        return None
