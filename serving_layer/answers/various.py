"""Recommendations with new items among them, and with a cap on each category, where the settings ask for it."""

from collections.abc import Callable, Iterator
from itertools import islice

import numpy as np

from core.ranking.scores import Window
from core.ranking.variety import NEIGHBOURING, Chances, Place, capped, drawn, explored, sampled_rates
from recommenders.port import Ints
from serving_layer.answers.house import Ranked, Row
from serving_layer.merged.catalogue import describe
from serving_layer.merged.counts import window_counts
from serving_layer.merged.newcomers import newcomers
from serving_layer.reading.snapshot import Snapshot

MOST_NEW = 200  # new items that are drawn from, the newest
AT_ONCE = 2 * NEIGHBOURING  # rows that are described at once


def with_new_items(
    snapshot: Snapshot, ranking: Iterator[Row], user: bytes, excluded: Ints, score: Callable[[int], float]
) -> Iterator[Row]:
    """Return the ranking with new items in their share of the places, those drawn first that may grow most.

    What is new is what the source ``latest`` lists.

    Args: excluded: items that may not be listed.      score: of an item in the blend, by code.
    """
    share, as_of = snapshot.views.variety.explore, snapshot.facts.as_of
    if not share or as_of is None:
        return ranking
    hours = snapshot.views.recommenders["latest"].hours
    new = newcomers(snapshot, hours)
    codes = np.zeros(0, np.int64) if new is None else new.first(MOST_NEW).codes
    codes = codes[~np.isin(codes, excluded)]
    counts = window_counts(snapshot, Window.ending(as_of, hours))
    known = np.minimum(codes, len(counts.window) - 1)  # an item that only a record names may be newer than the counts
    there, names = codes < len(counts.window), [snapshot.index.names[code] for code in codes.tolist()]
    count, baseline = (np.where(there, column[known], 0) for column in (counts.window, counts.baseline))
    rates = sampled_rates(count, baseline, counts.ratio, np.array([drawn(b"rate", user, name) for name in names]))
    waiting, index = [names[k] for k in np.argsort(-rates, kind="stable").tolist()], snapshot.index

    def placed(name: bytes, displaced: Ranked) -> Ranked:
        code = index.code(name)
        return Ranked(code, displaced.score, score(code), explored=True)

    return explored(ranking, Chances(user, share, waiting, placed))


def with_capped_categories(snapshot: Snapshot, ranking: Iterator[Row]) -> Iterator[Row]:
    """Return the ranking so that ten neighbouring rows have no more of one main category than the settings allow.

    House rules come first: what they pin keeps its place and is of no category here.
    """
    most = snapshot.views.variety.per_category
    return ranking if not most else capped(_described(snapshot, ranking), most)


def _described(snapshot: Snapshot, ranking: Iterator[Row]) -> Iterator[Place[Row]]:
    """Yield each row that may be listed, with its main category."""
    while rows := list(islice(ranking, AT_ONCE)):
        about = describe(snapshot, [name for name, _ in rows])
        listed = [row for row in rows if about[row[0]].listed]
        yield from (Place(about[row[0]].category, row, row[1].pinned) for row in listed)
