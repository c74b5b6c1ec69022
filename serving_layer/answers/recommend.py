"""Recommending: candidates from every source, blended, without what the user has seen; and why an item is there."""

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import replace
from itertools import chain, islice
from typing import Any, TypeVar

from core.house.rules import EXCLUDE, for_device
from core.ranking.blend import Blend, Knots, confidence, confidences, strongest
from core.ranking.columns import NOBODY
from core.ranking.learned import LearnedBlend
from core.rows.codec import History
from recommenders.opened import Opened
from recommenders.port import NOTHING_RATED, Question
from schemas.event import WEIGHT_SCALE
from serving_layer.answers.basket import Taste, tasted
from serving_layer.answers.house import Ranked, about_item, ruled
from serving_layer.answers.sources import Wish as Wish
from serving_layer.answers.sources import excluded_of, sources_of, tried_by
from serving_layer.answers.various import with_capped_categories, with_new_items
from serving_layer.merged.catalogue import describe, listed, require_known, user_of
from serving_layer.merged.sums import MergedSums, neighbours, standing_of
from serving_layer.reading.snapshot import Snapshot

BECAUSE = 3  # history items named for each recommendation
NEW = "latest"  # the source of items that have their place by chance
PREFERRED_AMONG = 1_000  # a new user's preferred categories come first among this many
NOTHING: Mapping[str, Opened] = {}

T = TypeVar("T")


def recommend(snapshot: Snapshot, user: bytes, wish: Wish) -> dict[str, Any]:
    """Return the recommendations as the JSON of contract §7; ``personal`` is false for a user without history."""
    what = ("recommendations", user, wish.include_seen)
    wish.page.checked(*what)
    answer = _for_user(snapshot, user, wish)
    listed_now = (row["item_id"].encode() for row in answer["items"])
    return {
        "user_id": user.decode(), **snapshot.header(), **answer,
        "next_cursor": wish.page.next_cursor(listed_now, *what),
    }  # fmt: skip


def recommend_to_anybody(snapshot: Snapshot, wish: Wish) -> dict[str, Any]:
    """Return what suits the wish's basket and preferences, as to a user with that history; nobody is named."""
    touches = tuple((touch.item, touch.weight) for touch in wish.basket.touches)
    what = ("anybody", touches, tuple(wish.preferences or ()), wish.include_seen)
    wish.page.checked(*what)
    taste = tasted(snapshot, History(), NOTHING_RATED, wish.basket)
    answer = _recommended(snapshot, taste, wish.preferences or (), wish)
    listed_now = (row["item_id"].encode() for row in answer["items"])
    return {**snapshot.header(), **answer, "next_cursor": wish.page.next_cursor(listed_now, *what)}


def recommend_to_many(snapshot: Snapshot, users: Sequence[bytes], wish: Wish) -> dict[str, Any]:
    """Return the recommendations of several users, all of one snapshot."""
    rows = [{"user_id": user.decode(), **_for_user(snapshot, user, wish)} for user in users]
    return {**snapshot.header(), "users": rows}


def _for_user(snapshot: Snapshot, user: bytes, wish: Wish) -> dict[str, Any]:
    taste = tasted(snapshot, snapshot.history(user), standing_of(snapshot, user), wish.basket)
    preferences = wish.preferences
    if preferences is None and not _is_personal(taste):
        record = user_of(snapshot, user)
        preferences = record.preferences if record else ()
    tried = tried_by(snapshot, user, wish.include_seen)
    answer = _recommended(snapshot, taste, preferences or (), replace(wish, tried=tried), user)
    return {"experiment": tried.name if tried else None, **answer} if snapshot.views.experiments else answer


def _is_personal(taste: Taste) -> bool:
    return bool(taste.history.entries or len(taste.standing.codes))


def _recommended(
    snapshot: Snapshot, taste: Taste, preferences: Sequence[str], wish: Wish, user: bytes = b""
) -> dict[str, Any]:
    question = Question(taste.history, MergedSums(snapshot), standing=taste.standing)
    rules = for_device(snapshot.views.house_rules(), wish.device)
    sources = sources_of(snapshot, question, wish)
    excluded, personal = excluded_of(snapshot, wish, taste.standing.codes), _is_personal(taste)
    blended = sources.blended(excluded)
    names = snapshot.index.names
    ranking: Iterator[tuple[bytes, Ranked]] = (
        (names[code], Ranked(code, score, score)) for code, score in blended.ranking(snapshot.index)
    )
    if not personal:
        ranking = _preferred_first(snapshot, preferences, ranking)
    ranking = with_new_items(snapshot, ranking, user, excluded, blended.score)
    ranking = ruled(snapshot, ranking, rules, lambda code: bool((excluded == code).any()))
    ranking = with_capped_categories(snapshot, ranking)
    rows, knots = listed(snapshot, ranking, wish.page), sources.knots
    codes = [ranked.code for _, ranked, _ in rows if ranked.is_blended]
    source_of = dict(zip(codes, blended.strongest(codes), strict=True))
    sure = confidences(knots, [ranked.blended for _, ranked, _ in rows])
    because = sources.reasons([ranked.code for _, ranked, _ in rows], names)
    unknown = {"unknown_items": [item.decode() for item in taste.unknown]} if taste.unknown else {}
    return {
        "personal": personal,
        **unknown,
        "items": [
            {
                "item_id": name.decode(),
                "score": ranked.score,
                "confidence": confident,
                "source": NEW if ranked.explored else source_of.get(ranked.code),
                "because": [names[speaking].decode() for speaking, _ in speaks[:BECAUSE]],
                **about.shown(),
                **({"rules": list(ranked.rules)} if ranked.rules else {}),
                **({"explored": True} if ranked.explored else {}),
            }
            for (name, ranked, about), confident, speaks in zip(rows, sure, because, strict=True)
        ],
    }


def lists(
    snapshot: Snapshot, user: bytes, wish: Wish, blended: Collection[str], besides: Mapping[str, Opened] = NOTHING
) -> dict[str, list[tuple[bytes, float]]]:
    """Return what each source lists by itself, and under ``""`` the blend of the sources named: items with scores.

    An evaluation and an export ask so; nothing is described, and nobody has stated preferences.

    Args: besides: sources that are asked as well, and are in no blend.
    """
    return lists_with_knots(snapshot, user, wish, blended, besides)[0]


def lists_with_knots(
    snapshot: Snapshot, user: bytes, wish: Wish, blended: Collection[str], besides: Mapping[str, Opened] = NOTHING
) -> tuple[dict[str, list[tuple[bytes, float]]], Knots]:
    """Return the same, and how the blend's scores go together with hits of this user."""
    history, standing = snapshot.history(user), standing_of(snapshot, user)
    sources = sources_of(snapshot, Question(history, MergedSums(snapshot), standing=standing), wish)
    if besides:
        sources = replace(sources, models=replace(sources.models, opened={**besides, **sources.models.opened}))
    excluded, names = excluded_of(snapshot, wish, standing.codes), snapshot.index.names
    rankings: dict[str, Blend | LearnedBlend] = {name: sources.fixed([name], excluded) for name in sources.candidates}
    rankings[""] = sources.blended(excluded, names=[name for name in blended if name in sources.candidates])
    listed = {
        name: [(names[code], score) for code, score in islice(blend.ranking(snapshot.index), wish.page.n)]
        for name, blend in rankings.items()
    }
    return listed, sources.knots


def explain(snapshot: Snapshot, user: bytes, item: bytes) -> dict[str, Any]:
    """Return how the item would score for the user, by source, and every history item that speaks for it."""
    about = require_known(snapshot, item)
    code = snapshot.index.code(item) if about.known else NOBODY
    history, standing = snapshot.history(user), standing_of(snapshot, user)
    seen = standing.codes
    question = Question(history, MergedSums(snapshot), code, standing)
    tried = tried_by(snapshot, user)
    sources = replace(sources_of(snapshot, question, Wish(tried=tried)), deep=True)
    blended = sources.blended(seen[seen != code], code)
    score, (parts,), is_seen = blended.score(code), blended.parts([code]), bool((seen == code).any())
    names, last_times = snapshot.index.names, {entry.item: entry.last_time for entry in history.entries}
    ratings = dict(zip(seen.tolist(), standing.ratings.tolist(), strict=True))
    ratings |= dict(zip(question.codes.tolist(), (entry.rating for entry in history.entries), strict=True))
    (pairs,) = neighbours(snapshot, [item])
    rules = about_item(snapshot.views.house_rules(), item, about)
    left_out = is_seen or any(rule.does == EXCLUDE and rule.device is None for rule in rules)
    because = [
        {
            "item_id": names[speaking].decode(),
            "contribution": share,
            "rating": ratings[speaking] / WEIGHT_SCALE,
            "last_time": last_times.get(names[speaking]),
            "co_rating": (pairs.amount(speaking) if pairs else 0) / WEIGHT_SCALE,
        }
        for speaking, share in sources.reasons([code], names)[0]
    ]
    return {
        "user_id": user.decode(),
        "item_id": item.decode(),
        **snapshot.header(),
        **({"experiment": tried.name if tried else None} if snapshot.views.experiments else {}),
        "score": score,
        "confidence": confidence(sources.knots, score),
        "source": strongest(parts),
        "sources": parts,
        "features": blended.features(code),
        "because": because,
        "seen": is_seen,
        "listed": about.listed and not left_out,
        "rules": [rule.shown for rule in rules],
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


def _preferred_first(
    snapshot: Snapshot, preferences: Sequence[str], ranking: Iterator[tuple[bytes, T]]
) -> Iterator[tuple[bytes, T]]:
    """Yield items of the preferred categories before the others, each group in its order."""
    if not preferences:
        return ranking
    head = list(islice(ranking, PREFERRED_AMONG))
    about = describe(snapshot, [name for name, _ in head])
    return chain(sorted(head, key=lambda row: not about[row[0]].is_in(preferences)), ranking)
