"""Reference models: plain, deterministic, with figures known from elsewhere; nothing of them serves.

Popularity is the number of distinct users of an item. Item-CF is the plain sum of similarity · rating over a user's
last 20 items, where an event forms pairs with the 19 items before it. Short lists are filled from recent popularity.
"""

from collections.abc import Iterator
from dataclasses import replace

import numpy as np

from batch_layer.learning.splits import Split
from core.quality.ranking_quality import Floats, Interactions, Ints, Scorer, constant, judged, quality, votes
from recommenders.cohort import folded
from recommenders.similar import similarities, summed
from schemas.event import BUCKET_MS
from schemas.rules import Rules

POPULARITY, RECENT, ITEM_CF, OWN = "popularity", "recent popularity", "item-CF plain", "own frequency"
WINDOW_HOURS = (1, 6, 24, 72, 168, 336, 720, 2_160, 8_760, 17_520)  # of recent popularity; tuned on the validation part
FOREVER_MS = 10**15  # item-CF as it is measured elsewhere knows no window
LAST_ITEMS = 20  # of a user, that item-CF knows


def references(split: Split, rules: Rules, recent: Floats, seen_again: bool) -> Iterator[tuple[str, Scorer]]:
    """Yield each model by name; a user's own counts are one only where what was seen may be listed."""
    train = split.train
    yield POPULARITY, constant(votes(train))
    yield RECENT, constant(recent)
    yield ITEM_CF, plain_item_cf(train, rules)
    if seen_again:
        yield OWN, own_counts(train)


def plain_item_cf(train: Interactions, rules: Rules) -> Scorer:
    """Return item-CF without any parameter."""
    sums = folded(train, replace(rules, window_ms=FOREVER_MS, history_items=LAST_ITEMS - 1))
    last = folded(train, replace(rules, window_ms=FOREVER_MS, history_items=LAST_ITEMS))
    near = similarities(sums)
    return lambda users: summed(last, near, users)


def own_counts(train: Interactions) -> Scorer:
    """Return how often each user touched each item."""
    from scipy.sparse import csr_matrix

    rated = train.weight > 0
    pairs = (np.ones(int(rated.sum())), (train.user[rated], train.item[rated]))
    counts = csr_matrix(pairs, shape=(train.users, train.items))

    def score(users: Ints) -> Floats:
        own: Floats = counts[users].toarray()
        return own

    return score


def tuned_window(split: Split, seen_again: bool = False) -> int:
    """Return the window of recent popularity, in hours, that ranks the validation part best.

    Longer ones than what there is to fit on are plain popularity and take no part.
    """
    inner = split.inner()
    asked = judged(inner.train, inner.test, None, seen_again=seen_again)
    if not len(asked.users):
        return WINDOW_HOURS[0]
    span = int(inner.train.time[-1] - inner.train.time[0])
    choices = [hours for hours in WINDOW_HOURS if hours * BUCKET_MS <= span] or [WINDOW_HOURS[0]]
    nothing = np.zeros(inner.train.items)

    def ndcg(hours: int) -> float:
        return float(quality(asked, constant(recent_votes(inner, hours)), nothing).ndcg.mean())

    return max(choices, key=ndcg)


def recent_votes(split: Split, hours: int) -> Floats:
    """Return how many distinct users touched each item in the hours before the split."""
    return votes(split.train, hours * BUCKET_MS, split.until)
