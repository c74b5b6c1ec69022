"""A speed store belongs to one log; records that earlier versions wrote are continued, whatever fields they lack."""

import json
from dataclasses import replace
from pathlib import Path

import pytest

from adapters.records.books import CATALOGUE, LEASE, SPEED
from adapters.records.control import Applied, change_position, check_speed_store, read_position
from adapters.records.lease import SPEED_LAYER, Lease
from adapters.stores import ViewStore
from core.control.changes import register
from schemas.control import Boundary, Position
from schemas.errors import SettingsError
from speed_layer.steps.micro_batch import MicroBatch
from tests.kit.speed_driver import OURS, RULES, THEIRS, driver, speed_store

REFUSED = r"belong to another log .*\?prefix="


def written_by_an_earlier_version(store: ViewStore, position: Position) -> bytes:
    """The stored position without today's fields and with other blanks, as another version's encoder wrote it."""
    raw = json.loads(position.to_json())
    del raw["log"]
    text = json.dumps(raw, indent=1).encode()
    assert store.swap(SPEED, position.stored, text)
    return text


def test_another_logs_position_is_refused_and_left_as_it_is(tmp_path: Path) -> None:
    driver(tmp_path, OURS).take_over()
    before = speed_store(tmp_path).record(SPEED)
    with pytest.raises(SettingsError, match=REFUSED):
        driver(tmp_path, THEIRS).take_over()
    assert speed_store(tmp_path).record(SPEED) == before


def test_any_record_of_another_log_refuses_the_store(tmp_path: Path) -> None:
    store = speed_store(tmp_path)
    lease = Lease(store, 1.0, SPEED_LAYER)
    check_speed_store(store, OURS)
    lease.acquire(print, THEIRS)
    lease.release()  # its owner is gone: the views are still another's
    with pytest.raises(SettingsError, match=REFUSED):
        check_speed_store(store, OURS)
    assert store.swap(LEASE, store.record(LEASE), b'{"owner": "", "host": "", "pid": 1, "beat": 0}')
    check_speed_store(store, OURS)
    store.swap(CATALOGUE, None, Applied(log=THEIRS).to_json())
    with pytest.raises(SettingsError, match=REFUSED):
        check_speed_store(store, OURS)


def test_a_position_of_an_earlier_version_is_taken_over_and_adopts_the_log(tmp_path: Path) -> None:
    ours = driver(tmp_path, OURS)
    written_by_an_earlier_version(ours.speed_views, ours.take_over())
    said: list[str] = []
    after = replace(ours, owner="next", say=said.append).take_over()
    assert (after.owner, after.log, after.epoch) == ("next", OURS, 1)
    assert said == []
    with pytest.raises(SettingsError, match=REFUSED):
        driver(tmp_path, THEIRS).take_over()


def test_what_is_written_under_a_position_is_guarded_by_the_bytes_that_stand_there(tmp_path: Path) -> None:
    ours = driver(tmp_path, OURS)
    text = written_by_an_earlier_version(ours.speed_views, ours.take_over())
    position = read_position(ours.speed_views)
    assert position is not None
    batch = MicroBatch(position, {0: 1, 1: 1}, (Boundary(0, {0: 0, 1: 0}),), {}, RULES, ours.places)
    assert batch.guard == text
    assert ours.speed_views.put(SPEED, {("1/s", b"k"): b"v"}, guard=batch.guard)
    begun = change_position(ours.speed_views, position, register(position))
    assert begun is not None
    assert begun.stored == ours.speed_views.record(SPEED)


def test_a_catalogue_record_of_an_earlier_version_is_read() -> None:
    text = b'{"version": 3, "writer": "x", "items": {"0": 5}, "users": {}}'
    assert Applied.from_json(text) == Applied(3, "x", {"0": 5}, {})
