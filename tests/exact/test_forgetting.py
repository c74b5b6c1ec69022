"""Forgotten users (decision 26): the course of events, and what goes wrong without each of its rules."""

from dataclasses import replace

import pytest

import core.control.changes
import core.control.runs
from batch_layer.runs.lifecycle import Wish
from schemas.control import Control, Generation
from schemas.errors import BadInput
from tests.kit.exact.story import ALL, HALF, Story, require


def forgets_within_the_epoch(patch: pytest.MonkeyPatch, _: Story) -> None:
    def forgetting(active: Control, generation: Generation | None) -> Control:
        return replace(active, forgotten=max(active.forgotten, generation.forgotten if generation else 0))

    patch.setattr(core.control.changes, "_forgetting", forgetting)


def test_segments_folded_from_what_is_forgotten_are_not_added() -> None:
    """What the speed layer applied beyond the boundary meets histories that are gone."""

    def tale(story: Story) -> None:
        story.send(12)
        story.world.log.forget(0)
        at = story.world.record_boundary()
        life = story.life()
        story.send(12)
        life.apply(ALL)
        assert story.world.job()._run(Wish(full=True, at=at.id)).forgotten == 1
        story.exact(degraded=("speed",))
        life.apply(HALF)
        story.send(8)
        story.life()
        story.exact()

    require(tale, forgets_within_the_epoch)


def test_a_mark_beyond_an_earlier_boundary_waits() -> None:
    """A run may end at a boundary that was recorded before the user was marked."""

    def tale(story: Story) -> None:
        story.send(12)
        at = story.world.record_boundary()
        story.send(12)
        story.world.log.forget(0)
        story.life()
        made = story.world.job()._run(Wish(full=True, at=at.id))
        story.must(made.forgotten == 0, "a mark beyond the boundary is in effect")
        story.exact()
        assert story.world.run_batch(full=True).forgotten == 1
        story.life()
        story.exact()

    def all_marks(patch: pytest.MonkeyPatch, _: Story) -> None:
        patch.setattr(core.control.runs, "takewhile", lambda _, marks: marks)

    require(tale, all_marks)


def test_a_run_that_did_not_know_of_a_mark_does_not_undo_it() -> None:
    story: Story
    with Story.begun() as story:
        story.send(12)
        slow = story.paused(story.world.run_batch, calls=10)
        story.world.log.forget(1)
        full = story.world.run_batch(full=True)
        story.finish(slow, BadInput)
        assert isinstance(slow.error, BadInput)
        assert story.world.control.active == full.id
        story.exact(degraded=("speed",))
        assert story.world.run_batch().forgotten == 1
        story.life()
        story.exact()
