"""A user who is a program leads no list: beyond their share they count, but not in popularity and trends."""

import itertools
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from adapters.settings import Settings
from adapters.stores import open_store
from core.rows.codec import Facts
from recommenders.popular import counts_at
from schemas.event import BUCKET_MS, DAY_MS, Event
from schemas.rules import Rules
from serving_layer.answers.advice import MUCH_EXCESS, Situation, messages
from serving_layer.answers.lookups import trending
from serving_layer.answers.status import status
from serving_layer.merged.catalogue import Page
from serving_layer.merged.sums import MergedSums
from serving_layer.proof.compare import compare
from serving_layer.proof.histories import Prefix
from serving_layer.proof.merged_rows import MergedRows
from serving_layer.reading.answering import answer
from serving_layer.reading.views import Views
from tests.kit.small_lambda import SmallLambda, placed

RULES = Rules(partitions=2)
NOON = 20_000 * DAY_MS + DAY_MS // 2
VIEWS_OF_ROBOT, PEOPLE = 3000, 30
CUTS = [400, 1300, 3200]  # where the layers take turns within the log


def log() -> list[Event]:
    """Four days of people who view an item a day each, and a robot that views one item 3,000 times on the last."""
    events = []
    for day, person in itertools.product(range(-4, 1), range(PEOPLE)):
        item = f"i{(person + day) % 5}" if day else "liked" if person < 20 else "i0"
        events.append((NOON + day * DAY_MS + person * 1000, f"u{person}", item))
    events += [(NOON + k, "robot", "pushed") for k in range(VIEWS_OF_ROBOT)]
    events.sort()
    return [
        Event(0, 0, time, f"e{k}", time, "view", user, item, None, 1000, None)
        for k, (time, user, item) in enumerate(events)
    ]  # fmt: skip


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SmallLambda]:
    folder: Path = tmp_path_factory.mktemp("robots")
    batch, speed = (open_store(f"sqlite:///{folder / name}.sqlite") for name in ("batch", "speed"))
    small = SmallLambda(batch, speed, RULES, placed(log(), RULES))
    small.begin()
    for cut in CUTS:
        small.run_speed(cut)
        if cut == CUTS[1]:
            small.run_batch(cut)
    small.run_speed(len(small.log))
    yield small
    batch.close()
    speed.close()


def listed(world: SmallLambda, hours: int) -> dict[str, Any]:
    return answer(Views(world.batch, world.speed), lambda snapshot: trending(snapshot, hours, None, Page(n=10)))


@pytest.mark.parametrize("hours", [1, 24])
def test_one_user_with_3000_views_of_an_item_leads_neither_trends_nor_popularity(
    world: SmallLambda, hours: int
) -> None:
    rows = {row["item_id"]: row["count"] for row in listed(world, hours)["items"]}
    assert next(iter(rows)) == "liked"
    assert (rows["liked"], rows["pushed"]) == (20, RULES.counted_per_day)


def test_the_source_popular_scores_the_item_by_the_share(world: SmallLambda) -> None:
    def scores(snapshot: Any) -> list[float]:
        codes = snapshot.index.codes([b"liked", b"pushed"])
        return [round(score) for score in counts_at(MergedSums(snapshot), codes, [1.0])[0].tolist()]

    assert answer(Views(world.batch, world.speed), scores) == [20, RULES.counted_per_day]


def test_the_hourly_counts_themselves_hold_all_events(world: SmallLambda) -> None:
    hour = NOON // BUCKET_MS
    counts = answer(Views(world.batch, world.speed), lambda snapshot: snapshot.counts([hour]))
    assert counts[hour][b"pushed"] == VIEWS_OF_ROBOT


def test_status_names_the_user_and_says_what_to_do(world: SmallLambda, tmp_path: Path) -> None:
    report = status(Views(world.batch, world.speed), Settings(home=tmp_path), None, NOON)
    excess = VIEWS_OF_ROBOT - RULES.counted_per_day
    assert (report["excess"], report["excess_users"]) == (excess, [{"user_id": "robot", "events": excess}])
    [message] = [text for text in report["messages"] if "robot" in text]
    assert message.startswith(f"{excess:,} events")
    assert "millrace forget USER" in message


def test_a_person_who_is_a_little_beyond_their_share_is_named_without_a_message() -> None:
    few = [{"user_id": "eager", "events": MUCH_EXCESS - 1}]
    situation = Situation("g", Facts(excess=5), RULES, None, None, None, {"alive": True}, None, (), few)
    assert messages(situation) == []


def test_verify_proves_the_excess_of_both_layers(world: SmallLambda) -> None:
    prefix = Prefix(RULES, world.position.offsets, boundary=world.control.active_boundary.offsets)
    prefix.take(world.below(world.position.offsets))
    rows = MergedRows(world.batch, world.speed, world.control, world.position, world.control.active_segments)
    report = compare(prefix, rows)
    assert (report.proved, report.excess) == (True, VIEWS_OF_ROBOT - RULES.counted_per_day), report.examples
