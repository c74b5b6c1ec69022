"""An item of several categories in lists and answers, over real stores."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from adapters.records.books import CATALOGUE
from adapters.stores import open_store
from core.rows.catalogue_rows import pack_entry
from schemas.catalogue import Item, User
from schemas.event import Event
from schemas.rules import Rules
from serving_layer.answers import lookups
from serving_layer.answers.recommend import Wish, explain, profile, recommend
from serving_layer.merged.catalogue import Page
from serving_layer.reading.answering import answer
from serving_layer.reading.snapshot import Snapshot
from serving_layer.reading.views import Views
from tests.kit.small_lambda import SmallLambda, placed

START = 1_760_000_000_000
RULES = Rules()
RECORDS = [
    Item("lamp", category="light", categories=("garden", "light", "gifts")),
    Item("rose", categories=("garden", "gifts")),
    Item("bulb", category="light"),
]


def event(k: int, user: str, item: str, category: str | None = None) -> Event:
    when = START + k * 60_000
    return Event(0, 0, when, f"e{k}", when, "view", user, item, None, 1000, category)


EVENTS = [
    event(k, f"u{k % 7}", item, category)
    for k, (item, category) in enumerate(
        [("lamp", "of-events"), ("rose", None), ("bulb", None), ("fern", "garden"), ("mug", None)] * 9
    )
]


@pytest.fixture
def views(tmp_path: Path) -> Iterator[Views]:
    batch, speed = (open_store(f"sqlite:///{tmp_path / name}.sqlite") for name in ("batch", "speed"))
    world = SmallLambda(batch, speed, RULES, placed(EVENTS, RULES))
    world.begin()
    world.run_speed(len(EVENTS))
    assert speed.swap(CATALOGUE, None, b"claim")
    rows = {("items", record.item_id.encode()): pack_entry(record) for record in RECORDS}
    fan = pack_entry(User("fan", preferences=("gifts",)))
    assert speed.put(CATALOGUE, {**rows, ("users", b"fan"): fan}, guard=b"claim")
    yield Views(batch, speed)
    batch.close()
    speed.close()


def trending(views: Views, *category: str) -> dict[str, Any]:
    rows = answer(
        views, lambda snapshot: lookups.trending(snapshot, 24, None, Page(category=frozenset(category) or None))
    )["items"]
    return {row["item_id"]: row for row in rows}


def test_a_filter_finds_an_item_by_each_of_its_categories(views: Views) -> None:
    assert set(trending(views)) == {"lamp", "rose", "bulb", "fern", "mug"}
    assert set(trending(views, "garden")) == {"lamp", "rose", "fern"}
    assert set(trending(views, "gifts")) == {"lamp", "rose"}
    assert set(trending(views, "of-events")) == set()


def test_several_wanted_categories_mean_any_of_them(views: Views) -> None:
    assert set(trending(views, "light", "gifts")) == {"lamp", "rose", "bulb"}
    wish = Wish(Page(category=frozenset({"light", "gifts"})))
    rows = answer(views, lambda snapshot: recommend(snapshot, b"nobody", wish))["items"]
    assert {row["item_id"] for row in rows} == {"lamp", "rose", "bulb"}


def test_answers_carry_the_main_category_and_all_where_there_are_several(views: Views) -> None:
    rows = trending(views)
    assert (rows["lamp"]["category"], rows["lamp"]["categories"]) == ("light", ["light", "garden", "gifts"])
    assert (rows["rose"]["category"], rows["rose"]["categories"]) == ("garden", ["garden", "gifts"])
    assert rows["bulb"]["category"] == "light"
    assert rows["mug"]["category"] is None
    assert not {"bulb", "fern", "mug"} & {name for name, row in rows.items() if "categories" in row}

    def both(snapshot: Snapshot) -> tuple[dict[str, Any], dict[str, Any]]:
        return lookups.item(snapshot, b"rose"), explain(snapshot, b"u1", b"rose")

    for body in answer(views, both):
        assert (body["category"], body["categories"]) == ("garden", ["garden", "gifts"])
    assert "categories" not in answer(views, lambda snapshot: lookups.item(snapshot, b"bulb"))


def test_a_history_is_filtered_and_a_taste_is_counted_by_every_category(views: Views) -> None:
    page = Page(category=frozenset({"gifts"}))
    rows = answer(views, lambda snapshot: lookups.history(snapshot, b"u1", page))["items"]
    assert {row["item_id"] for row in rows} == {"lamp", "rose"}
    tastes = answer(views, lambda snapshot: profile(snapshot, b"u1"))["categories"]
    assert {row["category"]: row["rating"] for row in tastes} == {"garden": 3.0, "gifts": 2.0, "light": 2.0}


def test_a_preference_is_met_by_any_of_an_items_categories(views: Views) -> None:
    rows = answer(views, lambda snapshot: recommend(snapshot, b"fan", Wish()))["items"]
    assert {row["item_id"] for row in rows[:2]} == {"lamp", "rose"}
