"""A synthetic shop with a known truth: clusters of taste, items bought together, trends that begin at a known time."""

from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from schemas.errors import BadInput

Ints = NDArray[np.int64]
Floats = NDArray[np.float64]
HOUR_MS = 3_600_000
DAY_MS = 24 * HOUR_MS
CLUSTER_NAMES = (
    "books", "garden", "kitchen", "music", "toys", "sports", "outdoor", "beauty", "tools", "games",
    "pets", "office", "travel", "fashion", "health", "art", "baby", "bikes", "coffee", "lighting",
)  # fmt: skip


@dataclass(frozen=True)
class GeneratorSettings:
    """The settings of the synthetic world. Equal settings yield equal events, byte for byte."""

    users: int
    items: int
    events: int  # lines, re-sent duplicates included
    seed: int
    end_ms: int  # epoch ms; no event is later
    days: float = 30.0  # the events cover this long before the end
    zipf: float = 1.0  # exponent of item popularity within a cluster
    loyalty: float = 0.85  # share of a user's events on the own cluster's items
    companionship: float = 0.3  # chance that an event on a paired item becomes a purchase of both
    trend_share: float = 0.03  # of all events since its onset that go to a trend's item
    late_share: float = 0.01  # arrive minutes to hours after they happened
    resent_share: float = 0.002  # arrive a second time under the same event id

    def __post_init__(self) -> None:
        for name, least in (("users", 1), ("items", 2), ("events", 1)):
            if getattr(self, name) < least:
                raise BadInput(f"{name} must be at least {least}, not {getattr(self, name)}")
        if not self.days * DAY_MS >= 1 or self.end_ms - self.days * DAY_MS < 631_152_000_000:
            raise BadInput("the events must cover some time, and none may be before 1990-01-01")

    @property
    def start_ms(self) -> int:
        return self.end_ms - int(self.days * DAY_MS)


class World:
    """The truth behind the events: drawn once from the seed, then only read."""

    def __init__(self, settings: GeneratorSettings) -> None:
        self.settings = settings
        rng = np.random.default_rng([settings.seed, 0])
        self.clusters = int(np.clip(settings.items // 25, 1, len(CLUSTER_NAMES)))
        self.user_cluster: Ints = rng.integers(0, self.clusters, settings.users)
        self.item_cluster: Ints = np.sort(np.arange(settings.items) % self.clusters)
        self._name_of_place: Ints = rng.permutation(settings.items)  # so that an item's number reveals nothing
        self._user_cumulative = np.cumsum(rng.permutation(1.0 / np.arange(1, settings.users + 1) ** 0.6))
        weights = self._item_weights(rng)
        self._item_cumulative = np.concatenate([[0.0], np.cumsum(weights)])
        self._cluster_first = np.searchsorted(self.item_cluster, np.arange(self.clusters + 1))
        self.partner = self._pairs(rng, weights)
        self.trends = self._trends(rng, weights)
        self.price: Floats = np.exp(rng.normal(3.0, 0.8, settings.items)).round(2)

    def _item_weights(self, rng: np.random.Generator) -> Floats:
        """Return weights by Zipf within each cluster, with ranks in random order; all clusters weigh the same."""
        weights = np.empty(self.settings.items)
        for cluster in range(self.clusters):
            mine = np.flatnonzero(self.item_cluster == cluster)
            zipf = 1.0 / np.arange(1, len(mine) + 1) ** self.settings.zipf
            weights[mine] = rng.permutation(zipf / zipf.sum())
        return weights

    def _pairs(self, rng: np.random.Generator, weights: Floats) -> Ints:
        """Return each item's companion or -1: fairly popular and of another cluster, so taste does not explain it."""
        partner = np.full(self.settings.items, -1, dtype=np.int64)
        wanted = int(np.clip(self.settings.items // 20, 1, 50))
        popular = rng.permutation(np.argsort(-weights)[: max(2, 4 * wanted)])
        for left, right in zip(popular[0::2], popular[1::2], strict=False):
            apart = self.clusters == 1 or self.item_cluster[left] != self.item_cluster[right]
            if apart and wanted > 0:
                partner[left], partner[right], wanted = right, left, wanted - 1
        return partner

    def _trends(self, rng: np.random.Generator, weights: Floats) -> list[tuple[int, int]]:
        """Return (item, onset in epoch ms) of items in little demand before; the last begins shortly before the end."""
        wanted = int(np.clip(self.settings.items // 100, 1, 5))
        quiet = [int(item) for item in np.argsort(weights)[: 4 * wanted] if self.partner[item] < 0]
        span = self.settings.end_ms - self.settings.start_ms
        last = min(12 * HOUR_MS, span // 4)
        before_end = [last, *(int(share * span) for share in rng.uniform(0.1, 0.4, wanted - 1))]
        return [(item, self.settings.end_ms - ms) for item, ms in zip(rng.permutation(quiet), before_end, strict=False)]

    def draw_users(self, uniform: Floats) -> Ints:
        """Return users drawn by how active they are; ``uniform`` in [0, 1)."""
        return _place(self._user_cumulative, uniform * self._user_cumulative[-1], self.settings.users)

    def draw_items(self, clusters: Ints, uniform: Floats) -> Ints:
        """Return an item of each given cluster by its popularity; ``uniform`` in [0, 1)."""
        low = self._item_cumulative[self._cluster_first[clusters]]
        high = self._item_cumulative[self._cluster_first[clusters + 1]]
        return _place(self._item_cumulative[1:], low + uniform * (high - low), self.settings.items)

    @cached_property
    def item_ids(self) -> list[str]:
        """The id of each place."""
        return [f"item-{name}" for name in self._name_of_place.tolist()]

    @cached_property
    def place_of(self) -> dict[str, int]:
        return {item_id: place for place, item_id in enumerate(self.item_ids)}

    def category(self, place: int) -> str:
        return CLUSTER_NAMES[int(self.item_cluster[place])]

    def items(self) -> list[dict[str, Any]]:
        """Return the catalogue records, by number."""
        return [
            {
                "item_id": self.item_ids[place],
                "title": f"{self.category(place).capitalize()} no. {name}",
                "category": self.category(place),
                "brand": f"brand-{name % 40}",
                "price": float(self.price[place]),
                "tags": [self.category(place)],
                "created_at": self.settings.start_ms,
            }
            for name, place in sorted(zip(self._name_of_place.tolist(), range(self.settings.items), strict=True))
        ]

    def truth(self) -> dict[str, Any]:
        """Return the planted truth that a recommender should find; times in epoch ms."""
        ids = self.item_ids
        pairs = [[ids[left], ids[right]] for left, right in enumerate(self.partner.tolist()) if left < right]
        users: dict[str, list[str]] = {name: [] for name in CLUSTER_NAMES[: self.clusters]}
        items: dict[str, list[str]] = {name: [] for name in CLUSTER_NAMES[: self.clusters]}
        for user, cluster in enumerate(self.user_cluster.tolist()):
            users[CLUSTER_NAMES[cluster]].append(f"user-{user}")
        for place in range(self.settings.items):
            items[self.category(place)].append(ids[place])
        return {
            "clusters": {name: {"users": users[name], "items": items[name]} for name in users},
            "trends": [{"item_id": ids[item], "onset": onset} for item, onset in self.trends],
            "co_purchases": pairs,
        }


def _place(cumulative: Floats, at: Floats, size: int) -> Ints:
    return np.minimum(np.searchsorted(cumulative, at, side="right"), size - 1)
