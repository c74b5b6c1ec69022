"""One user's events on one item enter the hourly counts a few times per day, whatever they do, and both folds agree."""

import itertools
import random
from collections import Counter
from collections.abc import Iterable

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from core.fold.slow import SlowView
from core.quality.ranking_quality import Interactions
from core.rows.codec import History, HistoryEntry, pack_history, unpack_history
from core.rows.shares import CELLS, cell_of, day_of, last_days, most_excess
from schemas.event import BUCKET_MS, DAY_MS, REMOVE, Event
from schemas.rules import Rules
from tests.kit.folding import Rows, fold_into, rows_as_data, slow

MIDNIGHT = 20_000 * DAY_MS
RULES = Rules(history_items=2, remembered_ids=2, counted_per_day=3)
MOST = RULES.counted_per_day


def event(k: int, item: str, time: int, user: str = "robot", weight: int = 1000, timestamp: int | None = None) -> Event:
    return Event(0, k, time if timestamp is None else timestamp, f"e{k}", time, "view", user, item, None, weight, None)


def counted(events: Iterable[Event], rules: Rules = RULES) -> Counter[str]:
    """How often each item is counted, after both folds were found to agree."""
    events = list(events)
    view = SlowView()
    for one in events:
        view.take(one, rules)
    assert rows_as_data(fold_into({}, events, rules)) == slow(events, rules)
    total = Counter[str]()
    for (bucket, item), count in view.counts.items():
        total[item] += count - view.excess[bucket, item]
    assert view.counts.total() + view.duplicates == sum(one.weight > 0 for one in events)
    assert total.total() + view.excess_users.total() + view.duplicates == sum(one.weight > 0 for one in events)
    return total


def test_events_up_to_the_share_count_in_full_and_later_ones_of_the_day_do_not() -> None:
    for number in (1, MOST, MOST + 1, 3000):
        events = [event(k, "a", MIDNIGHT + k) for k in range(number)]
        assert counted(events) == {"a": min(number, MOST)}


def test_another_user_item_or_day_has_a_share_of_its_own() -> None:
    by_day = [
        (user, item, day) for day in range(2) for user, item in [*itertools.product(("robot", "other"), "ab")] * 50
    ]
    events = [event(k, item, MIDNIGHT + day * DAY_MS + k, user) for k, (user, item, day) in enumerate(by_day)]
    assert counted(events) == {"a": 4 * MOST, "b": 4 * MOST}


def test_an_item_that_left_the_history_for_newer_ones_keeps_its_number() -> None:
    """The history holds two items, and the robot takes turns with three: each is new to it every time."""
    events = [event(k, "abc"[k % 3], MIDNIGHT + k) for k in range(300)]
    assert counted(events) == {"a": MOST, "b": MOST, "c": MOST}


def test_a_removed_item_keeps_its_number() -> None:
    events = [event(k, "a", MIDNIGHT + k, weight=REMOVE if k % 2 else 1000) for k in range(200)]
    assert counted(events) == {"a": MOST}


def test_times_that_jump_back_and_forth_open_no_further_share() -> None:
    events = [event(k, "a", MIDNIGHT + (DAY_MS if k % 2 else 0), timestamp=MIDNIGHT + 2 * DAY_MS) for k in range(400)]
    assert counted(events)["a"] <= 2 * MOST


def test_times_ahead_of_the_records_open_no_later_share() -> None:
    """An event may be a day ahead of its record; its day is the record's."""
    events = [event(k, "a", MIDNIGHT + k % 2 * DAY_MS, timestamp=MIDNIGHT + k) for k in range(400)]
    assert counted(events) == {"a": MOST}


def test_events_without_weight_and_duplicates_take_nothing_of_the_share() -> None:
    events = [event(k, "a", MIDNIGHT, weight=0) for k in range(50)]
    events += [event(50, "a", MIDNIGHT)] * 20
    events += [event(60 + k, "a", MIDNIGHT) for k in range(MOST)]
    assert counted(events) == {"a": MOST}


def test_counts_activity_norms_and_seen_sets_know_nothing_of_shares() -> None:
    events = [event(k, "a", MIDNIGHT + k, weight=1000 + k) for k in range(100)]
    rich, poor = (slow(events, Rules(counted_per_day=most)) for most in (200, 1))
    assert {name for name in rich if rich[name] != poor[name]} == {
        "excess", "excess_users", "excess in all", "histories"
    }  # fmt: skip


def test_a_user_counts_on_few_cells_of_items_however_many_they_view() -> None:
    """A crawler that takes turns with thousands of items counts no more than its cells do."""
    events = [event(k, f"i{k % 2000}", MIDNIGHT + k) for k in range(8000)]
    total = counted(events, Rules(history_items=1, remembered_ids=1, counted_per_day=2))
    assert total.total() == 2 * CELLS


def test_twenty_items_of_a_day_are_counted_in_full() -> None:
    rng = random.Random(1)
    items = [f"product-{rng.randrange(10**6)}" for _ in range(20)]
    events = [event(k, items[k % 20], MIDNIGHT + k, user=f"u{k // 100}") for k in range(10_000)]
    assert counted(events, Rules()).total() == 10_000


@settings(max_examples=60, deadline=None)
@given(st.data())
def test_no_split_of_the_log_changes_a_count_and_no_item_exceeds_its_share(data: st.DataObject) -> None:
    steps = data.draw(
        st.lists(st.tuples(st.integers(0, 1), st.integers(0, 3), st.integers(-1, 3), st.booleans()), max_size=60)
    )
    now, events = MIDNIGHT, []
    for k, (user, item, hours, removes) in enumerate(steps):
        now += max(hours, 0) * 5 * BUCKET_MS
        time = now + min(hours, 0) * 26 * BUCKET_MS
        events.append(event(k, f"i{item}", time, f"u{user}", REMOVE if removes else 1000, timestamp=now))
    cuts = sorted(data.draw(st.lists(st.integers(0, len(events)), max_size=4)))
    rows: Rows = {}
    for first, end in itertools.pairwise([0, *cuts, len(events)]):
        rows = fold_into(rows, events[first:end], RULES) if end > first else rows
    assert rows_as_data(rows) == slow(events, RULES)
    days = len({day_of(one.event_time, one.timestamp) for one in events})
    assert all(count <= 2 * days * MOST for count in counted(events).values())  # two users


def test_a_history_of_an_earlier_version_says_nothing_of_shares() -> None:
    history = History((HistoryEntry(b"a", 1000, MIDNIGHT),), (bytes(16),))
    assert unpack_history(pack_history(history)[:-6]) == history
    shared = History(history.entries, history.ids, 20_000, ((255, 3), (0, 1)))
    assert unpack_history(pack_history(shared)) == shared


def test_a_cell_is_the_first_byte_of_the_items_hash() -> None:
    cells = [cell_of(f"item-{k}") for k in range(4000)]
    assert (min(cells), max(cells), len(set(cells))) == (0, CELLS - 1, CELLS)


def test_the_users_with_the_most_excess_events_of_a_week_come_first() -> None:
    week = [{b"b": 3, b"a": 1}, {b"a": 2, b"c": 9}]
    assert most_excess(week, 2) == [("c", 9), ("a", 3)]
    assert list(last_days(MIDNIGHT + 5)) == list(range(19_994, 20_001))


def test_the_events_that_a_learner_counts_are_those_of_the_fold() -> None:
    rng = np.random.default_rng(4)
    user, item = rng.integers(0, 3, 500), rng.integers(0, 5, 500)
    weight = rng.choice([1000, 2000, REMOVE], 500)
    time = MIDNIGHT + np.sort(rng.integers(0, 3 * DAY_MS, 500))
    view = SlowView()
    for k in range(500):
        view.take(event(k, f"item-{item[k]}", int(time[k]), f"u{user[k]}", int(weight[k])), RULES)
    enters = Interactions(user, item, weight, time, 3, 5).counted(MOST)
    hours = (time[enters] // BUCKET_MS).tolist()
    assert Counter(zip(hours, [f"item-{code}" for code in item[enters]], strict=True)) == view.counts - view.excess
