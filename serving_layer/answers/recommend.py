"""Recommending: candidates from every source, blended, without what the user has seen; and why an item is there."""

from collections.abc import Collection, Iterator
from dataclasses import dataclass, field
from itertools import chain, islice
from typing import Any

from core.ranking.blend import Blended, Knots, blend, confidence
from core.rows.codec import History
from recommenders.port import Candidates, Question
from schemas.event import WEIGHT_SCALE
from serving_layer.reading.catalogue import Described, Page, describe, listed, require_known, user_of
from serving_layer.reading.models import calibration_of, recommenders_of, untrained
from serving_layer.reading.snapshot import Snapshot
from serving_layer.reading.sums import MergedSums

CANDIDATES = 2_000  # of one source: what comes later has no share in any list that is read
CANDIDATES_IN_CATEGORY = 20_000  # a category may be rare among the best
REASONS_FIRST = "similar"  # people understand "because of these items" best where co-ratings say it
BECAUSE = 3  # history items named for each recommendation
PREFERRED_AMONG = 1_000  # a new user's preferred categories come first among this many


@dataclass(frozen=True)
class Wish:
    """What is asked for: a page of the list, items never to list, and whether seen items may come again."""

    page: Page = field(default_factory=Page)
    exclude: Collection[bytes] = ()
    include_seen: bool = False


def recommend(snapshot: Snapshot, user: bytes, wish: Wish) -> dict[str, Any]:
    """The user's recommendations as the JSON of contract §7; ``personal`` is false for a user without history."""
    history = snapshot.history(user)
    seen = snapshot.seen(user)
    sources = _sources(snapshot, history, wish.page.category)
    excluded = {*wish.exclude, *(() if wish.include_seen else seen)}
    ranking = sources.blended(excluded)
    personal = bool(history.entries or seen)
    if not personal:
        ranking = _preferred_first(snapshot, user, ranking)
    rows, knots = listed(snapshot, ((each.item, each) for each in ranking), wish.page), calibration_of(snapshot)
    return {
        "user_id": user.decode(),
        **snapshot.header(),
        "personal": personal,
        "items": [_row(each, about, sources, knots) for _, each, about in rows],
    }


def explain(snapshot: Snapshot, user: bytes, item: bytes) -> dict[str, Any]:
    """How the item would score for the user, by source, and every history item that speaks for it."""
    about = require_known(snapshot, item)
    history = snapshot.history(user)
    seen = snapshot.seen(user)
    sources = _sources(snapshot, history, None, item)
    ranking = sources.blended(seen - {item}, item)
    found = next((each for each in ranking if each.item == item), Blended(item, 0.0, {}))
    entries = {entry.item: entry for entry in history.entries}
    pairs = snapshot.pairs([item]).get(item, {})
    because = [
        {
            "item_id": name.decode(),
            "contribution": share,
            "rating": entries[name].rating / WEIGHT_SCALE,
            "last_time": entries[name].last_time,
            "co_rating": pairs.get(name, 0) / WEIGHT_SCALE,
        }
        for name, share in sources.reasons(item)
    ]
    return {
        "user_id": user.decode(),
        "item_id": item.decode(),
        **snapshot.header(),
        "score": found.score,
        "confidence": confidence(calibration_of(snapshot), found.score),
        "source": found.source if found.parts else None,
        "sources": dict(found.parts),
        "because": because,
        "seen": item in seen,
        "listed": about.listed and item not in seen,
        **about.shown(),
    }


def profile(snapshot: Snapshot, user: bytes) -> dict[str, Any]:
    """What is known of a user: preferences, attributes, the categories of the history by rating."""
    record = user_of(snapshot, user)
    entries = snapshot.history(user).entries
    about = describe(snapshot, [entry.item for entry in entries])
    tastes: dict[str, int] = {}
    for entry in entries:
        for category in about[entry.item].categories:
            tastes[category] = tastes.get(category, 0) + entry.rating
    ordered = sorted(tastes.items(), key=lambda each: (-each[1], each[0]))
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

    def blended(self, excluded: Collection[bytes], also: bytes | None = None) -> Iterator[Blended]:
        """One ranking of all of them."""
        scores = {name: found.scores for name, found in self.candidates.items()}
        return blend(scores, self.weights, excluded, also)

    def reasons(self, item: bytes) -> list[tuple[bytes, float]]:
        """History items that speak for the item, strongest first: by neighbourhood, else by the first that has some."""
        for name in sorted(self.candidates, key=lambda name: name != REASONS_FIRST):
            if shares := self.candidates[name].reasons(item):
                return sorted(shares.items(), key=lambda share: (-share[1], share[0]))
        return []


def _sources(
    snapshot: Snapshot, history: History, within: Collection[str] | None, also: bytes | None = None
) -> Sources:
    most = CANDIDATES if within is None and history.entries else CANDIDATES_IN_CATEGORY
    question = Question(history, MergedSums(snapshot), also)
    opened = recommenders_of(snapshot) if history.entries else untrained(snapshot.views)
    candidates = {name: source.scorer.candidates(question, most) for name, source in opened.items()}
    return Sources(candidates, {name: source.weight for name, source in opened.items()})


def _preferred_first(snapshot: Snapshot, user: bytes, ranking: Iterator[Blended]) -> Iterator[Blended]:
    """Items of the user's stated categories before the others, each group in its order."""
    record = user_of(snapshot, user)
    if record is None or not record.preferences:
        return ranking
    head = list(islice(ranking, PREFERRED_AMONG))
    about = describe(snapshot, [each.item for each in head])
    return chain(sorted(head, key=lambda each: not about[each.item].is_in(record.preferences)), ranking)


def _row(each: Blended, about: Described, sources: Sources, knots: Knots) -> dict[str, Any]:
    return {
        "item_id": each.item.decode(),
        "score": each.score,
        "confidence": confidence(knots, each.score),
        "source": each.source,
        "because": [name.decode() for name, _ in sources.reasons(each.item)[:BECAUSE]],
        **about.shown(),
    }
