"""What a generation that forgets users does to the control record."""

from dataclasses import replace

import pytest

from core.control.changes import (
    base_generation,
    drop,
    first_control,
    first_position,
    new_epoch,
    publish,
    record_boundary,
    rollback,
)
from schemas.control import Boundary, Control, Generation, LogIdentity
from schemas.errors import BadInput
from schemas.records import from_json

EMPTY = first_control(LogIdentity("c", "t", 1), {0: 0}, "rules")


def published(control: Control, name: str, end: int, forgotten: int, activate: bool = True) -> Control:
    control, boundary = record_boundary(control, {0: end})
    return publish(control, Generation(name, boundary, "rules", 0, forgotten=forgotten), activate)


def running(control: Control) -> Control:
    """A speed layer has begun."""
    return new_epoch(control)


def test_a_generation_that_forgets_begins_a_new_epoch_and_has_no_predecessor() -> None:
    before = running(published(EMPTY, "a", 10, 0))
    after = published(before, "b", 20, 1)
    assert (after.active, after.forgotten, after.epoch) == ("b", 1, before.epoch + 1)
    assert after.epoch_start.offsets == {0: 20}
    assert [generation.id for generation in drop(after, now=1).generations] == ["b"]


def test_one_that_forgets_no_more_than_the_last_continues_in_its_epoch() -> None:
    before = running(published(EMPTY, "a", 10, 2))
    after = published(before, "b", 20, 2)
    assert (after.predecessor, after.epoch) == ("a", before.epoch)


@pytest.mark.parametrize("activate", [True, False])
def test_a_run_from_before_is_refused(activate: bool) -> None:
    with pytest.raises(BadInput, match="forgotten"):
        published(published(EMPTY, "a", 10, 1), "b", 20, 0, activate)


def test_there_is_no_way_back() -> None:
    after = published(published(EMPTY, "a", 10, 0), "b", 10, 1)  # the same boundary: nothing came in between
    with pytest.raises(BadInput, match="forgotten"):
        rollback(after, "a")
    with pytest.raises(BadInput, match="forgotten"):
        rollback(after, None)


def test_one_that_waits_forgets_when_it_is_activated_and_not_before() -> None:
    before = running(published(EMPTY, "a", 10, 0))
    waiting = published(before, "b", 20, 1, activate=False)
    assert (waiting.forgotten, waiting.epoch) == (0, before.epoch)
    active = rollback(waiting, "b")
    assert (active.forgotten, active.epoch, active.predecessor) == (1, before.epoch + 1, "b")


def test_histories_to_fold_from_never_come_from_one_that_forgets_more_or_less() -> None:
    waiting = published(running(published(EMPTY, "a", 10, 0)), "b", 20, 1, activate=False)
    position = replace(first_position(waiting, "me"), offsets={0: 30})
    base = base_generation(waiting, position, 0)
    assert base is not None
    assert base.id == "a"


def test_records_of_before_are_read() -> None:
    text = EMPTY.to_json().replace(b', "forgotten": 0', b"").replace(b'"forgotten": 0, ', b"")
    assert b"forgotten" not in text
    assert Control.from_json(text) == EMPTY
    text = b'{"id": "a", "boundary": {"id": 1, "offsets": {"0": 1}}, "fingerprint": "f", "published_at": 0}'
    assert from_json(Generation, text) == Generation("a", Boundary(1, {0: 1}), "f", 0)
