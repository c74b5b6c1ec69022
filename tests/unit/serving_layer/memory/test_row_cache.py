"""Rows in memory: which version an answer of an earlier moment reads, and how much room they take."""

from collections.abc import Mapping

from hypothesis import given
from hypothesis import strategies as st

from serving_layer.memory.row_cache import KEPT_VERSIONS, ROW_BYTES, Row, RowCache

VIEW, KEYS = "norms", (b"a", b"b", b"c")


def commit(cache: RowCache, attempt: int, changed: Mapping[bytes, bool]) -> None:
    """Change rows at that commit; those that are true are read again."""
    read = {key: Row(b"base", (b"%d" % attempt,), attempt) for key, again in changed.items() if again}
    cache.advance(attempt, {VIEW: [*changed, *changed]}, {VIEW: read})


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
