"""Recommending: candidates from every source, blended, without what the user has seen; and why an item is there."""

from collections.abc import Collection, Iterator
from dataclasses import dataclass, field
from itertools import chain, islice
from typing import Any

from core.blend import Blended, Knots, blend, confidence
from core.codec import History
from schemas.event import WEIGHT_SCALE
from serving_layer.catalogue import Described, Page, describe, listed, require_known, user_of
from serving_layer.model import calibration_of, model_of
from serving_layer.snapshot import Snapshot
from serving_layer.sources import (
    CANDIDATES,
    CANDIDATES_IN_CATEGORY,
    Source,
    from_counts,
    from_model,
    from_neighbours,
)

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
    ranking = blend({source.name: source.scores for source in sources}, excluded)
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
    ranking = blend({source.name: source.scores for source in sources}, seen - {item}, item)
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
        for name, share in _reasons(item, sources)
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


def _sources(
    snapshot: Snapshot, history: History, within: Collection[str] | None, also: bytes | None = None
) -> list[Source]:
    wanted = CANDIDATES if within is None and history.entries else CANDIDATES_IN_CATEGORY
    out = from_counts(snapshot, wanted, also)
    if history.entries:
        out += [from_model(model_of(snapshot), history, wanted, also), from_neighbours(snapshot, history, also)]
    return out


def _preferred_first(snapshot: Snapshot, user: bytes, ranking: Iterator[Blended]) -> Iterator[Blended]:
    """Items of the user's stated categories before the others, each group in its order."""
    record = user_of(snapshot, user)
    if record is None or not record.preferences:
        return ranking
    head = list(islice(ranking, PREFERRED_AMONG))
    about = describe(snapshot, [each.item for each in head])
    return chain(sorted(head, key=lambda each: not about[each.item].is_in(record.preferences)), ranking)


def _reasons(item: bytes, sources: list[Source]) -> list[tuple[bytes, float]]:
    """History items that speak for the item, strongest first: by neighbourhood, or by the model where there is none."""
    by_name = {source.name: source for source in sources}
    for name in ("similar", "als"):
        shares = by_name[name].reasons(item) if name in by_name else {}
        if shares:
            return sorted(shares.items(), key=lambda each: (-each[1], each[0]))
    return []


def _row(each: Blended, about: Described, sources: list[Source], knots: Knots) -> dict[str, Any]:
    return {
        "item_id": each.item.decode(),
        "score": each.score,
        "confidence": confidence(knots, each.score),
        "source": each.source,
        "because": [name.decode() for name, _ in _reasons(each.item, sources)[:BECAUSE]],
        **about.shown(),
    }
