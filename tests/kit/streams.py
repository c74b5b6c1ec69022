"""Random streams of accepted events, for properties of the fold and the merge."""

import numpy as np
from hypothesis import strategies as st

from schemas.event import REMOVE, Event

HOUR = 3_600_000
DAY = 24 * HOUR
START = 1_700_000_000_000


@st.composite
def event_streams(
    draw: st.DrawFn, max_size: int = 60, users: int = 4, items: int = 7, partitions: int = 2
) -> list[Event]:
    """Events in log order with duplicates, removes, weight 0, expiry and times in any order."""
    offsets = dict.fromkeys(range(partitions), 0)
    events: list[Event] = []
    for k in range(draw(st.integers(0, max_size))):
        user = draw(st.integers(0, users - 1))
        repeat = draw(st.integers(0, 5)) == 0 and k > 0
        partition = user % partitions
        gap = draw(st.integers(0, 2))  # transaction markers and the like
        offset = offsets[partition] + gap
        offsets[partition] = offset + 1
        events.append(
            Event(
                partition=partition,
                offset=offset,
                timestamp=START + 40 * DAY + k,
                event_id=f"e{draw(st.integers(0, k - 1))}" if repeat else f"e{k}",
                event_time=START + draw(st.integers(0, 40)) * DAY + draw(st.integers(0, 3)) * HOUR // 2,
                kind=draw(st.sampled_from(["any", "any", "some"])),
                user_id=f"u{user}é" if user == 1 else f"u{user}",
                item_id=draw(st.sampled_from([f"i{n}" if n else "ї/%" for n in range(items)])),
                value=None,
                weight=draw(st.sampled_from([REMOVE, 0, 1000, 1000, 2000, 3000, 5000, 1, 2_500])),
                category=draw(st.sampled_from([None, "", "a", "b"])),
                device=draw(st.sampled_from([None, "", "phone", "a\x00b"])),
                source=draw(st.sampled_from([None, "als"])),
                referrer=draw(st.sampled_from([None, "https://u@A.example:80/x?y", "http://b.example"])),
            )
        )
    return events


def rating_shop(seed: int = 1, n: int = 900, users: int = 40, items: int = 30) -> list[Event]:
    """Users rate, rate again and retract, over eight days, in time order; a few items come into fashion."""
    rng = np.random.default_rng(seed)
    times = START + np.sort(rng.integers(0, 8 * DAY, n)) // 1000 * 1000
    events = []
    for k, time in enumerate(times.tolist()):
        fashion = time > START + 7 * DAY and rng.random() < 0.5
        item = rng.integers(0, 3) if fashion else rng.integers(0, items)
        weight = REMOVE if rng.random() < 0.05 else int(rng.choice([1000, 2000, 5000]))
        events.append(Event(0, k, time + HOUR, f"e{k}", time, "any", f"u{rng.integers(0, users):02d}", f"i{item:02d}",
                            None, weight, None))  # fmt: skip
    return events
