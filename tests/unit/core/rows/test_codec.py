"""The byte formats: what goes in comes out, and the compiled kernels write the very bytes that the slow code does."""

import itertools
from functools import reduce

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from core.bytes.word_kernel import padded
from core.fold.columns import NO_TOUCHES
from core.fold.digest_kernel import digests
from core.fold.history_kernel import pack_histories, unpack_histories, unpack_shares
from core.fold.slow import SlowView
from core.rows.codec import (
    History,
    HistoryEntry,
    add_history,
    pack_history,
    pack_seen,
    pack_sums,
    unpack_history,
    unpack_seen,
    unpack_sums,
)
from core.rows.sums_kernel import add_sums, overlay_sums, pack_rows
from core.rows.words import (
    LAST_MINUTE,
    MINUTE_MS,
    MOST_TOUCHES,
    Seen,
    joined,
    joined_words,
    minute_of,
    pack_touches,
    standing_words,
    touches_of,
)
from schemas.event import REMOVE, Event
from schemas.rules import Rules
from tests.kit.folding import event_key

# Names that share beginnings, some too long for one byte; amounts around each width's edges.
names = st.text("ab", max_size=6).map(str.encode) | st.integers(250, 300).map(lambda n: b"a" * n)
edges = st.sampled_from([-(2**63), 2**63 - 1, 2**31, -(2**31), 32_767, 32_768, 127, 128, -128, -129, 1000, 127_000])
amounts = (edges | st.integers(-(2**40), 2**40) | st.integers(-300, 300).map(lambda n: n * 1000)).filter(bool)
sums = st.dictionaries(names, amounts, max_size=30)
minutes = st.integers(0, 30) | st.integers(LAST_MINUTE - 2, LAST_MINUTE)
numbers = st.integers(1, 9) | st.integers(MOST_TOUCHES - 3, MOST_TOUCHES)
touched = st.just(0) | st.builds(lambda n, a, b: pack_touches(n, min(a, b), max(a, b)), numbers, minutes, minutes)
said = st.tuples(amounts.filter(lambda n: n > -(2**63)), touched)  # ± a rating, so both signs fit
words = st.dictionaries(names, said, max_size=30)


def seen_row(row: dict[bytes, tuple[int, int]]) -> bytes:
    return pack_seen((name, *row[name]) for name in sorted(row))


@settings(deadline=None)
@given(st.lists(st.text(max_size=140) | st.integers(0, 520).map(lambda n: "i" * n)))
def test_digests_are_those_of_blake2b(ids: list[str]) -> None:
    texts = [name.encode() for name in ids]
    starts = np.cumsum([0, *map(len, texts)])
    hashes = digests(np.frombuffer(b"".join(texts), np.uint8), starts)
    assert hashes.astype("<i8").tobytes() == b"".join(map(event_key, ids))


@settings(deadline=None)
@given(sums)
def test_sums_survive_packing(given_sums: dict[bytes, int]) -> None:
    packed = pack_sums(sorted(given_sums.items()))
    assert list(unpack_sums(packed).items()) == sorted(given_sums.items())
    assert add_sums(packed, pack_sums([])) == add_sums(pack_sums([]), packed) == packed


@settings(deadline=None)
@given(words, words)
def test_two_words_on_one_item_become_one(a: dict[bytes, tuple[int, int]], b: dict[bytes, tuple[int, int]]) -> None:
    packed = overlay_sums(seen_row(a), seen_row(b))
    both = {name: joined_words(a[name], b[name]) for name in a.keys() & b.keys()}
    assert packed == seen_row({**a, **b, **both})
    assert unpack_seen(packed) == {**a, **b, **both}


@given(said, said, said)
def test_stretches_may_be_joined_in_any_grouping(a: tuple[int, int], b: tuple[int, int], c: tuple[int, int]) -> None:
    assert joined_words(joined_words(a, b), c) == joined_words(a, joined_words(b, c))


touches = st.tuples(st.sampled_from([REMOVE, 1, 1_000, 2_500, 5_000]), st.integers(0, 9) | st.just(2**40))
stretches = st.lists(st.lists(touches, min_size=1, max_size=4), min_size=1)


@given(stretches)
def test_words_on_stretches_join_to_what_was_said_since_the_last_retraction(
    stretches: list[list[tuple[int, int]]],
) -> None:
    def said(events: list[tuple[int, int]]) -> tuple[int, int]:
        weights, minute = np.array(events, np.int64).T
        pairs = np.zeros(len(events), np.int64)
        words = standing_words(pairs, weights, weights == REMOVE, minute * MINUTE_MS)
        return int(np.where(words.retracted, -words.ratings, words.ratings)[0]), int(words.touches[0])

    view = SlowView()
    for number, (weight, minute) in enumerate(event for events in stretches for event in events):
        time = minute * MINUTE_MS
        view.take(Event(0, number, time, f"e{number}", time, "view", "u", "i", None, weight, None), Rules())
    one_by_one = reduce(joined_words, map(said, stretches))
    assert Seen(abs(one_by_one[0]), *touches_of(one_by_one[1])) == view.seen["u"]["i"]
    assert one_by_one == said([event for events in stretches for event in events])


def test_touches_are_counted_up_to_a_bound_and_times_up_to_a_year_far_off() -> None:
    many = reduce(joined, [pack_touches(1_500, 7, 9), pack_touches(1_500, 3, LAST_MINUTE)])
    assert touches_of(many) == (MOST_TOUCHES, 3, LAST_MINUTE)
    assert (MOST_TOUCHES, minute_of(2**62)) == (2_047, LAST_MINUTE)


@settings(deadline=None)
@given(st.lists(words.filter(bool), min_size=1, max_size=6))
def test_many_seen_sets_are_packed_as_one_by_one(rows: list[dict[bytes, tuple[int, int]]]) -> None:
    table = sorted({name for row in rows for name in row})
    code = np.array([table.index(name) for row in rows for name in sorted(row)], np.int64)
    said, touched = np.array([row[name] for row in rows for name in sorted(row)], np.int64).T.copy()
    starts, name_starts = np.cumsum([0, *map(len, rows)]), np.cumsum([0, *map(len, table)])
    packed, at = pack_rows(starts, code, said, touched, name_starts, padded(b"".join(table)))
    assert [packed[a:b].tobytes() for a, b in itertools.pairwise(at)] == [seen_row(row) for row in rows]


@settings(deadline=None)
@given(st.lists(sums, max_size=6))
def test_many_rows_are_packed_as_one_by_one(rows: list[dict[bytes, int]]) -> None:
    table = sorted({name for row in rows for name in row})
    code = [table.index(name) for row in rows for name in sorted(row)]
    amount = [row[name] for row in rows for name in sorted(row)]
    starts = np.cumsum([0, *map(len, rows)])
    name_starts = np.cumsum([0, *map(len, table)])
    text = padded(b"".join(table))
    packed, at = pack_rows(starts, np.array(code, np.int64), np.array(amount, np.int64), NO_TOUCHES, name_starts, text)
    slices = [packed[a:b].tobytes() for a, b in itertools.pairwise(at)]
    assert slices == [pack_sums(sorted(row.items())) for row in rows]


entries = st.builds(HistoryEntry, names, st.integers(0, 2**40) | st.integers(0, 9).map(lambda n: 1000 * n),
                    st.integers(0, 2**50) | st.integers(2**40, 2**40 + 300))  # fmt: skip
histories = st.builds(
    History, st.lists(entries, max_size=5).map(tuple), st.lists(st.binary(min_size=16, max_size=16)).map(tuple)
)


@settings(deadline=None)
@given(histories)
def test_a_history_survives_packing(history: History) -> None:
    assert unpack_history(pack_history(history)) == history


@settings(deadline=None)
@given(st.lists(st.none() | histories, max_size=5), st.integers(0, 3))
def test_many_histories_are_packed_as_one_by_one(given_histories: list[History | None], share: int) -> None:
    """As changes with at most ``share`` new ids each, put on top of a history that lacks just those."""
    rows = [b"" if history is None else pack_history(history) for history in given_histories]
    starts = np.cumsum([0, *map(len, rows)])
    e, rating, time, n_starts, text, d, ids = unpack_histories(padded(b"".join(rows)), starts)
    count, id_count = np.diff(e), np.diff(d)
    shape = len(rows), max([1, *count])
    item, ratings, times = np.zeros(shape, np.int64), np.zeros(shape, np.int64), np.zeros(shape, np.int64)
    new_ids = np.zeros((len(rows), max([1, *id_count]), 2), np.int64)
    for u in range(len(rows)):
        item[u, : count[u]] = np.arange(e[u], e[u + 1])
        ratings[u, : count[u]], times[u, : count[u]] = rating[e[u] : e[u + 1]], time[e[u] : e[u + 1]]
        new_ids[u, : id_count[u]] = ids[d[u] : d[u + 1]]
    users = np.arange(len(rows))
    fresh = np.array([min(int(m), share) for m in id_count], np.int64)
    shares = unpack_shares(padded(b"".join(rows)), starts)
    packed, at = pack_histories(
        users, count, item, ratings, times, id_count, fresh, new_ids, *shares, n_starts, padded(text)
    )
    changes = [packed[a:b].tobytes() for a, b in itertools.pairwise(at)]
    known = [history or History() for history in given_histories]
    before = [
        pack_history(History(history.entries, history.ids[: len(history.ids) - n], 3, ((1, 1),)))
        for history, n in zip(known, fresh, strict=True)
    ]
    assert [add_history(*pair) for pair in zip(before, changes, strict=True)] == [
        pack_history(history) for history in known
    ]
