"""Lists that memory carries from commit to commit are those that another process computes from the stores."""

from typing import Any

import serving_layer.merged.newcomers as newcomers
from core.ranking.ranked import Ordered
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
    }


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
        patch.setattr(newcomers, "bucket_of_key", lambda key: -1)

    require(tale, none_changed)


def test_the_head_of_a_popular_list_moves_with_its_counts() -> None:
    def head_stays(patch: Any, _: Story) -> None:
        known = Ordered.begin_with
        patch.setattr(Ordered, "begin_with", lambda own, before, changed: known(own, before, type(changed).of({})))

    require(tale, head_stays)
