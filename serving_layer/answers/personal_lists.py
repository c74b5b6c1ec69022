"""A user's own lists of items, and what they recommend: by words alone, and beside it by what users do."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from core.codes.item_index import UNKNOWN
from core.lists.personal import Change, Lists, PersonalList
from core.ranking.columns import Columns
from core.ranking.ranked import in_order
from schemas.errors import BadInput, NotReady
from schemas.event import WEIGHT_SCALE
from serving_layer.answers.basket import Basket, Touch
from serving_layer.answers.recommend import BECAUSE, Wish, recommend_to_anybody
from serving_layer.merged.catalogue import NotFound, Page, describe, listed
from serving_layer.merged.contents import AnyContents, words_of
from serving_layer.merged.sums import MergedSums, standing_of
from serving_layer.reading.snapshot import Snapshot

# What answers with rows and why there are none: of a snapshot, weighed items, a page and the items never to list.
Found = Callable[[Snapshot, Mapping[bytes, float], Page, set[bytes]], tuple[list[dict[str, Any]], str]]
NO_WORDS = "no item of this list has words that other items have too: what others did with them is all there is"


class Conflict(BadInput):
    """There is such a list already (HTTP 409)."""


@dataclass(frozen=True)
class Named:
    """A list of a user."""

    user: bytes
    name: str
    items: Mapping[str, float]


def made(lists: Lists, name: str, change: Change, now: int) -> Lists:
    """Return the lists with a new one. Raises Conflict: there is one of that name."""
    if name in lists:
        raise Conflict(f"there is a list {name!r} already: PATCH changes it, or choose another list_id")
    return {**lists, name: change.of(PersonalList(made_at=now), now)}


def changed(lists: Lists, name: str, change: Change, now: int) -> Lists:
    """Return the lists with that one changed. Raises NotFound."""
    return {**lists, name: change.of(one_of(lists, name), now)}


def without(lists: Lists, name: str) -> Lists:
    """Return the lists without that one. Raises NotFound."""
    one_of(lists, name)
    return {other: own for other, own in lists.items() if other != name}


def one_of(lists: Lists, name: str) -> PersonalList:
    """Return that list. Raises NotFound."""
    if name not in lists:
        known = f"there are {', '.join(map(repr, lists))}" if lists else "this user has none"
        raise NotFound(f"there is no list {name!r}: {known}")
    return lists[name]


def shown(user: str, name: str, own: PersonalList) -> dict[str, Any]:
    """Return a list as answers show it."""
    items = [{"item_id": item, "weight": weight} for item, weight in own.items.items()]
    return {"user_id": user, "list_id": name, "made_at": own.made_at, "changed_at": own.changed_at, "items": items}


def all_shown(user: str, lists: Lists) -> dict[str, Any]:
    """Return all lists of a user, without their items."""
    rows = [
        {"list_id": name, "made_at": own.made_at, "changed_at": own.changed_at, "size": len(own.items)}
        for name, own in lists.items()
    ]
    return {"user_id": user, "lists": rows}


def recommended(snapshot: Snapshot, named: Named, wish: Wish, history_items: int, by_pictures: Found) -> dict[str, Any]:
    """Return what suits the list: ``by_words`` and ``by_pictures`` by what its items are, ``by_behaviour`` as a basket.

    Items of the list are in none of them, nor what the user has seen, unless the wish includes that.
    """
    items = [item.encode() for item in named.items]
    about = describe(snapshot, items)
    known = {item: named.items[item.decode()] for item in items if about[item].known}
    seen = standing_of(snapshot, named.user).codes if not wish.include_seen else np.zeros(0, np.int64)
    names = snapshot.index.names
    excluded = {*wish.exclude, *known, *(names[code] for code in seen.tolist())}
    touches = [Touch(item, round(weight * WEIGHT_SCALE)) for item, weight in known.items()]
    basket = replace(wish, exclude=excluded, basket=Basket(touches, history_items), preferences=())
    behaviour = recommend_to_anybody(snapshot, basket) if known else {"items": []}
    described, missing = _by_words(snapshot, known, wish.page, excluded)
    alike, missing_by_pictures = by_pictures(snapshot, known, wish.page, excluded)
    unknown = [item.decode() for item in items if not about[item].known]
    return {
        "user_id": named.user.decode(),
        "list_id": named.name,
        **snapshot.header(),
        **({"unknown_items": unknown} if unknown else {}),
        **({"missing": missing} if missing else {}),
        **({"missing_by_pictures": missing_by_pictures} if missing_by_pictures else {}),
        "by_words": described,
        "by_pictures": alike,
        "by_behaviour": behaviour["items"],
    }


def _by_words(
    snapshot: Snapshot, known: Mapping[bytes, float], page: Page, excluded: set[bytes]
) -> tuple[list[dict[str, Any]], str]:
    """Return the rows by words, and why there are none, empty where there are some."""
    try:
        words = words_of(snapshot) if known else None
    except NotReady as error:
        return [], str(error)
    if words is None:
        return [], "" if known else NO_WORDS
    sums, codes = MergedSums(snapshot), snapshot.index.codes(known)
    vectors, shares = words.scorer.vectors_of(sums, codes), list(known.values())
    near = words.scorer.near(sums, words.scorer.mean(vectors, shares))
    left_out = [code for name in excluded if (code := snapshot.index.find(name)) != UNKNOWN]
    kept = ~np.isin(near.codes, left_out)
    names = snapshot.index.names
    ranking = in_order(Columns(near.codes[kept], near.scores[kept]), snapshot.index, sums.kernels)
    rows = listed(snapshot, ((names[code], (code, score)) for code, score in ranking), page)
    spoken = dict(zip(codes.tolist(), zip(vectors, shares, strict=True), strict=True))
    out = [
        {"item_id": name.decode(), "score": score, "because": _because(words.scorer, sums, code, spoken),
         **described.shown()}
        for name, (code, score), described in rows
    ]  # fmt: skip
    return out, "" if any(words.scorer.says(vector) for vector in vectors) else NO_WORDS


def _because(words: AnyContents, sums: MergedSums, code: int, spoken: Mapping[int, Any]) -> list[str]:
    """Return the items of the list that say most for the item."""
    (target,) = words.vectors_of(sums, np.array([code]))
    names = sums.index.names
    parts = sorted((-share * words.product(vector, target), names[own]) for own, (vector, share) in spoken.items())
    return [name.decode() for part, name in parts[:BECAUSE] if part < 0]
