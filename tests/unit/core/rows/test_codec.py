"""The byte formats: what goes in comes out, and the compiled kernels write the very bytes that the slow code does."""

import itertools
from functools import reduce

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from core.bytes.word_kernel import padded
from core.fold.digest_kernel import digests
from core.fold.history_kernel import pack_histories, unpack_histories
from core.rows.codec import (
    History,
    HistoryEntry,
    add_history,
    pack_history,
    pack_sums,
    unpack_history,
    unpack_sums,
)
from core.rows.sums_kernel import add_sums, overlay_sums, pack_rows
from core.rows.words import standing_ratings, word
from schemas.event import REMOVE
from tests.kit.folding import event_key

# Names that share beginnings, some too long for one byte; amounts around each width's edges.
names = st.text("ab", max_size=6).map(str.encode) | st.integers(250, 300).map(lambda n: b"a" * n)
edges = st.sampled_from([-(2**63), 2**63 - 1, 2**31, -(2**31), 32_767, 32_768, 127, 128, -128, -129, 1000, 127_000])
amounts = (edges | st.integers(-(2**40), 2**40) | st.integers(-300, 300).map(lambda n: n * 1000)).filter(bool)
sums = st.dictionaries(names, amounts, max_size=30)
words = st.dictionaries(names, amounts.filter(lambda n: n > -(2**63)), max_size=30)  # ± a rating, so both signs fit


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
def test_two_words_on_one_item_become_one(a: dict[bytes, int], b: dict[bytes, int]) -> None:
    packed = overlay_sums(pack_sums(sorted(a.items())), pack_sums(sorted(b.items())))
    both = {name: word(a[name], b[name]) for name in a.keys() & b.keys()}
    assert packed == pack_sums(sorted({**a, **b, **both}.items()))


stretches = st.lists(st.lists(st.sampled_from([REMOVE, 1, 1_000, 2_500, 5_000]), min_size=1, max_size=4), min_size=1)


@given(stretches)
def test_words_on_stretches_join_to_the_rating_since_the_last_retraction(stretches: list[list[int]]) -> None:
    def said(weights: list[int]) -> int:
        _, rating, removed = standing_ratings(
            np.zeros(len(weights), np.int64), np.array(weights), np.array(weights) == REMOVE
        )
        return int(np.where(removed, -rating, rating)[0])

    rating = 0
    for weight in (weight for weights in stretches for weight in weights):
        rating = 0 if weight == REMOVE else max(rating, weight)
    one_by_one = reduce(word, map(said, stretches))
    assert abs(one_by_one) == rating
    assert one_by_one == said([weight for weights in stretches for weight in weights])


@settings(deadline=None)
@given(st.lists(sums, max_size=6))
def test_many_rows_are_packed_as_one_by_one(rows: list[dict[bytes, int]]) -> None:
    table = sorted({name for row in rows for name in row})
    code = [table.index(name) for row in rows for name in sorted(row)]
    amount = [row[name] for row in rows for name in sorted(row)]
    starts = np.cumsum([0, *map(len, rows)])
    name_starts = np.cumsum([0, *map(len, table)])
    text = padded(b"".join(table))
    packed, at = pack_rows(starts, np.array(code, np.int64), np.array(amount, np.int64), name_starts, text)
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
    packed, at = pack_histories(users, count, item, ratings, times, id_count, fresh, new_ids, n_starts, padded(text))
    changes = [packed[a:b].tobytes() for a, b in itertools.pairwise(at)]
    known = [history or History() for history in given_histories]
    before = [
        pack_history(History(history.entries, history.ids[: len(history.ids) - n]))
        for history, n in zip(known, fresh, strict=True)
    ]
    assert [add_history(*pair) for pair in zip(before, changes, strict=True)] == [
        pack_history(history) for history in known
    ]
