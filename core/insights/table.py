"""The insights by name: what each reads, which filters it takes, how far back it looks by itself."""

from typing import NamedTuple

FRESHNESS = "freshness"


class Insight(NamedTuple):
    """``dimension``: the counters that it reads, "" for none; ``days``: it takes without a range.

    ``categories``: whether it can be asked of some categories; ``zoned``: whether of a time zone.
    """

    name: str
    about: str
    dimension: str = ""
    days: int = 28
    categories: bool = True
    zoned: bool = False

    @property
    def takes(self) -> list[str]:
        """The filters that it can be asked by."""
        return ["from", "to", *(["category"] if self.categories else []), *(["zone"] if self.zoned else [])]


INSIGHTS = {
    insight.name: insight
    for insight in (
        Insight("activity", "events and active users over time", "all", days=7),
        Insight("engagement", "engagement and click-through by category", "category"),
        Insight("devices", "phones against desktops", "category_device"),
        Insight("sources", "recommendation sources by clicks, saves and purchases", "source", categories=False),
        Insight("experiments", "takes per impression of experiments", "source", categories=False),
        Insight("best-time", "hours and weekdays with more events than others", "category", zoned=True),
        Insight("formats", "saves and shares per view by the items' tags", "item"),
        Insight("viral", "what rose most, by category", days=7),
        Insight(FRESHNESS, "how long events took into the answers, by hour", days=2, categories=False),
    )
}
