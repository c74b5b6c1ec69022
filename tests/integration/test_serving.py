"""Every lookup equals the same lookup computed from the slow twin over exactly the log prefix that it names."""

from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from core.fold.slow import SlowView
from schemas.event import BUCKET_MS, Event
from serving_layer.answers import lookups
from serving_layer.merged.catalogue import Page
from serving_layer.reading.answering import answer
from serving_layer.reading.views import Views
from tests.kit.slow_lookups import ALL, RULES, everything, expected, small_lambda
from tests.kit.small_lambda import SmallLambda
from tests.kit.streams import event_streams


def run_all(world: SmallLambda, steps: list[tuple[str, float, float]], views: Views) -> None:
    """Steps in any order: micro-batches, crashed ones, generations whose boundary may be ahead of the speed layer.

    Before each an answer is asked for, so that what serving keeps in memory is of some earlier state.
    """
    world.begin()
    for what, until, share in steps:
        answer(views, lambda s: lookups.trending(s, 24, None, ALL))
        count = round(until * len(world.log))
        if what == "batch":
            world.run_batch(count)
        else:
            world.run_speed(count, 1.0 if what == "speed" else share)


STEPS = st.lists(
    st.tuples(st.sampled_from(["speed", "speed", "crash", "batch"]), st.floats(0, 1), st.floats(0, 1)), max_size=8
)


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(event_streams(), STEPS)
def test_every_lookup_equals_the_slow_recompute_over_the_prefix_it_names(events: list[Event], steps: Any) -> None:
    with small_lambda(events) as (world, views):
        run_all(world, steps, views)
        twin = SlowView()
        for event in world.covered:
            twin.take(event, RULES)
        said = answer(views, lambda s: (everything(s), s.offsets, s.generation))
        assert said[0] == expected(twin)
        assert said[1] == {p: max(world.position.offsets[p], world.control.active_boundary.offsets[p]) for p in (0, 1)}
        assert said[2] == world.control.active


def steady(hours: int, per_hour: dict[str, int], rush: dict[str, int]) -> list[Event]:
    """That many events of each item every hour, and more of some items in the last hour."""
    items = [(hour, item) for hour in range(hours) for item, n in per_hour.items() for _ in range(n)]
    items += [(hours - 1, item) for item, n in rush.items() for _ in range(n)]
    time = 480_000 * BUCKET_MS
    return [
        Event(0, 0, at, f"e{k}", at, "view", f"u{k}", item, None, 1000, "b" if item == "busy" else "c")
        for k, (hour, item) in enumerate(items)
        for at in [time + hour * BUCKET_MS + k]
    ]


def trending_of(events: list[Event], **page: Any) -> dict[str, Any]:
    with small_lambda(events) as (world, views):
        world.begin()
        world.run_batch(len(world.log) // 2)
        world.run_speed(len(world.log))
        return answer(views, lambda snapshot: lookups.trending(snapshot, 1, None, Page(**page)))


def test_a_list_of_trends_is_never_empty_while_something_is_popular() -> None:
    trends = trending_of(steady(30, {"busy": 6, "calm": 2}, {}))
    assert (trends["basis"], trends["basis_reason"]) == ("popular", "nothing_rises")
    rows = [(row["item_id"], row["basis"], row["score"], row["expected"]) for row in trends["items"]]
    assert rows == [("busy", "popular", 6, None), ("calm", "popular", 2, None)]
    young = trending_of(steady(20, {"busy": 6, "calm": 2}, {}))
    assert (young["basis"], young["basis_reason"]) == ("popular", "too_little_history")


def test_only_what_rises_is_listed_while_something_does_and_each_row_says_why() -> None:
    events = steady(30, {"busy": 20, "calm": 2}, {"rush": 15})
    trends = trending_of(events)
    assert (trends["basis"], trends["basis_reason"]) == ("trend", "rising")
    assert [(row["item_id"], row["basis"]) for row in trends["items"]] == [("rush", "trend")]
    later = trending_of(events, n=1, offset=1)
    assert (later["basis"], later["items"]) == ("trend", [])
    of_busy = trending_of(events, category=frozenset({"b"}))
    assert (of_busy["basis"], of_busy["basis_reason"]) == ("popular", "nothing_rises")
    assert [row["item_id"] for row in of_busy["items"]] == ["busy"]
