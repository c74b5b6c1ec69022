"""Rows in memory: which version an answer of an earlier moment reads, and how much room they take."""

from collections.abc import Mapping

from hypothesis import given
from hypothesis import strategies as st

from core.rows.codec import pack_norm, unpack_norm
from serving_layer.memory.row import KEPT_VERSIONS, ROW_BYTES, Row
from serving_layer.memory.row_cache import KEPT_CHANGES, MOST_WAITING, WAITING_BYTES, RowCache

VIEW, KEYS = "norms", (b"a", b"b", b"c")


def commit(cache: RowCache, attempt: int, changed: Mapping[bytes, bool]) -> None:
    """Change rows at that commit; those that are true are read again."""
    read = {key: Row(b"base", (b"%d" % attempt,), attempt) for key, again in changed.items() if again}
    cache.advance(attempt, {VIEW: dict.fromkeys(changed)}, {VIEW: read})


@given(st.lists(st.dictionaries(st.sampled_from(KEYS), st.booleans()), max_size=30))
def test_an_answer_reads_each_row_as_it_was_at_its_moment_or_not_at_all(
    commits: list[dict[bytes, bool]],
) -> None:
    cache = RowCache(0, 10**6)
    cache.add(VIEW, {key: Row(b"base", (b"0",), 0) for key in KEYS})
    expected = [dict.fromkeys(KEYS, b"0")]
    for attempt, changed in enumerate(commits, 1):
        commit(cache, attempt, changed)
        expected.append(expected[-1] | dict.fromkeys(changed, b"%d" % attempt))
    for attempt, values in enumerate(expected):
        for key in KEYS:
            row = cache.get(VIEW, key, attempt)
            assert row is not None
            assert row.generation == b"base"
            assert row.changes in (None, (values[key],))


def test_a_row_that_every_commit_changes_is_known_for_the_last_moments_alone() -> None:
    cache = RowCache(0, 10**6)
    cache.add(VIEW, {b"a": Row(None, (b"0",), 0)})
    for attempt in range(1, 101):
        commit(cache, attempt, {b"a": True})
    known = [attempt for attempt in range(101) if cache.get(VIEW, b"a", attempt).changes is not None]  # type: ignore[union-attr]
    assert known == list(range(101 - KEPT_VERSIONS, 101))


def test_only_the_two_newest_versions_of_a_row_keep_decoded_forms() -> None:
    cache = RowCache(0, 10**6)
    cache.add(VIEW, {b"a": Row(b"base", (b"0",), 0)})
    times: list[list[bytes]] = []

    def decode(parts: list[bytes]) -> int:
        times.append(parts)
        return len(times)

    for attempt in range(1, 6):
        commit(cache, attempt, {b"a": True})
        for at in (attempt - 1, attempt, attempt - 1, attempt):
            cache.get(VIEW, b"a", at).decoded(decode)  # type: ignore[union-attr]
    decoded = [attempt for attempt in range(6) if cache.get(VIEW, b"a", attempt)._decoded]  # type: ignore[union-attr]
    assert decoded == [4, 5]
    assert len(times) == 6


def test_the_generation_alone_is_decoded_once_for_all_versions() -> None:
    cache = RowCache(0, 10**6)
    cache.add(VIEW, {b"a": Row(b"base", (b"0",), 0)})
    times: list[list[bytes]] = []
    for attempt in range(1, 6):
        cache.advance(
            attempt,
            {VIEW: {b"a": None}},
            {VIEW: {b"a": Row(cache.get(VIEW, b"a", attempt - 1).generation, (b"1",), attempt)}},
        )  # type: ignore[union-attr]
        cache.get(VIEW, b"a", attempt).earlier.decoded(times.append)  # type: ignore[union-attr]
    assert times == [[b"base"]]


def test_earlier_versions_count_as_bytes_and_go_with_their_row() -> None:
    cache = RowCache(0, 10**6)
    cache.add(VIEW, {key: Row(b"base", (b"0",), 0) for key in KEYS})
    alone = cache.bytes
    for attempt in range(1, 20):
        commit(cache, attempt, {b"a": True})
    assert alone + (KEPT_VERSIONS - 1) * ROW_BYTES <= cache.bytes <= alone + KEPT_VERSIONS * (ROW_BYTES + 10)
    small = RowCache(0, cache.bytes - 1)
    small.add(VIEW, {key: Row(b"base", (b"0",), 0) for key in KEYS})
    for attempt in range(1, 20):
        commit(small, attempt, {b"a": True})
        assert small.bytes <= cache.bytes - 1
    kept = [key for key in KEYS if small.get(VIEW, key, 19) is not None]
    assert len(kept) == 2


def test_what_changed_between_two_commits_is_known_as_long_as_all_of_their_lists_are() -> None:
    cache = RowCache(0, 10**6)
    for attempt in range(1, KEPT_CHANGES + 2):
        cache.advance(attempt, {VIEW: {b"%d" % attempt: None}}, {})
    newest = KEPT_CHANGES + 1
    assert cache.changed(VIEW, newest, newest) == set()
    assert cache.changed(VIEW, newest - 2, newest) == {b"%d" % newest, b"%d" % (newest - 1)}
    assert cache.changed(VIEW, newest - 2, newest - 1) == {b"%d" % (newest - 1)}
    assert cache.changed("counts", newest - 2, newest) == set()
    assert cache.changed(VIEW, newest, newest - 1) is None
    assert cache.changed(VIEW, 1, newest) is not None
    assert cache.changed(VIEW, 0, newest) is None


@given(
    st.lists(
        st.tuples(st.dictionaries(st.sampled_from(KEYS), st.integers(0, 9)), st.sets(st.integers(0, 3))), max_size=99
    )
)
def test_what_commits_add_counts_from_their_moment_on_in_whatever_order_moments_are_asked_about(
    commits: list[tuple[dict[bytes, int], set[int]]],
) -> None:
    cache = RowCache(0, 10**6)
    cache.add(VIEW, {key: Row(pack_norm(100), (), 0) for key in KEYS})
    expected = [dict.fromkeys(KEYS, 100)]
    for attempt, (added, asked) in enumerate(commits, 1):
        cache.advance(attempt, {VIEW: {key: [pack_norm(amount)] for key, amount in added.items()}}, {})
        expected.append({key: norm + added.get(key, 0) for key, norm in expected[-1].items()})
        for ago in (0, *asked):
            for key in KEYS[: 1 + len(asked)]:
                row = cache.get(VIEW, key, max(0, attempt - ago))
                assert row is not None
                known = row.changes is not None
                assert ago or known
                assert not known or sum(map(unpack_norm, row.parts)) == expected[max(0, attempt - ago)][key]


def test_what_waits_beside_a_row_counts_as_bytes_and_is_merged_before_it_is_much() -> None:
    cache = RowCache(0, 10**6)
    cache.add(VIEW, {b"a": Row(None, (pack_norm(1),), 0)})
    alone = cache.bytes
    for attempt in range(1, 10 * MOST_WAITING):
        cache.advance(attempt, {VIEW: {b"a": [pack_norm(1)]}}, {})
        assert alone < cache.bytes < alone + MOST_WAITING * (WAITING_BYTES + 100) + KEPT_VERSIONS * (ROW_BYTES + 100)
    assert sum(map(unpack_norm, cache.get(VIEW, b"a", attempt).parts)) == 10 * MOST_WAITING  # type: ignore[union-attr]
