"""The commands ``batch run``, ``generations`` and ``rollback``."""

import random
import signal
import threading
import time
from types import FrameType
from typing import Any

import click

from adapters.commands import as_json, print_json, reports_errors
from adapters.opened import batch_views
from adapters.records import change_control, read_control
from adapters.saying import sayer
from adapters.settings import load_settings, milliseconds
from core.control import rollback as rolled_back
from schemas.control import Control
from schemas.errors import BadInput, MillraceError, NotReady


@click.group()
def batch() -> None:
    """The batch layer: compute and publish a generation."""


@batch.command()
@click.option("--full", is_flag=True, help="Recompute all, with the settings of now; needed after they changed.")
@click.option("--every", metavar="D", help="Again and again, e.g. 10m, with up to 10 % jitter; ends with Ctrl-C.")
@click.option("--reason", default="", help="Kept with the generation.")
@as_json
@reports_errors
def run(full: bool, every: str | None, reason: str, as_json: bool) -> None:
    """Ingest the log, compute every view, publish them as one generation and print it as JSON."""
    from adapters.opening import open_log
    from adapters.spark import open_session
    from batch_layer.jobs.generation import BatchJob, shown

    settings, say = load_settings(), sayer("batch")
    pause = milliseconds(every) / 1000 if every else None
    stop = _stop_signals() if pause else threading.Event()
    with open_log(settings) as log:
        job = BatchJob(open_session(settings, "millrace batch"), log, settings, say)
        while True:
            try:
                # By hand a rollback's hold is lifted; a schedule leaves it.
                print_json(shown(job.run(reason, full, activate=None if pause else True)))
            except MillraceError as error:
                if pause is None:
                    raise
                say(f"failed, next try as scheduled: {error}")
            if pause is None or stop.wait(pause * random.uniform(0.95, 1.05)):
                return


@click.command()
@as_json
@reports_errors
def generations(as_json: bool) -> None:
    """The kept generations, oldest first, and which one is active."""
    control = _control()
    rows = [_row(control, name) for name in [None, *(each.id for each in control.generations)]]
    rows = [row for row in rows if row["id"] is not None or row["active"] or row["predecessor"]]
    if as_json:
        print_json(rows)
        return
    from rich.console import Console
    from rich.table import Table

    table = Table("generation", "boundary", "published", "events", "reason", "")
    for row in rows:
        mark = "active" if row["active"] else "previous" if row["predecessor"] else ""
        published = (
            time.strftime("%Y-%m-%d %H:%M:%S", time.localtime(row["published_at"] / 1000))
            if row["published_at"]
            else ""
        )
        events = f"{row['metrics'].get('events', 0):,}"
        table.add_row(row["id"] or "(empty)", str(row["boundary"]), published, events, row["reason"], mark)
    Console().print(table)


@click.command()
@click.argument("generation", required=False)
@click.option("--release", is_flag=True, help="Let scheduled runs activate their generations again.")
@as_json
@reports_errors
def rollback(generation: str | None, release: bool, as_json: bool) -> None:
    """Make a kept GENERATION (default: the previous one) active again, and hold it there until released."""
    from dataclasses import replace

    control = _control()
    if release:
        change_control(batch_views(load_settings()), lambda each: replace(each, held=False))
    else:
        if generation is None and control.active is None:
            raise BadInput("there is nothing to roll back from: no generation was published yet")
        target = generation or control.predecessor
        change_control(batch_views(load_settings()), lambda each: rolled_back(each, target))
    now = _control()
    told = {"active": now.active, "predecessor": now.predecessor, "held": now.held}
    if as_json:
        print_json(told)
    else:
        click.echo(f"active: {now.active or '(the empty generation)'}{', held' if now.held else ''}")


def _control() -> Control:
    settings = load_settings()
    control = read_control(batch_views(settings)) if settings.batch_views or settings.home.is_dir() else None
    if control is None:
        raise NotReady("nothing ran yet: run `millrace batch run` or `millrace up`")
    return control


def _row(control: Control, name: str | None) -> dict[str, Any]:
    generation = control.generation(name)
    boundary = generation.boundary if generation else control.boundaries[0]
    return {
        "id": name,
        "active": control.active == name,
        "predecessor": control.predecessor == name and control.active != name,
        "held": control.held and control.active == name,
        "boundary": {str(p): offset for p, offset in boundary.offsets.items()},
        "published_at": generation.published_at if generation else None,
        "reason": generation.reason if generation else "",
        "metrics": generation.metrics if generation else {},
    }


def _stop_signals() -> threading.Event:
    stop = threading.Event()

    def end(number: int, frame: FrameType | None) -> None:
        stop.set()

    for each in (signal.SIGTERM, signal.SIGINT):
        signal.signal(each, end)
    return stop
