"""The nearest of many vectors, exactly and by cells."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from core.vectors.cells import indexed
from core.vectors.nearest import COSINE, DISTANCES, EUCLIDEAN, Matrix, Vectors, nearest, recall, unit
from core.vectors.principal import Principal


def clustered(count: int, width: int, seed: int = 7) -> Matrix:
    """Vectors of several lengths around a hundred middles."""
    random = np.random.default_rng(seed)
    middles = random.normal(size=(100, width))
    points = middles[random.integers(0, 100, count)] + 0.6 * random.normal(size=(count, width))
    return np.asarray(points * random.lognormal(0, 0.3, (count, 1)), np.float32)


def slow(rows: Matrix, query: Matrix, distance: str) -> list[float]:
    """The scores, one by one as the definitions have them."""
    if distance == EUCLIDEAN:
        return [1 / (1 + float(np.linalg.norm(row - query))) for row in rows.astype(np.float64)]
    lengths = [float(np.linalg.norm(row)) * float(np.linalg.norm(query)) for row in rows]
    return [float(row @ query) / length if length else 0.0 for row, length in zip(rows, lengths, strict=True)]


@pytest.mark.parametrize("distance", DISTANCES)
@settings(deadline=None, max_examples=60)
@given(seed=st.integers(0, 1_000), count=st.integers(0, 30), most=st.integers(0, 12))
def test_exact_search_gives_the_best_scores_in_order(distance: str, seed: int, count: int, most: int) -> None:
    random = np.random.default_rng(seed)
    rows, query = (np.asarray(random.integers(-3, 4, shape), np.float32) for shape in ((count, 4), (4,)))
    answer, scores = nearest(Vectors.of(rows), query, most, distance), slow(rows, query, distance)
    assert len(answer.rows) == min(most, count)
    assert answer.scores == pytest.approx(sorted(scores, reverse=True)[:most], abs=1e-5)
    assert [scores[row] for row in answer.rows] == pytest.approx(list(answer.scores), abs=1e-5)


def test_equal_scores_come_by_number() -> None:
    vectors = Vectors.of(np.ones((6, 3), np.float32))
    assert nearest(vectors, np.ones(3, np.float32), 4).rows.tolist() == [0, 1, 2, 3]


@pytest.mark.parametrize("distance", DISTANCES)
def test_cells_find_nearly_all_that_exact_search_finds(distance: str) -> None:
    rows = clustered(12_000, 32)
    plain, by_cells = Vectors.of(rows), indexed(rows, distance, exact_up_to=1_000)
    assert not by_cells.is_exact(distance)
    queries = clustered(60, 32, seed=8)
    shares = [recall(nearest(by_cells, q, 10, distance), nearest(plain, q, 10, distance)) for q in queries]
    assert np.mean(shares) >= 0.95


@pytest.mark.parametrize("distance", DISTANCES)
def test_cells_are_exact_where_all_are_probed_and_for_the_other_distance(distance: str) -> None:
    rows, query = clustered(2_000, 8), clustered(1, 8, seed=9)[0]
    by_cells = indexed(rows, COSINE, exact_up_to=100)
    exact = nearest(Vectors.of(rows), query, 20, distance)
    assert by_cells.is_exact(EUCLIDEAN)
    answer = nearest(by_cells, query, 20, distance, probed=10**6)
    assert answer.scores == pytest.approx(exact.scores, abs=1e-5)
    assert recall(answer, exact) == 1


def test_a_set_up_to_the_stated_size_has_no_index() -> None:
    assert indexed(clustered(50, 4), exact_up_to=50).cells is None
    assert indexed(clustered(51, 4), exact_up_to=50).cells is not None


def test_the_same_seed_gives_the_same_index_and_every_vector_is_in_it_once() -> None:
    rows = clustered(1_000, 8)
    one, other = (indexed(rows, seed=3, exact_up_to=10).cells for _ in range(2))
    assert one is not None
    assert other is not None
    assert one.order.tolist() == other.order.tolist()
    assert sorted(one.order.tolist()) == list(range(1_000))
    assert (one.starts[0], one.starts[-1]) == (0, 1_000)


def test_a_vector_is_given_back_under_its_number() -> None:
    rows = clustered(300, 8)
    by_cells = indexed(rows, exact_up_to=10)
    assert all((by_cells.row(number) == rows[number]).all() for number in range(0, 300, 17))


def test_equal_vectors_fill_one_cell_and_are_all_reached() -> None:
    by_cells = indexed(np.ones((500, 4), np.float32), exact_up_to=10)
    assert len(nearest(by_cells, np.ones(4, np.float32), 500).rows) == 500


def test_short_vectors_keep_what_differs_most() -> None:
    random = np.random.default_rng(5)
    long = (random.normal(size=(400, 3)) @ random.normal(size=(3, 40))).astype(np.float32)
    principal = Principal.fitted(long, 3)
    short = principal.shortened(long)
    assert short.shape == (400, 3)
    gaps = np.linalg.norm(long[:50, None] - long[None, :50], axis=2)
    assert np.allclose(np.linalg.norm(short[:50, None] - short[None, :50], axis=2), gaps, atol=1e-3)
    assert Principal.fitted(long[:2], 96).shortened(long[0]).shape == (40,)


def test_a_zero_vector_has_no_direction() -> None:
    assert unit(np.zeros((2, 3), np.float32)).tolist() == [[0, 0, 0]] * 2
