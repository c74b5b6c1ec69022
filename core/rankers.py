"""The models that are judged, over integer codes: popularity, neighbours of the history, factors, and their blend.

Each answers like the code that serves (``core.scores``, ``core.fold_in``, ``core.blend``), for many users at once.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from scipy.sparse import csr_matrix

from core import scores
from core.blend import ALS, NEIGHBOURS, POPULAR, SIMILAR, STEP_BACK, TREND_HOURS, TRENDING, WEIGHTS
from core.fold_in import Matrix, fold_in
from core.fold_kernel import fold_kernel
from core.ranking_quality import Floats, Interactions, Ints, Judged, Scorer, seen_of
from schemas.event import BUCKET_MS, WEIGHT_SCALE
from schemas.rules import Rules


@dataclass(frozen=True)
class Folded:
    """The fold's sums and histories: ``norm`` (items,) and ``pair`` (items, items) in thousandths.

    ``user``, ``item``, ``rating`` (thousandths), ``steps``: the entries of all histories, user by user; 0 steps back is
    the item touched last.
    """

    norm: Ints
    pair: Any  # csr_matrix
    user: Ints
    item: Ints
    rating: Ints
    steps: Ints

    users: int

    def histories(self, decay: float) -> Any:
        """Rating in units times ``decay`` for each step back, shape (users, items), sparse."""
        weight = self.rating / WEIGHT_SCALE * decay**self.steps
        return csr_matrix((weight, (self.user, self.item)), shape=(self.users, len(self.norm)))


def folded(events: Interactions, rules: Rules) -> Folded:
    """Fold the events from empty histories by the fold of both layers; no event counts as a duplicate here."""
    order = np.argsort(events.user, kind="stable")
    starts = np.searchsorted(events.user[order], np.arange(events.users + 1))
    ids = np.repeat(order[:, None], 2, axis=1)
    nobody, nothing = np.zeros(events.users + 1, np.int64), np.zeros(0, np.int64)
    segment = np.zeros(len(order), np.int64)
    _, keys, amounts, count, item, rating, *_ = fold_kernel(
        starts, events.item[order], events.time[order], events.weight[order], ids, segment,
        nobody, nothing, nothing, nothing, nobody, np.zeros((0, 2), np.int64),
        rules.history_items, rules.remembered_ids, rules.window_ms, events.items,
    )  # fmt: skip
    p, q = keys // events.items, keys % events.items
    own = p == q
    norm = np.zeros(events.items, np.int64)
    norm[p[own]] = amounts[own]
    p, q, amounts = p[~own], q[~own], amounts[~own]
    shape = (events.items, events.items)
    pair = csr_matrix((np.r_[amounts, amounts], (np.r_[p, q], np.r_[q, p])), shape=shape)
    user = np.repeat(np.arange(events.users), count)
    at = np.arange(len(user)) - np.repeat(np.cumsum(count) - count, count)
    return Folded(norm, pair, user, item[user, at], rating[user, at], np.repeat(count, count) - 1 - at, events.users)


def similarities(fold: Folded, shrinkage: float = 0.0, nearest: int | None = None) -> Any:
    """Each item's row of scores with its neighbours, sparse; only the ``nearest`` by co-rating where that is given."""
    pair = fold.pair
    row = np.repeat(np.arange(pair.shape[0]), np.diff(pair.indptr))
    item, amount = pair.indices, pair.data
    if nearest is not None:
        order = np.lexsort((-amount, row))
        place = np.empty(len(order), np.int64)
        place[order] = np.arange(len(order)) - pair.indptr[row[order]]
        row, item, amount = row[place < nearest], item[place < nearest], amount[place < nearest]
    product = fold.norm[row].astype(np.float64) * fold.norm[item]
    return csr_matrix((scores.similarity(amount, 1, product, shrinkage), (row, item)), shape=pair.shape)


def constant(values: Floats) -> Scorer:
    """The same scores for everyone, as of a popularity."""
    return lambda users: np.tile(values, (len(users), 1))


def neighbours(fold: Folded, near: Any, decay: float = 1.0) -> Scorer:
    """Item-based collaborative filtering: the sum over the history of similarity times rating."""

    histories = fold.histories(decay)

    def score(users: Ints) -> Floats:
        summed: Floats = (histories[users] @ near).toarray()
        return summed

    return score


@dataclass(frozen=True)
class Factors:
    """Item factors Y, shape (items, f), by item code; a row of zeros where the model does not know the item."""

    items: Matrix
    alpha: float
    regularization: float
    weighted: bool = False  # the regularization counts once for each of the user's items


def factors(fold: Folded, model: Factors) -> Scorer:
    """Each user folded in from the history against the fixed item factors, as serving does it."""
    Y = model.items
    gram = (Y.astype(np.float64).T @ Y).astype(np.float32)
    known, histories = np.abs(Y).sum(axis=1) > 0, fold.histories(1.0)

    def score(users: Ints) -> Floats:
        history = histories[users]
        x = np.zeros((len(users), Y.shape[1]))
        for k, (a, b) in enumerate(zip(history.indptr[:-1], history.indptr[1:], strict=True)):
            rows, rating = history.indices[a:b], history.data[a:b]
            rows, rating = rows[known[rows]], rating[known[rows]]
            strength = model.regularization * (len(rows) if model.weighted else 1)
            if len(rows):
                x[k] = fold_in(Y, gram, rows.astype(np.int64), 1 + model.alpha * rating, strength).vector
        predicted: Floats = x @ Y.T.astype(np.float64)
        return predicted

    return score


def recent_counts(events: Interactions) -> tuple[Floats, Floats]:
    """What serving adds: each item's events in the last day, and its trend (all 0 without a full baseline)."""
    counts, trend = np.zeros(events.items), np.zeros(events.items)
    rated = events.weight > 0
    if not rated.any():
        return counts, trend
    hour, item = events.time[rated] // BUCKET_MS, events.item[rated]
    window = scores.Window.ending(int(events.time.max()), TREND_HOURS)

    def within(part: range) -> Ints:
        return np.bincount(item[(hour >= part.start) & (hour < part.stop)], minlength=events.items)

    columns = [within(part) for part in (window.window, window.baseline, window.before)]
    table = scores.WindowCounts([], *columns)  # items are numbers here
    if scores.has_trend(table, window, int(hour.min())):
        rows, bounds = scores.rising(table)
        trend[rows] = bounds
    return columns[0].astype(np.float64), trend


def blended(sources: Sequence[tuple[str, Scorer]], asked: Judged, weights: dict[str, float] | None = None) -> Scorer:
    """``core.blend`` for many users: each source clipped at 0, divided by its best allowed item, added by weight."""
    share = WEIGHTS if weights is None else weights

    def score(users: Ints) -> Floats:
        row, item = seen_of(asked, users)
        total, present = np.zeros((len(users), len(asked.candidates))), np.zeros((len(users), 1))
        for name, source in sources:
            allowed = np.maximum(source(users), 0.0)
            allowed[row, item] = 0.0
            top = allowed.max(axis=1, keepdims=True)
            total += share[name] * np.divide(allowed, top, out=np.zeros_like(allowed), where=top > 0)
            present += share[name] * (top > 0)
        return total / np.where(present > 0, present, 1.0)

    return score


def as_served(events: Interactions, fold: Folded, model: Factors | None, shrinkage: float) -> list[tuple[str, Scorer]]:
    """The sources of a recommendation as serving takes them."""
    frequent, trend = recent_counts(events)
    near = similarities(fold, shrinkage, NEIGHBOURS)
    out = [(SIMILAR, neighbours(fold, near, STEP_BACK)), (POPULAR, constant(frequent)), (TRENDING, constant(trend))]
    return out if model is None else [(ALS, factors(fold, model)), *out]
