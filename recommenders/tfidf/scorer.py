"""Scores items by their words: the cosine between an item and the weighted mean of what the user touched."""

from collections.abc import Sequence
from typing import Any

from core.ranking.columns import Columns
from core.ranking.kernels import Kernels
from recommenders.contents import ContentScorer
from recommenders.tfidf.vectors import NO_WORDS, Vector, Vectorizer, Vectors, mean_of, product
from schemas.catalogue import Item


class TfidfScorer(ContentScorer[Vector, Vectors]):
    """``vectorizer``: makes the vectors of items that were described after the generation."""

    def __init__(self, items: list[bytes], rows: Vectors, vectorizer: Vectorizer, step_back: float) -> None:
        super().__init__(items, rows, step_back)
        self.vectorizer = vectorizer

    def row(self, place: int) -> Vector:
        return self.rows.row(place)

    def described(self, item: Item) -> Vector:
        return self.vectorizer.of(item)

    def nothing(self) -> Vector:
        return NO_WORDS

    def says(self, vector: Vector) -> bool:
        return len(vector.terms) > 0

    def stacked(self, vectors: Sequence[Vector]) -> Vectors:
        return Vectors.of(vectors, self.rows.vocabulary)

    def mean(self, vectors: Sequence[Vector], shares: Sequence[float]) -> Vector:
        return mean_of(vectors, shares)

    def product(self, one: Vector, two: Vector) -> float:
        return product(one, two)

    def products(self, rows: Vectors, profile: Vector, kernels: Kernels) -> Columns:
        return rows.products(profile, kernels)

    def matrix(self, rows: Vectors) -> Any:
        from scipy.sparse import csr_matrix

        parts = rows.weights, rows.terms, rows.starts
        return csr_matrix(parts, shape=(len(rows), rows.vocabulary))
