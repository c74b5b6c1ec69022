"""``millrace demo``: the whole story on one machine, in one go, ending with its proof."""

import os
import shutil
import signal
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from types import FrameType
from typing import TYPE_CHECKING, Any

import click

from adapters.commands import reports_errors
from adapters.settings import Settings, load_settings
from schemas.errors import MillraceError

if TYPE_CHECKING:
    from adapters.log import Log
    from datasets.generator import World
    from serving_layer.views import Views
    from speed_layer.jobs.stream import SpeedJob

LIVE_EVENTS = 400
LIVE_SPAN_MS = 60_000
MOVED_WITHIN_SECONDS = 60.0


class Story:
    """Says what happens at each step and how long it took."""

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
    signal.signal(signal.SIGTERM, _interrupt)
    with _home() as settings:
        from datasets.generator import GeneratorSettings, World

        now = time.time_ns() // 1_000_000
        world = World(GeneratorSettings(users, items, events, seed, now))
        with suppress(KeyboardInterrupt):
            _tell(settings, world, serve)


@contextmanager
def _home() -> Iterator[Settings]:
    if "MILLRACE_HOME" in os.environ:
        yield load_settings()
        return
    home = tempfile.mkdtemp(prefix="millrace-demo-")
    os.environ["MILLRACE_HOME"] = home  # for the lookups below, which are the ordinary commands
    try:
        yield load_settings()
    finally:
        shutil.rmtree(home, ignore_errors=True)


def _tell(settings: Settings, world: "World", serve: bool) -> None:
    from adapters.opening import open_log
    from adapters.spark import open_session

    story = Story()
    click.echo(f"Millrace demo, in {settings.home}", err=True)
    with story.step("A month of a synthetic shop, with a planted truth"):
        events, catalogue = _generate(settings, world)
    with story.step("A real Kafka broker"):
        log_open = open_log(settings)
        log = log_open.__enter__()
    try:
        story.say(f"listening on {log.bootstrap}")
        with story.step(f"Produce {world.settings.events:,} events, acknowledged"):
            _produce(log, settings, events, catalogue)
        with story.step("Spark"):
            spark = open_session(settings, "millrace demo")
        with story.step("Batch layer: ingest into the Delta lake, compute, publish one generation"):
            from batch_layer.jobs.generation import BatchJob

            BatchJob(spark, log, settings, story.say).run("demo")
        _live(spark, log, settings, world, story, serve)
    finally:
        log_open.__exit__(None, None, None)


def _generate(settings: Settings, world: "World") -> tuple[Path, Path]:
    import msgspec

    from datasets.generator import generate_events
    from datasets.output import progress, write_lines

    settings.home.mkdir(parents=True, exist_ok=True)
    events, items = settings.home / "events.jsonl", settings.home / "items.jsonl"
    with progress("generating", world.settings.events):
        write_lines(events, map(msgspec.json.encode, generate_events(world.settings, world)))
    write_lines(items, map(msgspec.json.encode, world.items()))
    return events, items


def _produce(log: "Log", settings: Settings, events: Path, catalogue: Path) -> None:
    from datasets.output import progress
    from datasets.producing import key_reader, send_lines

    appender = log.appender(settings.partitioner)
    for path, topic, field in ((events, log.topics.events, "user_id"), (catalogue, log.topics.items, "item_id")):
        lines = path.read_bytes().splitlines()
        with progress(path.stem, len(lines)) as reached:
            for sent in send_lines(lines, appender.append, topic, key_reader(field)):
                if sent.lines % 1_000 == 0:
                    reached(sent.lines)
            appender.flush()


def _live(spark: Any, log: "Log", settings: Settings, world: "World", story: Story, serve: bool) -> None:
    """Speed layer on: answers before, new events, the same answers after, and the proof."""
    from adapters.catalogue import CatalogueFollower
    from adapters.opened import speed_views
    from millrace.proof import prove
    from serving_layer.views import open_views
    from speed_layer.jobs.stream import SpeedJob

    follower = CatalogueFollower(lambda: log, speed_views(settings))
    follower.start()
    job = SpeedJob(spark, log, settings, story.say)
    try:
        with _running(job), open_views(settings) as views:
            item, user = world.item_ids[0], "user-0"
            with story.step("Answers: generation and segments merged"):
                _settled(views, log)
                _show(["trending", "-n", "5"], ["similar", item, "-n", "5"], ["recommend", user, "-n", "5"])
            with story.step(f"{LIVE_EVENTS} new events: a rush on two items, one of them seen by {user} with {item}"):
                _move(log, settings, views, world, story, (item, user))
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


@contextmanager
def _running(job: "SpeedJob") -> Iterator[None]:
    """The speed layer on a thread; a failure there ends the block's command with the reason."""
    failure: list[BaseException] = []

    def run() -> None:
        try:
            job.run()
        except BaseException as error:
            failure.append(error)

    thread = threading.Thread(target=run, name="speed layer")
    thread.start()
    try:
        yield
    finally:
        job.stop()
        thread.join()
    if failure:
        raise failure[0]


def _settled(views: "Views", log: "Log") -> None:
    """Wait until the speed layer has applied what the log holds."""
    from core.boundaries import reaches
    from serving_layer.views import answer

    end = log.end_offsets()
    _until(lambda: answer(views, lambda s: s.position is not None and reaches(s.offsets, end)))


def _move(log: "Log", settings: Settings, views: "Views", world: "World", story: Story, of: tuple[str, str]) -> None:
    """Produce the rush and wait for it in the answers; says after how many seconds each moved."""
    import msgspec

    from datasets.generator import Burst, live_events
    from serving_layer import lookups
    from serving_layer.catalogue import Page
    from serving_layer.views import answer

    item, user = of
    rushed = world.item_ids[-1]
    name, page = item.encode(), Page(n=1000)
    now = time.time_ns() // 1_000_000
    burst = Burst([rushed, item])
    events = list(live_events(world, 1, LIVE_EVENTS, (now - LIVE_SPAN_MS, now), burst))
    for number, each in enumerate((item, rushed)):
        told = {"event_id": f"demo-{number}", "event_time": now, "kind": "purchase", "user_id": user, "item_id": each}
        events.append(told)

    def neighbour() -> float | None:
        found = answer(views, lambda s: lookups.similar(s, name, page))["items"]
        return next((row["co_rating"] for row in found if row["item_id"] == rushed), None)

    before = neighbour()
    appender = log.appender(settings.partitioner)
    rows = [(each["user_id"].encode(), msgspec.json.encode(each)) for each in events]
    appender.append_all(log.topics.events, rows)
    acknowledged = time.monotonic()
    _until(lambda: neighbour() != before)
    seconds = time.monotonic() - acknowledged
    story.say(f"similar({item}): co-rating with {rushed} went from {before} to {neighbour()} after {seconds:.1f} s")
    _settled(views, log)
    story.say(f"every answer held all of them {time.monotonic() - acknowledged:.1f} s after the acknowledgement")


def _until(true: Callable[[], bool]) -> None:
    deadline = time.monotonic() + MOVED_WITHIN_SECONDS
    while not true():
        if time.monotonic() > deadline:
            raise MillraceError(f"nothing moved within {MOVED_WITHIN_SECONDS:g} s; run `millrace doctor`")
        time.sleep(0.05)


def _show(*lookups: list[str]) -> None:
    """Run lookups as anyone would, with the command that does it."""
    from millrace.__main__ import main

    for words in lookups:
        click.secho(f"  $ millrace {' '.join(words)}", fg="yellow")
        main(args=words, prog_name="millrace", standalone_mode=False)
        sys.stdout.flush()


def _serve(settings: Settings) -> None:
    """The HTTP API beside the running speed layer, until Ctrl-C."""
    from serving_layer.api import run

    click.echo(f"Serving on http://{settings.host}:{settings.port} with MILLRACE_HOME={settings.home}; Ctrl-C ends all.")
    run(settings, settings.host, settings.port)


def _interrupt(number: int, frame: FrameType | None) -> None:  # noqa: ARG001 - the form of a signal handler
    raise KeyboardInterrupt
