"""A load without clusters: whoever acts and whatever they touch are independent, so changes of pairs fall on many rows.

The generator's load is friendly to a speed layer: 85 % of a user's events lie in one of 20 clusters, so most changes
of pairs in a micro-batch fall on the same few rows. Here a user's activity is the square of a uniform number and an
item's popularity its cube: the busiest tenth of the users makes 32 % of the events, the most popular tenth of the
items gets 46 % of them. Kinds, fields and the span of 30 days are those of the generator.
"""

from collections.abc import Iterator

import msgspec
import numpy as np

SLICE_EVENTS = 50_000
SPAN_MS = 30 * 24 * 3_600_000
KINDS = ("view", "impression", "click", "like", "save", "cart", "purchase", "rating", "remove")
SHARES = (0.62, 0.10, 0.09, 0.04, 0.02, 0.06, 0.04, 0.025, 0.005)
DEVICES = ("web", "ios", "android")


def spread_events(events: int, users: int, items: int, seed: int, end_ms: int) -> Iterator[tuple[bytes, bytes]]:
    """Yield (user, value) of each event in order of arrival, evenly over the ``SPAN_MS`` that end at ``end_ms``.

    The same for the same arguments.
    """
    names = np.random.default_rng([seed, 0]).permutation(items).tolist()  # so that an item's number says nothing
    encode = msgspec.json.Encoder().encode
    for first in range(0, events, SLICE_EVENTS):
        size = min(SLICE_EVENTS, events - first)
        rng = np.random.default_rng([seed, 1, first])
        user = (users * rng.random(size) ** 2).astype(np.int64).tolist()
        item = (items * rng.random(size) ** 3).astype(np.int64).tolist()
        kind = rng.choice(len(KINDS), size, p=SHARES).tolist()
        stars = (rng.integers(1, 11, size) / 2).tolist()
        for k in range(size):
            acting = f"user-{user[k]}"
            event = {
                "event_id": f"s{seed}-{first + k}",
                "event_time": end_ms - SPAN_MS + SPAN_MS * (first + k) // events,
                "kind": KINDS[kind[k]],
                "user_id": acting,
                "item_id": f"item-{names[item[k]]}",
                "session_id": f"s{seed}-{first}-{user[k]}",
                "device": DEVICES[user[k] % len(DEVICES)],
                "category": f"category-{item[k] % 20}",
            }
            if KINDS[kind[k]] == "rating":
                event["value"] = stars[k]
            yield acting.encode(), encode(event)
