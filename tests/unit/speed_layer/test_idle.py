"""A speed layer without traffic notices new epochs and owners, and never while a micro-batch is under way."""

from dataclasses import replace
from pathlib import Path

import pytest

from adapters.records.control import change_control, change_position, read_position
from core.control.changes import new_epoch
from schemas.errors import StoreUnavailable
from speed_layer.driver import StartOver
from speed_layer.idle import IdleLook
from speed_layer.steps.rows import Displaced
from tests.kit.speed_driver import OURS, driver


def test_a_new_epoch_in_the_control_record_is_seen_without_an_event(tmp_path: Path) -> None:
    ours = driver(tmp_path, OURS)
    ours.take_over()
    ours.look()
    change_control(ours.batch_views, new_epoch)
    with pytest.raises(StartOver, match="epoch"):
        ours.look()
    ours.take_over()
    ours.look()


def test_another_owner_is_seen_without_an_event(tmp_path: Path) -> None:
    ours = driver(tmp_path, OURS)
    ours.take_over()
    position = read_position(ours.speed_views)
    assert position is not None
    change_position(ours.speed_views, position, replace(position, owner="another"))
    with pytest.raises(Displaced, match="another took over"):
        ours.look()


def test_nothing_is_looked_at_during_a_micro_batch_or_before_it_is_time() -> None:
    looks: list[None] = []
    idle = IdleLook(lambda: looks.append(None), 0.0)
    with idle.interrupted():
        idle.maybe()
    assert looks == []
    idle.maybe()
    assert looks == [None]
    idle.every_seconds = 3600.0
    idle.maybe()
    assert looks == [None]


def test_after_a_look_that_ended_the_stream_no_micro_batch_begins() -> None:
    def look() -> None:
        raise StartOver("a new epoch")

    idle = IdleLook(look, 0.0)
    with pytest.raises(StartOver, match="a new epoch"):
        idle.maybe()
    with pytest.raises(StartOver), idle.interrupted():
        raise AssertionError("it began")


def test_a_store_that_is_away_does_not_end_an_idle_stream() -> None:
    def look() -> None:
        raise StoreUnavailable("away")

    idle = IdleLook(look, 0.0)
    idle.maybe()
    with idle.interrupted():
        pass
