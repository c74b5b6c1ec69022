"""Scores items by their words: the cosine between an item and the weighted mean of what the user touched."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property, lru_cache
from typing import Any

import numpy as np

from core.codes.item_index import UNKNOWN
from core.ranking.columns import Columns
from recommenders.cohort import Cohort
from recommenders.pairs import greatest
from recommenders.port import Candidates, Floats, Ints, Question, Sums
from recommenders.tfidf.vectors import NO_WORDS, Vector, Vectorizer, Vectors, mean_of, product
from schemas.catalogue import Item
from schemas.event import WEIGHT_SCALE

MOST_KEPT = 4_096  # vectors of items that the generation does not know: at most 1 KB each


@dataclass(frozen=True)
class Newcomers:
    """Items described since the generation, with their vectors."""

    records: Sequence[Item] = ()
    names: Sequence[bytes] = ()
    vectors: Vectors | None = None


@dataclass
class TfidfScorer:
    """``items``: names of the rows of ``vectors``, ascending. Items described later get a vector by ``vectorizer``."""

    items: list[bytes]
    vectors: Vectors
    vectorizer: Vectorizer
    step_back: float
    _newcomers: Newcomers = field(default_factory=Newcomers)

    def candidates(self, question: Question, most: int) -> Candidates:
        sums, own = question.sums, question.codes[::-1]
        ratings = np.array([entry.rating for entry in question.history.entries[::-1]]) / WEIGHT_SCALE
        shares = (ratings * self.step_back ** np.arange(len(own))).tolist()
        vectors = self.vectors_of(sums, own)
        scored = self.near(sums, mean_of(vectors, shares))
        kept = greatest(scored.scores, most)
        asked = np.flatnonzero(scored.codes == question.also)
        if len(asked) and not (kept == asked[0]).any():
            kept = np.append(kept, asked)

        def reasons(code: int) -> Mapping[int, float]:
            (target,) = self.vectors_of(sums, np.array([code]))
            said = [share * product(vector, target) for vector, share in zip(vectors, shares, strict=True)]
            return {item: part for item, part in zip(own.tolist(), said, strict=True) if part > 0}

        return Candidates(Columns(scored.codes[kept], scored.scores[kept]), reasons)

    def near(self, sums: Sums, profile: Vector) -> Columns:
        """Return every item that shares a word with the profile, by code, with the cosine between them."""
        aligned = sums.index.aligned(self.items)
        old = self.vectors.products(profile, sums.kernels)
        known = Columns(aligned.codes[old.codes], old.scores)
        late = self._late(sums)
        if late.vectors is None:
            return known
        new = late.vectors.products(profile, sums.kernels)
        codes = sums.index.codes(late.names)[new.codes]
        return Columns(np.concatenate([known.codes, codes]), np.concatenate([known.scores, new.scores]))

    def vectors_of(self, sums: Sums, codes: Ints) -> list[Vector]:
        """Return each item's vector: the generation's, else by its record; without words where nothing describes it."""
        rows = sums.index.aligned(self.items).rows_of(codes)
        lacking = np.flatnonzero(rows == UNKNOWN)
        records = dict(zip(lacking.tolist(), sums.records(codes[lacking]), strict=True))
        return [
            self.vectors.row(row) if row != UNKNOWN else NO_WORDS if (own := records[at]) is None else self._of(own)
            for at, row in enumerate(rows.tolist())
        ]

    def scores(self, cohort: Cohort, users: Ints) -> Floats:
        """Return the cosines, shape (users, items of the cohort)."""
        from scipy.sparse import csr_matrix

        aligned, items = cohort.index.aligned(self.items), len(cohort.names)
        rows = aligned.rows_of(np.arange(items))
        known = np.flatnonzero(rows != UNKNOWN)
        out = np.zeros((len(users), items))
        if not len(known):
            return out
        parts = self.vectors.weights, self.vectors.terms, self.vectors.starts
        words = csr_matrix(parts, shape=(len(self.vectors), self.vectors.vocabulary))[rows[known]].astype(np.float64)
        profiles = cohort.fold.histories(self.step_back)[users][:, known] @ words
        length = np.sqrt(np.asarray(profiles.multiply(profiles).sum(axis=1)))
        out[:, known] = (profiles @ words.T).toarray() / np.where(length > 0, length, 1.0)
        return out

    def _late(self, sums: Sums) -> Newcomers:
        """Return the items that the generation does not know; kept until others are described."""
        records = sums.described_last()
        late = self._newcomers
        if late.records is records or list(late.records) == list(records):
            return late
        new = [(name, record) for record in records if (name := record.item_id.encode()) not in self._known]
        own = [(name, vector) for name, record in new if len((vector := self._of(record)).terms)]
        vectors = Vectors.of([vector for _, vector in own], self.vectors.vocabulary) if own else None
        self._newcomers = late = Newcomers(
            records, [name for name, _ in own], vectors
        )  # one assignment: threads share it
        return late

    @cached_property
    def _known(self) -> frozenset[bytes]:
        return frozenset(self.items)

    @cached_property
    def _of(self) -> Any:
        return lru_cache(MOST_KEPT)(self.vectorizer.of)
