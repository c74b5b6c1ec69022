"""The rows of the tables, read from both views, the catalogue and the lake, some at a time."""

import json
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import quote

import pyarrow as pa

from adapters.records.catalogue import ITEMS, USERS
from core.lists.personal import PersonalList
from core.rows.catalogue_rows import unpack_item_record, unpack_user_record
from core.rows.views import HISTORY, SEEN
from millrace.export.database.tables import COLLABORATIVE, CONTENT, COUNTS, PERSONAL
from millrace.export.sources import other_members
from recommenders import TABLE, recommender
from recommenders.opened import Opened
from schemas.catalogue import Item
from schemas.event import REMOVE, WEIGHT_SCALE
from serving_layer.answers.lookups import trending
from serving_layer.answers.recommend import lists, recommend_to_many
from serving_layer.answers.sources import Wish
from serving_layer.answers.together import latest
from serving_layer.merged.catalogue import Page, describe
from serving_layer.merged.models import models_of
from serving_layer.reading.snapshot import Snapshot

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
CONTENT_SOURCE = "affinity"  # answers from categories and brands alone: asked even where it has no weight
KINDS = {
    "affinity": CONTENT, "words": CONTENT, "tfidf": CONTENT, "picture": CONTENT,
    "popular": COUNTS, "trending": COUNTS, "latest": COUNTS, "repeat": PERSONAL,
}  # fmt: skip
TRENDING_HOURS = 24

Row = tuple[Any, ...]


def kind_of(model: str) -> str:
    """Return what a recommender answers from: items' content, what users did together, counts, or the user alone."""
    return KINDS.get(model, COLLABORATIVE)


def moment(epoch_ms: int | None) -> str | None:
    """Return a time as RFC 3339 in UTC."""
    return None if epoch_ms is None else (EPOCH + timedelta(milliseconds=epoch_ms)).isoformat(timespec="milliseconds")


def interactions(events: pa.Table) -> Iterator[Row]:
    """Yield the rows of a stretch of the lake."""
    for event in events.to_pylist():
        weight = None if event["weight"] == REMOVE else event["weight"] / WEIGHT_SCALE
        yield (
            event["partition"], event["offset"], event["event_id"], event["user_id"], event["item_id"], event["kind"],
            event["value"], weight, moment(event["event_time"]),
        )  # fmt: skip


@dataclass(frozen=True)
class AboutUsers:
    """The rows about a page of users."""

    users: list[Row]
    lists: list[Row]
    list_items: list[Row]
    recommendations: list[Row]


def about_users(snapshot: Snapshot, *, users: Sequence[bytes], n: int) -> AboutUsers:
    """Return the users' records, histories, and recommendations by the blend and by each source alone."""
    snapshot.rows(HISTORY, users)
    snapshot.rows(SEEN, users)
    records = snapshot.catalogue(USERS, users)
    histories, entries = [], []
    for user in users:
        if known := snapshot.history(user).entries:
            name = f"history/{user.decode()}"
            histories.append((name, "history", user.decode()))
            entries += [
                (name, place, entry.item.decode(), entry.rating / WEIGHT_SCALE, moment(entry.last_time))
                for place, entry in enumerate(reversed(known), 1)
            ]
    recommended = [*_blended(snapshot, users, n), *_by_source(snapshot, users, n)]
    return AboutUsers([_user(user, records.get(user)) for user in users], histories, entries, recommended)


def _user(user: bytes, record: bytes | None) -> Row:
    known = unpack_user_record(record)
    if known is None:
        return user.decode(), None, None
    return user.decode(), json.dumps(list(known.preferences)), json.dumps(dict(known.attributes))


def _blended(snapshot: Snapshot, users: Sequence[bytes], n: int) -> Iterator[Row]:
    for answer in recommend_to_many(snapshot, users, Wish(Page(n)))["users"]:
        for rank, row in enumerate(answer["items"], 1):
            yield "blend", answer["user_id"], rank, row["item_id"], row["score"], row["confidence"], row["source"]


def _by_source(snapshot: Snapshot, users: Sequence[bytes], n: int) -> Iterator[Row]:
    """Yield what each source lists by itself, of items that may be listed."""
    content = Opened(recommender(CONTENT_SOURCE).open(None, snapshot.views.recommenders[CONTENT_SOURCE]), 1.0)
    wish = Wish(Page(2 * n + 50))  # some are hidden
    for user in users:
        by_source = lists(snapshot, user, wish, (), {CONTENT_SOURCE: content})
        by_source.pop("")  # the blend, which serves with the house rules: ``_blended``
        about = describe(snapshot, list(dict.fromkeys(item for rows in by_source.values() for item, _ in rows)))
        for source, rows in by_source.items():
            listed = [(item, score) for item, score in rows if about[item].listed][:n]
            for rank, (item, score) in enumerate(listed, 1):
                yield source, user.decode(), rank, item.decode(), score, None, source


def models(snapshot: Snapshot, quality: dict[str, Any]) -> list[Row]:
    """Return the blend, the sources that serve, and the one that answers from content."""
    names = dict.fromkeys([*models_of(snapshot).opened, CONTENT_SOURCE])
    judged = {name: quality.get("models", {}).get(name) for name in names} | {"blend": quality.get("blend")}
    texts = {name: json.dumps(figures) if figures else None for name, figures in judged.items()}
    rows: list[Row] = [("blend", "blend", snapshot.generation, texts["blend"])]
    return rows + [(name, kind_of(name), snapshot.generation, texts[name]) for name in TABLE if name in names]


def shared_lists(snapshot: Snapshot, n: int) -> tuple[list[Row], list[Row]]:
    """Return the lists that are nobody's, trending and latest, and their items."""
    answers = {"trending": trending(snapshot, TRENDING_HOURS, None, Page(n)), "latest": latest(snapshot, Page(n))}
    entries = [
        (name, place, row["item_id"], row["score"], None)
        for name, answer in answers.items()
        for place, row in enumerate(answer["items"], 1)
    ]
    return [(name, name, None) for name in answers], entries


@dataclass(frozen=True)
class AboutItems:
    """The rows about a page of items."""

    items: list[Row]
    categories: list[Row]
    tags: list[Row]
    external_ids: list[Row]


def about_items(snapshot: Snapshot, *, items: Sequence[bytes]) -> AboutItems:
    """Return what is known of the items: their records, else the category that events gave."""
    described, stored = describe(snapshot, items), snapshot.catalogue(ITEMS, items)
    rows = AboutItems([], [], [], [])
    for item in items:
        about, name = described[item], item.decode()
        record = about.record or Item(name)
        regions = list(dict.fromkeys(filter(None, (record.region, *record.regions))))
        rows.items.append(
            (
                name, record.title, record.description, about.category, record.brand, record.price, record.image,
                moment(record.created_at), not about.listed, json.dumps(regions) if regions else None,
            )
        )  # fmt: skip
        rows.categories.extend((name, category, place) for place, category in enumerate(about.categories, 1))
        rows.tags.extend((name, *tag) for tag in shares_of_tags(record))
        if unpack_item_record(stored.get(item)) is not None:
            rows.external_ids.extend((name, *pair) for pair in external_ids(stored[item]))
    return rows


def shares_of_tags(record: Item) -> Iterator[tuple[str, float]]:
    """Yield each tag of an item with its share of how relevant all are; tags without weights have equal shares."""
    tags = dict(zip(record.tags, record.tag_weights, strict=True)) if any(record.tag_weights) else {}
    tags = tags or dict.fromkeys(record.tags, 1.0)
    total = sum(tags.values())
    return ((tag, weight / total) for tag, weight in tags.items())


def own_lists(named: Iterable[tuple[str, str, PersonalList]]) -> tuple[list[Row], list[Row]]:
    """Return the users' own lists, and their items with their weights."""
    names, entries = list[Row](), list[Row]()
    for user, name, own in named:
        list_id = f"own/{quote(user, safe='')}/{name}"  # a user's name may hold a slash, too
        names.append((list_id, name, user))
        rows = enumerate(own.items.items(), 1)
        entries += [(list_id, place, item, weight, moment(own.changed_at)) for place, (item, weight) in rows]
    return names, entries


def external_ids(record: bytes) -> Iterator[tuple[str, str]]:
    """Yield the ids that an item has in other systems: members that end in ``_id``, and those of ``external_ids``."""
    others = other_members(record, Item)
    pairs: Iterable[tuple[str, Any]] = (
        (name.removesuffix("_id"), value) for name, value in others.items() if name.endswith("_id")
    )
    inner = others.get("external_ids")
    known = dict(pairs) | (inner if isinstance(inner, dict) else {})
    for system, value in known.items():
        if isinstance(value, str | int) and not isinstance(value, bool) and system:
            yield system, str(value)
