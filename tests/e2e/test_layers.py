"""The promise: every merged view equals a full recompute over the prefix it names, in whatever order the layers run."""

import uuid
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
from redis import Redis

from adapters.records.books import SPEED, generation_book
from adapters.records.control import change_control
from adapters.stores.opened import batch_views, speed_views
from core.control.changes import new_epoch, rollback
from datasets.synthetic.generator import generate_events
from schemas.errors import NotReady, SettingsError
from serving_layer.answers.aliases import move_history
from tests.kit.installation import Installation
from tests.kit.mixed_stream import SHOP, in_parts, mixed_stream
from tests.kit.waiting import until

pytestmark = [pytest.mark.kafka, pytest.mark.spark, pytest.mark.redis, pytest.mark.cassandra]


@pytest.fixture(params=["spark", "local"])
def speed_engine(request: pytest.FixtureRequest) -> str:
    """Either engine keeps the promises of the speed layer."""
    return str(request.param)


class Died(Exception):
    """Stands for a kill -9 at a named step: nothing after it happens."""


@pytest.fixture
def dies_at(monkeypatch: pytest.MonkeyPatch) -> Callable[[str], None]:
    """Make the next run of either layer die at that step; an empty name ends it."""

    def set_step(wanted: str) -> None:
        def reach(step: str) -> None:
            if step == wanted:
                raise Died(step)

        for module in ("speed_layer.jobs.stream", "batch_layer.jobs.generation"):
            monkeypatch.setattr(f"{module}.fault_point", lambda: reach)

    return set_step


@pytest.mark.deep
def test_speed_before_any_batch_then_batches_then_both(millrace: Installation) -> None:
    first, second, third, fourth = in_parts(mixed_stream(millrace.settings.rules), 4)
    millrace.produce(first)
    millrace.speed()
    millrace.check_all_is_applied()
    millrace.produce_in_transactions(committed=second, aborted=first)
    millrace.speed()
    millrace.check_all_is_applied()
    millrace.batch()
    millrace.check_all_is_applied()
    millrace.produce(third)
    assert millrace.check() != millrace.log.end_offsets()
    millrace.batch()
    millrace.check_all_is_applied()
    millrace.produce(fourth)
    millrace.speed()  # from where the second part ends, by the boundary of the third: two segments
    millrace.check_all_is_applied()
    assert move_a_history(millrace)["moved"] > 0
    millrace.speed()
    millrace.check_all_is_applied()
    assert move_a_history(millrace)["moved"] == 0
    assert millrace.control.epoch == 1
    report = millrace.prove()
    assert (report.mismatches, report.events) == (0, millrace.merged()[0]["facts"][2])
    millrace.check_rejected()


def move_a_history(millrace: Installation) -> dict[str, Any]:
    """What a visitor did becomes what another user did, as ``millrace alias`` does it."""
    visitor, known = sorted({event["user_id"] for event in generate_events(SHOP)})[:2]
    appender, rules = millrace.log.appender(), millrace.settings.rules
    return move_history(millrace.views, millrace.log, appender, rules, visitor, known, lambda: uuid.uuid4().hex)


@pytest.mark.deep
def test_batch_first_then_crashes_and_a_rollback(millrace: Installation, dies_at: Callable[[str], None]) -> None:
    first, second, third, fourth = in_parts(mixed_stream(millrace.settings.rules), 4)
    millrace.produce(first)
    generation = millrace.batch()
    millrace.check_all_is_applied(degraded=("speed",))
    millrace.produce(second)
    millrace.speed()  # users without state of its own begin with the generation's histories
    millrace.check_all_is_applied()
    applied = millrace.log.end_offsets()
    millrace.produce(third)
    dies_at("written")
    with pytest.raises(Died):
        millrace.speed()
    assert millrace.check() == applied  # all is written and none of it counts
    dies_at("ingested")
    with pytest.raises(Died):
        millrace.batch()
    dies_at("")
    assert millrace.check() == applied
    millrace.batch()
    millrace.check_all_is_applied()
    millrace.produce(fourth)
    # By smaller steps than the one that died: what that left in other rows must not count with them.
    replace(millrace, settings=millrace.settings.changed(max_events_per_batch=100)).speed()
    millrace.check_all_is_applied()
    assert millrace.control.epoch == 1
    change_control(batch_views(millrace.settings), lambda control: rollback(control, generation.id))
    millrace.check_all_is_applied()  # the first generation and every segment since
    assert millrace.control.active == generation.id
    assert millrace.batch().id != millrace.control.active == generation.id  # a rollback holds
    change_control(batch_views(millrace.settings), lambda control: replace(control, held=False))
    assert millrace.prove().mismatches == 0
    millrace.check_rejected()
    millrace.check_lake(millrace.log.end_offsets())
    other_rules = replace(millrace, settings=millrace.settings.changed(kinds={"view": 2}))
    for run in (other_rules.speed, other_rules.batch):
        with pytest.raises(SettingsError, match="--full"):
            run()


@pytest.mark.deep
def test_a_speed_layer_behind_the_floor_begins_a_new_epoch(
    millrace: Installation, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("speed_layer.clean_up.LOOK_EVERY_SECONDS", 0)
    first, second, third, fourth, fifth = in_parts(mixed_stream(millrace.settings.rules), 5)
    millrace.produce(first)
    millrace.speed()
    generations = []
    for part in (second, third):  # while it is stopped, two runs: the first leaves it behind, the second drops its base
        millrace.produce(part)
        generations.append(millrace.batch())
        millrace.check_all_is_applied()
    millrace.produce(fourth)
    millrace.speed()
    millrace.check_all_is_applied()
    assert (millrace.control.epoch, millrace.position.epoch) == (2, 2)
    assert any("a new epoch begins" in line for line in millrace.said)
    assert {space.split("/")[0] for space in speed_views(millrace.settings).spaces(SPEED)} == {"2"}
    millrace.produce(fifth)
    for _ in range(2):  # the second deletes what the first dropped
        millrace.batch()
    assert batch_views(millrace.settings).spaces(generation_book(generations[0].id)) == set()
    millrace.speed()
    millrace.check_all_is_applied()
    assert millrace.prove().mismatches == 0


@pytest.mark.deep
def test_batches_and_readers_while_the_speed_layer_streams(
    millrace: Installation, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("speed_layer.clean_up.LOOK_EVERY_SECONDS", 0)
    parts = in_parts(mixed_stream(millrace.settings.rules), 6)
    with millrace.streaming():
        for number, part in enumerate(parts):
            millrace.produce(part)
            if number:
                exact_meanwhile(millrace)
            else:
                millrace.until_applied()
            if number in (2, 4):
                millrace.batch()
        report = millrace.prove()
        assert report.mismatches == 0
        millrace.until_applied()
        millrace.check_all_is_applied()
    assert millrace.position.owner == ""
    millrace.check_rejected()


@pytest.mark.parametrize("stores", ["cassandra+redis"], indirect=True)
def test_a_store_restored_under_the_writer_voids_its_attempt(
    millrace: Installation, monkeypatch: pytest.MonkeyPatch
) -> None:
    first, second = in_parts(mixed_stream(millrace.settings.rules), 2)
    millrace.produce(first)
    millrace.speed()
    kept: list[tuple[bytes, bytes]] = []
    with Redis.from_url(millrace.settings.stores.speed_views.reveal()) as redis:

        def restore_once(step: str) -> None:
            if step == "registered" and not restored:
                kept.extend((key, redis.dump(key)) for key in redis.scan_iter())
            elif step == "written" and not restored:
                redis.flushdb()
                restored.extend(redis.restore(key, 0, value) for key, value in kept)

        restored: list[object] = []
        monkeypatch.setattr("speed_layer.jobs.stream.fault_point", lambda: restore_once)
        millrace.produce(second)
        millrace.speed()
    assert any("is void" in line for line in millrace.said)
    millrace.check_all_is_applied()


@pytest.mark.parametrize("stores", ["sqlite+sqlite"], indirect=True)
def test_an_idle_speed_layer_begins_the_new_epoch_that_a_generation_asks_for(millrace: Installation) -> None:
    millrace = replace(millrace, settings=millrace.settings.changed(lease="2s"))
    millrace.produce(in_parts(mixed_stream(millrace.settings.rules), 4)[0])
    with millrace.streaming():
        millrace.until_applied()
        change_control(batch_views(millrace.settings), new_epoch)
        until(lambda: millrace.position.epoch == millrace.control.epoch, why=lambda: millrace.said)
        millrace.until_applied()
        exact_meanwhile(millrace)
    assert millrace.position.epoch > 1


def exact_meanwhile(millrace: Installation) -> None:
    """On a busy machine the views may change faster than all of them can be read: then without, or again."""

    def checked() -> bool:
        try:
            millrace.check(degraded=None)
        except NotReady:
            return False
        return True

    until(checked, why=lambda: millrace.said)
