"""What goes with several items at once, and what is new."""

from collections.abc import Sequence
from typing import Any

import numpy as np

from core.ranking import scores
from core.ranking.columns import Columns
from core.ranking.neighbours import NOBODY_NEAR
from core.ranking.ranked import in_order
from core.rows.codec import History
from recommenders import recommender
from recommenders.port import Floats, Ints, Question
from serving_layer.merged.catalogue import NotFound, Page, describe, listed
from serving_layer.merged.sums import MergedSums, neighbours
from serving_layer.reading.snapshot import Snapshot

BECAUSE = 3  # given items named for each row
MOST_NEW = 20_000


def similar_to_all(snapshot: Snapshot, items: Sequence[bytes], page: Page) -> dict[str, Any]:
    """Return what goes with these items together: by the mean of its similarities to them, 0 where there is none.

    Raises: NotFound: no catalogue record and no accepted event names any of them.
    """
    given = list(dict.fromkeys(items))
    page.checked("together", tuple(given))
    about = describe(snapshot, given)
    known = [item for item in given if about[item].known]
    if not known and not snapshot.degraded:
        raise NotFound("there is none of these items: no catalogue record and no accepted event names any")
    near = _similarities(snapshot, known)
    total = np.zeros(max((int(codes.max(initial=-1)) for codes, _ in near), default=-1) + 1)
    for codes, score in near:
        total[codes] += score
    total[[code for item in known if 0 <= (code := snapshot.index.find(item)) < len(total)]] = 0
    places, names = np.flatnonzero(total), snapshot.index.names
    ranking = in_order(Columns(places, total[places] / max(len(known), 1)), snapshot.index, snapshot.views.kernels)
    rows = listed(snapshot, ((names[code], (code, value)) for code, value in ranking), page)
    unknown = [item.decode() for item in given if not about[item].known]
    return {
        "similar_to": [item.decode() for item in known],
        **({"unknown_items": unknown} if unknown else {}),
        **snapshot.header(),
        "items": [
            {"item_id": name.decode(), "score": value, "because": _because(code, known, near), **described.shown()}
            for name, (code, value), described in rows
        ],
        "next_cursor": page.next_cursor((name for name, _, _ in rows), "together", tuple(given)),
    }


def latest(snapshot: Snapshot, page: Page) -> dict[str, Any]:
    """Return what is new, the newest first, as the recommender ``latest`` ranks it, whatever its weight."""
    page.checked("latest")
    settings = snapshot.views.recommenders["latest"]
    scorer = recommender("latest").open(None, settings)
    columns = scorer.candidates(Question(History(), MergedSums(snapshot)), MOST_NEW).columns
    names = snapshot.index.names
    ranking = in_order(columns, snapshot.index, snapshot.views.kernels)
    rows = listed(snapshot, ((names[code], value) for code, value in ranking), page)
    return {
        "hours": settings.hours,
        **snapshot.header(),
        "items": [
            {
                "item_id": name.decode(),
                "score": value,
                "created_at": about.record.created_at if about.record else None,
                **about.shown(),
            }
            for name, value, about in rows
        ],
        "next_cursor": page.next_cursor((name for name, _, _ in rows), "latest"),
    }


def _similarities(snapshot: Snapshot, items: Sequence[bytes]) -> list[tuple[Ints, Floats]]:
    """Return for each item its neighbours' codes and their similarities to it."""
    sums, norms = MergedSums(snapshot), snapshot.norms(items)
    out = []
    for item, near in zip(items, neighbours(snapshot, items), strict=True):
        others = near or NOBODY_NEAR
        score = scores.similarity(others.amounts, norms[item], sums.norms(others.codes), sums.shrinkage)
        out.append((others.codes, score))
    return out


def _because(code: int, items: Sequence[bytes], near: Sequence[tuple[Ints, Floats]]) -> list[dict[str, Any]]:
    shares: list[tuple[float, str]] = []
    for item, (codes, score) in zip(items, near, strict=True):
        shares += [(-float(value), item.decode()) for value in score[codes == code] if value > 0]
    return [{"item_id": item, "score": -value} for value, item in sorted(shares)[:BECAUSE]]
