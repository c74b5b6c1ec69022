"""A synthetic pin board with a known truth for insights: busy times by category, devices, sources, formats, a rise.

Sessions of a few pins in one category: each pin is an impression that names its source; some are clicked and viewed,
and of those some are saved, shared, liked. ``strength`` scales every planted difference; at 0 there is none.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from datasets.synthetic.world import DAY_MS, HOUR_MS, Ints
from schemas.errors import BadInput

CATEGORIES = (
    "Home Decor", "DIY", "Fashion", "Food", "Travel", "Beauty", "Art", "Garden", "Fitness", "Tech",
)  # fmt: skip
DEVICES, DEVICE_SHARES = ("phone", "desktop", "tablet"), (0.5, 0.4, 0.1)
SOURCES = ("als", "similar", "trending", "popular")
FORMATS = ("video", "image", "carousel", "idea")
KINDS = ("impression", "click", "view", "save", "share", "like")
_IMPRESSION, _CLICK, _VIEW, _SAVE, _SHARE, _LIKE = range(len(KINDS))
HOURS_OF_WEEK = 168
PINS_PER_SESSION = 6
CLICKED, SAVED, SHARED, LIKED = 0.2, 0.12, 0.04, 0.08  # without anything planted: of impressions, of views
BUSY_HOURS, BUSY_DAY = 2.5, 1.8  # how many times as many sessions begin
PHONE_SAVES, VIDEO_SAVES, RISES = 1.8, 2.0, 8.0
SOURCE_CLICKS = {"als": 1.5, "similar": 1.1, "trending": 1.0, "popular": 0.7}
SAVES_BY_CATEGORY = {"Food": 1.6, "Tech": 0.6}
# Category -> first of three busy hours (UTC), busy weekday (0: Monday). The others have no busy time.
BUSY = {"Home Decor": (19, 5), "DIY": (9, 6), "Fashion": (12, 4), "Food": (17, 6), "Travel": (21, 2)}
VIRAL_CATEGORY, VIRAL_HOURS = "DIY", 36
Json = dict[str, Any]


@dataclass(frozen=True)
class PinBoard:
    """The board; equal settings yield equal events. ``events``: lines; ``end_ms``: epoch ms, no event is later."""

    users: int
    items: int
    events: int
    seed: int
    end_ms: int
    days: int = 35
    strength: float = 1.0

    def __post_init__(self) -> None:
        if min(self.users, self.items, self.events, self.days) < 1 or self.items < len(CATEGORIES) * len(FORMATS):
            raise BadInput(f"a pin board takes a user, a day and {len(CATEGORIES) * len(FORMATS)} items at least")

    def effect(self, times: float) -> float:
        """Return a planted factor as the strength has it."""
        return float(times**self.strength)

    def category(self, item: int) -> str:
        return CATEGORIES[item % len(CATEGORIES)]

    def format(self, item: int) -> str:
        return FORMATS[item // len(CATEGORIES) % len(FORMATS)]

    @property
    def viral_item(self) -> int:
        """The item that rises in the last hours, one of a format without an effect of its own."""
        return len(CATEGORIES) + CATEGORIES.index(VIRAL_CATEGORY)

    def items_records(self) -> list[Json]:
        """Return the catalogue records."""
        return [
            {
                "item_id": f"pin-{item}",
                "title": f"{self.category(item)} {self.format(item)} {item}",
                "category": self.category(item),
                "tags": [self.format(item)],
                "created_at": self.end_ms - self.days * DAY_MS,
            }
            for item in range(self.items)
        ]

    def truth(self) -> Json:
        """Return what is planted, for whoever checks that an insight finds it."""
        return {
            "strength": self.strength,
            "busy": {name: {"hours": [hour, hour + 1, hour + 2], "weekday": day} for name, (hour, day) in BUSY.items()},
            "engagement": SAVES_BY_CATEGORY,
            "devices": {"phone": PHONE_SAVES},
            "sources": SOURCE_CLICKS,
            "formats": {"video": VIDEO_SAVES},
            "viral": {"item_id": f"pin-{self.viral_item}", "category": VIRAL_CATEGORY, "hours": VIRAL_HOURS},
        }

    def generate(self) -> Iterator[Json]:
        """Yield exactly ``events`` events of the contract, by event time."""
        rng = np.random.default_rng([self.seed, 3])
        pins = self._pins(rng, self.events)  # more than needed: a pin has at least one event
        kinds = self._kinds(rng, pins)
        pin, kind = (column[: self.events] for column in np.nonzero(kinds))
        time = pins.time[pin] + 400 * kind
        order = np.lexsort((kind, pin, time))
        for number, row in enumerate(order.tolist()):
            yield self._spelled(number, pins, int(pin[row]), int(kind[row]), int(time[row]))

    def _pins(self, rng: np.random.Generator, pins: int) -> "_Pins":
        sessions = -(-pins // PINS_PER_SESSION)
        category = rng.integers(0, len(CATEGORIES), sessions)
        user = rng.integers(0, self.users, sessions)
        start = self._starts(rng, category)
        of = np.repeat(np.arange(sessions), PINS_PER_SESSION)[:pins]
        time = start[of] + np.tile(np.arange(PINS_PER_SESSION) * 5_000, sessions)[:pins]
        per_category = self.items // len(CATEGORIES)
        item = rng.integers(0, per_category, pins) * len(CATEGORIES) + category[of]
        late = (time >= self.end_ms - VIRAL_HOURS * HOUR_MS) & (category[of] == CATEGORIES.index(VIRAL_CATEGORY))
        risen = (self.effect(RISES) - 1) / (self.effect(RISES) - 1 + per_category)
        item = np.where(late & (rng.random(pins) < risen), self.viral_item, item)
        return _Pins(time, user[of], item, rng.integers(0, len(SOURCES), pins), self._devices[user[of]])

    @cached_property
    def _devices(self) -> Ints:
        """Each user's device."""
        rng = np.random.default_rng([self.seed, 4])
        return rng.choice(len(DEVICES), self.users, p=DEVICE_SHARES).astype(np.int64)

    def _starts(self, rng: np.random.Generator, category: Ints) -> Ints:
        """Return when each session begins, by the busy times of its category."""
        first = self.end_ms - self.days * DAY_MS
        hours = np.arange(self.days * 24)
        of_week = (first // HOUR_MS + hours + 3 * 24) % HOURS_OF_WEEK  # the epoch's first day was a Thursday
        start = np.zeros(len(category), np.int64)
        for number, name in enumerate(CATEGORIES):
            weight = np.ones(HOURS_OF_WEEK)
            if name in BUSY:
                hour, day = BUSY[name]
                weight[np.isin(np.arange(HOURS_OF_WEEK) % 24, [hour, hour + 1, hour + 2])] *= self.effect(BUSY_HOURS)
                weight[np.arange(HOURS_OF_WEEK) // 24 == day] *= self.effect(BUSY_DAY)
            mine, chance = np.flatnonzero(category == number), weight[of_week] / weight[of_week].sum()
            start[mine] = first + rng.choice(hours, len(mine), p=chance) * HOUR_MS
        room = HOUR_MS - PINS_PER_SESSION * 5_000 - 400 * len(KINDS)
        moments: Ints = np.minimum(start + rng.integers(0, room, len(start)), self.end_ms - 60_000)
        return moments

    def _kinds(self, rng: np.random.Generator, pins: "_Pins") -> NDArray[np.bool_]:
        """Return which events each pin has, shape (pins, kinds)."""
        clicks = np.array([self.effect(SOURCE_CLICKS[name]) for name in SOURCES])
        saves = np.array([self.effect(SAVES_BY_CATEGORY.get(name, 1.0)) for name in CATEGORIES])
        factor = saves[pins.item % len(CATEGORIES)]
        factor = factor * np.where(pins.device == DEVICES.index("phone"), self.effect(PHONE_SAVES), 1.0)
        video = pins.item // len(CATEGORIES) % len(FORMATS) == FORMATS.index("video")
        factor = factor * np.where(video, self.effect(VIDEO_SAVES), 1.0)
        out = np.zeros((len(pins.time), len(KINDS)), np.bool_)
        out[:, _IMPRESSION] = True
        out[:, _CLICK] = rng.random(len(out)) < CLICKED * clicks[pins.source]
        out[:, _VIEW] = out[:, _CLICK]
        for kind, chance in ((_SAVE, SAVED), (_SHARE, SHARED), (_LIKE, LIKED)):
            out[:, kind] = out[:, _VIEW] & (rng.random(len(out)) < np.minimum(chance * factor, 0.95))
        return out

    def _spelled(self, number: int, pins: "_Pins", pin: int, kind: int, time: int) -> Json:
        item = int(pins.item[pin])
        return {
            "event_id": f"b{self.seed}-{number}",
            "event_time": time,
            "kind": KINDS[kind],
            "user_id": f"user-{pins.user[pin]}",
            "item_id": f"pin-{item}",
            "device": DEVICES[pins.device[pin]],
            "category": self.category(item),
            "source": SOURCES[pins.source[pin]],
            "referrer": "https://board.example/home",
        }


@dataclass(frozen=True)
class _Pins:
    """What was shown: one row for each impression."""

    time: Ints
    user: Ints
    item: Ints
    source: Ints
    device: Ints
