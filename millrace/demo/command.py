"""``millrace demo``: all parts on one machine in one run, ending with the proof."""

import os
import shutil
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from adapters.broker.embedded import wait_until_stopped
from adapters.machine.beside import beside
from adapters.machine.stopping import INTERRUPTED
from adapters.settings import Settings, load_settings
from adapters.terminal.commands import reports_errors
from millrace.demo.events import LIVE_EVENTS, generate, move, produce, settled
from schemas.errors import MillraceError

if TYPE_CHECKING:
    from adapters.log.kafka_log import Log
    from datasets.synthetic.generator import World


class Story:
    """Prints what happens at each step and how long it took."""

    def __init__(self) -> None:
        self.started = time.monotonic()

    @contextmanager
    def step(self, title: str) -> Iterator[None]:
        click.secho(f"\n▶ {title}", fg="cyan", bold=True, err=True)
        before = time.monotonic()
        yield
        click.secho(f"  done in {time.monotonic() - before:.1f} s", dim=True, err=True)

    def say(self, text: str) -> None:
        click.echo(f"  {text}", err=True)


@click.command()
@click.option("--events", type=click.IntRange(500), default=20_000, show_default=True, help="Events of the past month.")
@click.option("--users", type=click.IntRange(10), default=1_000, show_default=True)
@click.option("--items", type=click.IntRange(50), default=300, show_default=True)
@click.option("--seed", type=click.IntRange(0), default=7, show_default=True)
@click.option("--serve", is_flag=True, help="Leave everything running, with the HTTP API, until Ctrl-C.")
@reports_errors
def demo(events: int, users: int, items: int, seed: int, serve: bool) -> None:
    """Broker, generator, batch layer, speed layer, answers that change within seconds, and verify.

    Everything is in a throw-away home that is deleted at the end, unless MILLRACE_HOME names one.
    """
    with _home() as settings:
        from datasets.synthetic.generator import GeneratorSettings, World

        now = time.time_ns() // 1_000_000
        world = World(GeneratorSettings(users, items, events, seed, now))
        _show_all(settings, world, serve)


@contextmanager
def _home() -> Iterator[Settings]:
    if "MILLRACE_HOME" in os.environ:
        yield load_settings()
        return
    home = tempfile.mkdtemp(prefix="millrace-demo-")
    os.environ["MILLRACE_HOME"] = home  # the lookups below are the ordinary commands
    try:
        yield load_settings()
    finally:
        with suppress(MillraceError):
            wait_until_stopped(Path(home))
        shutil.rmtree(home, ignore_errors=True)


def _show_all(settings: Settings, world: "World", serve: bool) -> None:
    from adapters.broker.opening import open_log
    from adapters.engine.session import open_session

    story = Story()
    click.echo(f"Millrace demo, in {settings.home}", err=True)
    with story.step("A month of a synthetic shop, with a planted truth"):
        events, catalogue = generate(settings, world)
    with story.step("A real Kafka broker"):
        log_open = open_log(settings)
        log = log_open.__enter__()
    try:
        story.say(f"listening on {log.bootstrap}")
        with story.step(f"Produce {world.settings.events:,} events, acknowledged"):
            produce(log, settings, events, catalogue)
        with story.step("Spark"):
            spark = open_session(settings, "millrace demo")
        with story.step("Batch layer: ingest into the Delta lake, compute, publish one generation"):
            from batch_layer.jobs.generation import BatchJob

            BatchJob(spark, log, settings, story.say).run("demo")
        _live(spark, log, settings, world, story, serve)
    finally:
        log_open.__exit__(None, None, None)


def _live(spark: Any, log: "Log", settings: Settings, world: "World", story: Story, serve: bool) -> None:
    """Show answers, send new events, show the answers again and verify, beside a running speed layer."""
    from adapters.records.catalogue import CatalogueFollower
    from adapters.stores.opened import speed_views
    from millrace.proof.proving import prove
    from serving_layer.reading.views import open_views
    from speed_layer.jobs.engines import engine_of
    from speed_layer.jobs.stream import SpeedJob

    follower = CatalogueFollower(lambda: log, speed_views(settings))
    follower.start()
    job = SpeedJob(engine_of(settings, spark), log, settings, story.say)
    try:
        with beside(job.run, job.stop, "speed layer"), open_views(settings) as views:
            item, user = world.item_ids[0], "user-0"
            with story.step("Answers: generation and segments merged"):
                settled(views, log)
                _show(["trending", "-n", "5"], ["similar", item, "-n", "5"], ["recommend", user, "-n", "5"])
            with story.step(f"{LIVE_EVENTS} new events: a rush on two items, which {user} buys"):
                move(log, settings, views, world, story.say, (item, user))
                _show(["trending", "-n", "5"], ["similar", item, "-n", "5"], ["recommend", user, "-n", "5"])
            with story.step("Verify: every merged sum against an independent slow recompute"):
                report = prove(spark, log, settings, story.say)
                click.secho(
                    f"  {report.sums:,} sums of {report.events:,} events compared, mismatches: {report.mismatches}",
                    fg="green" if report.proved else "red", bold=True,
                )  # fmt: skip
            click.echo(f"\nAll of it took {time.monotonic() - story.started:.0f} s.", err=True)
            if serve:
                _serve(settings)
            elif not report.proved:
                raise MillraceError("verify found mismatches")
    finally:
        follower.stop()


def _show(*lookups: list[str]) -> None:
    """Run lookups with the ordinary commands."""
    from millrace.__main__ import main

    for words in lookups:
        click.secho(f"  $ millrace {' '.join(words)}", fg="yellow")
        if main(args=words, prog_name="millrace", standalone_mode=False) == INTERRUPTED:
            raise KeyboardInterrupt
        sys.stdout.flush()


def _serve(settings: Settings) -> None:
    """Serve the HTTP API beside the running speed layer, until Ctrl-C."""
    from serving_layer.http.server import run

    where = f"http://{settings.http.host}:{settings.http.port}"
    click.echo(f"Serving on {where} with MILLRACE_HOME={settings.home}; Ctrl-C ends all.")
    click.secho(f"\nThe page: {where}/#/user/user-0", bold=True)
    click.echo("  Press “click” beside any recommendation: the list is shown before and after, with the milliseconds.")
    click.echo(f"  Then Item shows both layers in every sum, and Verify proves them: {where}/#/verify")
    run(settings, settings.http.host, settings.http.port)
