"""The speed layer without Spark: the same sums, from the same position, whichever of its processes does the work."""

import os
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import pyarrow as pa
import pytest

from adapters.engine.errors import EngineLost, RangeLost
from adapters.engine.local_source import range_of
from adapters.engine.pool import Pool
from adapters.machine.beside import beside
from adapters.records.books import LEASE
from adapters.records.lease import Sign
from adapters.stores.opened import speed_views
from schemas.errors import NotReady, SettingsError
from schemas.event import RECORD_COLUMNS, Record
from speed_layer.jobs import local_engine
from speed_layer.jobs.local_engine import LocalEngine
from speed_layer.jobs.stream import SpeedJob
from tests.kit.installation import Installation, installation
from tests.kit.mixed_stream import in_parts, mixed_stream
from tests.kit.places import ROOT
from tests.kit.processes import MARKS, command_line, descendants
from tests.kit.waiting import until

pytestmark = pytest.mark.kafka


class Died(Exception):
    """Stands for a kill -9 at a named step."""


@pytest.fixture
def shop(kafka_bootstrap: str, tmp_path: Path) -> Iterator[Installation]:
    made = installation(None, kafka_bootstrap, {}, tmp_path, speed_engine="local")
    yield made
    made.close()


@pytest.fixture
def workers(monkeypatch: pytest.MonkeyPatch) -> None:
    """Few events are many: workers do all but the smallest micro-batches, one after the other."""
    monkeypatch.setattr(local_engine, "FEW_RECORDS", 20)


def with_workers(shop: Installation) -> SpeedJob:
    return SpeedJob(LocalEngine(shop.settings, workers=2), shop.log, shop.settings, shop.said.append)


def test_small_micro_batches_are_exact_through_gaps_crashes_and_restarts(
    shop: Installation, monkeypatch: pytest.MonkeyPatch
) -> None:
    first, second, third, fourth = in_parts(mixed_stream(shop.settings.rules), 4)
    shop.produce(first)
    shop.speed()
    shop.check_all_is_applied()
    shop.produce_in_transactions(committed=second, aborted=first)
    for step in ("planned", "registered", "written", "committed"):

        def die(reached: str, step: str = step) -> None:
            if reached == step:
                raise Died(step)

        with monkeypatch.context() as dying:
            dying.setattr("speed_layer.jobs.stream.fault_point", lambda die=die: die)
            with pytest.raises(Died):
                shop.speed()
        shop.check()
        shop.produce(third[:1])
    shop.produce(third[1:])
    with shop.streaming():
        shop.until_applied()
        shop.produce(fourth[:20])
        shop.until_applied()
        shop.produce_in_transactions(committed=fourth[20:], aborted=first)
        shop.until_applied()
    shop.check_all_is_applied()
    shop.check_rejected()
    assert (shop.position.owner, shop.control.epoch) == ("", 1)
    assert any("warming up" in line for line in shop.said)


def test_a_speed_layer_that_is_stopped_while_it_warms_up_ends_at_once(
    shop: Installation, monkeypatch: pytest.MonkeyPatch
) -> None:
    begun, released = threading.Event(), threading.Event()

    def compile_for_long() -> None:
        begun.set()
        released.wait(120)

    monkeypatch.setattr(local_engine, "rehearse", compile_for_long)
    shop.produce(mixed_stream(shop.settings.rules)[:20])
    job = shop.speed_job()
    try:
        with beside(job.run, job.stop, "speed layer"):
            assert begun.wait(120)
        assert not released.is_set()
    finally:
        released.set()
    assert (job.progress.batches, Sign.of(speed_views(shop.settings).record(LEASE) or b"").owner) == (0, "")


@pytest.mark.usefixtures("workers")
def test_large_micro_batches_of_workers_are_exact_through_gaps(shop: Installation) -> None:
    shop = replace(shop, settings=shop.settings.changed(max_events_per_batch=150))
    first, second, third = in_parts(mixed_stream(shop.settings.rules), 3)
    shop.produce(first)
    shop.produce_in_transactions(committed=second, aborted=first)
    job = with_workers(shop)
    job.run(available_now=True)
    assert job.progress.batches > 3
    shop.check_all_is_applied()
    job = with_workers(shop)
    with beside(job.run, job.stop, "speed layer"):
        shop.produce(third)
        shop.until_applied()
    shop.check_all_is_applied()
    shop.check_rejected()


@pytest.mark.usefixtures("workers")
def test_a_killed_worker_ends_the_speed_layer_in_words_and_the_next_one_continues(
    shop: Installation, monkeypatch: pytest.MonkeyPatch
) -> None:
    shop.produce(mixed_stream(shop.settings.rules))

    def kill(step: str) -> None:
        if step == "registered":
            os.kill(workers_of(os.getpid())[0], signal.SIGKILL)

    with monkeypatch.context() as killing:
        killing.setattr("speed_layer.jobs.stream.fault_point", lambda: kill)
        with pytest.raises(EngineLost, match="a process of the local engine ended"):
            with_workers(shop).run(available_now=True)
    shop.check()
    assert workers_of(os.getpid()) == []
    with_workers(shop).run(available_now=True)
    shop.check_all_is_applied()


def workers_of(pid: int) -> list[int]:
    return [child for child in descendants(pid) if MARKS["helper"] in command_line(child)]


def test_workers_end_with_a_killed_parent(tmp_path: Path) -> None:
    start = "from pathlib import Path; from adapters.engine.pool import Pool; import time\n"
    start += f"pool = Pool(2, 'speed_layer.jobs.worker', Path({str(tmp_path / 'log')!r})); time.sleep(600)"
    env = {**os.environ, "PYTHONPATH": str(ROOT)}
    with subprocess.Popen([sys.executable, "-c", start], env=env) as parent:
        until(lambda: len(workers_of(parent.pid)) == 2)
        children = workers_of(parent.pid)
        parent.kill()
    until(lambda: not any(map(command_line, children)))


def test_all_threads_that_wait_for_workers_go_on_once_these_have_started(tmp_path: Path) -> None:
    with ThreadPoolExecutor(2) as threads, closing(Pool(2, "speed_layer.jobs.worker", tmp_path / "log")) as pool:
        assert list(threads.map(lambda _: pool.wait_until_ready(), range(2), timeout=120)) == [True, True]


def test_records_that_retention_removes_under_the_reading_are_named(shop: Installation) -> None:
    first, second = in_parts(mixed_stream(shop.settings.rules), 2)
    shop.produce(first)
    shop.speed()
    shop.produce(second)
    shop.shorten()
    with pytest.raises(SettingsError, match=r"offsets \d+ to \d+ are needed .* retention"):
        shop.speed()
    with pytest.raises(RangeLost, match="no longer holds"):
        list(range_of(shop.log, shop.position.offsets, shop.log.end_offsets(), 100))


def test_a_topic_that_is_made_again_beside_an_idle_reading_stops_it(shop: Installation) -> None:
    shop = replace(shop, settings=shop.settings.changed(lease="400ms"))
    shop.produce(mixed_stream(shop.settings.rules)[:50])
    job = shop.speed_job()
    stops = pytest.raises((SettingsError, NotReady), match=r"another log|lacks a topic")
    with stops, beside(job.run, job.stop, "speed layer"):
        delete_the_topic_until_it_ends(shop)


def delete_the_topic_until_it_ends(shop: Installation) -> None:
    """Delete the topic beside a speed layer, which makes it again; return once the speed layer has ended."""
    shop.until_applied()
    topic = shop.log.topics.events
    shop.log.admin.delete_topics([topic])[topic].result(120)
    views = speed_views(shop.settings)
    until(lambda: Sign.of(views.record(LEASE) or b"").owner == "", why=lambda: shop.said)


def test_the_source_gives_the_columns_that_sparks_source_gives(shop: Installation) -> None:
    odd = [(None, None), (b"", b""), (b"\xff\x00k", b"\xff\xfe\x00v"), (b"k", b"x" * 3_000_000)]
    shop.produce(Record("events", 1, 0, 1_700_000_000_000 + n, *parts) for n, parts in enumerate(odd))
    start, end = shop.log.start_offsets(), shop.log.end_offsets()
    rows = pa.Table.from_batches(range_of(shop.log, start, end, 3), RECORD_COLUMNS).to_pylist()
    expected = [(1, n, 1_700_000_000_000 + n, *parts) for n, parts in enumerate(odd)]
    assert [tuple(row.values()) for row in rows] == expected
