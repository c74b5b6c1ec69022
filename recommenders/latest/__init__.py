"""What is new: items whose first events came in the last hours, the same for everybody."""

from dataclasses import dataclass

from core.ranking.ranked import Ordered
from core.settings import setting
from recommenders.counted import Ranking, counted
from recommenders.port import Sums


@dataclass(frozen=True)
class LatestSettings:
    """``weight``: the source's share of a blend. ``hours``: for how long an item is new."""

    weight: float = setting(
        0.0, "the source's share of a blend; 0 turns it off", at_least=0,
        why="new items win nothing by being new; a share makes room for them",
    )  # fmt: skip
    hours: int = setting(
        72, "an item is new for this many hours, and again after a pause of three times that", at_least=1,
        at_most=336, why="long enough to be judged by events; four times as many hourly rows are read",
    )  # fmt: skip


def newest_first(settings: LatestSettings) -> Ranking:
    """Return how the items are ranked with those settings."""

    def ranking(sums: Sums) -> Ordered | None:
        return sums.newcomers(settings.hours)

    return ranking


RECOMMENDER = counted("latest", LatestSettings, newest_first)
