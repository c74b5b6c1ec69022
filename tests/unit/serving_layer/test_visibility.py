"""The time until answers hold a posted event is measured on the clients' own events."""

import asyncio
from typing import Any, cast

from adapters.telemetry.counting import all_numbers
from core.telemetry.families import VISIBLE_SECONDS
from serving_layer.reading.views import Views
from serving_layer.routes.visibility import Visibility


class Moment:
    def __init__(self, offset: int) -> None:
        self.offset = offset

    def holds(self, offsets: dict[int, int]) -> bool:
        return all(offset <= self.offset for offset in offsets.values())


class Followed:
    """Answers hold one more event at each look; the first look finds none."""

    def __init__(self) -> None:
        self.offset = -1

    def current(self) -> Any:
        self.offset += 1
        return Moment(self.offset) if self.offset else None


def watched() -> float:
    return sum(all_numbers().get((VISIBLE_SECONDS.name, ()), (0.0, 0.0))[:-1])


def test_it_ends_with_the_first_moment_that_holds_the_event_and_one_post_is_watched_at_a_time() -> None:
    views, before = Followed(), watched()

    async def post_twice() -> None:
        visibility = Visibility(cast("Views", views))
        visibility.note({0: 3})
        visibility.note({0: 1_000})
        visibility.note({})
        assert visibility._watch is not None
        await visibility._watch

    asyncio.run(post_twice())
    assert views.offset == 3
    assert watched() == before + 1
