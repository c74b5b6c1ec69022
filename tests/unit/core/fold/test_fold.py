"""The compiled fold equals the slow twin on any stream, however it is cut."""

import itertools

from hypothesis import example, given, settings
from hypothesis import strategies as st

from core.fold.slow import SlowView
from core.rows.codec import (
    pack_sums,
    unpack_sums,
)
from core.rows.sums_kernel import add_sums
from core.rows.words import RETRACTED, Seen
from schemas.event import Event
from schemas.rules import Rules
from tests.kit.folding import Rows, fold_into, rows_as_data, slow
from tests.kit.search import TIMES
from tests.kit.streams import DAY, START, event_streams

SMALL = Rules(history_items=3, remembered_ids=3, counted_per_day=1)


@settings(max_examples=70 * TIMES, deadline=None)
@given(event_streams())
def test_the_compiled_fold_equals_the_slow_twin(events: list[Event]) -> None:
    for rules in (SMALL, Rules()):
        assert rows_as_data(fold_into({}, events, rules)) == slow(events, rules)


@settings(max_examples=60 * TIMES, deadline=None)
@given(event_streams(), st.lists(st.integers(0, 60), max_size=4))
def test_cutting_the_stream_anywhere_changes_no_sum(events: list[Event], cuts: list[int]) -> None:
    rows: Rows = {}
    edges = [0, *sorted(cuts), len(events)]
    for first, end in itertools.pairwise(edges):
        if events[first:end]:
            rows = fold_into(rows, events[first:end], SMALL)
    assert rows_as_data(rows) == slow(events, SMALL)


names = st.binary(max_size=12)
sums = st.dictionaries(names, st.integers(-(2**62), 2**62).filter(bool))


@settings(deadline=None)
@given(sums, sums)
@example({}, {})
@example({b"a": 5, b"ab": 1}, {b"a": -5, b"": 2})
def test_packed_sums_add_name_by_name_and_drop_what_cancels(a: dict[bytes, int], b: dict[bytes, int]) -> None:
    packed = add_sums(pack_sums(sorted(a.items())), pack_sums(sorted(b.items())))
    both = {name: (a.get(name, 0) + b.get(name, 0) + 2**63) % 2**64 - 2**63 for name in sorted({*a, *b})}
    assert list(unpack_sums(packed).items()) == [(name, amount) for name, amount in both.items() if amount]


def _event(k: int, item: str, weight: int, days: float = 0, event_id: str = "") -> Event:
    when = START + int(days * DAY)
    return Event(0, k, when, event_id or f"e{k}", when, "any", "u", item, None, weight, None)


def test_the_slow_twin_follows_the_contract_line_by_line() -> None:
    """Worked by hand from contract §3, so that the twin itself has a judge."""
    view = SlowView()
    for event in (
        _event(0, "a", 1000),
        _event(1, "b", 2000),  # pair a,b = min(2000, 1000)
        _event(2, "a", 5000),  # norm a 1000 -> 5000; pair: min(5000, 2000) - min(1000, 2000) = +1000
        _event(3, "a", 5000, event_id="e2"),  # duplicate: nothing
        _event(4, "c", 0),  # weight 0: nothing but its id
        _event(5, "c", 3000, days=30.5),  # a and b are older than 30 days: they leave, no delta
        _event(6, "c", -1, days=30.5),  # remove takes the norm back
        _event(7, "zz", -1, days=30.5),  # not in the history: only seen changes
    ):
        view.take(event, Rules())
    assert +view.norms == {"a": 5000, "b": 2000}
    assert +view.pairs == {("a", "b"): 2000, ("b", "a"): 2000}
    assert sorted(view.counts.values()) == [1, 1, 2]
    minute = view.seen["u"]["a"].first
    assert view.seen["u"] == {
        "a": Seen(5000, 2, minute, minute), "b": Seen(2000, 1, minute, minute), "c": RETRACTED, "zz": RETRACTED,
    }  # fmt: skip
    assert view.histories["u"].entries == {}
    assert view.events == 7
