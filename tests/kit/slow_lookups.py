"""Every lookup computed from the slow twin, to be compared with what the views answer."""

import math
import tempfile
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from scipy.stats import beta

from adapters.stores import open_store
from core.fold.slow import SlowView
from core.ranking.scores import LOWER_TAIL, PRIOR
from schemas.event import BUCKET_MS, Event
from schemas.rules import Rules
from serving_layer.answers import lookups
from serving_layer.merged.catalogue import NotFound, Page
from serving_layer.reading.views import Views
from tests.kit.small_lambda import SmallLambda, placed

RULES = Rules(history_items=3, remembered_ids=4, partitions=2, counted_per_day=2)
ALL = Page(n=1000)
ITEMS = [b"i1", b"i2", b"i3", b"i4", b"i5", b"i6", "ї/%".encode()]
USERS = ["u0", "u1é", "u2", "u3"]


@contextmanager
def small_lambda(events: list[Event]) -> Iterator[tuple[SmallLambda, Views]]:
    with tempfile.TemporaryDirectory() as folder:
        batch, speed = (open_store(f"sqlite:///{Path(folder) / name}") for name in ("b.sqlite", "s.sqlite"))
        try:
            yield SmallLambda(batch, speed, RULES, placed(events, RULES)), Views(batch, speed)
        finally:
            batch.close()
            speed.close()


def everything(snapshot: Any, items: Sequence[bytes] = ITEMS) -> dict[str, Any]:
    return {
        "similar": {item: similar(snapshot, item) for item in items},
        "trending": {hours: lookups.trending(snapshot, hours, None, ALL)["items"] for hours in (1, 24, 168)},
        "history": {user: lookups.history(snapshot, user.encode(), ALL)["items"] for user in USERS},
        "seen": {user: snapshot.seen(user.encode()) for user in USERS},
        "changes": lookups.bucket_changes(snapshot, 48, None, ALL)["buckets"],
        "facts": (snapshot.facts.as_of, snapshot.facts.events, snapshot.facts.duplicates),
    }


def similar(snapshot: Any, item: bytes) -> Any:
    try:
        answer = lookups.similar(snapshot, item, ALL)
    except NotFound:
        return None
    return answer["norm"], [
        (row["item_id"], rounded(row["score"]), row["co_rating"], row["norm"]) for row in answer["items"]
    ]


def rounded(score: float) -> float:
    return round(score, 12)


def expected(twin: SlowView, items: Sequence[bytes] = ITEMS) -> dict[str, Any]:
    return {
        "similar": {item: slow_similar(twin, item.decode()) for item in items},
        "trending": {hours: slow_trending(twin, hours) for hours in (1, 24, 168)},
        "history": {user: slow_history(twin, user) for user in USERS},
        "seen": {user: {i.encode() for i, present in twin.seen.get(user, {}).items() if present} for user in USERS},
        "changes": slow_changes(twin, 48),
        "facts": (twin.as_of, twin.events, twin.duplicates),
    }


def slow_similar(twin: SlowView, item: str) -> Any:
    if item not in twin.categories:
        return None
    rows = []
    for (p, q), pair in twin.pairs.items():
        norms = twin.norms[item], twin.norms[q]
        if p == item and pair > 0 and min(norms) > 0:
            rows.append((q, rounded(min(1.0, pair / math.sqrt(norms[0] * norms[1]))), pair / 1000, norms[1] / 1000))
    return twin.norms[item] / 1000, sorted(rows, key=lambda row: (-row[1], row[0].encode()))


def category(twin: SlowView, item: str) -> str | None:
    return twin.categories[item][3] or None


def slow_trending(twin: SlowView, hours: int) -> list[dict[str, Any]]:
    if twin.as_of is None:
        return []
    stop = twin.as_of // BUCKET_MS + 1
    start, length = stop - hours, max(24, 3 * hours)
    c, big_c, before = Counter[str](), Counter[str](), Counter[str]()
    for (bucket, item), received in twin.counts.items():
        count = received - twin.excess[bucket, item]
        c[item] += count * (start <= bucket < stop)
        big_c[item] += count * (start - length <= bucket < start)
        before[item] += count * (start - hours <= bucket < start)
    ratio = big_c.total() / c.total() if c.total() else 0
    oldest = min((bucket for bucket, _ in twin.counts), default=None)
    trend = ratio >= 1 and oldest is not None and oldest <= start - length
    rising, rows = [], []
    for item, count in c.items():
        row = {"item_id": item, "count": count, "change": (count - before[item]) / (before[item] + 1)}
        row["category"] = category(twin, item)
        if count >= 1:
            rows.append({**row, "basis": "popular", "score": count, "expected": None, "growth": None})
        if trend and count >= 5:
            p = beta.ppf(LOWER_TAIL, count + PRIOR, big_c[item] + PRIOR * ratio)
            growth = math.log((count + PRIOR) / (big_c[item] / ratio + PRIOR))
            score = pytest.approx(ratio * p / (1 - p))
            rise = {**row, "basis": "trend", "score": score, "expected": big_c[item] / ratio}
            rising += [{**rise, "growth": pytest.approx(growth)}] if ratio * p / (1 - p) > 1 else []
    return sorted(rising or rows, key=by_score)


def by_score(row: dict[str, Any]) -> tuple[float, bytes]:
    return -getattr(row["score"], "expected", row["score"]), row["item_id"].encode()


def slow_history(twin: SlowView, user: str) -> list[dict[str, Any]]:
    entries = twin.histories[user].entries if user in twin.histories else {}
    rows = [{"item_id": item, "rating": rating / 1000, "last_time": last} for item, (rating, last) in entries.items()]
    return rows[::-1]


def slow_changes(twin: SlowView, hours: int) -> list[dict[str, Any]]:
    if twin.as_of is None:
        return []
    out = []
    for bucket in range(twin.as_of // BUCKET_MS, twin.as_of // BUCKET_MS - hours, -1):
        rows = []
        for item in {i for _, i in twin.counts}:
            c, p = twin.counts[bucket, item], twin.counts[bucket - 1, item]
            if c or p:
                relative = (c - p) / p if p else None
                change = (c - p) / (p + 1)
                rows.append({"item_id": item, "count": c, "previous": p, "change": change, "relative": relative})
        rows.sort(key=lambda row: (-row["change"], row["item_id"].encode()))
        out.append({"bucket": bucket * BUCKET_MS, "items": rows})
    return out
