"""What keeps rows exact that no look reads again, as stories: each holds, and breaks once its rule is taken out."""

from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import reduce
from typing import Any

import pytest

import core.rows.touched
import serving_layer.memory.carried as carried
import serving_layer.reading.follower as follower
import serving_layer.reading.touched_rows as touched_rows
import speed_layer.steps.rows as rows
from core.rows.codec import pack_norm, pack_sums, unpack_norm
from core.rows.merging import added
from core.rows.touched import Carried, Touched, pack_touched
from core.rows.views import HISTORY, NORMS, PAIRS, SEEN, VIEWS
from serving_layer.memory.moment import Moment
from serving_layer.memory.row import Row
from serving_layer.memory.row_cache import RowCache
from serving_layer.reading.answering import answer_from_memory
from tests.kit.exact.followed import Followed
from tests.kit.exact.reading import read_all
from tests.kit.exact.speed_life import SpeedLife
from tests.kit.exact.story import ALL, Mutation, Story, require


@pytest.fixture(autouse=True)
def all_carried(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tests.kit.exact.world.CARRIED_BYTES", 1 << 20)


def warm(story: Story) -> tuple[Followed, SpeedLife]:
    """A process that has all rows in memory, and the process of the speed layer that goes on."""
    life = story.past_a_boundary()
    process = story.world.followed()
    process.look()
    story.exact(process.read())
    story.exact(process.read())
    return process, life


def at_moments(change: Callable[[Moment], Moment]) -> Mutation:
    """Lists are read as if the moment were another one."""
    known = touched_rows.touched_since

    def mutation(patch: pytest.MonkeyPatch, _: Story) -> None:
        patch.setattr(follower, "touched_since", lambda views, since, moment: known(views, since, change(moment)))

    return mutation


def test_a_look_reads_no_row_whose_change_is_carried_and_answers_come_from_memory() -> None:
    def tale(story: Story) -> None:
        process, life = warm(story)
        read: list[Any] = []
        for _ in range(4):
            story.send(8)
            life.apply(ALL)
            with pytest.MonkeyPatch.context() as patch:
                patch.setattr(follower, "rows_of", lambda *given: read.append(given))
                process.look()
            story.must(not read, f"{read} were read")
            story.exact(answer_from_memory(process.views, read_all))

    require(tale, lambda patch, _: patch.setattr(core.rows.touched, "CARRIED_BYTES", -1))


def test_what_an_attempt_carries_that_died_is_added_to_nothing() -> None:
    def tale(story: Story) -> None:
        process, life = warm(story)
        story.send(8)
        story.die_uncommitted(life, ALL)
        life.driver.fault = lambda _: None
        life.apply(ALL)
        process.look()
        story.exact(process.read())

    def none_died(moment: Moment) -> Moment:
        assert moment.position is not None
        return replace(moment, position=replace(moment.position, aborted=()))

    require(tale, at_moments(none_died))


def test_a_commit_that_changes_the_same_rows_of_two_segments_carries_both_changes() -> None:
    def tale(story: Story) -> None:
        process, life = warm(story)
        story.send(8)
        story.world.record_boundary()
        story.send(8)
        life.apply(ALL)
        process.look()
        story.exact(process.read())

    def one_list(view: str, keys: list[bytes], carried: Carried | None) -> tuple[bytes, bytes]:
        return pack_touched(view, keys)[0], pack_touched(view, keys, carried)[1]

    require(tale, lambda patch, _: patch.setattr(rows, "pack_touched", one_list))


def test_changes_of_events_that_the_generation_holds_are_not_added_to_it() -> None:
    def tale(story: Story) -> None:
        process, life = warm(story)
        story.send(8)
        story.world.run_batch()
        process.look()
        story.exact(process.read())
        life.apply(ALL)
        process.look()
        story.exact(process.read())

    require(tale, at_moments(lambda moment: replace(moment, segments=tuple(range(100)))))


def test_a_row_of_which_one_commit_says_nothing_is_read_again_whatever_others_carry() -> None:
    def tale(story: Story) -> None:
        process, life = warm(story)
        for size in (-1, 1 << 20):
            story.send(8)
            with pytest.MonkeyPatch.context() as patch:
                patch.setattr(core.rows.touched, "CARRIED_BYTES", size)
                life.apply(ALL)
        process.look()
        story.exact(process.read())

    known = touched_rows.touched_since

    def nothing_unknown(*given: Any) -> Any:
        return {view: {key: said or [] for key, said in keys.items()} for view, keys in known(*given).items()}  # type: ignore[union-attr]

    require(tale, lambda patch, _: patch.setattr(follower, "touched_since", nothing_unknown))


def test_changes_of_a_history_are_added_to_what_stood_before_each() -> None:
    def tale(story: Story) -> None:
        process, life = warm(story)
        for _ in range(8):
            story.send(1, users=(1,))
            life.apply(ALL)
            process.look()
        story.exact(process.read())

    def from_the_last(view: str, rows: Sequence[Sequence[bytes]]) -> list[bytes]:
        return [reduce(lambda later, one: VIEWS[view].merge(one, later), reversed(parts)) for parts in rows]

    require(tale, lambda patch, _: patch.setattr(carried, "joined", from_the_last))


def test_a_change_that_two_lists_name_is_added_once_and_those_of_earlier_segments_come_first() -> None:
    changed: touched_rows.Changed = {}
    touched_rows._add(
        changed,
        [
            Touched(SEEN, [b"a", b"b"], Carried(5, [b"a5", b"b5"])),
            Touched(SEEN, [b"b", b"a"], Carried(2, [b"b2", b"a2"])),
            Touched(SEEN, [b"b"], Carried(5, [b"b5"])),
            Touched(SEEN, [b"c"], Carried(1, [b"c1"])),
            Touched(HISTORY, [b"a"], Carried(1, [b"h"])),
            Touched(NORMS, [b"a"]),
        ],
        (2, 5),
    )
    assert changed == {
        SEEN: {b"a": [b"a2", b"a5"], b"b": [b"b2", b"b5"], b"c": []}, HISTORY: {b"a": [b"h"]}, NORMS: {b"a": None},
    }  # fmt: skip


def test_parts_of_a_row_stay_few_and_their_sum_is_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(carried, "MOST_PARTS", 4)
    cache = RowCache(0, 1 << 20)
    cache.add(PAIRS, {b"a": Row(None, (), 0)})
    cache.add(NORMS, {b"a": Row(None, (), 0)})
    for number in range(1, 200):
        pair, norm = pack_sums([(b"b%d" % (number % 7), number)]), pack_norm(number)
        changes = {PAIRS: {b"a": [pair]}, NORMS: {b"a": [norm]}}
        cache.advance(number, changes, {})
        pairs, norms = cache.get(PAIRS, b"a", number), cache.get(NORMS, b"a", number)
        assert pairs is not None
        assert norms is not None
        assert len(pairs.parts) <= 4
        assert len(norms.parts) == 1
    assert sum(added(pairs.parts).values()) == unpack_norm(norms.parts[0]) == sum(range(200))


def test_changes_of_many_rows_are_merged_as_those_of_one_are(monkeypatch: pytest.MonkeyPatch) -> None:
    pairs = [[pack_sums([(b"%d" % ((row + part) % 3), part + 1)]) for part in range(row)] for row in range(1, 9)]
    norms = [[pack_norm(part) for part in range(row)] for row in range(1, 9)]
    apart = [[reduce(VIEWS[view].merge, parts) for parts in rows] for view, rows in ((PAIRS, pairs), (NORMS, norms))]
    for few in (100, 0):
        monkeypatch.setattr(carried, "FEW", few)
        monkeypatch.setattr(carried, "FEW_COMPILED", few)
        assert [carried.joined(PAIRS, pairs), carried.joined(NORMS, norms)] == apart
    assert carried.joined(PAIRS, []) == []
