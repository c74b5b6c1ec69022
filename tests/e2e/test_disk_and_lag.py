"""Full disks, and a log cut by retention below what a layer needs: reported with the remedy, and nothing is lost."""

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path

import pytest

from adapters.broker.embedded import wait_until_stopped
from adapters.broker.opening import open_log
from adapters.settings import Settings
from schemas.errors import SettingsError
from tests.kit.installation import Installation
from tests.kit.mixed_stream import in_parts, mixed_stream
from tests.kit.small_disk import SmallDisk, small_disk
from tests.kit.waiting import until

pytestmark = [pytest.mark.kafka, pytest.mark.spark, pytest.mark.deep]

FULL = "(?i)full.*free|free space"


@pytest.fixture
def stores() -> dict[str, str]:
    """The embedded pair: its disk is the one that is full. (A full Redis: tests/contract/test_redis.py.)"""
    return {}


@pytest.fixture
def disk(tmp_path: Path) -> Iterator[SmallDisk]:
    with small_disk(tmp_path / "small", 64) as disk:
        yield disk


@pytest.mark.parametrize("what", ["speed views", "home"])
def test_a_speed_layer_on_a_full_disk_names_it_and_continues_when_there_is_room(
    millrace: Installation, disk: SmallDisk, what: str
) -> None:
    first, second = in_parts(mixed_stream(millrace.settings.rules), 2)
    placed = {"speed_views": f"sqlite:///{disk.folder}/speed.sqlite"} if what == "speed views" else {}
    home = disk.folder if what == "home" else millrace.settings.home
    shop = replace(millrace, settings=millrace.settings.changed(home=home, **placed))
    shop.produce(first)
    shop.speed()
    shop.check_all_is_applied()
    applied = shop.log.end_offsets()
    shop.produce(second)
    disk.fill()
    for _ in range(2):
        with pytest.raises(SettingsError, match=FULL):
            shop.speed()
        assert shop.check() == applied
    disk.free()
    shop.speed()
    shop.check_all_is_applied()
    shop.check_rejected()
    assert shop.control.epoch == 1
    shop.close()


def test_a_batch_run_on_a_full_disk_changes_nothing_and_succeeds_when_there_is_room(
    millrace: Installation, tmp_path: Path
) -> None:
    first, second = in_parts(mixed_stream(millrace.settings.rules), 2)
    with ExitStack() as stack:
        lake, views = (stack.enter_context(small_disk(tmp_path / name, 64)) for name in ("for-lake", "for-views"))
        places = {"lake": f"{lake.folder}/lake", "batch_views": f"sqlite:///{views.folder}/batch.sqlite"}
        shop = replace(millrace, settings=millrace.settings.changed(**places))
        shop.produce(first)
        generation = shop.batch()
        shop.check_all_is_applied(degraded=("speed",))
        covered = shop.log.end_offsets()
        shop.produce(second)
        fillings: list[tuple[SmallDisk, int]] = [(lake, 0), (views, 0), (views, 160_000)]
        for disk, room in fillings:
            disk.fill(but_bytes=room)
            with pytest.raises(SettingsError, match=FULL):
                shop.batch()
            assert shop.control.active == generation.id
            assert shop.check(degraded=("speed",)) == covered
            disk.free()
        shop.batch()
        shop.check_all_is_applied(degraded=("speed",))
        shop.check_lake(shop.log.end_offsets())
        shop.check_rejected()
        assert shop.proved() > 0
        shop.close()


def test_an_embedded_broker_on_a_full_disk_keeps_what_it_acknowledged(
    disk: SmallDisk, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("adapters.log.appender.DELIVERY_SECONDS", 5.0)
    value, settings = b"x" * 10_000, Settings.of(home=disk.folder, partitions=1)

    def append_until_full() -> None:
        with open_log(settings) as log:
            log.appender().append_all("events", [(b"k", value)] * 200)
            disk.fill()
            log.appender().append_all("events", [(b"k", value)] * 2_000)

    try:
        with pytest.raises(SettingsError, match=FULL):
            append_until_full()
        wait_until_stopped(disk.folder)
        with pytest.raises(SettingsError, match=FULL), open_log(settings):
            pass
        wait_until_stopped(disk.folder)
        disk.free()
        with open_log(settings) as log:
            kept = [record.value for record in log.read("events", log.start_offsets(), log.end_offsets())]
            assert len(kept) >= 200
            assert set(kept) == {value}
            assert log.appender().append_all("events", [(b"k", value)]).acknowledged == 1
    finally:
        wait_until_stopped(disk.folder)


def test_a_log_cut_before_the_lake_held_it_stops_both_layers_and_spoils_nothing(millrace: Installation) -> None:
    first, second = in_parts(mixed_stream(millrace.settings.rules), 2)
    millrace.produce(first)
    millrace.speed()
    millrace.produce(second)
    names, before = millrace.names(), millrace.merged()
    millrace.shorten()
    control, position = millrace.control, millrace.position
    for _ in range(2):
        with pytest.raises(SettingsError, match=r"offsets \d+ to \d+ are needed .* retention; .* `millrace batch run`"):
            millrace.speed()
        with pytest.raises(SettingsError, match=r"removed by retention before the lake held them; .*Restore them"):
            millrace.batch()
    assert (millrace.control.active, millrace.control.epoch) == (control.active, control.epoch)
    assert millrace.position.offsets == position.offsets
    assert millrace.merged(names) == before


def test_a_log_cut_after_the_lake_held_it_is_made_up_for_by_the_generation(millrace: Installation) -> None:
    first, second, third = in_parts(mixed_stream(millrace.settings.rules), 3)
    millrace.produce(first)
    millrace.speed()
    millrace.produce(second)
    millrace.batch()
    millrace.shorten()
    millrace.produce(third)
    millrace.speed()
    assert any("the log no longer holds what follows the position" in line for line in millrace.said)
    assert (millrace.control.epoch, millrace.position.offsets) == (2, millrace.log.end_offsets())
    assert millrace.proved() > 0


# The engine local has read the records by then, so it needs no new epoch.
@pytest.mark.parametrize(("speed_engine", "epoch"), [("spark", 2), ("local", 1)])
def test_a_log_cut_under_a_running_micro_batch_is_noticed_and_made_up_for(
    millrace: Installation, monkeypatch: pytest.MonkeyPatch, epoch: int
) -> None:
    first, second, third = in_parts(mixed_stream(millrace.settings.rules), 3)
    millrace.produce(first)
    millrace.speed()
    millrace.produce(second)
    millrace.batch()
    cut = once("registered", lambda: millrace.shorten())
    monkeypatch.setattr("speed_layer.jobs.stream.fault_point", lambda: cut)
    with millrace.streaming():
        until(lambda: millrace.position.epoch == epoch, why=lambda: millrace.said)
        until(lambda: millrace.position.offsets == millrace.log.end_offsets(), why=lambda: millrace.said)
        millrace.produce(third)
        until(lambda: millrace.position.offsets == millrace.log.end_offsets(), why=lambda: millrace.said)
        assert millrace.proved() > 0


def once(step: str, act: Callable[[], None]) -> Callable[[str], None]:
    waiting = [act]

    def reach(reached: str) -> None:
        if reached == step and waiting:
            waiting.pop()()

    return reach
