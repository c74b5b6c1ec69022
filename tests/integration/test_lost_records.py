"""The speed layer's start when the control record was lost or set back: old rows never count in a new epoch."""

from dataclasses import replace
from pathlib import Path

import pytest

from adapters.log.kafka_log import Topics
from adapters.records.books import SPEED
from adapters.records.control import change_control, change_position, open_control
from adapters.stores import open_store
from core.control.changes import commit, plan, register
from schemas.control import LogIdentity, Position
from schemas.rules import Rules
from speed_layer.driver import SpeedDriver
from speed_layer.steps.micro_batch import Places

RULES = Rules(partitions=2)
LOG = LogIdentity("cluster", "topic", 2)
START = {0: 0, 1: 0}
APPLIED = {0: 40, 1: 60}


def _driver(folder: Path, batch_name: str = "batch", owner: str = "me") -> SpeedDriver:
    batch, speed = (open_store(f"sqlite:///{folder / name}.sqlite") for name in (batch_name, "speed"))
    open_control(batch, LOG, START, RULES)
    return SpeedDriver(batch, speed, RULES, Places("", "", "", Topics(), {}, 2000), owner, lambda _: None)


def _apply(driver: SpeedDriver) -> Position:
    """A first life of the speed layer that committed its first attempt."""
    position = driver.take_over()
    change_control(driver.batch_views, lambda control: plan(control, APPLIED))
    begun = change_position(driver.speed_views, position, register(position))
    assert begun is not None
    done = change_position(driver.speed_views, begun, commit(begun, APPLIED), writes=0)
    assert done is not None
    return done


def test_a_position_is_continued_while_the_control_record_knows_it(tmp_path: Path) -> None:
    before = _apply(_driver(tmp_path))
    after = _driver(tmp_path, owner="next").take_over()
    assert after == replace(before, owner="next", version=after.version, writer=after.writer, life=after.life)


def test_after_a_lost_control_record_the_epoch_is_beyond_the_positions(tmp_path: Path) -> None:
    before = _apply(_driver(tmp_path))
    after = _driver(tmp_path, "new").take_over()
    assert after.epoch > before.epoch
    assert after.offsets == START


def test_a_crash_before_the_new_epochs_position_does_not_bring_the_old_one_back(tmp_path: Path) -> None:
    before = _apply(_driver(tmp_path))

    class Killed(BaseException):
        pass

    def kill(step: str) -> None:
        if step == "epoch":
            raise Killed

    crashing = replace(_driver(tmp_path, "new"), fault=kill)
    with pytest.raises(Killed):
        crashing.take_over()
    assert crashing.speed_views.record(SPEED) == before.to_json()
    after = _driver(tmp_path, "new").take_over()
    assert after.epoch > before.epoch
    assert after.offsets == START


def test_a_position_that_a_restored_control_record_does_not_know_begins_a_new_epoch(tmp_path: Path) -> None:
    driver = _driver(tmp_path)
    before = _apply(driver)
    change_control(driver.batch_views, lambda control: replace(control, planned=START))  # as it was before the plan
    after = _driver(tmp_path).take_over()
    assert after.epoch > before.epoch
    assert after.offsets == START
