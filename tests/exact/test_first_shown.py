"""Freshness counts an event once: when it first entered the answers, whichever layer brings it there again."""

from adapters.records.control import change_control
from core.control.changes import new_epoch
from tests.kit.exact.story import ALL, HALF, Story


def test_events_that_a_new_epoch_applies_again_count_once() -> None:
    with Story.begun() as story:
        story.past_a_boundary()
        change_control(story.world.batch, new_epoch)
        again = story.life()
        assert again.first_shown == 0
        change_control(story.world.batch, new_epoch)
        story.send(3)
        assert story.life().first_shown == 3
        story.exact()


def test_events_that_a_generation_brought_into_the_answers_first_do_not_count() -> None:
    with Story.begun() as story:
        story.send(16)
        life = story.life(HALF)
        before = life.first_shown
        story.world.run_batch()
        life.apply(ALL)
        assert 0 < before < 16
        assert life.first_shown == before
        story.send(5)
        life.apply(ALL)
        assert life.first_shown == before + 5


def test_what_a_crash_left_undone_counts_when_it_is_committed() -> None:
    with Story.begun() as story:
        story.send(12)
        dead = story.life(HALF)
        story.die_uncommitted(dead, ALL)
        assert dead.first_shown + story.life().first_shown == 12
