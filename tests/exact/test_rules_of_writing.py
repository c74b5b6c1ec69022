"""Rules 1 to 5, 8, 9 and 13 of the contract: each holds a story together, which falls apart when the rule is out."""

from dataclasses import replace
from typing import Any

import numpy as np
import pyarrow as pa
import pytest

import batch_layer.jobs.generation as generation
import speed_layer.driver as driver
import speed_layer.fold_step as fold_step
import speed_layer.rows as rows
from adapters.records import change_control
from core.control import base_generation, needs_new_epoch, record_boundary, register, rollback
from core.tagged import _HEAD
from schemas.control import Control, Generation, Offsets, Position
from schemas.errors import StoreUnavailable
from schemas.event import RECORD_COLUMNS
from speed_layer.driver import SpeedDriver
from speed_layer.rows import Displaced
from tests.exact.processes import Fate
from tests.exact.story import ALL, HALF, Story, require


def blind_swaps(patch: pytest.MonkeyPatch, story: Story) -> None:
    swap = story.batch.store.swap
    patch.setattr(
        story.batch.store, "swap", lambda book, _, new, *, writes=None: swap(book, story.batch.store.record(book), new)
    )


def test_1_the_control_record_changes_only_by_compare_and_set() -> None:
    def tale(story: Story) -> None:
        story.send(6)
        life = story.life()
        story.send(6)
        run = story.paused(
            story.world.run_batch, calls=4
        )  # it has read the record and is about to swap its boundary in
        story.send(4)
        life.apply(ALL)
        story.finish(run)
        story.exact()

    require(tale, blind_swaps)


def stale_end(story: Story) -> None:
    """The batch layer asks where the log ends; before it records its boundary the speed layer goes beyond."""
    story.send(6)
    life = story.life()
    ends = story.world.log.end_offsets()

    def asked() -> Offsets:
        story.world.log.end_offsets = lambda: dict(story.world.log.ends)  # type: ignore[method-assign]
        story.send(6)
        life.apply(ALL)
        return ends

    story.world.log.end_offsets = asked  # type: ignore[method-assign]
    story.world.run_batch()
    story.exact()


def test_2_a_boundary_is_never_below_what_the_speed_layer_has_planned() -> None:
    def unplanned(patch: pytest.MonkeyPatch, story: Story) -> None:
        def record(control: Control, end: Offsets) -> Any:
            changed, boundary = record_boundary(replace(control, planned=dict.fromkeys(end, 0)), end)
            return replace(changed, planned=control.planned), boundary

        patch.setattr(generation, "record_boundary", record)

    require(stale_end, unplanned)


def test_3b_the_planned_end_is_recorded_before_anything_is_written() -> None:
    require(stale_end, lambda patch, _: patch.setattr(driver, "plan", lambda control, to: control))


def straddling(story: Story) -> None:
    """A micro-batch begins below a boundary and ends beyond it, while the generation of that boundary is computed."""
    story.send(8)
    life = story.life(HALF)
    run = story.paused(story.world.run_batch, calls=8)
    assert len(story.world.control.boundaries) == 2
    story.send(8)
    life.apply(ALL)
    story.finish(run)
    story.exact()


def test_2_an_event_belongs_to_the_last_boundary_at_or_below_its_offset() -> None:
    def newest(partition: Any, offset: Any, boundaries: Any) -> Any:
        return np.full(len(offset), boundaries[-1].id)

    require(straddling, lambda patch, _: patch.setattr(fold_step, "segments_of", newest))


def test_2_a_boundary_is_recorded_before_the_batch_layer_reads_an_event() -> None:
    def later(patch: pytest.MonkeyPatch, story: Story) -> None:
        patch.setattr(generation, "record_boundary", lambda control, end: (control, record_boundary(control, end)[1]))

    def tale(story: Story) -> None:
        story.send(8)
        life = story.life(HALF)
        run = story.paused(story.world.run_batch, calls=8)
        story.send(8)
        life.apply(ALL)
        story.finish(run)
        story.exact()

    require(tale, later)


def test_3_a_range_starts_at_the_committed_position_whatever_the_engine_hands_over() -> None:
    def everything(batches: Any, batch: Any) -> pa.RecordBatch:
        return pa.Table.from_batches(list(batches), RECORD_COLUMNS).combine_chunks().to_batches()[0]

    def tale(story: Story) -> None:
        story.send(12, users=(0,))
        life = story.life(HALF)
        story.world.shape.choice = lambda given: given[0]  # type: ignore[method-assign]
        life.apply(ALL)
        story.exact()

    require(tale, lambda patch, _: patch.setattr(fold_step, "_in_range", everything))


def crashed(story: Story) -> None:
    """An attempt dies before its commit, when all its rows are written; the next one takes half of its range."""
    story.send(4)
    life = story.life()
    story.send(12)

    class Killed(BaseException):
        pass

    def kill(step: str) -> None:
        if step == "written":
            raise Killed

    life.driver.fault = kill
    with pytest.raises(Killed):
        life.apply(ALL)
    story.exact()
    after = story.life(HALF)
    story.exact()
    after.apply(ALL)
    story.exact()


def test_4_an_attempt_number_is_never_used_twice() -> None:
    def again(position: Position) -> Position:
        return replace(register(position), registered=position.attempt + 1, aborted=())

    require(crashed, lambda patch, _: patch.setattr(driver, "register", again))


def test_4_an_unfinished_attempt_is_recorded_as_aborted() -> None:
    def forgets(position: Position) -> Position:
        return replace(register(position), aborted=())

    require(crashed, lambda patch, _: patch.setattr(driver, "register", forgets))


def test_4_a_writer_discards_what_was_not_committed() -> None:
    def stage(stored: bytes | None, position: Position, attempt: int, change: bytes, merge: Any) -> bytes:
        base = None
        if stored is not None:
            _, _, length = _HEAD.unpack_from(stored)
            middle = _HEAD.size + max(length, 0)
            base = stored[middle:] if length < 0 else merge(stored[_HEAD.size : middle], stored[middle:])
        return _HEAD.pack(position.attempt, attempt, -1 if base is None else len(base)) + (base or b"") + change

    require(crashed, lambda patch, _: patch.setattr(rows, "stage", stage))


def test_5_every_write_is_atomic_with_the_test_that_the_position_is_still_its_own() -> None:
    def unguarded(patch: pytest.MonkeyPatch, story: Story) -> None:
        put = story.speed.store.put
        patch.setattr(
            story.speed.store, "put", lambda book, rows, *, guard: put(book, rows, guard=story.speed.store.record(book))
        )

    def tale(story: Story) -> None:
        story.send(8)
        old = story.life()
        story.send(8)
        displaced = story.paused(lambda: old.apply(ALL), calls=9)
        new = story.life()
        story.send(8)
        new.apply(ALL)
        story.finish(displaced, Displaced)
        story.exact()
        story.send(8)
        new.apply(ALL)
        story.exact()

    require(tale, unguarded, also=StoreUnavailable)


def restored_under_a_writer(story: Story) -> None:
    """The speed store fails over to a copy that lacks the last writes of an attempt under way."""
    story.send(12)
    life = story.life(HALF)
    attempt = story.paused(lambda: life.apply(ALL), calls=5)
    image = story.speed.image()
    assert not attempt.resume(Fate(10, "pause"))
    story.speed.restore(image)
    story.finish(attempt)
    story.exact()


def test_13_a_commit_counts_the_writes_of_its_attempt() -> None:
    change = driver.change_position

    def uncounted(store: Any, old: Any, new: Any, *, writes: Any = None) -> Any:
        return change(store, old, new)

    require(restored_under_a_writer, lambda patch, _: patch.setattr(driver, "change_position", uncounted))


def behind_a_generation(story: Story) -> None:
    """An epoch begins; a generation is published ahead of it; then what lies between is applied, and rolled back to."""
    story.send(10)
    first = story.world.run_batch()
    life = story.life()
    story.send(12, users=(0, 1))
    story.world.run_batch()
    life.apply(ALL)
    story.exact()
    change_control(story.world.batch, lambda each: rollback(each, first.id))
    story.exact()


def test_8_histories_are_those_of_a_generation_at_or_below_the_position() -> None:
    def newest(control: Control, position: Position, partition: int) -> Generation | None:
        return control.generations[-1] if control.generations else None

    require(behind_a_generation, lambda patch, _: patch.setattr(driver, "base_generation", newest))


def test_8_a_generation_that_was_dropped_meanwhile_makes_the_attempt_void() -> None:
    def tale(story: Story) -> None:
        story.send(10)
        story.world.run_batch()
        life = story.life()
        story.send(10)
        attempt = story.paused(lambda: life.apply(ALL), calls=5)  # before it reads from the generation
        for _ in range(4):
            story.world.run_batch()
            story.wait()
        story.finish(attempt)
        story.exact()

    require(tale, lambda patch, _: patch.setattr(SpeedDriver, "_require_bases", lambda *_: None))


def test_8_a_missing_generation_is_an_error_and_never_an_empty_history() -> None:
    def empty(control: Control, position: Position, partition: int) -> Generation | None:
        try:
            return base_generation(control, position, partition)
        except LookupError:
            return None

    def mutate(patch: pytest.MonkeyPatch, story: Story) -> None:
        patch.setattr(driver, "base_generation", empty)
        patch.setattr(driver, "needs_new_epoch", lambda each, position: needs_new_epoch(
            replace(each, floor=dict.fromkeys(each.floor, 0)), position))  # fmt: skip

    def tale(story: Story) -> None:
        story.send(10)
        story.world.run_batch()
        story.life()
        for _ in range(2):
            story.send(2)
            story.world.run_batch()
        assert len(story.world.control.generations) == 2, "the first one is gone"
        story.send(2)
        story.life()
        story.exact()

    require(tale, mutate)


def test_9_a_missing_position_begins_a_new_epoch() -> None:
    def tale(story: Story) -> None:
        story.send(10)
        story.life()
        reader = story.reader(calls=5)
        story.speed.restore(None)
        story.life(HALF)
        story.exact(story.finish(reader))

    def mutate(patch: pytest.MonkeyPatch, _: Story) -> None:
        patch.setattr(driver, "new_epoch", lambda control, beyond: replace(control, epoch=max(1, control.epoch)))
        patch.setattr(driver, "replace", lambda position, **changes: replace(position, **{**changes, "life": ""}))

    require(tale, mutate)


def test_9_only_the_process_that_made_the_epoch_creates_its_position_once() -> None:
    """Two processes start on a lost store; the slower one must not set back what the faster has applied."""

    def tale(story: Story) -> None:
        story.send(10)
        story.life()
        story.speed.restore(None)
        slow = story.world.live()
        starting = story.paused(lambda: slow.apply(HALF), calls=5)
        story.life()
        story.finish(starting)
        story.exact()
        assert story.world.control.epoch == 3, "its late position began yet another epoch"

    change = driver.change_position

    def forced(store: Any, old: Any, new: Any, *, writes: Any = None) -> Any:
        return change(store, driver.read_position(store) if writes is None else old, new, writes=writes)

    require(tale, lambda patch, _: patch.setattr(driver, "change_position", forced))
