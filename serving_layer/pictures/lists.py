"""What looks like the items of a personal list: the weighted mean of their pictures is what is searched by."""

from collections.abc import Callable, Iterator, Mapping
from typing import Any

import numpy as np

from adapters.pictures.index import PictureIndex
from core.vectors.nearest import COSINE, PROBED, Matrix, Nearest, nearest, unit
from schemas.errors import NotReady
from serving_layer.merged.catalogue import Page, listed
from serving_layer.pictures.answers import ranked
from serving_layer.pictures.eye import Eye
from serving_layer.reading.snapshot import Snapshot

Row = dict[str, Any]
BECAUSE = 3  # items of the list named for each row
NO_PICTURES = "no item of this list has a picture in the index: add them by `millrace pictures index`"


def by_pictures(
    eye: Eye,
) -> Callable[[Snapshot, Mapping[bytes, float], Page, set[bytes]], tuple[list[Row], str]]:
    """Return what answers with the rows by pictures, and why there are none, by what the eye sees."""

    def answered(
        snapshot: Snapshot, weights: Mapping[bytes, float], page: Page, excluded: set[bytes]
    ) -> tuple[list[Row], str]:
        try:
            index = eye.index()
        except NotReady as error:
            return [], str(error)
        return like_items(snapshot, index, weights, page, excluded)

    return answered


def like_items(
    snapshot: Snapshot, index: PictureIndex, weights: Mapping[bytes, float], page: Page, excluded: set[bytes]
) -> tuple[list[Row], str]:
    """Return the items whose pictures are nearest to the mean of those, by cosine, and why there are none."""
    own = [item for item in weights if item.decode() in index.places]
    if not own:
        return [], NO_PICTURES
    vectors = unit(np.stack([index.vectors.row(index.places[item.decode()]) for item in own]))
    shares = np.array([weights[item] for item in own], np.float32)
    profile: Matrix = shares @ vectors

    def search(most: int, exactly: bool) -> Nearest:
        return nearest(index.vectors, profile, most, COSINE, len(index.items) if exactly else PROBED)

    def because(item: bytes) -> Iterator[bytes]:
        parts = shares * (vectors @ index.vectors.row(index.places[item.decode()]))
        return (own[place] for place in np.argsort(-parts, kind="stable")[:BECAUSE].tolist() if parts[place] > 0)

    nearest_first = ranked(index, search, page, len(excluded))
    rows = listed(
        snapshot, ((item, score) for item, score in nearest_first if item not in excluded and score > 0), page
    )
    shown = [
        {"item_id": item.decode(), "score": score, "because": [name.decode() for name in because(item)],
         **about.shown()}
        for item, score, about in rows
    ]  # fmt: skip
    return shown, ""
