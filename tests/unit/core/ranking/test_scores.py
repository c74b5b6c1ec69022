"""Scores against hand-worked numbers and an independent library."""

import math
from collections.abc import Mapping

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import beta

from core.codes.item_index import ItemIndex
from core.ranking import scores
from core.ranking.blend import Blend, strongest
from core.ranking.columns import NOBODY, Columns
from core.ranking.kernels import READABLE, Kernels, compiled
from core.ranking.ranked import in_order, popular, trends
from core.ranking.related import Rows
from core.ranking.scores import Window, WindowCounts
from schemas.event import BUCKET_MS


def test_similarity_is_the_cosine_of_the_sums_times_the_shrinkage_factor() -> None:
    similarities = scores.similarity(np.array([2000, 500]), 4000, np.array([9000, 1000]), shrinkage=2.0)
    assert similarities.tolist() == pytest.approx([2 / 6 * 0.5, 0.5 / 2 * 0.2])


def test_similarity_is_0_where_a_norm_is_0_and_at_most_1() -> None:
    assert scores.similarity(np.array([1000, 9000, 5]), 4000, np.array([0, 4000, 1000])).tolist()[:2] == [0.0, 1.0]
    assert scores.similarity(np.array([1000]), 0, np.array([1000])).tolist() == [0.0]


def test_norms_near_the_limit_of_64_bits_do_not_overflow() -> None:
    assert scores.similarity(np.array([2**62]), 2**62, np.array([2**62])).tolist() == [1.0]


sums = st.integers(-5, 2**62)


@settings(deadline=None)  # the first call compiles
@given(sums, sums, sums, st.floats(0, 5))
def test_one_neighbour_scores_as_among_many(pair: int, norm: int, other: int, shrinkage: float) -> None:
    many = scores.similarity(np.array([pair]), norm, np.array([other]), shrinkage)
    one = np.array([0]), np.array([pair]), np.array([other]), np.array([0, 1]), np.array([1]), np.array([norm])
    for kernels in KERNELS:
        assert kernels.related(Rows(*one), shrinkage).scores.tolist() == many.tolist()


def test_equal_scores_are_ordered_by_the_bytes_of_the_name() -> None:
    near = [("ї".encode(), 0.5), (b"z", 0.5 + 1e-14), (b"a", 0.25), (b"none", 0.0)]
    index = ItemIndex(name for name, _ in near)
    scored = Columns(np.arange(3), np.array([score for _, score in near[:3]]))
    for kernels in KERNELS:
        ranking = in_order(scored, index, kernels)
        assert [index.names[code] for code, _ in ranking] == [b"z", "ї".encode(), b"a"]


@given(st.integers(0, 400), st.integers(0, 4000), st.floats(1, 50))
def test_the_bound_of_a_rate_ratio_is_scipys(count: int, baseline: int, ratio: float) -> None:
    p = beta.ppf(0.05, count + 2.3, baseline + 2.3 * ratio)
    bounds = scores.rate_ratio_bound(np.array([count]), np.array([baseline]), ratio)
    assert bounds[0] == pytest.approx(ratio * p / (1 - p), rel=1e-9)


def test_a_window_ends_with_the_bucket_of_as_of_and_its_baseline_is_three_windows_or_a_day() -> None:
    as_of = 1000 * BUCKET_MS + BUCKET_MS - 1
    one, day, week = (Window.ending(as_of, hours) for hours in (1, 24, 168))
    assert (one.window, one.baseline, one.before) == (range(1000, 1001), range(976, 1000), range(999, 1000))
    assert (day.window, day.baseline, day.before) == (range(977, 1001), range(905, 977), range(953, 977))
    assert len(week.baseline) == 504


def table_of(buckets: Mapping[int, Mapping[bytes, int]], window: Window) -> WindowCounts:
    """Add up hourly counts (bucket -> {item: count}); only items that occur in the window or its baseline."""
    totals: dict[bytes, list[int]] = {}
    for bucket, counts in buckets.items():
        columns = [k for k, part in enumerate((window.window, window.baseline, window.before)) if bucket in part]
        for item, count in counts.items() if columns else ():
            total = totals.setdefault(item, [0, 0, 0])
            for column in columns:
                total[column] += count
    table = np.array(list(totals.values()), dtype=np.int64).reshape(-1, 3)
    return WindowCounts(ItemIndex(totals), table[:, 0], table[:, 1], table[:, 2])


def day_of_counts() -> dict[int, dict[bytes, int]]:
    """A steady item, one that has tripled, one too rare to judge; 72 hours of baseline before the last 24."""
    buckets = {hour: {b"steady": 10, b"rising": 2} for hour in range(905, 977)}
    buckets |= {hour: {b"steady": 10, b"rising": 6} for hour in range(977, 1001)}
    buckets[1000][b"rare"] = 4
    return buckets


def test_what_has_tripled_trends_and_what_is_steady_does_not() -> None:
    window = Window.ending(1000 * BUCKET_MS, 24)
    counts = table_of(day_of_counts(), window)
    assert scores.has_trend(counts, window, 905)
    ratio = (72 * 12) / (24 * 16 + 4)
    assert counts.ratio == ratio
    (rising,) = trends(counts)
    p = beta.ppf(0.05, 144 + 2.3, 144 + 2.3 * ratio)
    assert rising.score == pytest.approx(ratio * p / (1 - p))
    assert (rising.item, rising.count, rising.expected) == (b"rising", 144, 144 / ratio)
    assert rising.growth == pytest.approx(math.log((144 + 2.3) / (144 / ratio + 2.3)))
    assert rising.change == (144 - 48) / 49


def test_without_a_full_baseline_or_with_a_thin_one_there_is_no_trend() -> None:
    window = Window.ending(1000 * BUCKET_MS, 24)
    counts = table_of(day_of_counts(), window)
    assert not scores.has_trend(counts, window, 906)
    assert not scores.has_trend(counts, window, None)
    thin = WindowCounts(ItemIndex([b"a"]), np.array([10]), np.array([9]), np.array([0]))
    assert not scores.has_trend(thin, window, 0)
    assert not scores.has_trend(WindowCounts(ItemIndex(), *(np.zeros(0, np.int64),) * 3), window, 0)


def test_popular_items_are_ordered_by_count_then_by_name() -> None:
    table = WindowCounts(
        ItemIndex([b"b", b"a", b"c", b"gone"]), np.array([2, 2, 5, 0]), np.zeros(4, int), np.array([0, 1, 5, 9])
    )
    rows = [(entry.item, entry.score, entry.expected, entry.growth, entry.change) for entry in popular(table)]
    assert rows == [(b"c", 5.0, None, None, 0.0), (b"a", 2.0, None, None, 0.5), (b"b", 2.0, None, None, 2.0)]


def test_changes_of_a_bucket() -> None:
    assert (scores.smoothed_change(3, 1), scores.smoothed_change(0, 4), scores.smoothed_change(5, 0)) == (
        1.0,
        -0.8,
        5.0,
    )
    assert (scores.relative_change(3, 1), scores.relative_change(0, 4), scores.relative_change(5, 0)) == (
        2.0,
        -1.0,
        None,
    )


WEIGHTS = {"als": 0.4, "similar": 0.3, "popular": 0.2, "trending": 0.1}
KERNELS = [READABLE, compiled()]

Row = tuple[bytes, float, dict[str, float]]


def blended(
    sources: Mapping[str, Mapping[bytes, float]], excluded: bytes, also: bytes | None = None, by: Kernels = READABLE
) -> list[Row]:
    """(item, score, parts) in order."""
    index = ItemIndex(sorted({item for scores in sources.values() for item in scores} | {excluded}, reverse=True))
    columns = {
        name: Columns.of({index.code(item): score for item, score in scores.items()})
        for name, scores in sources.items()
    }
    out = np.array([index.code(excluded)])
    blend = Blend(columns, WEIGHTS, out, NOBODY if also is None else index.code(also), by)
    ranking = list(blend.ranking(index))
    parts = blend.parts([code for code, _ in ranking])
    rows = [(index.names[code], score, own) for (code, score), own in zip(ranking, parts, strict=True)]
    assert [blend.score(index.code(item)) for item, _, _ in rows] == [score for _, score, _ in rows]
    return rows


def test_a_blend_scales_each_source_by_its_best_allowed_item_and_adds_by_weight() -> None:
    sources = {"als": {b"a": 3.0, b"b": 6.0, b"seen": 99.0}, "similar": {b"b": 1.0, b"bad": -1.0}}
    rows = blended(sources, b"seen")
    assert [(item, strongest(parts)) for item, _, parts in rows] == [(b"b", "als"), (b"a", "als")]
    assert [score for _, score, _ in rows] == pytest.approx([1.0, 0.4 * 0.5 / 0.7])
    assert rows[0][2] == pytest.approx({"als": 0.4 / 0.7, "similar": 0.3 / 0.7})


near_ties = st.sampled_from([0.0, -1.0, 0.5, 0.5 + 1e-13, 0.5 + 6e-13, 0.75, 1.0]) | st.floats(0, 1)
candidates = st.dictionaries(st.sampled_from([b"%d" % k for k in range(12)]), near_ties)


@settings(deadline=None)  # the first call compiles
@given(st.dictionaries(st.sampled_from(["als", "similar", "popular", "trending"]), candidates))
def test_a_blend_is_ordered_by_rounded_score_then_by_the_name(sources: dict[str, dict[bytes, float]]) -> None:
    rows = blended(sources, b"3")
    assert rows == sorted(rows, key=lambda row: (-round(row[1], 12), row[0]))
    assert {row[0] for row in rows} == {k for scored in sources.values() for k, v in scored.items() if v > 0} - {b"3"}
    assert [score for _, score, _ in rows] == [sum(parts.values()) for _, _, parts in rows]
    assert blended(sources, b"3", by=compiled()) == rows


@given(
    st.lists(st.tuples(st.integers(0, 60), st.integers(0, 90)), min_size=1).filter(lambda rows: any(c for c, _ in rows))
)
def test_what_rises_has_five_events_and_a_bound_above_1(rows: list[tuple[int, int]]) -> None:
    window, baseline = np.array(rows).T
    table = WindowCounts(ItemIndex(b"%d" % k for k in range(len(rows))), window, baseline, np.zeros_like(window))
    if table.ratio > 0:
        bounds = scores.rate_ratio_bound(window, baseline, table.ratio)
        grows = (window >= 5) & (bounds > 1)
        codes, lower = scores.rising(table)
        assert (codes.tolist(), lower.tolist()) == (np.flatnonzero(grows).tolist(), bounds[grows].tolist())


def test_an_excluded_item_can_be_scored_without_changing_the_others() -> None:
    sources = {"popular": {b"a": 4.0, b"seen": 2.0}}
    for kernels in KERNELS:
        plain, also = blended(sources, b"seen", by=kernels), blended(sources, b"seen", b"seen", kernels)
        assert [row[:2] for row in plain] == [(b"a", 1.0)]
        assert [row[:2] for row in also] == [(b"a", 1.0), (b"seen", 0.5)]


@settings(deadline=None)  # the first call compiles
@given(st.lists(st.tuples(st.integers(0, 12), st.integers(0, 40)), min_size=1, max_size=60), st.integers(0, 60))
def test_a_list_is_by_score_then_by_name_and_given_as_far_as_it_is_asked_for(
    rows: list[tuple[int, int]], n: int
) -> None:
    window, baseline = np.array(rows).T
    names = [b"%d" % (7 * k % 101) for k in range(len(rows))]
    table = WindowCounts(ItemIndex([*names, b"of later"]), window, baseline, np.zeros_like(window))
    lists = [popular(table, by) for by in KERNELS]
    lists += [trends(table, by) for by in KERNELS if table.ratio > 0]
    for ranking in lists:
        pairs = [(entry.item, entry.score) for entry in ranking]
        assert pairs == sorted(pairs, key=lambda pair: (-pair[1], pair[0]))
        index, first = table.index, ranking.first(n)
        assert [(index.names[k], score) for k, score in zip(first.codes, first.scores, strict=True)] == pairs[:n]
        assert {name: ranking.score(index.code(name)) for name in names} == {
            name: dict(pairs).get(name) for name in names
        }
        assert ranking.score(index.code(b"of later")) is None is ranking.score(index.code(b"nowhere"))
