"""The command ``speed run``."""

import threading
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

import click

from adapters.machine.compiled import keep_compiled
from adapters.machine.spared import WholeProcess, spare_pandas, spare_scipy
from adapters.machine.stopping import until_stopped
from adapters.settings import load_settings
from adapters.terminal.commands import reports_errors
from adapters.terminal.reporting import reporter

if TYPE_CHECKING:
    from speed_layer.engine import Engine


@click.group()
def speed() -> None:
    """The speed layer: apply events as they arrive."""


@speed.command()
@click.option("--available-now", is_flag=True, help="Apply what the log holds now, then end.")
@click.option("--metrics-in", type=click.Path(path_type=Path), hidden=True, help="Where metrics join.")
@reports_errors
def run(available_now: bool, metrics_in: Path | None) -> None:
    """Fold new events into the speed views until Ctrl-C or SIGTERM."""
    keep_compiled()
    settings, say = load_settings(), reporter("speed")
    if settings.speed.engine == "local" and isinstance(click.get_current_context().find_root().obj, WholeProcess):
        spare_pandas()
        spare_scipy()
    from adapters.broker.opening import open_log
    from adapters.records.catalogue import CatalogueFollower
    from adapters.stores.opened import speed_views
    from adapters.telemetry.counting import share_in
    from adapters.telemetry.endpoint import shown_at
    from adapters.tracing.active import traced
    from speed_layer.jobs.engines import open_engine
    from speed_layer.jobs.stream import SpeedJob

    if metrics_in is not None and settings.metrics.port == 0:
        share_in(metrics_in)
    engine = None if settings.log.kafka else open_engine(settings)
    if engine is not None:  # while the embedded broker starts
        threading.Thread(target=_warm_up, args=(engine, say), name="early warm-up", daemon=True).start()
    tracing = traced(settings.tracing.endpoint, settings.tracing.sample, "speed")
    with tracing, shown_at(settings.metrics.host, settings.metrics.port), open_log(settings) as log:
        job = SpeedJob(engine or open_engine(settings), log, settings, say)
        follower = CatalogueFollower(lambda: job.log, speed_views(settings))
        follower.start()
        with until_stopped(job.stop):
            try:
                job.run(available_now)
            finally:
                follower.stop()
            say(f"stopped; applied {job.progress.events:,} events in {job.progress.batches:,} micro-batches")


def _warm_up(engine: "Engine", say: Callable[[str], None]) -> None:
    with suppress(Exception):  # the job warms up itself before it begins, and what fails then is reported
        engine.warm_up(0, say)
