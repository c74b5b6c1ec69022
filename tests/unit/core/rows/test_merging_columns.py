"""Rows merged, settled and tagged many at once: the same bytes as one by one."""

from functools import reduce
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from core.rows.codec import (
    Facts,
    History,
    HistoryEntry,
    ItemSeen,
    pack_facts,
    pack_history,
    pack_item,
    pack_norm,
    pack_seen,
    pack_sums,
)
from core.rows.merging_columns import added_up, merged, outgrown_rows, settled, tagged_rows
from core.rows.packed import Packed
from core.rows.rows_kernel import MOVED, STAYED
from core.rows.sketch import pack_sketch
from core.rows.tagged import NewerBase, older_bytes, outgrown, settle, tagged
from core.rows.views import (
    ACTIVE_USERS,
    ACTIVITY,
    COUNTS,
    EXCESS,
    EXCESS_USERS,
    FACTS,
    HISTORY,
    ITEMS,
    NORMS,
    PAIRS,
    SEEN,
    VIEWS,
)
from core.rows.words import pack_touches
from schemas.control import Position
from tests.kit.search import TIMES

names = st.binary(min_size=1, max_size=12) | st.binary(min_size=250, max_size=300)
amounts = st.integers(-300, 300) | st.sampled_from([1_000, 70_000, -(10**12), 2**62])
sums = st.dictionaries(names, amounts.filter(bool), max_size=6).map(lambda row: pack_sums(sorted(row.items())))
words = st.integers(-2, 2) | st.sampled_from([-3000, 5000, 2500])
touches = st.sampled_from([0, pack_touches(1, 5, 5), pack_touches(2_000, 4, 90)])
seen = st.dictionaries(names, st.tuples(words, touches), max_size=6).map(
    lambda row: pack_seen((name, *row[name]) for name in sorted(row))
)
numbers = st.integers(-(2**31), 2**31 - 1)
items = st.builds(ItemSeen, st.integers(-1, 3), st.integers(-1, 2), st.integers(-1, 2), st.sampled_from(["", "a", "ü"]))
facts = st.builds(Facts, st.none() | numbers, st.none() | numbers, st.integers(0, 9), excess=st.integers(0, 9))
ids = st.binary(min_size=16, max_size=16)
entries = st.builds(HistoryEntry, names, st.integers(0, 10**7), st.integers(0, 10**13))
full = dict.fromkeys(range(1_366), 7)
sketches = st.dictionaries(st.integers(0, 4095), st.integers(1, 53), max_size=5) | st.just(full)
shares = st.lists(st.tuples(st.integers(0, 255), st.integers(0, 255)), max_size=4).map(tuple)
histories = st.builds(
    History,
    st.lists(entries, max_size=4).map(tuple),
    st.lists(ids, max_size=5).map(tuple),
    st.integers(0, 30_000),
    shares,
)
VALUES = {
    PAIRS: sums, COUNTS: sums, SEEN: seen, NORMS: numbers.map(pack_norm), ITEMS: items.map(pack_item),
    FACTS: facts.map(pack_facts), EXCESS: sums, EXCESS_USERS: sums, ACTIVITY: sums,
    ACTIVE_USERS: sketches.map(pack_sketch),
}  # fmt: skip


@st.composite
def sides(draw: st.DrawFn) -> tuple[str, list[bytes | None], list[bytes | None]]:
    """A view, and earlier and later values of as many rows; None: there is none."""
    view = draw(st.sampled_from([*VALUES, HISTORY]))
    if view != HISTORY:
        pairs = draw(st.lists(st.tuples(st.none() | VALUES[view], st.none() | VALUES[view]), max_size=6))
    else:
        pairs = []
        for before, after, kept in draw(st.lists(st.tuples(st.none() | histories, histories, st.integers(0, 5)))):
            known = min(kept, len(before.ids)) if before else 0
            change = pack_history(after)
            change = change[:4] + known.to_bytes(2, "little") + change[6:]  # of its ids only the new ones are in it
            pairs.append((before and pack_history(before), change))
    return view, [earlier for earlier, _ in pairs], [later for _, later in pairs]


def one_by_one(view: str, earlier: bytes | None, later: bytes | None) -> bytes:
    if earlier is None or later is None:
        return earlier or later or b""
    return VIEWS[view].merge(earlier, later)


@settings(max_examples=120 * TIMES, deadline=None)
@given(sides())
def test_many_rows_merge_to_the_same_bytes_as_one_by_one(
    given: tuple[str, list[bytes | None], list[bytes | None]],
) -> None:
    view, earlier, later = given
    together = merged(view, Packed.of(earlier), Packed.of(later)).values()
    assert together == [one_by_one(view, *pair) for pair in zip(earlier, later, strict=True)]


@settings(deadline=None)
@given(st.sampled_from(list(VALUES)), st.data())
def test_changes_of_a_row_add_up_in_any_number(view: str, data: Any) -> None:
    changes = data.draw(st.lists(st.tuples(st.sampled_from([b"a", b"b", b"c"]), VALUES[view]), min_size=1))
    keys, values = pa.array([key for key, _ in changes], pa.binary()), Packed.of([value for _, value in changes])
    distinct, rows = added_up(view, keys, values)
    together = dict(zip(distinct.to_pylist(), rows.values(), strict=True))
    assert together == {
        key: reduce(VIEWS[view].merge, (part for row, part in changes if row == key)) for key in together
    }
    assert together.keys() == {key for key, _ in changes}
    assert list(together) == sorted(together)


tags = st.integers(0, 5)


@st.composite
def tagged_row(draw: st.DrawFn) -> bytes | None:
    base, change = draw(st.none() | sums), draw(sums)
    position = Position(0, "", "", 0, {}, attempt=draw(tags))
    written = tagged(base, position, draw(tags), change, draw(st.integers(0, 2**32 - 1)), draw(st.booleans()))
    return draw(st.sampled_from([written, written, None]))


@settings(deadline=None)
@given(st.lists(tagged_row(), min_size=1), tags, tags, st.sets(tags, max_size=3).map(sorted))
def test_many_tagged_rows_settle_as_one_by_one(
    stored: list[bytes | None], attempt: int, ahead: int, aborted: list[int]
) -> None:
    position = Position(0, "", "", 0, {}, attempt=attempt, registered=attempt + ahead, aborted=tuple(aborted))
    try:
        expected = [None if row is None else settle(row, position, VIEWS[PAIRS].merge) for row in stored]
    except NewerBase:
        with pytest.raises(NewerBase):
            settled(PAIRS, Packed.of(stored), position)
        return
    rows = settled(PAIRS, Packed.of(stored), position)
    assert rows.values.values() == [value or b"" for value in expected]
    assert rows.older.tolist() == [older_bytes(row) for row in stored]
    mine = [row is not None and int.from_bytes(row[8:16], "little") == position.registered for row in stored]
    assert (rows.written > 0).tolist() == mine


@settings(deadline=None)
@given(st.lists(st.tuples(st.none() | sums, sums, st.integers(0, 2**32 - 1), st.booleans())), tags, tags)
def test_many_rows_are_tagged_as_one_by_one(
    rows: list[tuple[bytes | None, bytes, int, bool]], attempt: int, tag: int
) -> None:
    position = Position(0, "", "", 0, {}, attempt=attempt, registered=tag)
    bases, changes = Packed.of([row[0] for row in rows]), Packed.of([row[1] for row in rows])
    older, replaces = np.array([row[2] for row in rows], np.int64), np.array([row[3] for row in rows], np.bool_)
    together = tagged_rows(bases, position, changes, older, replaces).values()
    assert together == [tagged(base, position, tag, *rest) for base, *rest in rows]


@settings(deadline=None)
@given(st.lists(st.tuples(st.integers(1, 9_000), st.integers(1, 9_000), st.integers(0, 2**32 - 1)), min_size=1))
def test_many_rows_outgrow_their_changes_as_one_by_one(sizes: list[tuple[int, int, int]]) -> None:
    bases, changes = Packed.of([bytes(base) for base, _, _ in sizes]), Packed.of([bytes(c) for _, c, _ in sizes])
    position = Position(0, "", "", 0, {}, attempt=1, registered=2)
    rows = settled(PAIRS, Packed.of([tagged(None, position, 1, b"", older) for *_, older in sizes]), position)
    expected = [outgrown(bytes(base), bytes(change), older) for base, change, older in sizes]
    assert outgrown_rows(bases, changes, rows).tolist() == expected


def test_a_row_that_the_attempt_wrote_before_moves_again_exactly_if_it_moved_then() -> None:
    position = Position(0, "", "", 0, {}, attempt=1, registered=2)
    base, change = pack_sums([(b"a" * 2_000, 1)]), pack_sums([(b"b", 1)])
    stored = Packed.of([tagged(base, position, 2, change, 2**31, moved) for moved in (False, True)])
    rows = settled(PAIRS, stored, position)
    assert rows.written.tolist() == [STAYED, MOVED]
    assert outgrown_rows(rows.values, Packed.of([change, change]), rows).tolist() == [False, True]
