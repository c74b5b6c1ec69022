"""The exact fold-in against the normal equations written out, and against the library that trains the factors."""

import numpy as np
import pytest

from recommenders.als.fold_in import fold_in


def problem(seed: int = 1) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    rng = np.random.default_rng(seed)
    Y = rng.normal(size=(30, 5)).astype(np.float32)
    return Y, Y.T @ Y, np.array([3, 17, 4]), np.array([11.0, 21.0, 51.0])


def test_the_solution_is_the_whole_weighted_least_squares_problems() -> None:
    Y, gram, rows, confidence = problem()
    C = np.ones(30)
    C[rows] = confidence
    p = np.zeros(30)
    p[rows] = 1.0
    wanted = np.linalg.solve(Y.T @ np.diag(C) @ Y + 0.05 * np.eye(5), Y.T @ (C * p))
    assert fold_in(Y, gram, rows, confidence, 0.05).vector == pytest.approx(wanted, rel=1e-4)


def test_it_is_what_implicit_calculates_for_a_user() -> None:
    from implicit.cpu.als import AlternatingLeastSquares
    from scipy.sparse import csr_matrix
    from threadpoolctl import threadpool_limits

    Y, gram, rows, confidence = problem()
    with threadpool_limits(1, "blas"):
        model = AlternatingLeastSquares(factors=5, regularization=0.05, alpha=1.0, num_threads=1)
        model.item_factors = Y
        theirs = model.recalculate_user(0, csr_matrix((confidence, ([0, 0, 0], rows)), shape=(1, 30)))
    assert fold_in(Y, gram, rows, confidence, 0.05).vector == pytest.approx(theirs, rel=1e-3)


def test_the_parts_by_item_add_up_to_the_vector() -> None:
    Y, gram, rows, confidence = problem()
    folded = fold_in(Y, gram, rows, confidence, 0.05)
    assert folded.explained.shape == (5, 3)
    assert folded.explained.sum(axis=1) == pytest.approx(folded.vector)


def test_without_items_the_vector_is_zero_and_unequal_lengths_are_an_error() -> None:
    Y, gram, rows, confidence = problem()
    none = np.array([], dtype=np.int64)
    assert fold_in(Y, gram, none, np.array([]), 0.05).vector.tolist() == [0.0] * 5
    with pytest.raises(ValueError, match="3 items and 2 confidences"):
        fold_in(Y, gram, rows, confidence[:2], 0.05)
