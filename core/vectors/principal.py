"""Short vectors of long ones: the directions in which a set differs most (principal component analysis)."""

from dataclasses import dataclass

import numpy as np

from core.vectors.nearest import Matrix

FITTED_ON = 20_000  # vectors at most: the directions of more are the same


@dataclass(frozen=True)
class Principal:
    """``mean``: shape (long,). ``directions``: shape (long, short), orthonormal columns, the strongest first."""

    mean: Matrix
    directions: Matrix

    @staticmethod
    def fitted(vectors: Matrix, short: int) -> "Principal":
        """Return the strongest directions: ``short`` of them, or as many as the vectors have."""
        step = -(-len(vectors) // FITTED_ON)
        part = np.asarray(vectors[::step], np.float64)
        mean = part.mean(axis=0)
        strengths, directions = np.linalg.eigh((part - mean).T @ (part - mean))
        kept = min(short, len(strengths))
        strongest = directions[:, ::-1][:, :kept]
        signs = np.sign(strongest[np.abs(strongest).argmax(axis=0), np.arange(kept)])  # eigenvectors have no sign
        return Principal(mean.astype(np.float32), (strongest * signs).astype(np.float32))

    def shortened(self, vectors: Matrix) -> Matrix:
        """Return the vectors, as rows or one alone, along the directions."""
        out: Matrix = ((vectors - self.mean) @ self.directions).astype(np.float32)
        return out
