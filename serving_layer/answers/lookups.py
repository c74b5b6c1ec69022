"""The lookups as the JSON of contract §7: what both merged views say, computed after the merge."""

from collections.abc import Iterable, Iterator
from dataclasses import replace
from typing import Any

import numpy as np

from core.ranking import scores
from core.ranking.scores import POPULAR, TREND, Trend, Window
from core.rows.catalogue_rows import plain
from schemas.event import BUCKET_MS, WEIGHT_SCALE
from serving_layer.reading.catalogue import Described, Page, describe, listed, require_known
from serving_layer.reading.counts import popular, trends, window_counts
from serving_layer.reading.snapshot import Snapshot

Answer = dict[str, Any]


def similar(snapshot: Snapshot, item: bytes, page: Page) -> Answer:
    """The item's neighbours by similarity."""
    require_known(snapshot, item)
    pairs = snapshot.pairs([item]).get(item, {})
    names = list(pairs)
    norms = snapshot.norms([item, *names])
    shrinkage = snapshot.views.shrinkage
    amounts, others = np.array(list(pairs.values()), np.int64), np.array([norms[name] for name in names], np.int64)
    score = scores.similarity(amounts, norms[item], others, shrinkage).tolist()
    rows = listed(snapshot, scores.ranked(zip(names, score, strict=True)), page)
    return {
        "item_id": item.decode(),
        **snapshot.header(),
        "exact": True,
        "shrinkage": shrinkage,
        "norm": norms[item] / WEIGHT_SCALE,
        "items": [
            {
                "item_id": name.decode(),
                "score": value,
                "co_rating": pairs[name] / WEIGHT_SCALE,
                "norm": norms[name] / WEIGHT_SCALE,
                **about.shown(),
            }
            for name, value, about in rows
        ],
    }


def trending(snapshot: Snapshot, hours: int, as_of: int | None, page: Page) -> Answer:
    """What grows in the last ``hours`` whole hours, filled up with what is popular; each row says which of the two."""
    as_of = snapshot.facts.as_of if as_of is None else as_of
    can_tell, ranked = trend_list(snapshot, hours, as_of)
    rows = [(trend, about) for _, trend, about in listed(snapshot, _named(ranked), page)]
    first = [trend for trend, _ in rows[:1]]
    if page.offset and can_tell and not any(trend.basis == TREND for trend in first):
        whole = listed(snapshot, _named(trend_list(snapshot, hours, as_of)[1]), replace(page, n=1, offset=0))
        first = [trend for _, trend, _ in whole]
    basis = TREND if any(trend.basis == TREND for trend in first) else POPULAR
    return {
        "as_of": as_of,
        "window_seconds": hours * BUCKET_MS // 1000,
        "basis": basis,
        "basis_reason": "rising" if basis == TREND else "nothing_rises" if can_tell else "too_little_history",
        **snapshot.header(),
        "items": [_trend_row(trend, about) for trend, about in rows],
    }


def trend_list(snapshot: Snapshot, hours: int, as_of: int | None) -> tuple[bool, Iterable[Trend]]:
    """Whether it can be told what grows, and the whole list, hidden items included: what grows first."""
    if as_of is None:
        return False, []
    window, oldest = Window.ending(as_of, hours), snapshot.facts.oldest_bucket
    if scores.has_trend(window_counts(snapshot, window), window, oldest):
        return True, scores.filled(trends(snapshot, window), lambda: popular(snapshot, window))
    return False, popular(snapshot, window)


def _named(ranked: Iterable[Trend]) -> Iterator[tuple[bytes, Trend]]:
    return ((trend.item, trend) for trend in ranked)


def history(snapshot: Snapshot, user: bytes, page: Page) -> Answer:
    """The user's last N items, newest first; hidden ones too, since they are the user's own."""
    entries = snapshot.history(user).entries[::-1]
    if page.category is not None:
        about = describe(snapshot, [entry.item for entry in entries])
        entries = tuple(entry for entry in entries if about[entry.item].is_in(page.category))
    return {
        "user_id": user.decode(),
        **snapshot.header(),
        "items": [
            {"item_id": e.item.decode(), "rating": e.rating / WEIGHT_SCALE, "last_time": e.last_time}
            for e in entries[page.offset : page.offset + page.n]
        ],
    }


def bucket_changes(snapshot: Snapshot, hours: int, as_of: int | None, page: Page) -> Answer:
    """For each of the last hours, newest first, how each item's count changed from the hour before.

    ``change`` is (c − p)/(p + 1) and orders the items; ``relative`` is (c − p)/p, null at p = 0.
    """
    as_of = snapshot.facts.as_of if as_of is None else as_of
    last = -1 if as_of is None else as_of // BUCKET_MS
    wanted = range(last, last - hours, -1) if last >= 0 else range(0)
    counts = snapshot.counts([*wanted, last - hours])
    reports = []
    for bucket in wanted:
        now, before = counts.get(bucket, {}), counts.get(bucket - 1, {})
        changes = [(item, now.get(item, 0), before.get(item, 0)) for item in {*now, *before}]
        ranked = sorted(changes, key=lambda each: (-scores.smoothed_change(*each[1:]), each[0]))
        rows = listed(snapshot, [(item, (c, p)) for item, c, p in ranked], page)
        reports.append({"bucket": bucket * BUCKET_MS, "items": [_change_row(item, *cp) for item, cp, _ in rows]})
    return {"as_of": as_of, "window_seconds": hours * BUCKET_MS // 1000, **snapshot.header(), "buckets": reports}


def item(snapshot: Snapshot, name: bytes) -> Answer:
    """What is known of one item: its catalogue record, its category and its norm."""
    about = require_known(snapshot, name)
    record = plain(about.record) if about.record else {"item_id": name.decode()}
    record.pop("categories", None)
    norm = snapshot.norms([name])[name] / WEIGHT_SCALE
    return {**record, **about.shown(), "hidden": not about.listed, "norm": norm, **snapshot.header()}


def _trend_row(trend: Trend, about: Described) -> Answer:
    return {
        "item_id": trend.item.decode(),
        "basis": trend.basis,
        "score": trend.score,
        "count": trend.count,
        "expected": trend.expected,
        "growth": trend.growth,
        "change": trend.change,
        **about.shown(),
    }


def _change_row(item: bytes, count: int, previous: int) -> Answer:
    return {
        "item_id": item.decode(),
        "count": count,
        "previous": previous,
        "change": scores.smoothed_change(count, previous),
        "relative": scores.relative_change(count, previous),
    }
