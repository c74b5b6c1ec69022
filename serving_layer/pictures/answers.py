"""The items whose pictures look like an item's, or like a given one, as the JSON of the lookups."""

from collections.abc import Callable, Iterator
from typing import Any

from adapters.pictures.features import Features
from adapters.pictures.index import PictureIndex
from core.vectors.nearest import Nearest
from serving_layer.merged.catalogue import Described, NotFound, Page, listed, require_known
from serving_layer.reading.snapshot import Snapshot

Answer = dict[str, Any]
Search = Callable[[int, bool], Nearest]  # how many, and whether exactly

TOP = 5  # rows where a question does not say how many
BY_PICTURE = "picture"
SPARE = 50  # rows beyond a page: few items are hidden
WITHOUT_VIEWS: Answer = {
    "generation": None, "segment": None, "fresh_to": {"event_time": None, "offsets": {}},
    "degraded": ["speed", "batch", "catalogue"],
}  # fmt: skip


def like_item(snapshot: Snapshot, index: PictureIndex, item: bytes, page: Page, distance: str) -> Answer:
    """Return the items whose pictures are nearest to the item's.

    Raises: NotFound: there is no such item, or no picture of it.
    """
    name, what = item.decode(), (BY_PICTURE, item, distance)
    page.checked(*what)
    if name not in index.places:
        require_known(snapshot, item)
        why = f"there is no picture of item {name!r}: add it by `millrace pictures index`"
        raise NotFound(f"{why}, or ask by behaviour")

    def search(most: int, exactly: bool) -> Nearest:
        return index.like_item(name, most, distance, exactly)

    others = (entry for entry in ranked(index, search, page) if entry[0] != item)
    rows = listed(snapshot, others, page)
    cursor = page.next_cursor((row[0] for row in rows), *what)
    return {"item_id": name, **_about(index, distance), **snapshot.header(), **_shown(rows), "next_cursor": cursor}


def like_features(snapshot: Snapshot, index: PictureIndex, features: Features, page: Page, distance: str) -> Answer:
    """Return the items whose pictures are nearest to one with those features."""
    what = (BY_PICTURE, features.tobytes(), distance)
    page.checked(*what)

    def search(most: int, exactly: bool) -> Nearest:
        return index.like(features, most, distance, exactly)

    rows = listed(snapshot, ranked(index, search, page), page)
    cursor = page.next_cursor((row[0] for row in rows), *what)
    return {**_about(index, distance), **snapshot.header(), **_shown(rows), "next_cursor": cursor}


def like_features_alone(index: PictureIndex, features: Features, most: int, distance: str) -> Answer:
    """Return the same from the index alone, where there is neither view, so that nothing is known to be hidden."""
    near = _named(index, index.like(features, most, distance))
    rows = [{"item_id": item.decode(), "score": score, "category": None} for item, score in near]
    return {**_about(index, distance), **WITHOUT_VIEWS, "items": rows, "next_cursor": None}


def ranked(index: PictureIndex, search: Search, page: Page, excluded: int = 0) -> Iterator[tuple[bytes, float]]:
    """Yield all items, nearest first: some of them by the index, and only if these do not suffice the others.

    Args: excluded: how many of them will not be listed.
    """
    first = page.offset + page.n + page.given + excluded + SPARE
    nearest_rows = search(first, False)
    yield from _named(index, nearest_rows)
    if len(index.items) > len(nearest_rows.rows):
        before, all_of_them = set(nearest_rows.rows.tolist()), search(len(index.items), True)
        pairs = zip(all_of_them.rows.tolist(), _named(index, all_of_them), strict=True)
        yield from (entry for row, entry in pairs if row not in before)


def _named(index: PictureIndex, near: Nearest) -> Iterator[tuple[bytes, float]]:
    return ((index.items[row].encode(), float(score)) for row, score in zip(near.rows, near.scores, strict=True))


def _about(index: PictureIndex, distance: str) -> Answer:
    exact = index.vectors.is_exact(distance)
    return {"by": BY_PICTURE, "distance": distance, "exact": exact, "pictures": len(index.items)}


def _shown(rows: list[tuple[bytes, float, Described]]) -> Answer:
    return {"items": [{"item_id": item.decode(), "score": score, **about.shown()} for item, score, about in rows]}
