"""``millrace lake maintain``: the nightly maintenance of the lake."""

import time
from typing import TYPE_CHECKING

import click

from adapters.records.control import read_control
from adapters.settings import load_settings, milliseconds
from adapters.stores.opened import batch_views
from adapters.terminal.commands import as_json, print_json, reports_errors
from adapters.terminal.progress import watched
from adapters.terminal.reporting import reporter
from core.control.changes import check_log
from schemas.errors import NotReady

if TYPE_CHECKING:
    from adapters.lake.care import LakeCare
    from adapters.log.kafka_log import Log
    from schemas.control import Control

STEPS = ("purge", "optimize", "vacuum")


@click.group()
def lake() -> None:
    """Maintain the event lake."""


@lake.command()
@click.argument("steps", nargs=-1, type=click.Choice(STEPS))
@click.option("--keep", default="7d", show_default=True, metavar="D", help="How long files that left the lake stay.")
@as_json
@reports_errors
def maintain(steps: tuple[str, ...], keep: str, as_json: bool) -> None:
    """Delete forgotten users' events, join small files, delete unneeded files; or do only the STEPS named.

    Can run beside everything else. The events that the kept generations were made from stay readable.
    """
    from adapters.broker.opening import open_log
    from adapters.engine.session import open_session
    from adapters.lake.care import LakeCare
    from adapters.lake.tables import Lake

    settings, say, keep_ms = load_settings(), reporter("lake"), milliseconds(keep)
    control = read_control(batch_views(settings)) if settings.stores.batch_views or settings.home.is_dir() else None
    if control is None:
        raise NotReady("there is no lake yet: run `millrace batch run` first")
    done: dict[str, int] = {}
    with open_log(settings) as log:
        check_log(control, log.identity())
        spark = open_session(settings, "millrace lake")
        care = LakeCare(spark, Lake(spark, settings.lake_path))
        wanted = steps or STEPS
        for step in watched("lake", wanted, len(wanted), every=1):
            counts = _step(care, step, log, control, keep_ms)
            say(f"{step}: " + ", ".join(f"{name.replace('_', ' ')} {count:,}" for name, count in counts.items()))
            done |= counts
    if as_json:
        print_json(done)


def _step(care: "LakeCare", step: str, log: "Log", control: "Control", keep_ms: int) -> dict[str, int]:
    from adapters.log.forgotten import forgotten

    if step == "purge":
        return care.purge(forgotten(log, control.forgotten), control.forgotten)
    if step == "optimize":
        return care.optimize()
    figures = [made.measured for made in control.generations] + [run.measured for run in control.runs]
    made_from = [measured.lake_version for measured in figures if measured.lake_version is not None]
    return care.vacuum(keep_ms, made_from, time.time_ns() // 1_000_000)
