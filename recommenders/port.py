"""The port of everything that recommends: what a model is asked, and what it answers; ``past``: what it learns from."""

from collections.abc import Callable, Hashable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any, NamedTuple, Protocol, TypeVar, cast, runtime_checkable

import numpy as np
from numpy.typing import NDArray

from core.codes.item_index import ItemIndex
from core.ranking.columns import NOBODY, NOTHING, Columns
from core.ranking.kernels import Kernels
from core.ranking.neighbours import Neighbours
from core.ranking.ranked import Ordered, Ranked
from core.ranking.shelves import Labels, Shelves
from core.rows.codec import History
from recommenders.artefact import Artefact
from recommenders.past import Past as Past
from recommenders.past import Pictured as Pictured
from recommenders.past import Pieces as Pieces
from recommenders.past import Size as Size
from recommenders.past import Standing as Standing
from schemas.catalogue import Item

if TYPE_CHECKING:
    from recommenders.cohort import Cohort

Ints = NDArray[np.int64]
Floats = NDArray[np.float64]
T = TypeVar("T")
NOBODYS = np.zeros(0, np.int64)
S_contra = TypeVar("S_contra", contravariant=True)


class Sums(Protocol):
    """The merged sums of one moment: serving reads them from both views, evaluation from a fold of the past.

    ``shrinkage``: the reading setting of the score of ``similar``. ``index``: the items' codes, in every column here.
    ``kernels``: who computes over columns.
    """

    @property
    def shrinkage(self) -> float: ...

    @property
    def index(self) -> ItemIndex: ...

    @property
    def kernels(self) -> Kernels: ...

    def nearest(self, items: Ints, most: int, also: int = NOBODY) -> Sequence[Neighbours]:
        """Return each item's ``most`` greatest co-ratings (``Neighbours.nearest``) and its co-rating with ``also``."""

    def norms(self, items: Ints) -> Ints:
        """Return each item's norm in thousandths, 0 for an item without one."""

    def decayed(self, half_life_hours: float) -> Ordered | None:
        """Return the items by their count that halves with each half-life; None while nothing was counted.

        Exact: whole units of ``core.ranking.decay`` over the hourly counts.
        """

    def labels(self, items: Ints) -> Labels:
        """Return the labels of each item: its categories and its brand (``core.ranking.shelves``)."""

    def shelves(self, half_life_hours: float) -> Shelves:
        """Return the ``MOST_ON_SHELVES`` items of the greatest decayed counts by label."""

    def newcomers(self, hours: int) -> Ordered | None:
        """Return the items first counted in the last ``hours``, newest first; None while nothing was counted.

        First: not in the baseline before them either (``core.ranking.scores.Window``).
        """

    def rising(self, hours: int) -> Ranked | None:
        """Return the items that grow, by the bound of their rate ratio; None while there is no full baseline."""

    def records(self, items: Ints) -> Sequence[Item | None]:
        """Return the catalogue record of each item, None for one without."""

    def described_last(self) -> Sequence[Item]:
        """Return the records of the items that were described last, which a generation may not know yet."""

    def once(self, what: Hashable, make: Callable[[], T]) -> T:
        """Return ``make()``, computed for the first of all questions that see the same sums. ``what`` names it."""


class Rated(NamedTuple):
    """Items by code and their ratings in thousandths, in columns of equal length; each item once, in no order.

    ``touches``: packed (``core.rows.words``); empty where nobody knows them.
    """

    codes: Ints
    ratings: Ints
    touches: Ints = NOBODYS


NOTHING_RATED = Rated(NOBODYS, NOBODYS, NOBODYS)


@dataclass(frozen=True)
class Question:
    """What one answer asks of every model.

    ``history``: the user's, merged; empty for an unknown user. ``also``: the code of an item to score even where it is
    not among the best. ``standing``: all that stands of the user over the whole log, merged.
    """

    history: History
    sums: Sums
    also: int = NOBODY
    standing: Rated = NOTHING_RATED

    @cached_property
    def codes(self) -> Ints:
        """The codes of the history's items, in its order."""
        return self.sums.index.codes(entry.item for entry in self.history.entries)

    @cached_property
    def ratings(self) -> Ints:
        """The ratings of the history's items, in its order, thousandths."""
        return np.array([entry.rating for entry in self.history.entries], np.int64)

    def once(self, what: Hashable, make: Callable[[], T]) -> T:
        """Return what several scorers need of this question alone: made for the first of them."""
        if what not in self._made:
            self._made[what] = make()
        return cast(T, self._made[what])

    @cached_property
    def _made(self) -> dict[Hashable, object]:
        return {}


def no_reasons(code: int) -> Mapping[int, float]:
    """Return nothing: a model that cannot say which history items speak for an item."""
    return {}


@dataclass(frozen=True)
class Candidates:
    """Items with scores > 0 on the model's own scale, in any order; each at most once.

    ``reasons``: the history items that speak for an item, and by how much, all by code. ``reasons_of_all``: those of
    each of several items, where a model finds them sooner together.
    """

    columns: Columns = NOTHING
    reasons: Callable[[int], Mapping[int, float]] = no_reasons
    reasons_of_all: Callable[[Sequence[int]], Sequence[Mapping[int, float]]] | None = None

    def all_reasons(self, codes: Sequence[int]) -> Sequence[Mapping[int, float]]:
        """Return the reasons of each of those items, which are different ones."""
        return [self.reasons(code) for code in codes] if self.reasons_of_all is None else self.reasons_of_all(codes)


class Scorer(Protocol):
    """A model opened to answer. It keeps nothing of a question, so threads may share it.

    One with ``of_user_alone = True`` reads no sums of a question: its candidates follow from the user's rows and the
    model, and whoever asks may keep them while these stay the same. One with ``of_sums_alone = True`` answers everybody
    alike, best first.
    """

    def candidates(self, question: Question, most: int) -> Candidates:
        """Return about the ``most`` best items; seen ones may be among them. Only reads."""


@runtime_checkable
class CohortScorer(Scorer, Protocol):
    """A scorer that answers for many users at once; others are asked user by user (``recommenders.cohort``)."""

    def scores(self, cohort: "Cohort", users: Ints) -> Floats:
        """Return what ``candidates`` scores, dense: shape (users, items of the cohort), 0 for no candidate."""


class Recommender(Protocol[S_contra]):
    """One kind of model.

    ``name``: its key in settings (``[recommenders.NAME]``), the space of its artefact, its ``source`` in answers.
    ``settings``: a frozen dataclass whose fields all have defaults, ``weight`` among them (0: it is not asked).
    ``trained``: whether ``fit`` makes an artefact. One that answers by another's artefact names that as ``model``. One
    with ``of_catalogue = True`` learns from records alone, and at weight 0 too: other questions are answered by it. One
    with ``of_contents = True`` learns from records or pictures, so evaluations read these for it.
    """

    name: str
    settings: type[Any]
    trained: bool

    def fit(self, past: Past, settings: S_contra, before: Artefact | None) -> Artefact | None:
        """Learn; None when there is nothing to learn from. ``before``: the active generation's artefact.

        The same past, settings and seed give the same artefact.
        """

    def open(self, artefact: Artefact | None, settings: S_contra) -> Scorer:
        """Return a scorer; without an artefact, one that has no candidates where it would need one."""
