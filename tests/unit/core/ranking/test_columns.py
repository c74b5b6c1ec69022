"""The compiled twin of the ranking over columns answers as the readable one does, bit for bit."""

from typing import Any

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from core.codes.item_index import ItemIndex
from core.ranking import column_kernel as fast
from core.ranking import readable as slow
from core.ranking.columns import Columns, Stacked
from core.ranking.greatest_kernel import least_of_greatest
from core.ranking.neighbours import Neighbours
from core.ranking.related import Rows
from core.rows.codec import pack_sums

FEW = 12  # codes, so that sources overlap
codes = st.integers(0, FEW - 1)
scores = st.one_of(st.floats(-1, 2), st.sampled_from([0.25, 0.5, 1.0, 1e-300]))
source = st.dictionaries(codes, scores, max_size=FEW).map(Columns.of)
amounts = st.integers(-5, 10**6)


def same(one: Columns, other: Columns) -> None:
    assert one.codes.tolist() == other.codes.tolist()
    assert one.scores.tobytes() == other.scores.tobytes()


@st.composite
def neighbours(draw: st.DrawFn) -> Rows:
    lists = draw(st.lists(st.dictionaries(codes, st.tuples(amounts, amounts)), max_size=5))
    own = draw(st.lists(st.tuples(codes, amounts), min_size=len(lists), max_size=len(lists)))
    entries = [(code, *numbers) for row in lists for code, numbers in row.items()]
    code, amount, norm = np.array(entries, np.int64).reshape(-1, 3).T
    starts = np.cumsum([0, *map(len, lists)])
    item, item_norm = np.array(own, np.int64).reshape(-1, 2).T
    return Rows(*map(np.ascontiguousarray, (code, amount, norm, starts, item, item_norm)))


@settings(deadline=None)  # the first call compiles
@given(neighbours(), st.floats(0, 5), st.data())
def test_neighbours_add_up_alike(rows: Rows, shrinkage: float, data: st.DataObject) -> None:
    one, other = fast.related(rows, shrinkage), slow.related(rows, shrinkage)
    assert [column.tolist() for column in one] == [column.tolist() for column in other]
    weights = np.array([data.draw(st.sampled_from([0.0, 0.3, 2.0])) for _ in rows.own], float)
    same(fast.summed(one, weights), slow.summed(other, weights))


@settings(deadline=None)  # the first call compiles
@given(st.lists(st.tuples(source, st.floats(0.01, 1)), max_size=4), st.sets(codes), st.integers(-1, FEW - 1))
def test_sources_are_shared_out_and_added_up_alike(
    sources: list[tuple[Columns, float]], excluded: set[int], also: int
) -> None:
    stacked, weights = Stacked.of([columns for columns, _ in sources]), np.array([w for _, w in sources], float)
    asked = stacked, weights, np.array(sorted(excluded), np.int64), also
    shares = slow.shares(*asked)
    assert fast.shares(*asked).tobytes() == shares.tobytes()
    same(fast.totals(stacked.codes, shares), slow.totals(stacked.codes, shares))


@settings(deadline=None)  # the first call compiles
@given(neighbours(), st.lists(codes, unique=True), st.floats(0, 5))
def test_what_speaks_for_items_is_found_alike_and_adds_up_to_their_sums(
    rows: Rows, asked: list[int], shrinkage: float
) -> None:
    known, weights = slow.related(rows, shrinkage), 1.0 + np.arange(len(rows.own))
    one, other = (twin.contributions(known, weights, np.array(asked, np.int64)) for twin in (fast, slow))
    assert [column.tolist() for column in one] == [column.tolist() for column in other]
    sums = dict(zip(*(column.tolist() for column in slow.summed(known, weights)), strict=True))
    parts = [sum(share for place, _, share in zip(*other, strict=True) if place == k) for k in range(len(asked))]
    assert parts == pytest.approx([sums.get(code, 0.0) for code in asked])


near = st.sampled_from([0.5, 0.5 + 1e-13, 0.5 - 1e-13, 0.5 + 5e-13, 1e-12, 5e-13, 1.5e-12, 2.5e-12, 0.125])


@settings(deadline=None)  # the first call compiles
@given(
    st.dictionaries(st.binary(max_size=20), st.one_of(near, st.floats(0, 1)), max_size=30),
    st.integers(0, 40),
    st.booleans(),
)
def test_the_first_are_the_same_however_close_their_scores(
    named: dict[bytes, float], wanted: int, rounded: bool
) -> None:
    index = ItemIndex(named)
    scored = Columns(np.arange(len(named)), np.array(list(named.values()), float))
    assert (
        fast.first(scored, wanted, index.text, rounded).tolist()
        == slow.first(scored, wanted, index.text, rounded).tolist()
    )


@settings(deadline=None)  # the first call compiles
@given(st.one_of(st.floats(0, 1), st.floats(0, 1000), st.integers(0, 10**6).map(lambda k: (k + 0.5) * 1e-12)))
@example(0.5e-12)
@example(1.5e-12)
@example(0.1234567890125)
@example(2.0**-13)
def test_scores_are_rounded_as_python_rounds(score: float) -> None:
    assert column_kernel_rounded(score) == round(score, 12)


def column_kernel_rounded(score: float) -> float:
    return float(f"{int(fast._whole(score))}e-12")


@settings(deadline=None)  # the first call compiles
@given(st.integers(1, 140), st.integers(0, 2**32 - 1), st.booleans())
def test_products_are_added_up_in_the_same_order(width: int, seed: int, by_column: bool) -> None:
    rng = np.random.default_rng(seed)
    factors = rng.normal(size=(9, width)).astype(np.float32)
    rows, vector = rng.integers(0, 9, 5), rng.normal(size=width)
    fast_factors = np.asfortranarray(factors) if by_column else factors
    assert fast.predicted(fast_factors, rows, vector).tobytes() == slow.predicted(factors, rows, vector).tobytes()


@settings(deadline=None)  # the first call compiles
@given(st.integers(0, 6), st.integers(0, 2**32 - 1), st.booleans())
def test_sparse_rows_are_added_up_in_the_same_order(asked: int, seed: int, valued: bool) -> None:
    rng = np.random.default_rng(seed)
    starts = np.r_[0, np.cumsum(rng.integers(0, 5, 9))]
    targets = rng.integers(0, 7, starts[-1]).astype(np.int32)
    values = rng.normal(size=len(targets) if valued else 0).astype(np.float32)
    rows, scales = rng.integers(0, 9, asked), rng.normal(size=asked)
    given_rows = (starts, targets, values, rows, scales, 7)
    assert [c.tobytes() for c in fast.added_rows(*given_rows)] == [c.tobytes() for c in slow.added_rows(*given_rows)]


@pytest.mark.parametrize("kernels", [fast, slow])
def test_a_row_without_entries_adds_nothing(kernels: Any) -> None:
    targets, values = np.zeros(0, np.int32), np.zeros(0, np.float32)
    added = kernels.added_rows(np.zeros(2, np.int64), targets, values, np.array([0]), np.ones(1), 3)
    assert len(added.codes) == len(added.scores) == 0


@settings(deadline=None)  # the first call compiles
@given(st.integers(0, 6), st.integers(0, 2**32 - 1), st.integers(-1, 7), st.booleans())
def test_what_sparse_rows_have_at_a_target_is_found_alike(asked: int, seed: int, target: int, valued: bool) -> None:
    rng = np.random.default_rng(seed)
    lists = [rng.permutation(7)[: rng.integers(0, 7)] for _ in range(9)]
    starts, targets = np.r_[0, np.cumsum([*map(len, lists)])], np.concatenate(lists).astype(np.int32)
    values = rng.normal(size=len(targets) if valued else 0).astype(np.float32)
    entries = (starts, targets, values, rng.integers(0, 9, asked), target)
    assert fast.column_of(*entries).tobytes() == slow.column_of(*entries).tobytes()


names = st.text("ab", max_size=9).map(str.encode)
sums = st.dictionaries(names, st.sampled_from([-2, -1, 1, 2, 2**40]), max_size=20)


@settings(deadline=None)  # the first call compiles
@given(sums, st.lists(sums, max_size=3), st.lists(names, unique=True), st.integers(1, 20))
def test_later_sums_are_added_alike_and_as_whole_rows_are(
    earlier: dict[bytes, int], later: list[dict[bytes, int]], known: list[bytes], most: int
) -> None:
    rows = [pack_sums(sorted(part.items())) for part in (earlier, *later)]
    whole = ItemIndex()
    expected = Neighbours(*slow.summed_parts(rows, whole))
    none = np.zeros(0, np.int64), np.zeros(0, np.int64)
    for twin in (fast, slow):
        index = ItemIndex(known)
        ((begun, _),) = twin.nearest_rows([(none, rows[:1])], most, index)
        both = twin.nearest_rows([(begun, rows[1:]), (none, rows), (begun, ())], most, index)
        assert named(both[2][0], index) == named(begun, index)
        for sums, near in both[:2]:
            assert [column.dtype for column in (*sums, *near)] == [np.int64] * 4
            assert named(sums, index) == named((expected.codes, expected.amounts), whole)
            cut = expected.nearest(most)
            assert named(near, index) == named((cut.codes, cut.amounts), whole)


def named(sums: Any, index: ItemIndex) -> list[tuple[bytes, int]]:
    return [(index.names[code], amount) for code, amount in zip(*(column.tolist() for column in sums), strict=True)]


@settings(deadline=None)
@given(
    st.lists(st.sampled_from([0.0, 0.5, 1.0, 2.0, 3.0]), min_size=1, max_size=20),
    st.integers(1, 20),
    st.dictionaries(st.integers(0, 19), st.sampled_from([0.0, 0.5, 1.0, 2.0, 4.0]), max_size=6),
)
def test_a_head_whose_scores_moved_is_the_head_of_the_list_sorted_anew(
    scores: list[float], size: int, changes: dict[int, float]
) -> None:
    index = ItemIndex([b"%d" % (17 * n % 20) for n in range(20)])
    before = {code: score for code, score in enumerate(scores) if score > 0}
    after = {code: score for code, score in {**before, **changes}.items() if score > 0}

    def head_of(listed: dict[int, float], most: int) -> Columns:
        whole = Columns.of(listed)
        places = slow.first(whole, most, index.text, False)
        return Columns(whole.codes[places], whole.scores[places])

    asked = head_of(before, size), Columns.of(changes), index.text
    moved = slow.moved(*asked)
    same(fast.moved(*asked), moved)
    if before:
        same(moved, head_of(after, len(moved.codes)))


@settings(deadline=None)  # the first call compiles
@given(st.lists(st.integers(-9, 9), min_size=1, max_size=60), st.integers(1, 60), st.booleans())
def test_the_least_of_the_greatest_numbers_is_found(numbers: list[int], most: int, whole: bool) -> None:
    values, wanted = np.array(numbers, np.int64 if whole else np.float64), min(most, len(numbers))
    assert least_of_greatest(values, wanted) == sorted(numbers, reverse=True)[wanted - 1]
