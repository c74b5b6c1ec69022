"""What keeps rows in memory exact, as stories: each holds, and breaks once its rule is taken out."""

from collections import Counter
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from itertools import cycle
from typing import Any

import pytest

import core.rows.touched
import serving_layer.reading.follower as follower
import serving_layer.reading.snapshot as snapshot
import serving_layer.reading.touched_rows as touched_rows
import speed_layer.steps.rows as rows
from core.rows.touched import pack_touched
from core.rows.views import SEEN
from serving_layer.memory.moment import Moment
from serving_layer.memory.row import Row
from serving_layer.memory.row_cache import RowCache
from serving_layer.reading.answering import answer, answer_from_memory
from serving_layer.reading.follower import Follower
from serving_layer.reading.stored_rows import rows_of
from tests.kit.cassandra import run_cql
from tests.kit.exact import story as stories
from tests.kit.exact.followed import Followed
from tests.kit.exact.reading import read_all
from tests.kit.exact.stores import in_cassandra, in_redis, in_sqlite
from tests.kit.exact.story import ALL, Story, require

REDIS = pytest.param("redis", marks=pytest.mark.redis)
CASSANDRA = pytest.param("cassandra", marks=[pytest.mark.cassandra, pytest.mark.deep])


@pytest.fixture(autouse=True, params=["memory", "sqlite", REDIS, CASSANDRA])
def stores(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Tell each tale on the port's reference and on every store: both views lie in stores of that kind."""
    with ExitStack() as stack:
        if request.param == "sqlite":
            monkeypatch.setattr(stories, "in_memory", lambda: stack.enter_context(in_sqlite()))
        elif request.param == "redis":
            url = request.getfixturevalue("redis_url")
            monkeypatch.setattr(stories, "in_memory", lambda: stack.enter_context(in_redis(url)))
        elif request.param == "cassandra":
            url, port = request.getfixturevalue("cassandra_url"), request.getfixturevalue("cassandra_port")
            stack.callback(run_cql, port, f"DROP KEYSPACE IF EXISTS {url.rpartition('/')[2]}_speed")
            keyspaces = cycle([stack.enter_context(in_cassandra(name)) for name in (url, f"{url}_speed")])
            monkeypatch.setattr(stories, "in_memory", lambda: stack.enter_context(next(keyspaces)()))
        yield


def warm(story: Story) -> Followed:
    """A process that has all rows in memory, and the speed layer past a boundary."""
    story.past_a_boundary()
    process = story.world.followed()
    process.look()
    story.exact(process.read())
    story.exact(process.read())
    return process


@contextmanager
def nothing_carried() -> Iterator[None]:
    """Lists that are written meanwhile name rows alone."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(core.rows.touched, "CARRIED_BYTES", -1)
        yield


def commit(story: Story) -> None:
    story.send(8)
    story.life()


def a_commit_while_rows_are_in_memory(story: Story) -> None:
    story.past_a_boundary()
    life = story.life()
    process = story.world.followed()
    process.look()
    story.exact(process.read())
    for _ in range(3):
        story.send(8)
        life.apply(ALL)
        before = process.follower.current()
        process.look()
        moment = process.follower.current()
        assert before is not None
        assert moment is not None
        assert moment.rows is before.rows, "it began with an empty memory"
        story.exact(process.read())


def test_a_commit_drops_what_its_attempt_lists() -> None:
    def none_listed(patch: pytest.MonkeyPatch, _: Story) -> None:
        patch.setattr(rows, "pack_touched", lambda view, *_: pack_touched(view, []))

    require(a_commit_while_rows_are_in_memory, none_listed)


def test_rows_that_a_commit_changed_are_dropped_or_read_again() -> None:
    def kept(self: RowCache, attempt: int, *_: Any) -> None:
        self.attempt = attempt

    require(a_commit_while_rows_are_in_memory, lambda patch, _: patch.setattr(RowCache, "advance", kept))


def test_a_row_read_before_a_commit_is_not_kept_after_it() -> None:
    def tale(story: Story) -> None:
        story.past_a_boundary()
        life = story.life()
        process = story.world.followed()
        process.look()
        reader = story.paused(process.read, calls=20)
        story.send(8)
        life.apply(ALL)
        process.look()
        story.exact(story.finish(reader))
        story.exact(process.read())

    require(tale, lambda patch, _: patch.setattr(RowCache, "_unchanged", lambda *_: True))


def test_an_answer_that_began_before_a_commit_reads_no_row_of_after_it() -> None:
    def tale(story: Story) -> None:
        process = warm(story)
        life = story.life()
        process.look()
        process.read()
        old = process.follower.current()
        assert old is not None
        story.send(8)
        life.apply(ALL)
        process.look()
        process.read()
        new = process.follower._published
        process.follower._published = (old, new[1], new[2])
        story.exact(process.read())

    require(tale, lambda patch, _: patch.setattr(RowCache, "_unchanged", lambda *_: True))


def test_a_position_that_was_set_back_and_went_on_empties_the_memory() -> None:
    def tale(story: Story) -> None:
        story.past_a_boundary()
        image = story.speed.image()
        life = story.life()
        story.send(3)
        life.apply(ALL)
        process = story.world.followed()
        process.look()
        process.read()
        story.speed.restore(image)
        story.send(8, users=(3, 2))
        story.life()
        process.look()
        story.exact(process.read())

    def one_era(patch: pytest.MonkeyPatch, _: Story) -> None:
        patch.setattr(Moment, "era", property(lambda self: self.generation))
        patch.setattr(follower, "touched_since", lambda *_: {})

    require(tale, one_era)


def test_rows_read_while_the_position_was_set_back_count_for_nothing() -> None:
    def tale(story: Story) -> None:
        story.past_a_boundary()
        image = story.speed.image()
        commit(story)
        process = story.world.followed()
        process.look()
        reader = story.paused(process.read, calls=3)
        story.speed.restore(image)
        read = story.finish(reader)
        story.exact(read)

    require(tale, lambda patch, _: patch.setattr(snapshot, "continues", lambda *_: True))


def test_more_commits_than_lists_are_kept_empty_the_memory() -> None:
    def tale(story: Story) -> None:
        process = warm(story)
        life = story.life()
        process.look()
        process.read()
        for _ in range(5):
            story.send(4)
            life.apply(ALL)
        story.clean_up(life)
        story.clean_up(life)
        process.look()
        story.exact(process.read())

    class Few:
        KEPT_ATTEMPTS = 1_000

    def all_known(patch: pytest.MonkeyPatch, _: Story) -> None:
        patch.setattr(follower, "touched", Few)
        patch.setattr(touched_rows, "touched", Few)
        known = follower.touched_since
        patch.setattr(follower, "touched_since", lambda views, since, at: known(views, since, at) or {})

    require(tale, all_known)


def test_another_generation_empties_the_memory() -> None:
    def tale(story: Story) -> None:
        process = warm(story)
        story.world.run_batch()
        process.look()
        story.exact(process.read())
        with nothing_carried():
            commit(story)
        process.look()
        story.exact(process.read())

    require(tale, lambda patch, _: patch.setattr(Moment, "era", property(lambda self: None)))


def test_no_answer_goes_back_behind_one_that_read_the_stores() -> None:
    def tale(story: Story) -> None:
        process = warm(story)
        commit(story)
        process.follower._published = (None, 0.0, 0)
        ahead, _ = process.read()
        process.follower._published = (process.follower._last, story.world.clock.seconds, 0)
        snapshot, _ = process.read()
        story.must(snapshot.offsets == ahead.offsets, f"went back to {snapshot.offsets}")

    require(tale, lambda patch, _: patch.setattr(Follower, "overtaken", lambda _: None))


def test_an_answer_that_starts_over_reads_no_row_again_that_stayed() -> None:
    """Else no answer of many rows ends while commits follow one another faster than it can read."""

    def tale(story: Story) -> None:
        story.past_a_boundary()
        life = story.life()
        process = story.world.followed()
        process.look()
        read: Counter[bytes] = Counter()
        tries = 0

        def counted(*given: Any) -> dict[bytes, Row]:
            rows = rows_of(*given)  # raises where the answer must not wait for a store
            read.update(given[5])
            return rows

        def compute(reading: snapshot.Snapshot) -> tuple[snapshot.Snapshot, dict[str, Any]]:
            nonlocal tries
            reading.rows(SEEN, [b"nobody"])
            tries += 1
            if tries <= 3:
                for _ in range(2):  # a row that is written twice holds the first change in its base
                    story.send(2)
                    life.apply(ALL)
                process.look()
            return read_all(reading)

        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(snapshot, "rows_of", counted)
            story.exact(answer(process.views, compute))
        assert tries == 4
        story.must(read[b"nobody"] == 1, f"it was read {read[b'nobody']} times")

    require(tale, lambda patch, _: patch.setattr(snapshot.Snapshot, "keep_rows", lambda _: None))


def test_a_moment_whose_rows_in_use_are_being_rewritten_is_held_back_until_the_next_look() -> None:
    """Else every answer that needs such a row would have to wait for the stores."""

    def tale(story: Story) -> None:
        process, life = warm(story), story.life()
        process.look()
        process.read()
        before, rewritten = process.follower.current(), False

        def rewriting(*given: Any) -> dict[bytes, Row]:
            nonlocal rewritten
            for _ in range(0 if rewritten else 2):  # a row that is written twice holds the first change in its base
                story.send(8)
                life.apply(ALL)
            rewritten = True
            return rows_of(*given)

        story.send(8)
        with nothing_carried():
            life.apply(ALL)
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(follower, "rows_of", rewriting)
            process.look()
        story.must(process.follower.current() is before, "a moment without its rows was given to answers")
        story.exact(process.read())
        process.look()
        story.must(process.follower.current() is not before, "it was held back for ever")
        story.exact(answer_from_memory(process.views, read_all))

    require(tale, lambda patch, _: patch.setattr(follower, "MOST_HELD_BACK", 0))


def test_a_row_that_an_answer_met_half_written_is_read_by_the_next_look() -> None:
    def tale(story: Story) -> None:
        story.past_a_boundary()
        life = story.life()
        process = story.world.followed()
        process.look()
        for _ in range(2):
            story.send(8)
            life.apply(ALL)
        process.read()  # meets rows that were written twice since the look
        process.look()
        for view, kept in process.follower.current().rows._views.items():  # type: ignore[union-attr]
            unknown = [key for key, row in kept.items() if row.changes is None]
            story.must(not unknown, f"{view} {unknown} are not known")
        story.exact(process.read())

    def none_kept(patch: pytest.MonkeyPatch, _: Story) -> None:
        patch.setattr(RowCache, "stale", lambda *_: {})

    require(tale, none_kept)
