"""Where candidates come from: the model, the neighbours of the history, what trends and what is popular."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from heapq import nlargest

import numpy as np

from core import scores
from core.blend import ALS, NEIGHBOURS, POPULAR, SIMILAR, STEP_BACK, TREND_HOURS, TRENDING
from core.codec import History
from core.scores import Ranked, Window
from schemas.event import WEIGHT_SCALE
from serving_layer.counts import once_a_commit, popular, trends, window_counts
from serving_layer.model import Model
from serving_layer.snapshot import Snapshot

CANDIDATES = 2_000  # of one source: what comes later has no share in any list that is read
CANDIDATES_IN_CATEGORY = 20_000  # a category may be rare among the best

Ranking = Callable[[Snapshot, Window], Ranked]
Reasons = Callable[[bytes], Mapping[bytes, float]]  # item -> the history items that speak for it, and how strongly


def _none(item: bytes) -> Mapping[bytes, float]:
    return {}


@dataclass(frozen=True)
class Source:
    """Scores of one source on its own scale, and why."""

    name: str
    scores: Mapping[bytes, float]
    reasons: Reasons = _none


def from_model(model: Model | None, history: History, wanted: int, also: bytes | None = None) -> Source:
    """The items that the user's folded-in factors score best (> 0)."""
    solved = None if model is None else model.fold_in(history)
    if model is None or solved is None:
        return Source(ALS, {})
    known, solution = solved
    rows, predicted = model.best(solution.vector, wanted)
    found = {model.items[row]: score for row, score in zip(rows.tolist(), predicted.tolist(), strict=True) if score > 0}
    if also is not None and also in model.rows:
        found[also] = float(model.score(solution.vector, np.array([model.rows[also]]))[0])

    def reasons(item: bytes) -> Mapping[bytes, float]:
        """The item's score split by history items (Hu, Koren, Volinsky 2008, §5)."""
        if item not in model.rows:
            return {}
        shares = model.factors[model.rows[item]].astype(np.float64) @ solution.explained
        return {name: share for name, share in zip(known, shares.tolist(), strict=True) if share > 0}

    return Source(ALS, found, reasons)


def from_neighbours(snapshot: Snapshot, history: History, also: bytes | None = None) -> Source:
    """Item-based collaborative filtering: the sum over the history of similarity · rating, softer for older items."""
    weights = {
        entry.item: entry.rating / WEIGHT_SCALE * STEP_BACK**steps
        for steps, entry in enumerate(reversed(history.entries))
    }
    near = {item: _nearest(pairs, also) for item, pairs in snapshot.pairs(list(weights)).items()}
    norms = snapshot.norms([*weights, *{name for pairs in near.values() for name in pairs}])
    shares: dict[bytes, dict[bytes, float]] = {}
    for item, pairs in near.items():
        amounts = np.array(list(pairs.values()), np.int64)
        others = np.array([norms[name] for name in pairs], np.int64)
        found = scores.similarity(amounts, norms[item], others, snapshot.views.shrinkage).tolist()
        for name, similarity in zip(pairs, found, strict=True):
            if similarity > 0 and name != item:
                shares.setdefault(name, {})[item] = similarity * weights[item]
    totals = {name: sum(each.values()) for name, each in shares.items()}
    return Source(SIMILAR, totals, lambda item: shares.get(item, {}))


def _nearest(pairs: Mapping[bytes, int], also: bytes | None) -> dict[bytes, int]:
    if len(pairs) <= NEIGHBOURS:
        return dict(pairs)
    best = dict(nlargest(NEIGHBOURS, pairs.items(), key=lambda each: (each[1], each[0])))
    if also is not None and also in pairs:
        best[also] = pairs[also]
    return best


def from_counts(snapshot: Snapshot, wanted: int, also: bytes | None = None) -> list[Source]:
    """What grows and what is most frequent in the last day."""
    as_of = snapshot.facts.as_of
    if as_of is None:
        return []
    window = Window.ending(as_of, TREND_HOURS)
    lists = {POPULAR: popular}
    if scores.has_trend(window_counts(snapshot, window), window, snapshot.facts.oldest_bucket):
        lists[TRENDING] = trends
    return [_from_list(snapshot, name, ranking, window, wanted, also) for name, ranking in lists.items()]


def _from_list(
    snapshot: Snapshot, name: str, ranking: Ranking, window: Window, wanted: int, also: bytes | None
) -> Source:
    """The list's first items, and the score of the one that is asked about."""
    best = once_a_commit(snapshot, (name, window, wanted), lambda: ranking(snapshot, window).best(wanted))
    own = None if also is None else ranking(snapshot, window).score(also)
    return Source(name, best if also is None or own is None else {**best, also: own})
