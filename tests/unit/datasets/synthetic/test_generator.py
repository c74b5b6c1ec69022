"""The generator's events are repeatable, acceptable, and really contain the truth that it states."""

import json
from collections import Counter, defaultdict
from pathlib import Path
from typing import Any

import msgspec
import pytest

from core.events.acceptance import parse_event
from core.partitions.partitioner import partition_of
from datasets.synthetic.generator import Burst, GeneratorSettings, World, generate_events, live_events, write_dataset
from schemas.errors import BadInput
from schemas.event import Event, Record
from schemas.rules import DEFAULT_KINDS, Rules

END = 1_750_000_000_000
SETTINGS = GeneratorSettings(users=500, items=300, events=60_000, seed=3, end_ms=END)  # two slices


@pytest.fixture(scope="module")
def world() -> World:
    return World(SETTINGS)


@pytest.fixture(scope="module")
def events(world: World) -> list[dict[str, Any]]:
    return list(generate_events(SETTINGS, world))


def written(folder: Path, **changes: Any) -> list[bytes]:
    settings = GeneratorSettings(**{"users": 50, "items": 30, "events": 2_000, "seed": 1, "end_ms": END, **changes})
    write_dataset(settings, folder / "events.jsonl", lambda _: None)
    return [(folder / name).read_bytes() for name in ("events.jsonl", "items.jsonl", "truth.json")]


def test_the_same_seed_yields_the_same_bytes_and_another_seed_others(tmp_path: Path) -> None:
    first, again, other = (written(tmp_path / name, seed=seed) for name, seed in (("a", 1), ("b", 1), ("c", 2)))
    assert first == again
    assert all(left != right for left, right in zip(first, other, strict=True))


def test_what_is_written_is_what_the_api_yields(tmp_path: Path) -> None:
    lines = written(tmp_path)[0].splitlines()
    settings = GeneratorSettings(50, 30, 2_000, 1, END)
    assert lines == [msgspec.json.encode(event) for event in generate_events(settings)]
    truth = json.loads((tmp_path / "truth.json").read_text())
    assert truth["settings"]["seed"] == 1
    assert len((tmp_path / "items.jsonl").read_bytes().splitlines()) == 30


@pytest.mark.parametrize(("users", "items", "count"), [(1, 2, 1), (1, 2, 3), (3, 1_000, 999), (1_000, 2, 50_001)])
def test_there_are_as_many_events_as_asked_for_in_any_world(users: int, items: int, count: int) -> None:
    settings = GeneratorSettings(users, items, count, 5, END)
    assert sum(1 for _ in generate_events(settings)) == count


def test_every_event_keeps_the_contract_and_its_time(events: list[dict[str, Any]]) -> None:
    assert len(events) == SETTINGS.events
    rules = Rules()
    for offset, event in enumerate(events):
        key = event["user_id"].encode()
        partition = partition_of(key, rules.partitioner, rules.partitions)
        record = Record("events", partition, offset, END, key, msgspec.json.encode(event))
        assert isinstance(parse_event(record, rules), Event)
        assert SETTINGS.start_ms <= event["event_time"] <= END
    assert {event["kind"] for event in events} >= {"impression", "view", "cart", "purchase", "rating", "remove"}
    assert {event["kind"] for event in events} <= set(DEFAULT_KINDS)


def test_a_resent_event_is_the_same_event_soon_after(events: list[dict[str, Any]]) -> None:
    places: dict[str, list[int]] = defaultdict(list)
    for place, event in enumerate(events):
        places[event["event_id"]].append(place)
    again = [indices for indices in places.values() if len(indices) > 1]
    assert len(again) == pytest.approx(SETTINGS.events * SETTINGS.resent_share, abs=2)
    for first, second in again:
        assert events[first] == events[second]
        assert second - first < 64


def test_a_few_events_come_late_and_the_others_in_order(events: list[dict[str, Any]]) -> None:
    newest, late = 0, 0
    for event in events:
        late += event["event_time"] < newest - 250_000  # the shortest delay is five minutes
        newest = max(newest, event["event_time"])
    assert late / len(events) == pytest.approx(SETTINGS.late_share, rel=0.3)


def test_users_keep_to_their_cluster(world: World, events: list[dict[str, Any]]) -> None:
    clusters = world.truth()["clusters"]
    home = {user: name for name, members in clusters.items() for user in members["users"]}
    own = sum(event["category"] == home[event["user_id"]] for event in events) / len(events)
    assert own > 0.6 > 3 / len(clusters)  # by chance it would be one in the number of clusters
    assert all(event["item_id"] in clusters[event["category"]]["items"] for event in events[:100])


def test_popularity_is_skewed(events: list[dict[str, Any]]) -> None:
    counts = sorted(Counter(event["item_id"] for event in events).values(), reverse=True)
    assert sum(counts[: len(counts) // 10]) > 0.3 * sum(counts)


def test_paired_items_are_bought_in_one_session_far_more_than_by_chance(
    world: World, events: list[dict[str, Any]]
) -> None:
    bought: dict[str, set[str]] = defaultdict(set)
    for event in events:
        if event["kind"] == "purchase":
            bought[event["session_id"]].add(event["item_id"])
    pairs = world.truth()["co_purchases"]
    assert len(pairs) == 15
    for left, right in pairs:
        with_left = [basket for basket in bought.values() if left in basket]
        together = sum(right in basket for basket in with_left)
        by_chance = sum(right in basket for basket in bought.values()) / len(bought) * len(with_left)
        assert together > 5 * by_chance


def test_a_trend_begins_at_its_onset(world: World, events: list[dict[str, Any]]) -> None:
    trends = world.truth()["trends"]
    assert len(trends) == 3
    assert END - trends[0]["onset"] == 12 * 3_600_000
    for trend in trends:
        before = [event for event in events if event["event_time"] < trend["onset"]]
        since = [event for event in events if event["event_time"] >= trend["onset"]]
        share_before, share_since = (
            sum(event["item_id"] == trend["item_id"] for event in part) / len(part) for part in (before, since)
        )
        assert share_since > 0.02
        assert share_since > 10 * share_before


def test_hours_of_the_day_differ(events: list[dict[str, Any]]) -> None:
    hours = Counter((END - event["event_time"]) // 3_600_000 % 24 for event in events)
    assert max(hours.values()) > 2 * min(hours.values()) > 0


def test_the_world_continues_after_its_end_with_a_planted_burst(world: World) -> None:
    span = (END, END + 60_000)
    item = world.item_ids[0]
    calm = list(live_events(world, 1, 500, span))
    rush = list(live_events(world, 1, 500, span, Burst([item], share=0.4)))
    assert calm == list(live_events(world, 1, 500, span))
    assert sum(event["item_id"] == item for event in rush) > 150 > sum(event["item_id"] == item for event in calm)
    assert len(calm) == len(rush) == 500
    assert max(event["event_time"] for event in rush) <= END + 60_000
    other = list(live_events(world, 2, 500, span))
    assert not {event["event_id"] for event in other} & {event["event_id"] for event in calm}
    assert [event["user_id"] for event in other] != [event["user_id"] for event in calm]


def test_impossible_settings_are_refused() -> None:
    changed: list[dict[str, Any]] = [
        {"users": 0},
        {"items": 1},
        {"events": 0},
        {"end_ms": 0},
        {"days": 0.0},
        {"days": float("nan")},
    ]
    for changes in changed:
        with pytest.raises(BadInput):
            GeneratorSettings(**{"users": 5, "items": 5, "events": 5, "seed": 1, "end_ms": END, **changes})
