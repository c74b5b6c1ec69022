"""Rules 6, 7, 10, 11, 12 and 14 of the contract, in the same form as those of writing."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

import batch_layer.jobs.view_maker as view_maker
import batch_layer.runs.lifecycle as batch_runs
import batch_layer.steps.output as output
import core.control.changes
import core.control.runs
import core.rows.merging
import serving_layer.reading.counting as counting
import serving_layer.reading.stored_rows as stored_rows
import speed_layer.clean_up as clean_up
import speed_layer.driver as driver
import tests.kit.exact.speed_life as speed_life
from adapters.records.books import SPEED
from adapters.records.control import change_control
from adapters.stores.port import Book
from batch_layer.runs.lifecycle import Runs
from core.control.boundaries import reaches
from core.control.changes import boundary_of
from core.rows.tagged import _HEAD
from schemas.control import Control, Generation, Position
from schemas.errors import BadInput, SettingsError
from serving_layer.reading.snapshot import Snapshot
from speed_layer.clean_up import LOOK_EVERY_SECONDS
from tests.kit.exact.story import ALL, HALF, Story, WrongAnswer, not_listed, require
from tests.kit.exact.world import PUBLISHING


def test_6_a_base_newer_than_the_position_starts_the_reader_over() -> None:
    def settle(stored: bytes, position: Position, merge: Callable[[bytes, bytes], bytes]) -> bytes | None:
        _, tag, length, replaces, _ = _HEAD.unpack_from(stored)
        middle = _HEAD.size + max(length, 0)
        base = None if length < 0 else stored[_HEAD.size : middle]
        if not position.committed(tag):
            return base
        return stored[middle:] if base is None or replaces else merge(base, stored[middle:])

    def tale(story: Story) -> None:
        story.send(8)
        life = story.life()
        reader = story.reader(calls=4)
        for _ in range(2):
            story.send(8)
            life.apply(ALL)
        story.exact(story.finish(reader))

    require(tale, lambda patch, _: patch.setattr(core.rows.merging, "settle", settle))


def test_6_only_changes_that_the_position_calls_committed_count() -> None:
    def tale(story: Story) -> None:
        story.send(4)
        life = story.life()
        story.send(12)
        story.die_uncommitted(life, ALL)
        story.exact()

    require(tale, lambda patch, _: patch.setattr(Position, "committed", lambda *_: True))


def test_6_with_a_position_of_another_epoch_the_generation_answers_alone_and_says_so() -> None:
    def tale(story: Story) -> None:
        story.send(8)
        story.life()
        story.world.run_batch()
        story.send(8)
        story.life()
        story.exact()
        change_control(
            story.world.batch, core.control.changes.new_epoch
        )  # what created its position died before it could
        story.exact(degraded=("speed",))

    require(tale, lambda patch, _: patch.setattr(counting, "is_of", lambda *_: True))


def test_6_an_answer_is_as_fresh_as_the_farther_of_boundary_and_position() -> None:
    def position_alone(self: Snapshot) -> Any:
        return self.position.offsets if self.position else self.boundary

    def tale(story: Story) -> None:
        story.send(8)
        story.life()
        story.send(8)
        story.world.run_batch()
        story.exact()

    require(tale, lambda patch, _: patch.setattr(Snapshot, "offsets", property(position_alone)))


def test_6_a_position_that_is_gone_at_the_end_starts_the_reader_over() -> None:
    def tale(story: Story) -> None:
        story.send(8)
        story.life()
        reader = story.reader(calls=4)
        story.speed.restore(None)
        story.life()
        story.exact(story.finish(reader))

    require(tale, lambda patch, _: patch.setattr(Snapshot, "confirm", lambda _: None))


def test_6_a_position_that_was_set_back_and_went_on_starts_the_reader_over() -> None:
    """The store fails over to a copy that lags; the same process applies another range under the same number."""

    def tale(story: Story) -> None:
        story.send(8)
        life = story.life(HALF)
        image = story.speed.image()
        story.send(8)
        life.apply(ALL)
        reader = story.reader(calls=4)
        story.speed.restore(image)
        life.apply(HALF)
        story.exact(story.finish(reader))

    def nameless(position: Position, **changes: Any) -> Position:
        return replace(position, **{**changes, "life": ""})

    require(tale, lambda patch, _: patch.setattr(driver, "replace", nameless))


def test_6_a_control_record_that_does_not_know_the_positions_plan_starts_the_reader_over() -> None:
    def tale(story: Story) -> None:
        story.send(8)
        life = story.life()
        reader = story.reader(calls=1)
        story.world.record_boundary()
        story.send(8)
        life.apply(ALL)
        story.exact(story.finish(reader))

    require(tale, lambda patch, _: patch.setattr(counting, "reaches", lambda a, b: True))


def past_a_boundary(story: Story) -> None:
    story.past_a_boundary()
    story.exact()


def test_6_only_segments_from_the_active_boundary_on_are_added() -> None:
    def every(control: Control) -> list[int]:
        return [boundary.id for boundary in control.boundaries]

    require(past_a_boundary, lambda patch, _: patch.setattr(Control, "active_segments", property(every)))


def test_7_a_generation_ahead_of_the_speed_layer_answers_with_its_own_histories() -> None:
    def tale(story: Story) -> None:
        story.send(8)
        story.life()
        story.send(8)
        story.world.run_batch()
        story.exact()

    require(tale, lambda patch, _: patch.setattr(Snapshot, "_has_passed_boundary", lambda *_: True))


def test_7_past_the_boundary_the_speed_views_histories_answer() -> None:
    require(past_a_boundary, lambda patch, _: patch.setattr(Snapshot, "_has_passed_boundary", lambda *_: False))


def overtaken(story: Story) -> None:
    """A run is overtaken by two later ones; what only its generation would need is cleaned up before it publishes."""
    story.send(8)
    life = story.life()
    slow = story.paused(story.world.run_batch, calls=2, of="put")
    for _ in range(2):
        story.send(8)
        life.apply(ALL)
        story.world.run_batch()
    story.clean_up(life)
    story.finish(slow, BadInput)
    story.exact()


def test_10_a_generation_below_the_active_one_is_not_published() -> None:
    def unasked(control: Control, made: Generation, activate: bool = True) -> Control:
        generations = (*control.generations, made)
        return replace(control, generations=generations, active=made.id, predecessor=control.active)

    def overtaken_runs_stay(patch: pytest.MonkeyPatch, _: Story) -> None:
        patch.setattr(core.control.runs, "publish", unasked)
        patch.setattr(core.control.runs, "give_up", lambda control, names: control)

    require(overtaken, overtaken_runs_stay)


def test_10_a_run_that_was_given_up_and_deleted_is_not_published() -> None:
    def tale(story: Story) -> None:
        story.send(8)
        slow = story.paused(story.world.run_batch, calls=PUBLISHING + 1, of="swap")
        story.world.clock.seconds += story.world.settings.batch.run_patience_ms / 1000 + 1
        assert len(Runs(story.world.batch, story.world.settings, print).clean_up()) == 1
        story.finish(slow, BadInput)
        story.life()
        story.exact()

    require(tale, not_listed)


def test_10_a_later_run_that_is_faster_ends_those_before_it() -> None:
    with Story.begun() as story:
        story.send(8)
        slow = story.paused(story.world.run_batch, calls=0, of="put")
        story.world.run_batch()
        story.finish(slow, BadInput)
        assert "later run was faster" in str(slow.error)
        story.world.run_batch()
        assert story.world.control.runs == story.world.control.abandoned == ()
        books = {book for book, _ in story.batch.store.rows if story.batch.store.spaces(Book(book))}  # type: ignore[attr-defined]
        assert books == {f"generation/{generation.id}" for generation in story.world.control.generations}


def one_book(patch: pytest.MonkeyPatch, _: Story) -> None:
    """All runs write into the same one."""
    for module in (output, view_maker, stored_rows):
        patch.setattr(module, "generation_book", lambda name: Book("generation/always the same"))


def test_10_every_run_writes_under_an_id_of_its_own() -> None:
    """A slow run continues to write after a later one was published."""

    def tale(story: Story) -> None:
        story.send(8)
        slow = story.paused(story.world.run_batch, calls=0, of="put")
        story.send(8)
        story.world.run_batch()
        story.finish(slow, BadInput)
        story.exact(degraded=("speed",))

    require(tale, one_book)


def test_10_nothing_of_a_run_is_read_before_its_pointer_is_swapped() -> None:
    """All its rows are written, in a book that nobody reads yet."""

    def tale(story: Story) -> None:
        story.send(8)
        story.world.run_batch()
        story.send(8)
        run = story.paused(story.world.run_batch, calls=PUBLISHING, of="swap")
        story.exact(degraded=("speed",))
        story.finish(run)
        story.exact(degraded=("speed",))

    require(tale, one_book)


def three_generations(story: Story) -> tuple[list[Generation], Any]:
    story.send(8)
    life = story.life()
    made = []
    for _ in range(3):
        made.append(story.world.run_batch())
        story.wait()
        story.send(8)
        life.apply(ALL)
    return made, life


def test_11_the_floor_leaves_what_the_predecessor_needs() -> None:
    def too_high(control: Control, now: int) -> Control:
        dropped = core.control.changes.drop(control, now)
        return replace(dropped, floor=control.active_boundary.offsets)

    def tale(story: Story) -> None:
        made, life = three_generations(story)
        story.clean_up(life)
        roll_back(story, made[1].id)
        story.exact()

    require(tale, lambda patch, _: patch.setattr(batch_runs, "drop", too_high))


def test_11_nothing_is_deleted_before_the_grace_period_has_passed() -> None:
    def at_once(patch: pytest.MonkeyPatch, story: Story) -> None:
        story.world.settings = story.world.settings.changed(grace="0s")

    def tale(story: Story) -> None:
        story.send(8)
        story.life()
        story.world.run_batch()
        reader = story.reader(calls=2)
        for _ in range(3):
            story.world.run_batch()
        story.exact(story.finish(reader))

    require(tale, at_once)


def test_11_the_speed_layer_too_waits_the_grace_period_before_it_deletes() -> None:
    def tale(story: Story) -> None:
        story.send(8)
        life = story.life()
        story.world.run_batch()
        story.send(8)
        life.apply(ALL)
        reader = story.reader(calls=2)
        for _ in range(2):  # the speed layer idles, or the reader would start over by another rule
            story.world.run_batch()
            story.send(8)
        assert len(story.world.control.generations) == 2, "the reader's generation has left"
        story.world.clock.seconds += LOOK_EVERY_SECONDS + 1
        life.clean_up.maybe()
        story.exact(story.finish(reader))

    require(tale, lambda patch, _: patch.setattr(speed_life, "GRACE_SECONDS", 0))


@pytest.mark.parametrize(("length", "pause"), [(20, 40), (50, 0), (0, 30), (90, 90)])
def test_11_old_generations_go_however_the_runs_follow_one_another(length: int, pause: int) -> None:
    """In seconds; the grace period is 60."""
    with Story.begun() as story:
        for _ in range(12):
            story.world.clock.seconds += pause
            run = story.paused(story.world.run_batch, calls=0, of="put") if story.sent else None
            story.send(4)
            story.world.clock.seconds += length
            if run is not None:
                story.finish(run)
        made = {book for book, _ in story.batch.store.rows if book.startswith("generation/")}  # type: ignore[attr-defined]
        held = {name for name in made if story.batch.store.spaces(Book(name))}
        assert len(made) == 11
        assert len(held) <= 8


def test_11_segments_above_the_floor_are_never_deleted() -> None:
    def tale(story: Story) -> None:
        made, life = three_generations(story)
        story.clean_up(life)
        assert story.world.control.floor == made[1].boundary.offsets
        kept = {space.split("/")[2] for space in story.speed.store.spaces(SPEED) if space.count("/") == 2}
        needed = {str(made[1].boundary.id), str(made[2].boundary.id)}
        story.must(kept == needed, f"segments {kept} are kept, {needed} are needed")
        story.exact()

    def one_more(patch: pytest.MonkeyPatch, story: Story) -> None:
        patch.setattr(clean_up, "reaches", lambda floor, offsets: reaches(offsets, floor))

    require(tale, one_more)


def roll_back(story: Story, target: str | None) -> None:
    """Through the module, so that a mutation of the rule is used. A refusal breaks the tale."""
    try:
        change_control(story.world.batch, lambda control: core.control.changes.rollback(control, target))
    except BadInput as refusal:
        raise WrongAnswer(refusal) from refusal


def unchecked(patch: pytest.MonkeyPatch, _: Story) -> None:
    def rollback(control: Control, target: str | None) -> Control:
        return replace(control, active=target, predecessor=control.active, held=True)

    patch.setattr(core.control.changes, "rollback", rollback)


def refused(story: Story, target: str | None) -> None:
    """Either it is refused, or the answer must be right all the same."""
    try:
        change_control(story.world.batch, lambda control: core.control.changes.rollback(control, target))
    except BadInput:
        return
    story.exact()


def test_12_no_rollback_below_the_floor() -> None:
    def tale(story: Story) -> None:
        _, life = three_generations(story)
        story.clean_up(life)
        refused(story, None)
        story.exact()

    require(tale, unchecked)


def test_12_no_rollback_before_the_start_of_the_epoch() -> None:
    def tale(story: Story) -> None:
        story.send(8)
        first = story.world.run_batch()
        story.send(8)
        story.world.run_batch()
        story.life()
        assert reaches(boundary_of(story.world.control, first.id).offsets, story.world.control.floor)
        refused(story, first.id)
        story.exact()

    require(tale, unchecked)


def test_12_a_rollback_holds_against_scheduled_runs() -> None:
    def tale(story: Story) -> None:
        made, _ = three_generations(story)
        roll_back(story, made[1].id)
        story.world.run_batch(activate=None)
        story.must(story.world.control.active == made[1].id, "a scheduled run undid the rollback")
        story.exact()

    require(tale, lambda patch, _: patch.setattr(batch_runs, "_activates", lambda *_: True))


def test_14_a_running_speed_layer_of_other_rules_stops_instead_of_mixing() -> None:
    def tale(story: Story) -> None:
        story.send(12)
        life = story.life(HALF)
        story.world.settings = story.world.settings.changed(history_items=1)
        story.world.run_batch(full=True)
        story.send(12)
        try:
            life.apply(ALL)
        except SettingsError:
            story.exact(degraded=("speed",))
        else:
            story.exact()

    require(tale, lambda patch, _: patch.setattr(driver, "require_rules", lambda *_: None))


def test_14_a_generation_of_other_rules_begins_a_new_epoch() -> None:
    """Segments folded by the old rules are not added to it."""

    def same_epoch(control: Control, made: Generation, activate: bool = True) -> Control:
        published = core.control.changes.publish(replace(control, fingerprint=made.fingerprint), made, activate)
        return replace(published, epoch=control.epoch, epoch_start=control.epoch_start)

    def tale(story: Story) -> None:
        story.send(12)
        story.life(HALF)
        story.world.settings = story.world.settings.changed(history_items=1)
        story.world.run_batch(full=True)
        story.send(12)
        story.life()
        story.exact()

    require(tale, lambda patch, _: patch.setattr(core.control.runs, "publish", same_epoch))


def test_14_no_rollback_to_a_generation_of_other_rules() -> None:
    """Its boundary may be the epoch's start all the same, when no event came in between."""

    def tale(story: Story) -> None:
        story.send(12)
        first = story.world.run_batch()
        story.world.settings = story.world.settings.changed(history_items=1)
        story.world.run_batch(full=True)
        story.life()
        refused(story, first.id)
        story.send(8)
        story.life()
        story.exact()

    require(tale, unchecked)


def test_14_a_run_of_the_old_rules_that_ends_after_a_full_one_is_not_published() -> None:
    def tale(story: Story) -> None:
        story.send(12)
        slow = story.paused(story.world.run_batch, calls=2, of="put")
        story.world.settings = story.world.settings.changed(history_items=1)
        full = story.world.run_batch(full=True)
        story.finish(slow, SettingsError, BadInput)
        story.must(story.world.control.active == full.id, "a generation of the old rules serves")
        story.exact(degraded=("speed",))

    def unasked(patch: pytest.MonkeyPatch, _: Story) -> None:
        patch.setattr(batch_runs, "require_rules", lambda *_: None)
        patch.setattr(core.control.runs, "give_up", lambda control, names: control)

    require(tale, unasked)
