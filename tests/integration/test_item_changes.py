"""Changes of items through a real log: nothing that others changed is lost."""

import json
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from adapters.log.appender import Appender, Delivery
from adapters.log.kafka_log import Log
from adapters.records.catalogue import CatalogueFollower, catch_up
from adapters.records.item_records import ItemRecords
from adapters.stores import ViewStore, open_store
from schemas.errors import Unprocessable
from schemas.event import Event
from schemas.rules import Rules
from serving_layer.answers.item_changes import change_item
from serving_layer.answers.together import latest
from serving_layer.merged.catalogue import NotFound, Page
from serving_layer.reading.answering import answer
from serving_layer.reading.views import Views
from tests.kit.small_lambda import SmallLambda, placed

pytestmark = pytest.mark.kafka

WHEN = 1_760_000_000_000
LAMP = {"item_id": "lamp", "title": "Lamp", "price": 10.0, "stock": 3}


@pytest.fixture
def stores(tmp_path: Path) -> Iterator[tuple[ViewStore, ViewStore]]:
    batch, speed = (open_store(f"sqlite:///{tmp_path / name}.sqlite") for name in ("batch", "speed"))
    yield batch, speed
    batch.close()
    speed.close()


@pytest.fixture
def views(stores: tuple[ViewStore, ViewStore], log: Log) -> Views:
    events = [Event(0, 0, WHEN, "e", WHEN, "view", "u", "seen", None, 1000, None)]
    world = SmallLambda(*stores, Rules(), placed(events, Rules()), log.identity())
    world.begin()
    world.run_speed(1)
    return Views(*stores)


class Interrupting(Appender):
    """Appends another record before the first that it is given."""

    first: tuple[bytes, bytes | None] | None = None

    def append_all(self, topic: str, records: Any) -> Delivery:
        first, self.first = self.first, None
        return super().append_all(topic, [*([first] if first else []), *records])


@pytest.fixture
def records(log: Log, views: Views) -> ItemRecords:
    appender = Interrupting(log.bootstrap)
    appender.append_all(log.topics.items, [(b"lamp", json.dumps(LAMP).encode())])
    return ItemRecords(log, appender, views.speed)


def change(views: Views, records: ItemRecords, item: str, **patch: Any) -> Any:
    return change_item(views, records, item, json.dumps(patch).encode())["item"]


def newest(log: Log, item: bytes) -> Any:
    topic = log.topics.items
    values = [r.value for r in log.read(topic, log.start_offsets(topic), log.end_offsets(topic)) if r.key == item]
    return None if values[-1] is None else json.loads(values[-1])


def test_hiding_an_item_keeps_the_rest_of_its_record(views: Views, records: ItemRecords, log: Log) -> None:
    assert change(views, records, "lamp", hidden=True) == newest(log, b"lamp") == {**LAMP, "hidden": True}
    assert change(views, records, "lamp", hidden=None, price=None) == {"item_id": "lamp", "title": "Lamp", "stock": 3}


def test_an_item_that_only_events_name_gets_a_record_and_an_unknown_one_is_not_found(
    views: Views, records: ItemRecords, log: Log
) -> None:
    assert change(views, records, "seen", title="Seen") == newest(log, b"seen") == {"item_id": "seen", "title": "Seen"}
    with pytest.raises(NotFound, match="there is no item 'nothing'"):
        change(views, records, "nothing", title="x")
    with pytest.raises(Unprocessable, match="invalid:price"):
        change(views, records, "lamp", price=-1)
    records.appender.append_all(log.topics.items, [(b"lamp", None)])
    with pytest.raises(NotFound, match="was deleted"):
        change(views, records, "lamp", hidden=True)


def test_changes_at_once_are_all_kept_while_others_follow_the_catalogue(
    views: Views, records: ItemRecords, log: Log
) -> None:
    follower = CatalogueFollower(lambda: log, views.speed, every_seconds=0.01)
    follower.start()
    members = ["title", "description", "category", "brand", "image"] * 3
    try:
        with ThreadPoolExecutor(5) as pool:
            for done in [pool.submit(change, views, records, "lamp", **{name: f"new {name}"}) for name in members]:
                done.result()
    finally:
        follower.stop()
    assert newest(log, b"lamp") == {**LAMP, **{name: f"new {name}" for name in members}}


def test_a_whole_record_of_another_producer_in_between_is_not_overwritten(
    views: Views, records: ItemRecords, log: Log
) -> None:
    assert isinstance(records.appender, Interrupting)
    records.appender.first = (b"lamp", json.dumps({**LAMP, "title": "Other", "stock": 2}).encode())
    assert change(views, records, "lamp", hidden=True) == {**LAMP, "title": "Other", "stock": 2, "hidden": True}
    assert newest(log, b"lamp")["title"] == "Other"
    records.appender.first = (b"lamp", None)
    with pytest.raises(NotFound, match="was deleted"):
        change(views, records, "lamp", hidden=False)
    assert newest(log, b"lamp") is None
    assert catch_up(log, views.speed) >= 0


def test_an_item_without_events_is_among_the_latest_from_its_first_record_on(
    views: Views, records: ItemRecords, log: Log
) -> None:
    """By ``created_at``, else by when the record came; a later record of the same item makes it no newer."""
    hour = 3_600_000
    described = {"lamp": {}, "vase": {"created_at": WHEN - 2 * hour}, "relic": {"created_at": WHEN - 10_000 * hour}}
    for item, more in described.items():
        records.appender.append_all(log.topics.items, [(item.encode(), json.dumps({"item_id": item} | more).encode())])
    catch_up(log, views.speed)
    listed = answer(views, lambda snapshot: latest(snapshot, Page(10)))["items"]
    assert {row["item_id"] for row in listed[:2]} == {"lamp", "seen"}  # both of the last hour
    assert [row["item_id"] for row in listed[2:]] == ["vase"]
    change(views, records, "vase", title="Vase", created_at=WHEN)
    change(views, records, "lamp", hidden=True)
    catch_up(log, views.speed)
    listed = answer(views, lambda snapshot: latest(snapshot, Page(10)))["items"]
    assert [row["item_id"] for row in listed] == ["seen", "vase"]
