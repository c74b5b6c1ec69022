"""What the models of items' contents share: which items take part, and users as the mean of what they touched.

Such a model has a vector of length 1 for each item that says something: of its words, its meaning or its picture. A
user is the weighted mean of the vectors of the merged history, by rating and by how many steps back an item was
touched. An item that was described after the generation gets its vector from its record, where the model can make one.
"""

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property, lru_cache
from typing import Any, Generic, TypeVar

import numpy as np

from core.codes.item_index import UNKNOWN
from core.ranking.columns import Columns
from core.ranking.kernels import Kernels
from recommenders.cohort import Cohort
from recommenders.pairs import greatest
from recommenders.port import Candidates, Floats, Ints, Past, Question, Sums
from schemas.catalogue import Item
from schemas.event import WEIGHT_SCALE

NAMED = 3  # silent items that a run names
MOST_KEPT = 4_096  # vectors of items that the generation does not know: some KB each

V = TypeVar("V")  # one item's vector
R = TypeVar("R")  # the vectors of many items, row by row


def first_by_name(past: Past, items: Sequence[bytes], most: int, model: str) -> list[bytes]:
    """Return the items that take part, ascending: the first by name, which the past reports if there are more."""
    chosen = sorted(items)[:most]
    if len(chosen) < len(items):
        past.say(f"{model}: the first {len(chosen):,} items by name take part, of {len(items):,}")
    return chosen


def report_silent(past: Past, silent: Sequence[bytes], of: int, model: str, lacking: str) -> None:
    """Have the past count the items that say nothing and name some of them; say nothing if there are none."""
    if silent:
        named = ", ".join(repr(name.decode()) for name in silent[:NAMED])
        past.say(f"{model}: {len(silent):,} of {of:,} items have no {lacking} and are left out, such as {named}")


def undescribed(records: Mapping[bytes, Item], lacking: str) -> str:
    """Return why a model of what records say has nothing to learn from."""
    return f"no record of the catalogue has {lacking}" if records else "no item has a catalogue record"


@dataclass(frozen=True)
class Newcomers(Generic[R]):
    """Items described since the generation, with their vectors."""

    records: Sequence[Item] = ()
    names: Sequence[bytes] = ()
    rows: R | None = None


class ContentScorer(ABC, Generic[V, R]):
    """Scores items by the cosine to the user's profile. Threads may share it.

    Args:
        items: names of the rows, ascending.      rows: their vectors.
        step_back: what an item touched one step earlier says of a user.
    """

    def __init__(self, items: list[bytes], rows: R, step_back: float) -> None:
        self.items, self.rows, self.step_back = items, rows, step_back
        self._newcomers: Newcomers[R] = Newcomers()

    @abstractmethod
    def row(self, place: int) -> V:
        """Return one of the vectors."""

    @abstractmethod
    def described(self, item: Item) -> V:
        """Return the vector of an item that the generation does not know, by its record."""

    @abstractmethod
    def nothing(self) -> V:
        """Return the vector of an item that says nothing."""

    @abstractmethod
    def says(self, vector: V) -> bool:
        """Return whether the vector says anything."""

    @abstractmethod
    def stacked(self, vectors: Sequence[V]) -> R:
        """Return vectors as rows."""

    @abstractmethod
    def mean(self, vectors: Sequence[V], shares: Sequence[float]) -> V:
        """Return the direction of the sum of share · vector."""

    @abstractmethod
    def product(self, one: V, two: V) -> float:
        """Return the product of two vectors."""

    @abstractmethod
    def products(self, rows: R, profile: V, kernels: Kernels) -> Columns:
        """Return the rows whose product with the profile is above 0, ascending, with that product."""

    @abstractmethod
    def matrix(self, rows: R) -> Any:
        """Return rows as a matrix, dense or sparse."""

    def candidates(self, question: Question, most: int) -> Candidates:
        sums, own = question.sums, question.codes[::-1]
        ratings = np.array([entry.rating for entry in question.history.entries[::-1]]) / WEIGHT_SCALE
        shares = (ratings * self.step_back ** np.arange(len(own))).tolist()
        vectors = self.vectors_of(sums, own)
        scored = self.near(sums, self.mean(vectors, shares))
        kept = greatest(scored.scores, most)
        asked = np.flatnonzero(scored.codes == question.also)
        if len(asked) and not (kept == asked[0]).any():
            kept = np.append(kept, asked)

        def reasons(code: int) -> Mapping[int, float]:
            (target,) = self.vectors_of(sums, np.array([code]))
            said = [share * self.product(vector, target) for vector, share in zip(vectors, shares, strict=True)]
            return {item: part for item, part in zip(own.tolist(), said, strict=True) if part > 0}

        return Candidates(Columns(scored.codes[kept], scored.scores[kept]), reasons)

    def near(self, sums: Sums, profile: V) -> Columns:
        """Return every item whose cosine to the profile is above 0, by code."""
        if not self.says(profile):
            return Columns(np.zeros(0, np.int64), np.zeros(0))
        aligned = sums.index.aligned(self.items)
        old = self.products(self.rows, profile, sums.kernels)
        known, late = Columns(aligned.codes[old.codes], old.scores), self._late(sums)
        if late.rows is None:
            return known
        new = self.products(late.rows, profile, sums.kernels)
        codes = sums.index.codes(late.names)[new.codes]
        return Columns(np.concatenate([known.codes, codes]), np.concatenate([known.scores, new.scores]))

    def vectors_of(self, sums: Sums, codes: Ints) -> list[V]:
        """Return each item's vector: the generation's, else by its record; one that says nothing if it has neither."""
        places = sums.index.aligned(self.items).rows_of(codes)
        lacking = np.flatnonzero(places == UNKNOWN)
        records = dict(zip(lacking.tolist(), sums.records(codes[lacking]), strict=True))
        return [
            self.row(place) if place != UNKNOWN else self.nothing() if (own := records[at]) is None else self._of(own)
            for at, place in enumerate(places.tolist())
        ]

    def scores(self, cohort: Cohort, users: Ints) -> Floats:
        """Return the cosines, shape (users, items of the cohort); they may be negative."""
        codes, matrix = self._in_cohort(cohort)
        out = np.zeros((len(users), len(cohort.names)))
        if len(codes):
            profiles = cohort.fold.histories(self.step_back)[users][:, codes] @ matrix
            profiles = profiles if isinstance(profiles, np.ndarray) else profiles.tocsr()
            squares = profiles**2 if isinstance(profiles, np.ndarray) else profiles.multiply(profiles)
            length = np.sqrt(np.asarray(squares.sum(axis=1)).reshape(-1, 1))
            products = profiles @ matrix.T
            dense = products if isinstance(products, np.ndarray) else products.toarray()
            out[:, codes] = dense / np.where(length > 0, length, 1.0)
        return out

    def _in_cohort(self, cohort: Cohort) -> tuple[Ints, Any]:
        """Return the codes of the cohort's items that have vectors, and these."""
        from scipy.sparse import issparse, vstack

        places = cohort.index.aligned(self.items).rows_of(np.arange(len(cohort.names)))
        known, late = np.flatnonzero(places != UNKNOWN), self._late(cohort)
        old = self.matrix(self.rows)[places[known]].astype(np.float64)
        if late.rows is None:
            return known, old
        codes = cohort.index.codes(late.names)
        new = self.matrix(late.rows)[codes < len(cohort.names)].astype(np.float64)
        both = vstack([old, new]).tocsr() if issparse(old) else np.vstack([old, new])
        return np.concatenate([known, codes[codes < len(cohort.names)]]), both

    def _late(self, sums: Sums) -> Newcomers[R]:
        """Return the items that the generation does not know; kept until others are described."""
        records = sums.described_last()
        late = self._newcomers
        if late.records is records or list(late.records) == list(records):
            return late
        new = [(name, record) for record in records if (name := record.item_id.encode()) not in self._known]
        own = [(name, vector) for name, record in new if self.says(vector := self._of(record))]
        rows = self.stacked([vector for _, vector in own]) if own else None
        self._newcomers = late = Newcomers(records, [name for name, _ in own], rows)  # one assignment: threads share it
        return late

    @cached_property
    def _known(self) -> frozenset[bytes]:
        return frozenset(self.items)

    @cached_property
    def _of(self) -> Any:
        return lru_cache(MOST_KEPT)(self.described)
