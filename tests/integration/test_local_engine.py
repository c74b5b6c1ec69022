"""The speed layer without Spark: the same sums, from the same position, whoever of its processes does the work."""

import os
import signal
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from adapters.engine.errors import EngineLost
from adapters.machine.beside import beside
from schemas.errors import SettingsError
from speed_layer.jobs import local_engine
from speed_layer.jobs.local_engine import LocalEngine
from speed_layer.jobs.stream import SpeedJob
from tests.kit.installation import Installation, installation
from tests.kit.mixed_stream import in_parts, mixed_stream
from tests.kit.processes import command_line, descendants
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
        for record in fourth[:20]:
            shop.produce([record])
        shop.until_applied()
        shop.produce_in_transactions(committed=fourth[20:], aborted=first)
        shop.until_applied()
    shop.check_all_is_applied()
    shop.check_rejected()
    assert (shop.position.owner, shop.control.epoch) == ("", 1)


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
