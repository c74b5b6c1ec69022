"""Collects the two sides that ``verify`` compares: merged rows, and events of the same prefix from lake and log."""

import time
from collections.abc import Callable
from dataclasses import replace
from typing import TYPE_CHECKING

from adapters.lake.tables import Lake
from adapters.log.forgotten import forgotten
from adapters.log.kafka_log import Log
from adapters.records.books import LEASE
from adapters.records.control import change_control, open_control, read_position
from adapters.records.lease import Sign
from adapters.settings import Settings
from adapters.stores.opened import batch_views, speed_views
from core.control.boundaries import latest, reaches
from core.control.changes import is_of, record_boundary
from core.control.fingerprints import why_not_these
from millrace.proof.past import Past
from schemas.control import Boundary, Control, Offsets, Position
from schemas.errors import MillraceError
from serving_layer.proof.compare import Watch, compare
from serving_layer.proof.merged_rows import MergedRows, Moved
from serving_layer.proof.report import Report

if TYPE_CHECKING:
    from pyspark.sql import SparkSession

Say = Callable[[str], None]
WAIT_SECONDS = 600.0
POLL_SECONDS = 0.2


def prove(
    spark: "SparkSession", log: Log, settings: Settings, say: Say, sample: int | None = None, watch: Watch | None = None
) -> Report:
    """Record a boundary, wait for a running speed layer to pass it, and compare every merged row below it.

    Raises:
        MillraceError: nothing could be compared, or a running speed layer did not reach the boundary.
    """
    for _ in range(5):
        try:
            return _prove_once(spark, log, settings, say, sample, watch)
        except Moved as reason:
            say(f"comparing again: {reason}")
    raise MillraceError("the views change faster than they can be compared; run `millrace verify` at a quieter time")


def _prove_once(
    spark: "SparkSession", log: Log, settings: Settings, say: Say, sample: int | None, watch: Watch | None
) -> Report:
    identity = log.identity()
    rules = replace(settings.rules, partitions=identity.partitions)
    views = batch_views(settings)
    open_control(views, identity, log.start_offsets(), rules)
    boundary = _record(settings, log)
    control, position, upto = _wait(settings, boundary, say)
    if why := why_not_these(control.fingerprint, rules):
        raise MillraceError(f"nothing can be compared: {why}")
    segments = [segment for segment in control.active_segments if upto != boundary.offsets or segment < boundary.id]
    say(f"recomputing the log below {upto}")
    past = Past(log, Lake(spark, settings.lake_path), rules, forgotten(log, control.forgotten))
    boundary_of_active = control.active_boundary.offsets if control.active else None
    prefix = past.prefix(control, upto, lambda: read_position(speed_views(settings)), boundary_of_active)
    prefix.slow.rejected.update(past.rejected_in_lake(control, upto))
    events = prefix.slow.events
    active = f"generation {control.active}" if control.active else "the empty generation"
    say(f"comparing what {events:,} events add up to with {active} and segments {segments}")
    merged = MergedRows(views, speed_views(settings), control, position, segments)
    report = compare(prefix, merged, sample, watch=watch)
    _require_unmoved(settings, control, position, upto, boundary)
    return report


def _record(settings: Settings, log: Log) -> Boundary:
    end, boundaries = log.end_offsets(), []

    def record(control: Control) -> Control:
        changed, boundary = record_boundary(control, end)
        boundaries.append(boundary)
        return changed

    change_control(batch_views(settings), record)
    return boundaries[-1]


def _wait(settings: Settings, boundary: Boundary, say: Say) -> tuple[Control, Position | None, Offsets]:
    """Return the control record and the position to compare at, and the prefix that both cover."""
    deadline, announced = time.monotonic() + WAIT_SECONDS, False
    while True:
        control = change_control(batch_views(settings), lambda control: control)
        position = read_position(speed_views(settings))
        current = position if position is not None and is_of(position, control) else None
        reached = latest(control.active_boundary.offsets, *([current.offsets] if current else []))
        if current is not None and reaches(reached, boundary.offsets):
            return control, current, boundary.offsets if reached != boundary.offsets else reached
        if not _speed_layer_runs(settings):
            return control, current, reached
        if not announced:
            say(f"waiting for the speed layer to pass boundary {boundary.id}")
            announced = True
        if time.monotonic() > deadline:
            raise MillraceError(
                f"the speed layer did not pass {boundary.offsets} within {WAIT_SECONDS:g} s; see status"
            )
        time.sleep(POLL_SECONDS)


def _speed_layer_runs(settings: Settings) -> bool:
    text = speed_views(settings).record(LEASE)
    return text is not None and Sign.of(text).alive(time.time_ns() // 1_000_000, settings.speed.lease_ms)


def _require_unmoved(
    settings: Settings, control: Control, position: Position | None, upto: Offsets, at: Boundary
) -> None:
    """Raise Moved after a swap, a new epoch or, without a boundary to stop at, new events."""
    now, then = change_control(batch_views(settings), lambda control: control), read_position(speed_views(settings))
    if now.active != control.active or now.epoch != control.epoch:
        raise Moved("a generation or an epoch was swapped in")
    if upto != at.offsets and position is not None and (then is None or then.offsets != position.offsets):
        raise Moved("the speed layer started meanwhile")
