"""``millrace evaluate``: how good the rankings are on a time split of your own events."""

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from adapters.records.control import read_control
from adapters.settings import Settings, load_settings
from adapters.stores.opened import batch_views
from adapters.terminal.commands import as_json, print_json, reports_errors
from adapters.terminal.progress import waiting, watched
from adapters.terminal.reporting import reporter
from schemas.errors import NotReady

if TYPE_CHECKING:
    import pyarrow as pa

    from adapters.log.forgotten import Forgotten
    from schemas.control import Control
    from schemas.rules import Rules

LINES_AT_ONCE = 100_000


@click.command()
@click.option("--events", type=click.Path(exists=True, path_type=Path), help="Judge a JSONL file, not the lake.")
@as_json
@reports_errors
def evaluate(events: Path | None, as_json: bool) -> None:
    """Recall, NDCG, hits and coverage of each model on the last fifth of the events, with 95 % intervals.

    Models learn from the earlier events. They are judged on users with something new after the cut. The lake is read up
    to the active generation's boundary; beyond `evaluation_events` a sample of users is taken.
    """
    from batch_layer.learning.evaluation import Question, evaluate, in_time_order

    settings = load_settings()
    rows = in_lake(settings) if events is None else in_file(events, settings.rules)
    with waiting("fitting and judging the models"):
        question = Question(settings.rules, settings.recommender_settings, settings.reading.shrinkage)
        report = evaluate(in_time_order(rows)[0], question)
    if as_json:
        print_json(report)
    else:
        show(report)


def in_lake(settings: Settings) -> "pa.Table":
    """The events of the active generation, as whole users up to ``evaluation_events``.

    Raises:
        NotReady: no generation was published.
    """
    from adapters.engine.tasks import Engine
    from adapters.lake.tables import Lake
    from batch_layer.learning.sample import sampled

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
        return sampled(engine.tasks(events.most), events, total, most)


def _forgotten(settings: Settings, control: "Control") -> "Forgotten":
    from adapters.broker.opening import open_log
    from adapters.log.forgotten import forgotten

    if not control.forgotten:
        return {}
    with open_log(settings) as log:
        return forgotten(log, control.forgotten)


def in_file(path: Path, rules: "Rules") -> "pa.Table":
    """The acceptable events of a file, in the form of ``sample.SAMPLE``; the line number serves as the offset."""
    from dataclasses import replace

    import pyarrow as pa
    import pyarrow.compute as pc

    from core.events.parse import parse_columns
    from schemas.event import EVENT_COLUMNS

    alone = replace(rules, partitions=1)
    tables, refused = [], 0
    for records in watched(f"reading {path}, hundred thousands of lines", _records(path), every=1):
        events, rejected = parse_columns(records, alone)
        refused += rejected.num_rows
        tables.append(pa.Table.from_batches([events]))
    if refused:
        reporter("evaluate")(f"lines that are not acceptable events: {refused:,}")
    whole = pa.concat_tables(tables) if tables else EVENT_COLUMNS.empty_table()
    weighty = whole.filter(pc.not_equal(whole.column("weight"), 0))
    names = ["user_id", "item_id", "weight", "event_time", "partition", "offset"]
    return weighty.select(names).rename_columns(["user", *names[1:]])


def _records(path: Path) -> Iterator["pa.RecordBatch"]:
    """The lines as records of a log with one partition, with a timestamp later than every event time."""
    import itertools

    import pyarrow as pa

    from datasets.files.parts import open_file
    from datasets.sending.lines import KEY_FIELDS, key_reader
    from schemas.event import RECORD_COLUMNS

    key_of, first = key_reader(KEY_FIELDS["events"]), 0
    with open_file(path) as file:
        while lines := [line.rstrip(b"\r\n") for line in itertools.islice(file, LINES_AT_ONCE)]:
            n = len(lines)
            columns = [[0] * n, range(first, first + n), [2**62] * n, [key_of(line) for line in lines], lines]
            arrays = [pa.array(column, field.type) for column, field in zip(columns, RECORD_COLUMNS, strict=True)]
            yield pa.RecordBatch.from_arrays(arrays, schema=RECORD_COLUMNS)
            first += n


def show(report: dict[str, Any]) -> None:
    """Print the evaluation as a table."""
    from rich import box
    from rich.table import Table

    from adapters.terminal.console import console
    from core.events.timestamps import time_text

    screen = console()
    if not report["models"]:
        screen.print(f"{report['events']:,} events: nobody was active before and touched a known new item afterwards")
        return
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False)
    table.add_column("")
    for heading in ("NDCG@10", "95 %", "recall@10", "95 %", "HR@10", "coverage"):
        table.add_column(heading, justify="right")
    for name, scores in report["models"].items():
        cells = [text for key in ("ndcg@10", "recall@10") for text in (f"{scores[key]:.3f}", _interval(scores, key))]
        table.add_row(name, *cells, f"{scores['hr@10']:.3f}", f"{scores['coverage']:.3f}")
    screen.print(
        f"{report['events']:,} events cut at {time_text(report['cut'])}: {report['judged_users']:,} users judged, "
        f"{report['unknown_items']:.1%} of the later events are of items unknown before (left out)"
    )
    screen.print(table)
    screen.print(f"recent: a window of {report['recent_window_hours']} h; intervals resample users, not the cut")


def _interval(scores: dict[str, Any], metric: str) -> str:
    low, high = scores[f"{metric} 95 %"]
    return f"{low:.3f}–{high:.3f}"
