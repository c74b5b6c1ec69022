"""The numbers that a fit begins with where the generation before had the same network: its own, item by item."""

from dataclasses import asdict
from typing import Any

import numpy as np

from recommenders.artefact import Artefact
from recommenders.neural.network import TABLES, Array


def warm_start(begun: dict[str, Array], items: list[bytes], before: Artefact, settings: Any) -> dict[str, Array] | None:
    """Return ``begun`` with the numbers of the model before; rows of items that it did not know stay as they are.

    None: that model had other settings or none of these items, so a fit begins from scratch.
    """
    if before.facts.get("settings") != asdict(settings):
        return None
    row_of = {name: row for row, name in enumerate(before.items)}
    rows = np.array([row_of.get(name, -1) for name in items], np.int64)
    known = np.flatnonzero(rows >= 0)
    if not len(known):
        return None
    start = dict(begun)
    for name, numbers in before.arrays.items():
        if name in TABLES:
            start[name] = np.array(begun[name])
            start[name][known] = numbers[rows[known]]
        else:
            start[name] = np.array(numbers)
    return start
