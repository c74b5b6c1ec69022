"""The published index of pictures: short vectors by item, as arrays in files that readers map into memory.

Each index is a folder of its own, never changed; a file names the current one, replaced in one step. So a reader has
one whole index or another, and processes share its memory.
"""

import json
import shutil
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any
from uuid import uuid4

import numpy as np

from adapters.pictures.features import Features
from core.vectors.cells import indexed
from core.vectors.nearest import COSINE, EXACT_UP_TO, PROBED, Cells, Matrix, Nearest, Vectors, nearest, unit
from core.vectors.principal import Principal
from recommenders.port import Pictured
from schemas.errors import NotReady

CURRENT = "current"
FACTS = "facts.json"
NOTHING_YET = "no pictures are indexed yet: run `millrace pictures index FOLDER`"


@dataclass(frozen=True)
class PictureIndex:
    """An index that is open. ``items`` ascend; ``paths``: of their pictures. ``network``: what made the features."""

    name: str
    network: str
    items: list[str]
    paths: list[str]
    principal: Principal
    vectors: Vectors

    def like(self, features: Features, most: int, distance: str = COSINE, exactly: bool = False) -> Nearest:
        """Return the pictures nearest to one with those features, by their places in ``items``."""
        return self._near(self.principal.shortened(unit(features)), most, distance, exactly)

    def like_item(self, item: str, most: int, distance: str = COSINE, exactly: bool = False) -> Nearest:
        """Return the pictures nearest to that item's, its own among the first. Raises KeyError: it has none."""
        return self._near(self.vectors.row(self.places[item]), most, distance, exactly)

    def by_item(self) -> Matrix:
        """Return the vectors with length 1, a row for each of ``items``."""
        rows, cells = unit(np.asarray(self.vectors.rows)), self.vectors.cells
        if cells is None:
            return rows
        out = np.empty_like(rows)
        out[cells.order] = rows
        return out

    def _near(self, vector: Matrix, most: int, distance: str, exactly: bool) -> Nearest:
        probed = len(self.items) if exactly else PROBED
        return nearest(self.vectors, vector, most, distance, probed)

    @cached_property
    def places(self) -> dict[str, int]:
        """The place of each item."""
        return {item: place for place, item in enumerate(self.items)}


def publish(
    folder: Path, network: str, items: list[str], paths: list[str], features: Features, dimensions: int,
    distance: str = COSINE, exact_up_to: int = EXACT_UP_TO,
) -> PictureIndex:  # fmt: skip
    """Make the index of those features and have readers take it; return it."""
    principal = Principal.fitted(unit(features), dimensions)
    vectors = indexed(principal.shortened(unit(features)), distance, exact_up_to=exact_up_to)
    arrays: dict[str, np.ndarray[Any, Any]] = {
        "rows": vectors.rows, "lengths": vectors.lengths, "mean": principal.mean, "directions": principal.directions
    }  # fmt: skip
    if vectors.cells is not None:
        arrays |= {"order": vectors.cells.order, "starts": vectors.cells.starts, "centres": vectors.cells.centres}
    name = f"index-{uuid4().hex[:12]}"
    made = folder / name
    made.mkdir(parents=True)
    for array, numbers in arrays.items():
        np.save(made / f"{array}.npy", numbers)
    cells = None if vectors.cells is None else distance
    facts = {"network": network, "items": items, "paths": paths, "cells": cells}
    (made / FACTS).write_text(json.dumps(facts), encoding="utf-8")
    before = _current(folder)
    new = folder / f"{CURRENT}.{name}"
    new.write_text(name, encoding="utf-8")
    new.replace(folder / CURRENT)
    _drop_all_but(folder, {name, before})
    return PictureIndex(name, network, items, paths, principal, vectors)


def pictured(folder: Path) -> Pictured | None:
    """Return the items of a folder's current index with unit vectors; None while there is no index."""
    try:
        index = PictureShelf(folder).index()
    except NotReady:
        return None
    items, rows = [item.encode() for item in index.items], index.by_item()
    order = sorted(range(len(items)), key=items.__getitem__)
    return Pictured([items[place] for place in order], rows[order])


class PictureShelf:
    """Opens the current index of a folder, again when another one is published. Threads may share it."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._open: PictureIndex | None = None

    def index(self) -> PictureIndex:
        """Return the current index. Raises NotReady while there is none."""
        name = _current(self._folder)
        if name is None:
            raise NotReady(NOTHING_YET)
        index = self._open
        if index is None or index.name != name:
            try:
                index = self._open = _opened(self._folder, name)
            except OSError:  # it was replaced twice meanwhile
                index = self._open = _opened(self._folder, _current(self._folder) or name)
        return index


def _opened(folder: Path, name: str) -> PictureIndex:
    facts = json.loads((folder / name / FACTS).read_text(encoding="utf-8"))

    def mapped(array: str) -> Any:
        return np.load(folder / name / f"{array}.npy", mmap_mode="r", allow_pickle=False)

    rows: Matrix = mapped("rows")
    kept = facts["cells"]
    cells = None if kept is None else Cells(mapped("order"), mapped("starts"), mapped("centres"), kept)
    principal = Principal(mapped("mean"), mapped("directions"))
    return PictureIndex(
        name, facts["network"], facts["items"], facts["paths"], principal, Vectors(rows, mapped("lengths"), cells)
    )


def _current(folder: Path) -> str | None:
    try:
        return (folder / CURRENT).read_text(encoding="utf-8")
    except FileNotFoundError:
        return None


def _drop_all_but(folder: Path, kept: set[str | None]) -> None:
    for path in folder.glob("index-*"):
        if path.name not in kept:
            shutil.rmtree(path, ignore_errors=True)
