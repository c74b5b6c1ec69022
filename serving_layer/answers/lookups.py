"""The lookups as the JSON of contract §7: what both merged views say, computed after the merge."""

from collections.abc import Iterable
from dataclasses import replace
from typing import Any

import numpy as np

from core.ranking import scores
from core.ranking.columns import Columns
from core.ranking.neighbours import NOBODY_NEAR
from core.ranking.ranked import POPULAR, TREND, Trend, in_order
from core.ranking.scores import Window
from core.rows.catalogue_rows import plain
from schemas.event import BUCKET_MS, WEIGHT_SCALE
from serving_layer.merged.catalogue import Described, Page, describe, listed, require_known
from serving_layer.merged.counts import popular, trends, window_counts
from serving_layer.merged.sums import MergedSums, neighbours
from serving_layer.reading.snapshot import Snapshot

Answer = dict[str, Any]
LOOKED_AT, MOST_NAMED = 500, 50  # items, and categories of them, where nothing is of the category that is asked for


def similar(snapshot: Snapshot, item: bytes, page: Page) -> Answer:
    """Return the item's neighbours by similarity."""
    page.checked("similar", item)
    require_known(snapshot, item)
    sums, names = MergedSums(snapshot), snapshot.index.names
    near, norm = neighbours(snapshot, [item])[0] or NOBODY_NEAR, snapshot.norms([item])[item]
    norms, shrinkage = sums.norms(near.codes), sums.shrinkage
    score = scores.similarity(near.amounts, norm, norms, shrinkage)
    places = np.flatnonzero(score > 0)
    ranking = in_order(Columns(near.codes[places], score[places]), snapshot.index, sums.kernels)
    rows = listed(snapshot, ((names[code], (code, value)) for code, value in ranking), page)
    return {
        "item_id": item.decode(),
        **snapshot.header(),
        "exact": True,
        "shrinkage": shrinkage,
        "norm": norm / WEIGHT_SCALE,
        "items": [
            {
                "item_id": name.decode(),
                "score": value,
                "co_rating": near.amount(code) / WEIGHT_SCALE,
                "norm": int(norms[near.codes == code][0]) / WEIGHT_SCALE,
                **about.shown(),
            }
            for name, (code, value), about in rows
        ],
        "next_cursor": page.next_cursor((name for name, _, _ in rows), "similar", item),
    }


def trending(snapshot: Snapshot, hours: int, as_of: int | None, page: Page) -> Answer:
    """Return the items that grow in the last ``hours`` whole hours, or the popular ones where none does."""
    what = ("trending", hours, as_of)
    page.checked(*what)
    as_of = snapshot.facts.as_of if as_of is None else as_of
    rising, frequent = trend_lists(snapshot, hours, as_of)
    rows = _listed(snapshot, rising or (), page)
    first = replace(page, n=1, offset=0, cursor=None)
    rises = bool(rows) or (first != replace(page, n=1) and bool(_listed(snapshot, rising or (), first)))
    rows = rows if rises else _listed(snapshot, frequent, page)
    return {
        "as_of": as_of,
        "window_seconds": hours * BUCKET_MS // 1000,
        "basis": TREND if rises else POPULAR,
        "basis_reason": "rising" if rises else "too_little_history" if rising is None else "nothing_rises",
        **snapshot.header(),
        **({} if rows else _would_match(snapshot, hours, as_of, page)),
        "items": [_trend_row(*row) for row in rows],
        "next_cursor": page.next_cursor((trend.item for trend, _ in rows), *what),
    }


def trend_lists(snapshot: Snapshot, hours: int, as_of: int | None) -> tuple[Iterable[Trend] | None, Iterable[Trend]]:
    """Return the growing items (None: the history is too short) and the popular ones; hidden items included."""
    if as_of is None:
        return None, ()
    window, oldest = Window.ending(as_of, hours), snapshot.facts.oldest_bucket
    known = scores.has_trend(window_counts(snapshot, window), window, oldest)
    return trends(snapshot, window) if known else None, popular(snapshot, window)


def _would_match(snapshot: Snapshot, hours: int, as_of: int | None, page: Page) -> Answer:
    """Return the categories of the most counted items, in their order; nothing unless a category alone narrows."""
    if page.category is None or page != Page(page.n, category=page.category):
        return {}
    _, frequent = trend_lists(snapshot, hours, as_of)
    rows = _listed(snapshot, frequent, Page(n=LOOKED_AT))
    return {"would_match": list(dict.fromkeys(name for _, about in rows for name in about.categories))[:MOST_NAMED]}


def _listed(snapshot: Snapshot, ranked: Iterable[Trend], page: Page) -> list[tuple[Trend, Described]]:
    rows = listed(snapshot, ((trend.item, trend) for trend in ranked), page)
    return [(trend, about) for _, trend, about in rows]


def history(snapshot: Snapshot, user: bytes, page: Page) -> Answer:
    """Return the user's last N items, newest first; hidden ones too, since they are the user's own."""
    page.checked("history", user)
    entries = snapshot.history(user).entries[::-1]
    if page.narrowed:
        about = describe(snapshot, [entry.item for entry in entries])
        entries = tuple(entry for entry in entries if about[entry.item].suits(page))
    rows = [entry for entry in entries if not page.has_given(entry.item)][page.offset : page.offset + page.n]
    return {
        "user_id": user.decode(),
        **snapshot.header(),
        "items": [
            {"item_id": e.item.decode(), "rating": e.rating / WEIGHT_SCALE, "last_time": e.last_time} for e in rows
        ],
        "next_cursor": page.next_cursor((entry.item for entry in rows), "history", user),
    }


def bucket_changes(snapshot: Snapshot, hours: int, as_of: int | None, page: Page) -> Answer:
    """Return for each of the last hours, newest first, how each item's count changed from the hour before.

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
        ranked = sorted(changes, key=lambda row: (-scores.smoothed_change(*row[1:]), row[0]))
        rows = listed(snapshot, [(item, (c, p)) for item, c, p in ranked], page)
        reports.append({"bucket": bucket * BUCKET_MS, "items": [_change_row(item, *cp) for item, cp, _ in rows]})
    return {"as_of": as_of, "window_seconds": hours * BUCKET_MS // 1000, **snapshot.header(), "buckets": reports}


def item(snapshot: Snapshot, name: bytes) -> Answer:
    """Return what is known about one item: its catalogue record, its category and its norm."""
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
