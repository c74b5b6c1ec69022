"""Rules 1 to 5, 8, 9 and 13 of the contract: each holds a story together, which falls apart when the rule is out."""

from dataclasses import replace
from typing import Any

import numpy as np
import pyarrow as pa
import pytest

import core.control.runs
import speed_layer.driver as driver
import speed_layer.steps.fold_step as fold_step
import speed_layer.steps.rows as rows
import tests.kit.exact.speed_life as speed_life
from adapters.records.control import change_control, change_position, read_control, read_position
from core.control.boundaries import latest
from core.control.changes import (
    base_generation,
    first_control,
    needs_new_epoch,
    new_epoch,
    record_boundary,
    register,
    rollback,
)
from core.rows.merging_columns import Settled, outgrown_rows, settled, tagged_rows
from core.rows.packed import Packed
from core.rows.tagged import tagged
from schemas.control import Boundary, Control, Generation, LogIdentity, Offsets, Position
from schemas.errors import StoreUnavailable
from speed_layer.driver import SpeedDriver
from speed_layer.steps.micro_batch import MicroBatch
from speed_layer.steps.rows import Displaced
from tests.kit.exact.processes import Fate, InCircles, Process
from tests.kit.exact.story import ALL, HALF, NONE, Story, require
from tests.kit.exact.world import MAX_ABORTED


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
            story.world.run_batch, calls=0, of="swap"
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
        story.world.log.on_end = None
        story.send(6)
        life.apply(ALL)
        return ends

    story.world.log.on_end = asked
    story.world.run_batch()
    story.exact()


def test_2_a_boundary_is_never_below_what_the_speed_layer_has_planned() -> None:
    def unplanned(patch: pytest.MonkeyPatch, story: Story) -> None:
        def record(control: Control, end: Offsets) -> Any:
            changed, boundary = record_boundary(replace(control, planned=dict.fromkeys(end, 0)), end)
            return replace(changed, planned=control.planned), boundary

        patch.setattr(core.control.runs, "record_boundary", record)

    require(stale_end, unplanned)


def test_3b_the_planned_end_is_recorded_before_anything_is_written() -> None:
    require(stale_end, lambda patch, _: patch.setattr(driver, "plan", lambda control, to: control))


def test_3b_a_boundary_recorded_while_it_is_planned_cuts_the_micro_batch() -> None:
    def tale(story: Story) -> None:
        story.send(8)
        life = story.life(HALF)
        ends = story.world.log.end_offsets()
        story.send(8)
        planning = story.paused(lambda: life.apply(ALL), calls=0, of="swap")
        asked = iter([ends])  # asked before those were sent
        story.world.log.on_end = lambda: next(asked, dict(story.world.log.ends))
        story.world.run_batch()
        story.finish(planning)
        story.exact()

    change = change_control

    def of_before(store: Any, changed: Any) -> Control:
        before = read_control(store)
        assert before is not None
        return replace(change(store, changed), boundaries=before.boundaries)

    require(tale, lambda patch, _: patch.setattr(driver, "change_control", of_before))


def straddling(story: Story) -> None:
    """A micro-batch begins below a boundary and ends beyond it, while the generation of that boundary is computed."""
    story.send(8)
    life = story.life(HALF)
    run = story.paused(story.world.run_batch, calls=0, of="put")
    assert len(story.world.control.boundaries) == 2
    story.send(8)
    life.apply(ALL)
    story.finish(run)
    story.exact()


def test_2_an_event_belongs_to_the_last_boundary_at_or_below_its_offset() -> None:
    def newest(partition: Any, offset: Any, boundaries: Any) -> Any:
        return np.full(len(offset), boundaries[-1].id)

    require(straddling, lambda patch, _: patch.setattr(fold_step, "segments_of", newest))


def test_2_a_boundary_is_never_below_the_last_recorded_one() -> None:
    def tale(story: Story) -> None:
        story.send(6)
        life = story.life()
        ends = story.world.log.end_offsets()

        def asked() -> Offsets:
            story.world.log.on_end = None
            story.send(12)
            story.world.record_boundary()  # another run, or verify, is faster
            return ends

        story.world.log.on_end = asked
        story.world.run_batch()
        story.send(6)
        life.apply(ALL)
        story.exact()

    def unordered(control: Control, end: Offsets) -> tuple[Control, Boundary]:
        last = control.boundaries[-1]
        boundary = Boundary(last.id + 1, latest(end, control.planned, control.active_boundary.offsets))
        return replace(control, boundaries=(*control.boundaries, boundary)), boundary

    require(tale, lambda patch, _: patch.setattr(core.control.runs, "record_boundary", unordered))


def test_2_a_boundary_is_recorded_before_the_batch_layer_reads_an_event() -> None:
    def later(patch: pytest.MonkeyPatch, story: Story) -> None:
        patch.setattr(
            core.control.runs, "record_boundary", lambda control, end: (control, record_boundary(control, end)[1])
        )

    def tale(story: Story) -> None:
        story.send(8)
        life = story.life(HALF)
        run = story.paused(story.world.run_batch, calls=0, of="put")
        story.send(8)
        life.apply(ALL)
        story.finish(run)
        story.exact()

    require(tale, later)


def test_3_a_range_starts_at_the_committed_position_whatever_the_engine_hands_over() -> None:
    def everything(records: pa.RecordBatch, batch: Any) -> pa.RecordBatch:
        return records

    def tale(story: Story) -> None:
        story.send(12, users=(0,))
        life = story.life(HALF)
        story.world.shape.choice = lambda seq: seq[0]  # type: ignore[method-assign]
        life.apply(ALL)
        story.exact()

    require(tale, lambda patch, _: patch.setattr(fold_step, "_in_range", everything))


def test_3f_a_commit_requires_that_the_position_is_still_the_attempts_own() -> None:
    def tale(story: Story) -> None:
        story.send(8)
        old = story.life()
        story.send(8)
        late = story.paused(lambda: old.apply(ALL), calls=2, of="swap")  # planned, registered, and about to commit
        story.send(8)
        story.life()
        story.finish(late, Displaced)
        story.exact()

    def blind(patch: pytest.MonkeyPatch, story: Story) -> None:
        store, swap = story.speed.store, story.speed.store.swap

        def whatever_stands_there(book: Any, old: Any, new: bytes, *, writes: Any = None) -> bool:
            return swap(book, old if writes is None else store.record(book), new)

        patch.setattr(store, "swap", whatever_stands_there)

    require(tale, blind)


def crashed(story: Story, past: int = 4) -> None:
    """An attempt dies before its commit, when all its rows are written; the next one takes half of its range."""
    story.send(past)
    life = story.life()
    story.send(12)

    story.die_uncommitted(life, ALL)
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


def test_4_an_aborted_attempt_is_never_forgotten_while_rows_may_bear_its_number() -> None:
    """Of two attempts that died the first wrote everything; what follows touches little of that."""

    def newest(position: Position) -> Position:
        begun = register(position)
        return replace(begun, aborted=begun.aborted[-1:])

    def tale(story: Story) -> None:
        story.send(4)
        life = story.life()
        story.send(20)
        story.die_uncommitted(life, ALL)
        story.die_uncommitted(story.life(NONE), (20, 20))
        story.life((20, 20))
        story.exact()

    require(tale, lambda patch, _: patch.setattr(driver, "register", newest))


def test_4_when_too_many_attempts_died_a_new_epoch_forgets_them() -> None:
    """Before that none may be forgotten, and the position would grow with each."""
    with Story.begun() as story:
        story.send(8)
        story.world.run_batch()
        story.life()
        story.send(8)
        for _ in range(MAX_ABORTED + 1):
            story.die_uncommitted(story.life(NONE), (50, 50))
            story.exact()
        last = story.life(HALF)
        position = story.world.position
        assert position is not None
        assert (position.epoch, len(position.aborted)) == (1, MAX_ABORTED + 1)
        last.apply(ALL)
        position = story.world.position
        assert position is not None
        assert (position.epoch, position.aborted) == (2, ())
        story.exact()


def test_4_histories_that_were_not_committed_are_not_folded_from() -> None:
    def whatever(stored: Packed, view: str, batch: MicroBatch) -> Settled:
        all_of_them = replace(batch.position, attempt=batch.position.registered - 1, aborted=())
        return rows.committed(stored, view, replace(batch, position=all_of_them))

    require(crashed, lambda patch, _: patch.setattr(fold_step, "committed", whatever))


def test_4_a_writer_discards_what_was_not_committed() -> None:
    def all_counts(view: str, stored: Packed, position: Position) -> Settled:
        return settled(view, stored, replace(position, attempt=10**9, aborted=()))

    require(crashed, lambda patch, _: patch.setattr(rows, "settled", all_counts))


def moves(story: Story) -> None:
    story.send(16)
    life = story.life()
    story.send(12)
    life.apply(ALL)
    story.exact()


def test_4_what_moves_to_a_rows_older_part_leaves_the_newer_with_the_same_commit() -> None:
    def stays(bases: Packed, position: Position, changes: Packed, older: Any, replaces: Any) -> Packed:
        return tagged_rows(bases, position, changes, older, np.zeros_like(replaces))

    def at_once(store: Any, batch: Any, changes: Any, bases: Packed, full: Any, older: Any) -> Any:
        moved = rows_moved(store, batch, changes, bases, full, older)
        values = bases.take(full).values()
        return {row: tagged(None, batch.position, 0, base) for row, base in zip(moved, values, strict=True)}

    rows_moved = rows._moved
    require(moves, lambda patch, _: patch.setattr(rows, "tagged_rows", stays))
    require(lambda story: crashed(story, past=16), lambda patch, _: patch.setattr(rows, "_moved", at_once))


def test_4_a_task_that_runs_twice_in_one_attempt_moves_the_same_rows() -> None:
    def twice(story: Story) -> None:
        write = speed_life.write_sums

        def repeated(batches: Any, batch: MicroBatch) -> Any:
            changes = list(batches)
            list(write(iter(changes), batch))
            return write(iter(changes), batch)

        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(speed_life, "write_sums", repeated)
            patch.setattr(driver, "change_position", any_number_of_puts)
            story.send(16)
            life = story.life()
            for _ in range(4):
                story.send(12)
                life.apply(ALL)
                story.exact()

    def any_number_of_puts(store: Any, old: Any, new: Any, *, writes: int | None = None) -> Any:
        return change_position(store, old, new)

    def afresh(bases: Packed, changes: Packed, stored: Settled) -> Any:
        return outgrown_rows(bases, changes, replace(stored, written=np.zeros_like(stored.written)))

    require(twice, lambda patch, _: patch.setattr(rows, "outgrown_rows", afresh))


def test_5_every_write_is_atomic_with_the_test_that_the_position_is_still_its_own() -> None:
    def unguarded(patch: pytest.MonkeyPatch, story: Story) -> None:
        put = story.speed.store.put
        patch.setattr(
            story.speed.store, "put", lambda book, rows, *, guard: put(book, rows, guard=story.speed.store.record(book))
        )

    def tale(story: Story, calls: int = 9) -> None:
        story.send(8)
        old = story.life()
        story.send(8)
        displaced = story.paused(lambda: old.apply(ALL), calls)
        new = story.life()
        story.send(8)
        new.apply(ALL)
        story.finish(displaced, Displaced)
        story.exact()
        story.send(8)
        new.apply(ALL)
        story.exact()

    require(tale, unguarded, also=StoreUnavailable)
    for calls in range(18):  # wherever it stood still, between a look and a write too
        with Story.begun() as story:
            tale(story, calls)


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
    change = change_position

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
    change_control(story.world.batch, lambda control: rollback(control, first.id))
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
        patch.setattr(driver, "needs_new_epoch", lambda control, position: needs_new_epoch(
            replace(control, floor=dict.fromkeys(control.floor, 0)), position))  # fmt: skip

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


def test_8_a_generation_from_before_the_epoch_or_below_the_floor_is_never_folded_from() -> None:
    """The rest of the rules keeps such a position from arising; should it, a new epoch begins."""
    start = first_control(LogIdentity("", "", 1), {0: 0}, "rules")
    ends = [Boundary(number, {0: 10 * number}) for number in range(4)]
    made = tuple(Generation(str(end.id), end, "rules", 0) for end in ends[1:])
    control = replace(start, boundaries=tuple(ends), generations=made, epoch=1)
    for low in (replace(control, epoch_start=ends[2]), replace(control, floor={0: 20})):
        assert base_generation(low, Position(1, "", "", 1, {0: 25}), 0) == made[1]
        with pytest.raises(LookupError):
            base_generation(low, Position(1, "", "", 1, {0: 19}), 0)
    assert base_generation(control, Position(1, "", "", 1, {0: 9}), 0) is None
    others = replace(control, fingerprint="others", epoch_start=ends[1])
    with pytest.raises(LookupError):
        base_generation(others, Position(1, "", "", 1, {0: 25}), 0)


def test_9_a_position_of_another_epoch_begins_a_new_one() -> None:
    """The speed store was lost and rebuilt; then a copy of what was lost comes back."""

    def tale(story: Story) -> None:
        story.send(10)
        story.world.run_batch()
        story.life()
        before = story.speed.image()
        story.speed.restore(None)
        story.life()
        story.speed.restore(before)
        story.send(4)
        story.life()
        story.exact()

    def whichever(control: Control, position: Position | None) -> str | None:
        return needs_new_epoch(control, position and replace(position, epoch=control.epoch))

    require(tale, lambda patch, _: patch.setattr(driver, "needs_new_epoch", whichever))


def test_9_an_epoch_begins_at_the_active_generations_boundary() -> None:
    def further(control: Control, beyond: int) -> Control:
        return replace(new_epoch(control, beyond), epoch_start=control.boundaries[-1])

    def tale(story: Story) -> None:
        story.send(10)
        story.world.run_batch()
        story.send(10)
        story.world.record_boundary()
        story.finish(Process(story.life))
        story.exact()

    require(tale, lambda patch, _: patch.setattr(driver, "new_epoch", further), also=InCircles)


def test_9_rows_of_an_earlier_epoch_never_count_in_a_later_one() -> None:
    """The position alone is lost: its rows are still there."""

    def tale(story: Story) -> None:
        story.send(10)
        story.life()
        _, puts, rows_alone = story.speed.image()
        story.speed.restore(({}, puts, rows_alone))
        story.life(HALF)
        story.exact()

    def same(control: Control, beyond: int) -> Control:
        return replace(new_epoch(control, beyond), epoch=1)

    require(tale, lambda patch, _: patch.setattr(driver, "new_epoch", same))


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
        story.must(story.world.control.epoch == 3, "its late position began yet another epoch")

    change = change_position

    def forced(store: Any, old: Any, new: Any, *, writes: Any = None) -> Any:
        return change(store, read_position(store) if writes is None else old, new, writes=writes)

    require(tale, lambda patch, _: patch.setattr(driver, "change_position", forced))
