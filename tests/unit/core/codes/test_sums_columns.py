"""Packed sums as columns: the compiled twin decodes as the readable one does, whatever the index knows already."""

import threading

import numpy as np
from hypothesis import example, given, settings
from hypothesis import strategies as st

from core.codes import sums_columns as slow
from core.codes import sums_columns_kernel as fast
from core.codes.item_index import ItemIndex
from core.codes.sums_columns import Amounts, Standing
from core.rows.codec import pack_seen, pack_sums

# Names that share beginnings, some as long as a word of eight bytes or longer than one byte tells.
names = (
    st.text("ab", max_size=9).map(str.encode) | st.integers(250, 300).map(lambda n: b"a" * n) | st.binary(max_size=9)
)
amounts = st.integers(-3, 3).map(lambda n: n * 1000) | st.integers(-(2**40), 2**40) | st.integers(-3, 3)
parts = st.lists(
    st.dictionaries(names, amounts, max_size=20).map(lambda sums: pack_sums(sorted(sums.items()))),
    min_size=1,
    max_size=5,
)


words = st.tuples(amounts, st.integers(0, 2**62))
seen = st.lists(
    st.dictionaries(names, words, max_size=20).map(lambda row: pack_seen((name, *row[name]) for name in sorted(row))),
    min_size=1,
    max_size=5,
)


def same(one: Amounts | Standing, other: Amounts | Standing) -> None:
    assert [column.dtype for column in one] == [np.int64] * len(other)
    assert [column.tolist() for column in one] == [column.tolist() for column in other]


@settings(deadline=None)  # the first call compiles
@given(parts, seen, st.lists(names, unique=True))
@example([pack_sums([])], [pack_seen([])], [])
@example([pack_sums([(b"", 1)]), pack_sums([(b"", -1), (b"\0", 1)])], [pack_seen([(b"", -1, 0)])], [b"\0\0"])
def test_sums_are_decoded_alike(packed: list[bytes], words: list[bytes], known: list[bytes]) -> None:
    index, other = ItemIndex(known), ItemIndex(known)
    for twin in (fast, slow):
        same(twin.summed_parts(packed, index), slow.summed_parts(packed, other))
        same(twin.standing_parts(words, index), slow.standing_parts(words, other))
        assert index.names == other.names, "new names get codes in the same order"


def test_an_index_finds_each_of_many_names_while_others_are_added() -> None:
    index, sums = ItemIndex(), [(b"%05d" % number, number + 1) for number in range(4_000)]
    rows = [pack_sums(sums[first : first + 500]) for first in range(0, 4_000, 250)]
    answers = dict[int, list[tuple[list[int], list[int]]]]()

    def read(order: int) -> None:
        columns = [fast.summed_parts([row], index) for row in rows[::order]]
        answers[order] = [(codes.tolist(), amounts.tolist()) for codes, amounts in columns][::order]

    threads = [threading.Thread(target=read, args=(order,)) for order in (1, -1) * 2]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    expected = [slow.summed_parts([row], index) for row in rows]
    for columns in answers.values():
        assert columns == [(codes.tolist(), amounts.tolist()) for codes, amounts in expected]
