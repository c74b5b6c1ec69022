"""Lists that memory carries from commit to commit are those that another process computes from the stores."""

from typing import Any

import serving_layer.merged.running as running
from core.ranking.ranked import Ordered, popular
from core.ranking.scores import Window
from serving_layer.merged.counts import window_counts
from serving_layer.merged.newcomers import Newest
from serving_layer.merged.sums import MergedSums
from serving_layer.reading.answering import answer, answer_from_memory
from serving_layer.reading.snapshot import Snapshot
from tests.kit.exact.followed import Followed
from tests.kit.exact.memory_log import Draft
from tests.kit.exact.story import ALL, Story, require

HALF_HOURS = 120  # when the last events come: no earlier one is in the baseline of two hours
HOURS, MOST = (2, 12, 30), 100


def lists(snapshot: Snapshot) -> dict[str, list[tuple[bytes, float]]]:
    sums = MergedSums(snapshot)

    def shown(ranked: Ordered | None) -> list[tuple[bytes, float]]:
        first = () if ranked is None else zip(*(column.tolist() for column in ranked.first(MOST)), strict=True)
        return [(sums.index.names[code], score) for code, score in first]

    return {
        **{f"decayed {hours}": shown(sums.decayed(float(hours))) for hours in HOURS},
        **{f"newcomers {hours}": shown(sums.newcomers(hours)) for hours in HOURS},
        **{f"window {hours}": shown(popular(window_counts(snapshot, last(snapshot, hours)))) for hours in HOURS},
    }


def last(snapshot: Snapshot, hours: int) -> Window:
    assert snapshot.facts.as_of is not None
    return Window.ending(snapshot.facts.as_of, hours)


def send(story: Story, items: list[int], hour: int = HALF_HOURS) -> None:
    for k, item in enumerate(items):
        story.world.log.append(Draft(user=k % 4, item=item, kind="view", hour=hour))


def agree(story: Story, process: Followed) -> None:
    process.look()
    answer(process.views, lists)  # what memory lacks it reads once
    own, stores = answer_from_memory(process.views, lists), story.world.followed()
    stores.views.follower = None
    story.must(own == (there := answer(stores.views, lists)), f"{own} and not {there}")


def tale(story: Story) -> None:
    life = story.past_a_boundary()
    send(story, [0, 0, 1])
    life.apply(ALL)
    process = story.world.followed()
    agree(story, process)
    for items, later in [([2], 0), ([2, 2, 1], 0), ([3], 0), ([4, 0], -2), ([1], 0), ([1, 2], 2)]:
        send(story, items, HALF_HOURS + later)
        life.apply(ALL)
        agree(story, process)


def test_what_is_popular_and_what_is_new_follow_the_commits() -> None:
    def none_changed(patch: Any, _: Story) -> None:
        patch.setattr(running, "bucket_of_key", lambda key: -1)

    require(tale, none_changed)


def test_changes_that_memory_merged_into_one_are_not_added_to_those_before() -> None:
    def all_new(patch: Any, _: Story) -> None:
        patch.setattr(running, "_shared", lambda before, now: min(len(before), len(now) - 1))

    require(tale, all_new)


def test_a_list_of_what_is_new_is_made_again_when_a_first_hour_changes() -> None:
    def kept(patch: Any, _: Story) -> None:
        known, made = Newest.of, dict[int, Ordered]()

        def of(own: Newest, snapshot: Snapshot, window: Window, *given: Any) -> Ordered:
            return made.setdefault(len(window.window), known(own, snapshot, window, *given))

        patch.setattr(Newest, "of", of)

    require(tale, kept)


def test_the_head_of_a_popular_list_moves_with_its_counts() -> None:
    def head_stays(patch: Any, _: Story) -> None:
        known = Ordered.begin_with
        patch.setattr(Ordered, "begin_with", lambda own, before, changed: known(own, before, type(changed).of({})))

    require(tale, head_stays)
