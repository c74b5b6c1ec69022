"""A moved history is ordinary events: both layers agree with the slow twin, before, while and after it moves."""

from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from core.events.acceptance import parse_event
from core.events.alias import Events, moving
from core.fold.slow import SlowView
from core.partitions.partitioner import partition_of
from core.rows.codec import History, HistoryEntry
from schemas.errors import SettingsError
from schemas.event import Event, Record
from schemas.rules import Rules
from serving_layer.answers.aliases import _records
from serving_layer.reading.answering import answer
from tests.kit.slow_lookups import RULES, everything, expected, small_lambda
from tests.kit.small_lambda import SmallLambda, placed
from tests.kit.streams import DAY, START, event_streams

NOW = START + 50 * DAY


def history_of(twin: SlowView, user: str) -> History:
    entries = twin.histories[user].entries if user in twin.histories else {}
    return History(tuple(HistoryEntry(item.encode(), *entry) for item, entry in entries.items()))


def accepted(events: Events, rules: Rules = RULES) -> list[Event]:
    """The events as the log holds them, accepted by the parser."""
    out = []
    for key, value in _records(events, rules):
        partition = partition_of(key, rules.partitioner, rules.partitions)
        event = parse_event(Record("", partition, 0, NOW, key, value), rules)
        assert isinstance(event, Event)
        out.append(event)
    return out


def ids() -> Iterator[str]:
    return (f"retract-{k}" for k in range(1_000_000))


def folded(events: list[Event], rules: Rules = RULES) -> SlowView:
    twin = SlowView()
    for event in events:
        twin.take(event, rules)
    return twin


@settings(max_examples=12, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(event_streams(), st.lists(st.tuples(st.booleans(), st.floats(0, 1)), max_size=5), st.integers(0, 3))
def test_after_a_move_every_lookup_equals_the_slow_recompute_however_often_it_is_repeated(
    events: list[Event], steps: Any, repeats: int
) -> None:
    fresh = ids()
    received, retracted = moving(history_of(folded(events), "u0"), "u0", "u2", RULES, lambda: next(fresh))
    moved = [*accepted(received) * (1 + repeats), *accepted(retracted)]
    with small_lambda([*events, *moved]) as (world, views):
        run(world, [*steps, (True, 1.0)], views)
        twin = folded(world.covered)
        assert answer(views, everything) == expected(twin)
        assert twin.events == folded([*placed(events, RULES), *accepted(received), *accepted(retracted)]).events
    assert history_of(twin, "u0").entries == ()
    assert {entry.item for entry in history_of(twin, "u2").entries} >= last_received(received)


def last_received(received: Events) -> set[bytes]:
    return {received[-1]["item_id"].encode()} if received else set()


def run(world: SmallLambda, steps: list[tuple[bool, float]], views: Any) -> None:
    world.begin()
    for speed, until in steps:
        count = round(until * len(world.log))
        if speed:
            world.run_speed(count)
        else:
            world.run_batch(count)


def rated(twin: SlowView, user: str) -> dict[str, int]:
    """The rating of each item that the user's seen set names."""
    return {item: seen.rating for item, seen in twin.seen[user].items()}


def event(k: int, user: str, item: str, weight: int) -> Event:
    when = START + k * 60_000
    return Event(0, k, when, f"e{k}", when, "view", user, item, None, weight, None)


def test_the_sums_are_those_of_one_user_who_did_it_all() -> None:
    """The same items at the better of both ratings; counts and events alone keep the visit's as well."""
    rules = Rules()
    visit = [event(0, "anonymous", "x", 3000), event(1, "anonymous", "y", 1000)]
    own = [event(2, "known", "x", 2000), event(3, "known", "z", 5000)]
    before, fresh = folded([*visit, *own], rules), ids()
    received, retracted = moving(history_of(before, "anonymous"), "anonymous", "known", rules, lambda: next(fresh))
    after = folded([*visit, *own, *accepted(received, rules), *accepted(retracted, rules)], rules)
    one = folded([*own, *(event(4 + k, "known", moved.item_id, moved.weight) for k, moved in enumerate(visit))], rules)
    assert +after.norms == +one.norms == {"x": 3000, "y": 1000, "z": 5000}
    assert +after.pairs == +one.pairs
    assert list(after.histories["known"].entries) == ["z", "x", "y"]
    assert rated(after, "anonymous") == {"x": 0, "y": 0}
    assert rated(after, "known") == {"x": 3000, "y": 1000, "z": 5000}
    assert after.counts == before.counts + folded(accepted(received, rules), rules).counts
    assert after.as_of == before.as_of


def test_a_repeated_move_has_the_same_ids_and_another_history_others() -> None:
    history = History((HistoryEntry(b"x", 1500, START), HistoryEntry(b"y", 1000, START - DAY)))
    fresh = ids()
    received, retracted = moving(history, "a", "b", Rules(), lambda: next(fresh))
    again, others = moving(history, "a", "b", Rules(), lambda: next(fresh))
    assert received == again
    assert not {event["event_id"] for event in retracted} & {event["event_id"] for event in others}
    assert {event["event_time"] for event in retracted} == {START - DAY}
    assert [(event["item_id"], event["value"], event["event_time"]) for event in received] == [
        ("x", 1.5, START),
        ("y", 1.0, START - DAY),
    ]
    later = History((HistoryEntry(b"x", 1500, START + 1),))
    assert moving(later, "a", "b", Rules(), lambda: "r")[0][0]["event_id"] not in {e["event_id"] for e in received}


def test_without_a_kind_that_can_say_it_the_remedy_is_named() -> None:
    history = History((HistoryEntry(b"x", 1000, START),))
    for kinds, lacking in (
        ({"view": 1, "remove": "remove"}, 'rating = "value"'),
        ({"r": "value"}, 'remove = "remove"'),
    ):
        with pytest.raises(SettingsError, match=lacking):
            moving(history, "a", "b", Rules(kinds=kinds), lambda: "r")
    received, retracted = moving(history, "a", "b", Rules(kinds={"stars": "value", "undo": "remove"}), lambda: "r")
    assert (received[0]["kind"], retracted[0]["kind"]) == ("stars", "undo")
