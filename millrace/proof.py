"""How ``verify`` gets its two sides: the merged rows, and the events of the same prefix from lake and log."""

import json
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import TYPE_CHECKING

from adapters.books import LEASE
from adapters.forgotten import forgotten
from adapters.lake import Lake, lake_events
from adapters.log import Log
from adapters.opened import batch_views, speed_views
from adapters.records import change_control, open_control, read_position
from adapters.settings import Settings, milliseconds
from core.acceptance import parse_event
from core.boundaries import earliest, latest, reaches
from core.control import is_of, origin, record_boundary
from schemas.control import Boundary, Control, Offsets, Position
from schemas.errors import MillraceError
from schemas.event import Event
from schemas.rules import Rules
from serving_layer.verify import MergedRows, Report, compare, recompute

if TYPE_CHECKING:
    from pyspark.sql import SparkSession

Say = Callable[[str], None]
WAIT_SECONDS = 600.0
POLL_SECONDS = 0.2


class Moved(MillraceError):
    """The views moved on while they were compared."""


def prove(spark: "SparkSession", log: Log, settings: Settings, say: Say, sample: int | None = None) -> Report:
    """Record a boundary, wait for a running speed layer to pass it, and compare every merged sum below it.

    Raises:
        MillraceError: nothing could be compared, or a running speed layer did not get there.
    """
    for _ in range(5):
        try:
            return _prove_once(spark, log, settings, say, sample)
        except Moved as reason:
            say(f"comparing again: {reason}")
    raise MillraceError("the views change faster than they can be compared; run `millrace verify` at a quieter time")


def _prove_once(spark: "SparkSession", log: Log, settings: Settings, say: Say, sample: int | None) -> Report:
    identity = log.identity()
    rules = replace(settings.rules, partitions=identity.partitions)
    views = batch_views(settings)
    open_control(views, identity, log.start_offsets(), rules)
    boundary = _record(settings, log)
    control, position, upto = _wait(settings, boundary, say)
    generation = control.generation(control.active)
    if generation is not None and generation.fingerprint != rules.fingerprint():
        raise MillraceError("the active generation was made with other settings: set them back to verify it")
    segments = [each for each in control.active_segments if upto != boundary.offsets or each < boundary.id]
    say(f"recomputing the log below {upto}")
    gone = forgotten(log, control.forgotten)
    events = _events(spark, log, settings, rules, control, upto)
    counted = (each for each in events if each.user_id not in gone or each.offset >= gone[each.user_id].offset)
    slow = recompute(counted, rules)
    say(f"comparing {slow.events:,} events' sums with generation {control.active} and segments {segments}")
    report = compare(slow, MergedRows(views, speed_views(settings), control, position, segments), sample)
    _require_unmoved(settings, control, position, upto, boundary)
    return report


def _record(settings: Settings, log: Log) -> Boundary:
    end, found = log.end_offsets(), []

    def record(control: Control) -> Control:
        changed, boundary = record_boundary(control, end)
        found.append(boundary)
        return changed

    change_control(batch_views(settings), record)
    return found[-1]


def _wait(settings: Settings, boundary: Boundary, say: Say) -> tuple[Control, Position | None, Offsets]:
    """The control record and the position to compare at, and the prefix that both cover."""
    deadline, told = time.monotonic() + WAIT_SECONDS, False
    while True:
        control = change_control(batch_views(settings), lambda each: each)
        position = read_position(speed_views(settings))
        current = position if position is not None and is_of(position, control) else None
        reached = latest(control.active_boundary.offsets, *([current.offsets] if current else []))
        if current is not None and reaches(reached, boundary.offsets):
            return control, current, boundary.offsets if reached != boundary.offsets else reached
        if not _speed_layer_runs(settings):
            return control, current, reached
        if not told:
            say(f"waiting for the speed layer to pass boundary {boundary.id}")
            told = True
        if time.monotonic() > deadline:
            raise MillraceError(
                f"the speed layer did not pass {boundary.offsets} within {WAIT_SECONDS:g} s; see status"
            )
        time.sleep(POLL_SECONDS)


def _speed_layer_runs(settings: Settings) -> bool:
    text = speed_views(settings).record(LEASE)
    if text is None:
        return False
    lease = json.loads(text)
    return bool(lease["owner"]) and time.time() * 1000 - lease["beat"] < 2 * milliseconds(settings.lease)


def _events(
    spark: "SparkSession", log: Log, settings: Settings, rules: Rules, control: Control, upto: Offsets
) -> Iterator[Event]:
    """Every accepted event below ``upto``: from the lake as far as it reaches, the rest from the log."""
    lake, start = Lake(spark, settings.lake_path), origin(control)
    covered = earliest(latest(start, lake.covered(control.log, start)), upto)
    # The lake may hold what was in the log before this control record was made.
    yield from lake_events(lake, rules, dict.fromkeys(start, 0), covered)
    for record in log.read(log.topics.events, covered, upto):
        event = parse_event(record, rules)
        if isinstance(event, Event):
            yield event


def _require_unmoved(
    settings: Settings, control: Control, position: Position | None, upto: Offsets, at: Boundary
) -> None:
    """A swap, a new epoch or, without a boundary to stop at, new events make the comparison void."""
    now, then = change_control(batch_views(settings), lambda each: each), read_position(speed_views(settings))
    if now.active != control.active or now.epoch != control.epoch:
        raise Moved("a generation or an epoch was swapped in")
    if upto != at.offsets and position is not None and (then is None or then.offsets != position.offsets):
        raise Moved("the speed layer started meanwhile")
