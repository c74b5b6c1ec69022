"""Items as weighted words: vectors of length 1 over the vocabulary of a generation, and their products with a profile.

Bytes: 12 per kept word of an item, twice, as words are looked up by item and items by word.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from core.ranking.columns import Columns
from core.ranking.kernels import Kernels
from recommenders.pairs import greatest
from recommenders.port import Floats, Ints
from recommenders.terms import terms_of
from schemas.catalogue import Item


class Vector(NamedTuple):
    """Terms, ascending, with their weights; without any for an item whose words say nothing."""

    terms: Ints
    weights: Floats


NO_WORDS = Vector(np.zeros(0, np.int64), np.zeros(0))


@dataclass(frozen=True)
class Vectorizer:
    """``idf``: of each term, whose places are in ``vocabulary``. ``most``: words kept of an item, the heaviest."""

    vocabulary: Mapping[str, int]
    idf: Floats
    most: int

    def of(self, item: Item) -> Vector:
        """Return the item's vector; words that the vocabulary does not have say nothing."""
        said = {self.vocabulary[word]: weight for word, weight in terms_of(item).items() if word in self.vocabulary}
        if not said:
            return NO_WORDS
        terms = np.array(sorted(said), np.int64)
        return kept_of(terms, np.array([said[term] for term in terms.tolist()]) * self.idf[terms], self.most)


def kept_of(terms: Ints, weights: Floats, most: int) -> Vector:
    """Return the ``most`` heaviest terms, of equal ones the first, as a vector of length 1."""
    places = greatest(weights, most)
    length = float(np.sqrt((weights[places] ** 2).sum()))
    return Vector(terms[places], weights[places] / length) if length > 0 else NO_WORDS


@dataclass(frozen=True)
class Vectors:
    """Vectors row by row: the words of row k lie from ``starts[k]`` on."""

    starts: Ints
    terms: NDArray[np.int32]
    weights: NDArray[np.float32]
    vocabulary: int  # its size

    @staticmethod
    def of(vectors: Sequence[Vector], vocabulary: int) -> "Vectors":
        """Return those vectors in their order."""
        starts = np.cumsum([0, *(len(vector.terms) for vector in vectors)])
        terms = np.concatenate([NO_WORDS.terms, *(vector.terms for vector in vectors)]).astype(np.int32)
        weights = np.concatenate([NO_WORDS.weights, *(vector.weights for vector in vectors)]).astype(np.float32)
        return Vectors(starts, terms, weights, vocabulary)

    def __len__(self) -> int:
        return len(self.starts) - 1

    def row(self, row: int) -> Vector:
        """Return one vector."""
        part = slice(*self.starts[row : row + 2])
        return Vector(self.terms[part].astype(np.int64), self.weights[part].astype(np.float64))

    def products(self, profile: Vector, kernels: Kernels) -> Columns:
        """Return each row that shares a word with the profile, ascending, with the exact product of both."""
        starts, rows, weights = self._by_term
        return kernels.added_rows(starts, rows, weights, profile.terms, profile.weights, len(self))

    @cached_property
    def _by_term(self) -> tuple[Ints, NDArray[np.int32], NDArray[np.float32]]:
        row = np.repeat(np.arange(len(self), dtype=np.int32), np.diff(self.starts))
        order = np.argsort(self.terms, kind="stable")
        starts = np.searchsorted(self.terms[order], np.arange(self.vocabulary + 1))
        return starts, row[order], self.weights[order]


def mean_of(vectors: Sequence[Vector], shares: Sequence[float]) -> Vector:
    """Return the sum of share · vector, as a vector of length 1: the direction of the weighted mean."""
    if not vectors:
        return NO_WORDS
    terms, place = np.unique(np.concatenate([vector.terms for vector in vectors]), return_inverse=True)
    said = np.concatenate([vector.weights * share for vector, share in zip(vectors, shares, strict=True)])
    return kept_of(terms, np.bincount(place, weights=said, minlength=len(terms)).astype(np.float64), len(terms))


def product(one: Vector, two: Vector) -> float:
    """Return the product of two vectors."""
    _, here, there = np.intersect1d(one.terms, two.terms, assume_unique=True, return_indices=True)
    return float((one.weights[here] * two.weights[there]).sum())
