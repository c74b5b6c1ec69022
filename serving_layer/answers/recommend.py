"""Recommending: candidates from every source, blended, without what the user has seen; and why an item is there."""

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass, field
from itertools import chain, islice
from typing import Any, TypeVar

import numpy as np

from core.codes.item_index import UNKNOWN
from core.ranking.blend import Blend, confidence, strongest
from core.ranking.columns import NOBODY
from core.ranking.kernels import Kernels
from recommenders.port import Candidates, Ints, Question
from schemas.event import WEIGHT_SCALE
from serving_layer.merged.catalogue import Page, describe, listed, require_known, user_of
from serving_layer.merged.models import calibration_of, candidates_of, recommenders_of, untrained
from serving_layer.merged.sums import MergedSums, neighbours, standing_of
from serving_layer.reading.snapshot import Snapshot

CANDIDATES = 2_000  # of one source: what comes later has no share in any list that is read
CANDIDATES_IN_CATEGORY = 20_000  # a category may be rare among the best
REASONS_FIRST = "similar"  # people understand "because of these items" best where it comes from co-ratings
BECAUSE = 3  # history items named for each recommendation
PREFERRED_AMONG = 1_000  # a new user's preferred categories come first among this many

T = TypeVar("T")


@dataclass(frozen=True)
class Wish:
    """What is asked for: a page of the list, items never to list, and whether seen items may be listed."""

    page: Page = field(default_factory=Page)
    exclude: Collection[bytes] = ()
    include_seen: bool = False


def recommend(snapshot: Snapshot, user: bytes, wish: Wish) -> dict[str, Any]:
    """Return the recommendations as the JSON of contract §7; ``personal`` is false for a user without history."""
    history, standing = snapshot.history(user), standing_of(snapshot, user)
    question = Question(history, MergedSums(snapshot), standing=standing)
    sources = _sources(snapshot, question, wish.page.category)
    blended = sources.blended(_excluded(snapshot, wish, standing.codes))
    names = snapshot.index.names
    ranking: Iterator[tuple[bytes, tuple[int, float]]] = (
        (names[code], (code, score)) for code, score in blended.ranking(snapshot.index)
    )
    personal = bool(history.entries or len(standing.codes))
    if not personal:
        ranking = _preferred_first(snapshot, user, ranking)
    rows, knots = listed(snapshot, ranking, wish.page), calibration_of(snapshot)
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
    sources = _sources(snapshot, Question(history, MergedSums(snapshot), standing=standing), None)
    excluded, names = _excluded(snapshot, wish, standing.codes), snapshot.index.names
    rankings = {name: sources.only([name]).blended(excluded) for name in sources.candidates}
    rankings[""] = sources.only(blended).blended(excluded)
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
    sources = _sources(snapshot, question, None)
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
        "confidence": confidence(calibration_of(snapshot), score),
        "source": strongest(parts),
        "sources": parts,
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


@dataclass(frozen=True)
class Sources:
    """What each recommender answered, by name, and its share of the blend."""

    candidates: dict[str, Candidates]
    weights: dict[str, float]
    kernels: Kernels

    def only(self, names: Collection[str]) -> "Sources":
        """Return those sources alone; a single one has all of the weight."""
        kept = {name: candidates for name, candidates in self.candidates.items() if name in names}
        return Sources(kept, {name: self.weights[name] for name in kept}, self.kernels)

    def blended(self, excluded: Ints, also: int = NOBODY) -> Blend:
        """Return one ranking of all of them."""
        columns = {name: candidates.columns for name, candidates in self.candidates.items()}
        return Blend(columns, self.weights, excluded, also, self.kernels)

    def reasons(self, code: int, names: Sequence[bytes]) -> list[tuple[int, float]]:
        """Return the history items that speak for the item, strongest first, by the first source that names any."""
        for name in sorted(self.candidates, key=lambda name: name != REASONS_FIRST):
            if shares := self.candidates[name].reasons(code):
                return sorted(shares.items(), key=lambda share: (-share[1], names[share[0]]))
        return []


def _excluded(snapshot: Snapshot, wish: Wish, seen: Ints) -> Ints:
    """Return the codes of the items never to list; a name without a code is in no list."""
    named = np.array([code for name in wish.exclude if (code := snapshot.index.find(name)) != UNKNOWN], np.int64)
    return named if wish.include_seen else np.concatenate([named, seen])


def _sources(snapshot: Snapshot, question: Question, within: Collection[str] | None) -> Sources:
    personal = bool(question.history.entries or len(question.standing.codes))
    most = CANDIDATES if within is None and personal else CANDIDATES_IN_CATEGORY
    opened = recommenders_of(snapshot) if personal else untrained(snapshot.views)
    candidates = {name: candidates_of(snapshot, source.scorer, question, most) for name, source in opened.items()}
    weights = {name: source.weight for name, source in opened.items()}
    return Sources(candidates, weights, snapshot.views.kernels)


def _preferred_first(snapshot: Snapshot, user: bytes, ranking: Iterator[tuple[bytes, T]]) -> Iterator[tuple[bytes, T]]:
    """Yield items of the user's stated categories before the others, each group in its order."""
    record = user_of(snapshot, user)
    if record is None or not record.preferences:
        return ranking
    head = list(islice(ranking, PREFERRED_AMONG))
    about = describe(snapshot, [name for name, _ in head])
    return chain(sorted(head, key=lambda row: not about[row[0]].is_in(record.preferences)), ranking)
