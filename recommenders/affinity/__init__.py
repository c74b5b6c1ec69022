"""What is popular within the categories and brands that the user likes."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from core.ranking.columns import NOTHING, Columns
from core.ranking.shelves import Shelves
from core.settings import setting
from recommenders.port import Candidates, Question
from recommenders.untrained import Untrained
from schemas.event import WEIGHT_SCALE


@dataclass(frozen=True)
class AffinitySettings:
    """``weight``: the source's share of a blend.

    ``step_back``: what an item touched one step earlier says of a taste. ``half_life_hours``: of popularity within a
    category or brand.
    """

    weight: float = setting(
        0.0, "the source's share of a blend; 0 turns it off", at_least=0,
        why="it says something only where items have categories or brands",
    )  # fmt: skip
    step_back: float = setting(
        0.9, "what an item touched one step earlier says of a taste", at_least=0, at_most=1,
        why="tastes last longer than the interest in one item",
    )  # fmt: skip
    half_life_hours: float = setting(
        48.0, "within a category or brand a count is worth half after this many hours",
        at_least=1, at_most=336, why="a category has fewer events than all items, so they must count for longer",
    )  # fmt: skip


@dataclass(frozen=True)
class AffinityScorer:
    """Scores an item by the chance that the user picks a label by taste, and then the item by popularity in it."""

    settings: AffinitySettings

    def candidates(self, question: Question, most: int) -> Candidates:
        tastes = tastes_of(question, self.settings.step_back)
        if not tastes:
            return Candidates()
        sums = question.sums
        shelves = sums.shelves(self.settings.half_life_hours)
        liked = {label: taste for label, taste in by_label(tastes).items() if label in shelves}
        if not liked:
            return Candidates()
        codes = np.concatenate([shelves[label].codes for label in liked])
        shares = np.concatenate([shelves[label].scores * taste for label, taste in liked.items()])
        scored = sums.kernels.totals(codes, shares)
        if len(scored.codes) > most:
            best = sums.kernels.first(scored, most, sums.index.text, False)
            if (asked := np.flatnonzero(scored.codes == question.also)).size and asked[0] not in best:
                best = np.append(best, asked)
            scored = Columns(scored.codes[best], scored.scores[best])

        def reasons(code: int) -> Mapping[int, float]:
            """Return the history items that share a label with the item, each by its part of the score."""
            own = {label: _share(shelves, label, code) for label in liked}
            parts = {item: sum(taste * own.get(label, 0.0) for label, taste in said) for item, said in tastes.items()}
            return {item: part for item, part in parts.items() if part > 0 and item != code}

        return Candidates(scored, reasons)


Tastes = Mapping[int, list[tuple[str, float]]]


def tastes_of(question: Question, step_back: float) -> Tastes:
    """Return what each history item says of its labels, the item touched last first; all of it adds up to 1."""
    return question.once(("tastes", step_back), lambda: _tastes(question, step_back))


def _tastes(question: Question, step_back: float) -> Tastes:
    codes = question.codes[::-1]
    ratings = np.array([entry.rating for entry in question.history.entries[::-1]]) / WEIGHT_SCALE
    worth = ratings * step_back ** np.arange(len(codes))
    said = zip(codes.tolist(), worth.tolist(), question.sums.labels(codes), strict=True)
    tastes = {code: [(label, amount) for label in labels] for code, amount, labels in said if amount > 0}
    total = sum(amount for labels in tastes.values() for _, amount in labels)
    return {code: [(label, amount / total) for label, amount in labels] for code, labels in tastes.items() if labels}


def by_label(tastes: Tastes) -> dict[str, float]:
    """Return what all history items together say of each label."""
    by_label: dict[str, float] = {}
    for labels in tastes.values():
        for label, amount in labels:
            by_label[label] = by_label.get(label, 0.0) + amount
    return by_label


def _share(shelves: Shelves, label: str, code: int) -> float:
    """Return the item's share of the label, 0 for an item without it."""
    shelf = shelves.get(label, NOTHING)
    at = np.flatnonzero(shelf.codes == code)
    return float(shelf.scores[at[0]]) if len(at) else 0.0


RECOMMENDER = Untrained(
    "affinity", AffinitySettings, AffinityScorer
)  # tastes come from the merged history, popularity from the merged hourly counts
