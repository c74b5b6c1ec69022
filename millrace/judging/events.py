"""The events that an evaluation judges: those of the active generation, or those of a file."""

import time
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from adapters.records.control import read_control
from adapters.settings import Settings
from adapters.stores.opened import batch_views
from adapters.terminal.progress import waiting, watched
from adapters.terminal.reporting import reporter
from schemas.errors import BadInput, NotReady

if TYPE_CHECKING:
    import pyarrow as pa

    from adapters.log.forgotten import Forgotten
    from schemas.control import Control
    from schemas.rules import Rules

LINES_AT_ONCE = 100_000


def in_lake(settings: Settings, whole: bool = False) -> "pa.Table":
    """Return the events of the active generation, as whole users up to ``evaluation_events``.

    Raises:
        NotReady: no generation was published.
    """
    from adapters.engine.tasks import Engine
    from adapters.lake.tables import Lake
    from batch_layer.learning.sample import SAMPLE, WHOLE, sampled

    control = read_control(batch_views(settings)) if settings.stores.batch_views or settings.home.is_dir() else None
    active = control.generation(control.active) if control else None
    if control is None or active is None:
        raise NotReady("no generation was published yet: run `millrace batch run`, or name a file with --events")
    engine, gone = Engine(settings, "millrace evaluate"), _forgotten(settings, control)
    events = Lake(None, settings.lake_path).stretch(settings.rules, active.boundary.offsets, forgotten=gone)
    most = settings.evaluation.events or Settings().evaluation.events
    total = active.measured.events
    if total > most:
        reporter("evaluate")(f"a sample of users with about {most:,} of {total:,} events (evaluation_events)")
    with waiting("reading the lake"):
        return sampled(engine.tasks(events.most), events, total, most, WHOLE if whole else SAMPLE)


def _forgotten(settings: Settings, control: "Control") -> "Forgotten":
    from adapters.broker.opening import open_log
    from adapters.log.forgotten import forgotten

    if not control.forgotten:
        return {}
    with open_log(settings) as log:
        return forgotten(log, control.forgotten)


def in_file(path: Path, rules: "Rules") -> "pa.Table":
    """Return the acceptable events of a file in the form of ``sample.WHOLE``; the line number serves as the offset.

    Lines are judged as those that are sent now: what the log refuses is named, and of events with one id of a user the
    first counts.

    Raises:
        BadInput: there are lines, and none is an acceptable event.
    """
    from dataclasses import replace

    import pyarrow as pa
    import pyarrow.compute as pc

    from batch_layer.learning.sample import WHOLE
    from core.events.parse import parse_columns
    from datasets.sending.judging import Judged, judge_of
    from schemas.event import EVENT_COLUMNS

    alone, judged, tables = replace(rules, partitions=1), Judged(judge_of("events", rules, now_ms), now_ms), []
    for records in watched(f"reading {path}, hundred thousands of lines", _records(path), every=1):
        events, rejected = parse_columns(records, alone)
        judged.count(records.num_rows, (rejected.column(name).to_pylist() for name in ("offset", "reason", "value")))
        tables.append(pa.Table.from_batches([events]))
    if judged.judged and judged.nothing_counts:
        raise BadInput(f"none of the {judged.judged:,} lines of {path} is an acceptable event: {judged.reasons()}")
    if bad := judged.rejected.total():
        reporter("evaluate")(f"{bad:,} of {judged.judged:,} lines are no acceptable events: {judged.reasons()}")
    whole = _once(pa.concat_tables(tables)) if tables else EVENT_COLUMNS.empty_table()
    weighty = whole.filter(pc.not_equal(whole.column("weight"), 0))
    return weighty.rename_columns(WHOLE.names)


def now_ms() -> int:
    """Return the time, epoch ms."""
    return time.time_ns() // 1_000_000


def _once(events: "pa.Table") -> "pa.Table":
    """Return the events without those whose id an earlier one of the user had; says how many these are."""
    import numpy as np
    import pyarrow as pa

    ids = events.select(["user_id", "event_id"]).append_column("place", pa.array(np.arange(events.num_rows)))
    first = ids.group_by(["user_id", "event_id"], use_threads=False).aggregate([("place", "min")])
    if again := events.num_rows - first.num_rows:
        reporter("evaluate")(f"{again:,} events are duplicates: their user has an earlier one of the same event_id")
        events = events.take(pa.array(np.sort(first.column("place_min").to_numpy())))
    return events


def _records(path: Path) -> Iterator["pa.RecordBatch"]:
    """Yield the lines as records of a log with one partition that are appended now."""
    import itertools

    import pyarrow as pa

    from datasets.files.parts import open_file
    from datasets.sending.first_lines import look_at
    from datasets.sending.lines import KEY_FIELDS, key_reader
    from schemas.event import RECORD_COLUMNS

    key_of, first, now = key_reader(KEY_FIELDS["events"]), 0, now_ms()
    with open_file(path) as file:
        every = (line.rstrip(b"\r") for line in look_at(file, str(path), one_per_line=True).lines())
        while lines := list(itertools.islice(every, LINES_AT_ONCE)):
            n = len(lines)
            columns = [[0] * n, range(first, first + n), [now] * n, [key_of(line) for line in lines], lines]
            arrays = [pa.array(column, field.type) for column, field in zip(columns, RECORD_COLUMNS, strict=True)]
            yield pa.RecordBatch.from_arrays(arrays, schema=RECORD_COLUMNS)
            first += n
