"""Answers that never come, at each single call to a store; a store that fails over; a control record that is lost."""

import itertools
from collections.abc import Callable
from contextlib import closing
from dataclasses import replace
from typing import Any

import pytest

import adapters.records.control as records
import serving_layer.reading.counting as counting
import speed_layer.driver as driver
from adapters.records.books import CONTROL
from core.control.changes import needs_new_epoch
from schemas.control import Control, Position
from schemas.errors import BadInput, MillraceError, NotReady, StoreUnavailable
from serving_layer.reading.answering import answer
from speed_layer.steps.rows import Displaced
from tests.kit.exact.processes import Crash, Fate, Process
from tests.kit.exact.reading import read_all
from tests.kit.exact.stores import Restorable, in_cassandra, in_redis
from tests.kit.exact.story import ALL, HALF, Story, not_listed, require
from tests.kit.exact.world import PUBLISHING
from tests.kit.proxy import Mute
from tests.kit.search import EVERY

ENDS = [("crash", ""), ("torn", "put")]
ENDS += [(what, of) for what in ("refused", "unknown", "late") for of in ("put", "swap")]
GONE = "control record is gone: see 'Loss of the control record'"
Begin = Callable[[Story], Callable[[], Any]]  # what comes before -> what then is troubled


def micro_batch(story: Story) -> Callable[[], Any]:
    """Across a boundary, by a process that runs already."""
    story.send(8)
    life = story.life(HALF)
    story.world.run_batch()
    story.send(8)
    return lambda: life.apply(ALL)


def first_micro_batch_of_an_epoch(story: Story) -> Callable[[], Any]:
    """After the speed store was lost."""
    story.send(8)
    story.life()
    story.world.run_batch()
    story.speed.restore(None)
    story.send(8)
    life = story.world.live()
    return lambda: life.apply(ALL)


def third_batch_run(story: Story) -> Callable[[], Any]:
    """One that has something to drop, and something dropped to delete."""
    story.send(8)
    life = story.life()
    for _ in range(3):
        story.world.run_batch()
        story.send(4)
        life.apply(HALF)
        story.wait()
    return story.world.run_batch


def troubled(story: Story, begin: Begin, fate: Fate) -> bool:
    """Exact right after it, when what was late arrives, and for whoever comes next; False: it ended before its fate."""
    process = Process(begin(story))
    assert process.resume(fate)
    if process.error is not None and not isinstance(process.error, Crash | StoreUnavailable):
        raise process.error
    story.exact(degraded=None)
    story.world.late_calls_arrive()
    next_one = story.life(HALF)
    story.exact()
    story.world.run_batch()
    story.send(4)
    next_one.apply(ALL)
    story.exact()
    return process.met_its_fate


@pytest.mark.parametrize(("what", "of"), ENDS)
@pytest.mark.parametrize("begin", [micro_batch, first_micro_batch_of_an_epoch, third_batch_run])
def test_whatever_happens_at_any_one_call_to_a_store_answers_stay_exact(begin: Begin, what: str, of: str) -> None:
    for calls in itertools.count(ENDS.index((what, of)) % EVERY, EVERY):
        with Story.begun() as story:
            if not troubled(story, begin, Fate(calls, what, of)):
                break
    assert calls > (1 if of else 12)


def test_1_a_publication_whose_answer_was_lost_is_known_by_reading_again() -> None:
    def tale(story: Story) -> None:
        story.send(8)
        run = Process(story.world.run_batch)
        assert run.resume(Fate(PUBLISHING + 1, "unknown", "swap"))
        story.must(run.error is None, f"a publication that counts is reported as failed: {run.error!r}")
        story.must(story.world.control.active == run.result.id, "another generation serves")

    def taken_as_it_comes(store: Any, old: bytes, new: bytes) -> bool:
        swapped: bool = store.swap(CONTROL, old, new)
        return swapped

    require(tale, lambda patch, _: patch.setattr(records, "_swapped", taken_as_it_comes))


@pytest.mark.cassandra
@pytest.mark.parametrize("swap", [1, PUBLISHING + 1], ids=["boundary", "publication"])
def test_1_a_change_that_cassandra_did_not_answer_in_time_is_known_by_reading_again(
    swap: int, cassandra_port: int, cassandra_url: str
) -> None:
    with closing(Mute(cassandra_port)) as mute:
        url = f"cassandra://127.0.0.1:{mute.port}/{cassandra_url.rpartition('/')[2]}"
        with in_cassandra(url, timeout_ms=3_000) as opened, opened() as batch, Story.begun(batch=batch) as story:
            story.send(8)
            run = story.paused(story.world.run_batch, calls=swap, of="swap")
            mute.muted = True
            made = story.finish(run)
            assert mute.thrown_away == 1
            assert (story.world.control.active, len(story.world.control.boundaries)) == (made.id, 2)
            story.exact(degraded=("speed",))


def test_1_a_publication_that_was_refused_is_not_taken_for_done() -> None:
    def tale(story: Story) -> None:
        story.send(8)
        run = Process(story.world.run_batch)
        assert run.resume(Fate(PUBLISHING + 1, "refused", "swap"))
        story.must(isinstance(run.error, StoreUnavailable), "a publication that was refused is reported as done")
        story.must(story.world.control.active is None, "a generation serves that was refused")

    def believed(store: Any, old: bytes, new: bytes) -> bool:
        try:
            swapped: bool = store.swap(CONTROL, old, new)
        except StoreUnavailable:
            return True
        return swapped

    require(tale, lambda patch, _: patch.setattr(records, "_swapped", believed))


def set_back(story: Story, taken: int, later: int) -> bool:
    """The speed store fails over, under an attempt, to a copy that is some calls old; False: it ended before."""
    story.send(12)
    life = story.life(HALF)
    attempt = Process(lambda: life.apply(ALL))
    if attempt.resume(Fate(taken, "pause")):
        return False
    image = story.speed.image()
    ended = attempt.resume(Fate(later, "pause"))
    story.speed.restore(image)
    story.exact()
    if not ended:
        story.finish(attempt, Displaced)
    story.exact()
    story.life()
    story.exact()
    return True


@pytest.mark.parametrize("later", [1, 2, 4, 7])
def test_13_a_store_set_back_at_any_moment_of_an_attempt_never_counts_half_of_it(later: int) -> None:
    for taken in itertools.count(later % EVERY, EVERY):
        with Story.begun() as story:
            if not set_back(story, taken, later):
                break
    assert taken > 12


@pytest.mark.redis
def test_13_a_redis_set_back_at_any_moment_of_an_attempt_never_counts_half_of_it(redis_url: str) -> None:
    for taken in itertools.count(step=EVERY):
        with in_redis(redis_url) as speed, Story.begun(speed=speed) as story:
            if not set_back(story, taken, 4):
                break
    assert taken > 12


def lose_control_record(story: Story) -> Restorable:
    """A generation, what follows it in the speed views; then the batch store is emptied."""
    life = story.past_a_boundary()
    story.batch.restore(None)
    story.send(4)
    with pytest.raises(MillraceError, match=GONE):
        life.apply(ALL)
    return story.batch


def test_a_lost_control_record_stops_the_speed_layer_and_answers_say_what_they_lack() -> None:
    with Story.begun() as story:
        lose_control_record(story)
        snapshot, _ = answer(story.world.views, read_all)
        assert snapshot.degraded == ("batch",)
        story.speed.restore(None)
        with pytest.raises(NotReady, match="nothing is published"):
            answer(story.world.views, read_all)


def test_a_run_that_was_to_publish_when_the_control_record_was_lost_stops_clearly() -> None:
    with Story.begun() as story:
        story.send(8)
        run = story.paused(story.world.run_batch, calls=PUBLISHING + 1, of="swap")
        story.batch.restore(None)
        assert run.resume()
        with pytest.raises(MillraceError, match=GONE):
            raise run.error or AssertionError("it published into nothing")
        assert story.world.recorded is None


def test_after_a_lost_control_record_a_batch_run_and_a_new_speed_layer_are_all_it_takes() -> None:
    with Story.begun() as story:
        lose_control_record(story)
        before = story.world.position
        story.world.run_batch()
        story.exact(degraded=("speed",))
        story.send(4)
        life = story.life()
        story.exact()
        assert before is not None
        assert story.world.control.epoch > before.epoch
        story.send(4)
        story.world.run_batch()
        life.apply(ALL)
        story.exact()


def test_after_a_lost_control_record_the_speed_layer_may_be_first() -> None:
    with Story.begun() as story:
        lose_control_record(story)
        life = story.life(HALF)
        story.exact()
        story.world.run_batch()
        life.apply(ALL)
        story.exact()


def test_a_run_that_began_under_a_lost_control_record_is_not_published() -> None:
    """Half of what it wrote was lost with the record, and its boundary may be recorded again."""

    def tale(story: Story) -> None:
        story.send(8)
        run = story.paused(story.world.run_batch, calls=PUBLISHING + 1, of="swap")
        story.batch.restore(None)
        story.world.record_boundary()
        story.life()
        story.finish(run, BadInput)
        story.exact()

    require(tale, not_listed)


def copy_from_before(story: Story) -> None:
    """Both stores are lost; a copy of the speed views comes back whose numbers are those of the new ones."""
    story.send(4)
    story.world.record_boundary()
    story.send(4)
    story.life()
    image = story.speed.image()
    story.batch.restore(None)
    story.speed.restore(None)
    story.world.run_batch()
    story.send(8)
    story.life()
    assert (story.world.control.epoch, story.world.control.active_boundary.id) == (1, 1)
    story.speed.restore(image)


def test_speed_views_of_a_lost_control_record_are_not_read() -> None:
    def tale(story: Story) -> None:
        copy_from_before(story)
        story.exact(degraded=("speed",))

    require(tale, lambda patch, _: patch.setattr(counting, "is_of", lambda *_: True))


def test_speed_views_of_a_lost_control_record_are_not_continued() -> None:
    def tale(story: Story) -> None:
        copy_from_before(story)
        story.send(4)
        story.life()
        story.exact()
        assert story.world.control.epoch == 2

    def whichever(control: Control, position: Position | None) -> str | None:
        return needs_new_epoch(control, position and replace(position, control=control.life))

    require(tale, lambda patch, _: patch.setattr(driver, "needs_new_epoch", whichever))
