"""Recommending: candidates from every source, blended, without what the user has seen; and why an item is there."""

from collections.abc import Collection, Iterator
from dataclasses import replace
from itertools import chain, islice
from typing import Any, TypeVar

from core.ranking.blend import Blend, confidence, strongest
from core.ranking.columns import NOBODY
from core.ranking.learned import LearnedBlend
from recommenders.port import Question
from schemas.event import WEIGHT_SCALE
from serving_layer.answers.sources import Wish as Wish
from serving_layer.answers.sources import excluded_of, sources_of
from serving_layer.merged.catalogue import describe, listed, require_known, user_of
from serving_layer.merged.sums import MergedSums, neighbours, standing_of
from serving_layer.reading.snapshot import Snapshot

BECAUSE = 3  # history items named for each recommendation
PREFERRED_AMONG = 1_000  # a new user's preferred categories come first among this many

T = TypeVar("T")


def recommend(snapshot: Snapshot, user: bytes, wish: Wish) -> dict[str, Any]:
    """Return the recommendations as the JSON of contract §7; ``personal`` is false for a user without history."""
    history, standing = snapshot.history(user), standing_of(snapshot, user)
    question = Question(history, MergedSums(snapshot), standing=standing)
    sources = sources_of(snapshot, question, wish)
    blended = sources.blended(excluded_of(snapshot, wish, standing.codes))
    names = snapshot.index.names
    ranking: Iterator[tuple[bytes, tuple[int, float]]] = (
        (names[code], (code, score)) for code, score in blended.ranking(snapshot.index)
    )
    personal = bool(history.entries or len(standing.codes))
    if not personal:
        ranking = _preferred_first(snapshot, user, ranking)
    rows, knots = listed(snapshot, ranking, wish.page), sources.knots
    shares = blended.parts([code for _, (code, _), _ in rows])
    return {
        "user_id": user.decode(),
        **snapshot.header(),
        "personal": personal,
        "items": [
            {
                "item_id": name.decode(),
                "score": score,
                "confidence": confidence(knots, score),
                "source": strongest(parts),
                "because": [names[speaking].decode() for speaking, _ in sources.reasons(code, names)[:BECAUSE]],
                **about.shown(),
            }
            for (name, (code, score), about), parts in zip(rows, shares, strict=True)
        ],
    }


def lists(
    snapshot: Snapshot, user: bytes, wish: Wish, blended: Collection[str]
) -> dict[str, list[tuple[bytes, float]]]:
    """Return what each source lists by itself, and under ``""`` the blend of the sources named: items with scores.

    An evaluation asks so; nothing is described, and nobody has stated preferences.
    """
    history, standing = snapshot.history(user), standing_of(snapshot, user)
    sources = sources_of(snapshot, Question(history, MergedSums(snapshot), standing=standing), wish)
    excluded, names = excluded_of(snapshot, wish, standing.codes), snapshot.index.names
    rankings: dict[str, Blend | LearnedBlend] = {name: sources.fixed([name], excluded) for name in sources.candidates}
    rankings[""] = sources.blended(excluded, names=[name for name in blended if name in sources.candidates])
    return {
        name: [(names[code], score) for code, score in islice(blend.ranking(snapshot.index), wish.page.n)]
        for name, blend in rankings.items()
    }


def explain(snapshot: Snapshot, user: bytes, item: bytes) -> dict[str, Any]:
    """Return how the item would score for the user, by source, and every history item that speaks for it."""
    about = require_known(snapshot, item)
    code = snapshot.index.code(item) if about.known else NOBODY
    history, standing = snapshot.history(user), standing_of(snapshot, user)
    seen = standing.codes
    question = Question(history, MergedSums(snapshot), code, standing)
    sources = replace(sources_of(snapshot, question, Wish()), deep=True)
    blended = sources.blended(seen[seen != code], code)
    score, (parts,), is_seen = blended.score(code), blended.parts([code]), bool((seen == code).any())
    names, last_times = snapshot.index.names, {entry.item: entry.last_time for entry in history.entries}
    ratings = dict(zip(seen.tolist(), standing.ratings.tolist(), strict=True))
    ratings |= dict(zip(question.codes.tolist(), (entry.rating for entry in history.entries), strict=True))
    (pairs,) = neighbours(snapshot, [item])
    because = [
        {
            "item_id": names[speaking].decode(),
            "contribution": share,
            "rating": ratings[speaking] / WEIGHT_SCALE,
            "last_time": last_times.get(names[speaking]),
            "co_rating": (pairs.amount(speaking) if pairs else 0) / WEIGHT_SCALE,
        }
        for speaking, share in sources.reasons(code, names)
    ]
    return {
        "user_id": user.decode(),
        "item_id": item.decode(),
        **snapshot.header(),
        "score": score,
        "confidence": confidence(sources.knots, score),
        "source": strongest(parts),
        "sources": parts,
        "features": blended.features(code),
        "because": because,
        "seen": is_seen,
        "listed": about.listed and not is_seen,
        **about.shown(),
    }


def profile(snapshot: Snapshot, user: bytes) -> dict[str, Any]:
    """Return what is known about a user: preferences, attributes, the categories of the history by rating."""
    record = user_of(snapshot, user)
    entries = snapshot.history(user).entries
    about = describe(snapshot, [entry.item for entry in entries])
    tastes: dict[str, int] = {}
    for entry in entries:
        for category in about[entry.item].categories:
            tastes[category] = tastes.get(category, 0) + entry.rating
    ordered = sorted(tastes.items(), key=lambda taste: (-taste[1], taste[0]))
    return {
        "user_id": user.decode(),
        **snapshot.header(),
        "preferences": list(record.preferences) if record else [],
        "attributes": dict(record.attributes) if record else {},
        "categories": [{"category": name, "rating": rating / WEIGHT_SCALE} for name, rating in ordered],
        "history_items": len(entries),
        "seen_items": len(snapshot.seen(user)),
    }


def _preferred_first(snapshot: Snapshot, user: bytes, ranking: Iterator[tuple[bytes, T]]) -> Iterator[tuple[bytes, T]]:
    """Yield items of the user's stated categories before the others, each group in its order."""
    record = user_of(snapshot, user)
    if record is None or not record.preferences:
        return ranking
    head = list(islice(ranking, PREFERRED_AMONG))
    about = describe(snapshot, [name for name, _ in head])
    return chain(sorted(head, key=lambda row: not about[row[0]].is_in(record.preferences)), ranking)
